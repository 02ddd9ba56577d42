#include "directory/password.hpp"

#include <gtest/gtest.h>

#include "directory/scram.hpp"
#include "sys/fake/random.hpp"

namespace postrider::directory {
namespace {

constexpr std::string_view kSecret = "geheim ünd süß";

// As `doveadm pw` 2.3.19 wrote them, or as their authors published them.
struct Known {
  const char* hash;
  std::string_view password;
  const char* stored;  // with its scheme
};
class ForeignHash : public ::testing::TestWithParam<Known> {};

TEST_P(ForeignHash, KnowsItsPasswordAndNoOther) {
  const auto hash = parse_foreign_hash(GetParam().hash);
  ASSERT_TRUE(hash) << hash.error().text;
  EXPECT_EQ(*hash, GetParam().stored);
  EXPECT_TRUE(is_foreign(*hash));
  EXPECT_TRUE(verify_foreign(*hash, GetParam().password));
  EXPECT_FALSE(verify_foreign(*hash, std::string(GetParam().password) + "x"));
  EXPECT_FALSE(verify_foreign(*hash, ""));
  EXPECT_FALSE(verify_foreign(*hash, std::string(GetParam().password) + std::string(1, '\0')));
}

INSTANTIATE_TEST_SUITE_P(
    Doveadm, ForeignHash,
    ::testing::Values(Known{"{BLF-CRYPT}$2y$05$8rPGfTliRGG58vUiLJkacOs8CFFFRxYD6xI6LfNzPCHR9cfd5kTqy",
                            kSecret,
                            "{BLF-CRYPT}$2y$05$8rPGfTliRGG58vUiLJkacOs8CFFFRxYD6xI6LfNzPCHR9cfd5kTqy"},
                      Known{"{sha512-crypt}$6$gFxgmm4wJPnywd6Q$O2YkLbsVSaNKVUI02mfLzQDKk3BiI/lIy/"
                            "wLkJAi9WaaDhD3tdU5bu1AWNNydx43QxbFPFFa4KSJ4JWVMmtlY0",
                            kSecret,
                            "{SHA512-CRYPT}$6$gFxgmm4wJPnywd6Q$O2YkLbsVSaNKVUI02mfLzQDKk3BiI/lIy/"
                            "wLkJAi9WaaDhD3tdU5bu1AWNNydx43QxbFPFFa4KSJ4JWVMmtlY0"},
                      Known{"{CRYPT}$5$6bmYAYJngTpDvp7b$UxVJGOWEgvWswqKMO.h0SmOY1ZC5kNk.wyGE1vjnYq/", kSecret,
                            "{SHA256-CRYPT}$5$6bmYAYJngTpDvp7b$UxVJGOWEgvWswqKMO.h0SmOY1ZC5kNk.wyGE1vjnYq/"},
                      Known{"{PBKDF2}$1$Sgjv.aMO8tuwWNI0$5000$01d90d72341b85ce5e26ecf8ccbca39ccc43dfd0",
                            kSecret,
                            "{PBKDF2}$1$Sgjv.aMO8tuwWNI0$5000$01d90d72341b85ce5e26ecf8ccbca39ccc43dfd0"},
                      Known{"{ARGON2ID}$argon2id$v=19$m=65536,t=3,p=1$sDk7M3tzuDxL61mbHswrmQ$"
                            "brIpIn1JIEHwUqwwgZeuNNZ6uiB4HjSFPPn0MuTGZwA",
                            kSecret,
                            "{ARGON2ID}$argon2id$v=19$m=65536,t=3,p=1$sDk7M3tzuDxL61mbHswrmQ$"
                            "brIpIn1JIEHwUqwwgZeuNNZ6uiB4HjSFPPn0MuTGZwA"},
                      Known{"{ARGON2I}$argon2i$v=19$m=32768,t=4,p=1$SF6roMuCdN+uGyo5rrEwzQ$"
                            "ueqFkaO73fSEog748PNhJCkmQ7+8F7UOllFoEqvJuZU",
                            kSecret,
                            "{ARGON2I}$argon2i$v=19$m=32768,t=4,p=1$SF6roMuCdN+uGyo5rrEwzQ$"
                            "ueqFkaO73fSEog748PNhJCkmQ7+8F7UOllFoEqvJuZU"}));

INSTANTIATE_TEST_SUITE_P(
    Published, ForeignHash,
    ::testing::Values(
        // crypt_blowfish's own test; Drepper's of SHA-crypt; RFC 6070 2, the third; the Argon2 reference's test.
        Known{"$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW", "U*U",
              "{BLF-CRYPT}$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW"},
        Known{"$6$saltstring$svn8UoSVapNtMuq1ukKS4tPQd8iKwSMHWjl/"
              "O817G3uBnIFNjnQJuesI68u4OTLiBFdcbYEdFCoEOfaS35inz1",
              "Hello world!",
              "{SHA512-CRYPT}$6$saltstring$svn8UoSVapNtMuq1ukKS4tPQd8iKwSMHWjl/"
              "O817G3uBnIFNjnQJuesI68u4OTLiBFdcbYEdFCoEOfaS35inz1"},
        Known{"{PBKDF2}$1$salt$4096$4b007901b765489abead49d926f721d065a429c1", "password",
              "{PBKDF2}$1$salt$4096$4b007901b765489abead49d926f721d065a429c1"},
        Known{"$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc",
              "password",
              "{ARGON2ID}$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$"
              "CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc"}));

TEST(ForeignHash, RefusesWhatIsWeakDamagedOrTooDear) {
  for (const char* bad :
       {"", "secret", "{PLAIN}secret", "{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=", "{CRYPT}rl0uE3Xq8Q1fU",
        "$1$abc$def", "{BLF-CRYPT}$2y$05$8rPGfTliRGG58vUiLJkacOs8",
        "{BLF-CRYPT}$2y$16$8rPGfTliRGG58vUiLJkacOs8CFFFRxYD6xI6LfNzPCHR9cfd5kTqy", "$6$saltstring$svn8UoSV",
        "{PBKDF2}$1$salt$0$4b007901b765489abead49d926f721d065a429c1",
        "{PBKDF2}$1$salt$5000001$4b007901b765489abead49d926f721d065a429c1", "{PBKDF2}$1$salt$4096$4b",
        "{PBKDF2}$1$$4096$4b007901b765489abead49d926f721d065a429c1",
        "{ARGON2ID}$argon2id$v=19$m=2097152,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc",
        "{ARGON2ID}$argon2id$v=19$m=65536,t=200,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc",
        "$6$rounds=9999999$saltstring$"
        "svn8UoSVapNtMuq1ukKS4tPQd8iKwSMHWjl/O817G3uBnIFNjnQJuesI68u4OTLiBFdcbYEdFCoEOfaS35inz1",
        "{ARGON2ID}$argon2id$v=19$m=65536,t=2,p=1$c29tZX NhbHQ$CTFh", "{BLF-CRYPT"})
    EXPECT_FALSE(parse_foreign_hash(bad)) << bad;
}

TEST(Argon2, KnowsItsPasswordAndCountsItsWork) {
  const Argon2 argon2(cheapest_cost());
  const auto hash = argon2.hash("correct horse");
  ASSERT_TRUE(hash);
  EXPECT_TRUE(hash->starts_with("$argon2id$v=19$m=8,t=1,p=1$")) << *hash;
  EXPECT_TRUE(argon2.verify(*hash, "correct horse"));
  EXPECT_FALSE(argon2.verify(*hash, "correct horsf"));
  EXPECT_EQ(argon2.runs(), 3u);
  EXPECT_FALSE(argon2.is_outdated(*hash));
  EXPECT_TRUE(Argon2(cost_of(config::PasswordCost::interactive)).is_outdated(*hash));
}

TEST(Password, IsPreparedBySaslprep) {
  // RFC 4013 3
  EXPECT_EQ(prepare_new_password("I\xC2\xADX"), "IX");
  EXPECT_EQ(prepare_new_password("user"), "user");
  EXPECT_EQ(prepare_new_password("USER"), "USER");
  EXPECT_EQ(prepare_new_password("\xC2\xAA"), "a");
  EXPECT_EQ(prepare_new_password("\xE2\x85\xA8"), "IX");
  EXPECT_FALSE(prepare_new_password("\x07"));
  EXPECT_FALSE(prepare_new_password("\xD8\xA7\x31"));
  // Typed on two keyboards: e with an accent, and e followed by one.
  EXPECT_EQ(prepare_password("caf\xC3\xA9"), prepare_password("cafe\xCC\x81"));
}

TEST(Password, RefusesANewOneThatNotAllCanSend) {
  EXPECT_FALSE(prepare_new_password(""));
  EXPECT_FALSE(prepare_new_password("\xC2\xAD"));  // nothing is left of it
  EXPECT_FALSE(prepare_new_password("\xFF\xFE"));
  EXPECT_FALSE(prepare_new_password(std::string("a\0b", 3)));
  EXPECT_TRUE(prepare_new_password(std::string(512, 'x')));
  EXPECT_FALSE(prepare_new_password(std::string(513, 'x')));
  EXPECT_EQ(prepare_password("\xFF\xFE"), "\xFF\xFE");
  EXPECT_EQ(prepare_password(std::string("a\0b", 3)), std::string("a\0b", 3));
}

TEST(AppPassword, IsReadInAnySpelling) {
  sys::fake::Random random;
  const std::string text = make_app_password(random);
  EXPECT_EQ(text.size(), 30u);
  const auto secret = app_password_secret(text);
  ASSERT_TRUE(secret);
  EXPECT_EQ(secret->size(), 26u);
  std::string spoken = text;
  for (char& c : spoken) c = c == '-' ? ' ' : static_cast<char>(std::toupper(c));
  EXPECT_EQ(app_password_secret(spoken), secret);
  EXPECT_EQ(hash_app_password(*secret).size(), 32u);
  EXPECT_NE(hash_app_password(*secret), sha256(*secret));
  EXPECT_NE(make_app_password(random), text);
  for (const std::string& bad : {std::string(), text.substr(1), text + "0", std::string(26, 'u')})
    EXPECT_FALSE(app_password_secret(bad)) << bad;
}

}  // namespace
}  // namespace postrider::directory
