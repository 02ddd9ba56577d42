#include "directory/credentials.hpp"

#include <gmock/gmock.h>

#include <future>

#include "directory/testing/house.hpp"
#include "sys/fake/clock.hpp"

namespace postrider::directory {
namespace {

using testing::address;
using testing::domain;
using testing::House;

const std::string kAccounts = R"(
[[domain]]
name = "a.example"
[[domain]]
name = "off.example"
state = "disabled"
[[account]]
address = "alice@a.example"
[[account]]
address = "blocked@a.example"
state = "no-login"
[[account]]
address = "gone@a.example"
state = "disabled"
[[account]]
address = "scram@a.example"
scram = true
[[account]]
address = "empty@a.example"
[[account]]
address = "carol@off.example"
[[account]]
address = "old@a.example"
scram = true
password = "{BLF-CRYPT}$2y$05$8rPGfTliRGG58vUiLJkacOs8CFFFRxYD6xI6LfNzPCHR9cfd5kTqy"
)";

class Login : public ::testing::Test {
 protected:
  Login() {
    registry_ = house_.open();
    if (auto imported = house_.import(*registry_, kAccounts); !imported)
      ADD_FAILURE() << imported.error().text;
    for (const char* name : {"alice", "blocked", "gone", "scram"}) set(domain("a.example"), name, "right");
    set(domain("off.example"), "carol", "right");
    credentials_ = *Credentials::open({.folder = house_.folder(), .cost = cheapest_cost(), .threads = 1},
                                      clock_, house_.random());
    settle();
  }

  void apply(Change change) {
    const std::vector<Change> changes{std::move(change)};
    const auto applied = registry_->apply(changes, {*registry_->generation(), nullptr});
    if (!applied) ADD_FAILURE() << applied.error().log_text();
  }
  void set(const mail::Domain& of, const std::string& name, const std::string& password) {
    apply(SetPassword{of, name, StoredPassword{*Argon2(cheapest_cost()).hash(password), {}}});
  }
  // Its text.
  std::string add_app_password(const std::string& account, const std::string& name) {
    const std::string text = make_app_password(house_.random());
    const auto secret = *app_password_secret(text);
    const auto salt = registry_->salt_for(address(account + "@a.example"));
    apply(PutAppPassword{domain("a.example"),
                         account,
                         {name,
                          hash_app_password(secret),
                          make_scram_keys(secret, salt, kScramIterations),
                          clock_.utc(),
                          {}}});
    return text;
  }
  // A promise that the thread which keeps it outlives.
  template <class T>
  struct Answer {
    std::shared_ptr<std::promise<T>> promise = std::make_shared<std::promise<T>>();
    std::future<T> future = promise->get_future();
  };
  base::Result<Identity> verify(const std::string& login, const std::string& password) {
    Answer<base::Result<Identity>> answer;
    if (!credentials_->verify(login, password, [promise = answer.promise](auto result) {
          promise->set_value(std::move(result));
        }))
      return base::temporary({4, 7, 0}, "full");
    auto result = answer.future.get();
    settle();
    return result;
  }
  std::string said(const std::string& login, const std::string& password) {
    const auto result = verify(login, password);
    if (!result)
      return result.error().code.to_string() + " " + result.error().text + ": " + result.error().log_text();
    return result->account.to_string() + (result->app_password.empty() ? "" : " by " + result->app_password);
  }
  ScramOffer offer(const std::string& login) {
    Answer<base::Result<ScramOffer>> answer;
    if (!credentials_->scram(
            login, [promise = answer.promise](auto result) { promise->set_value(std::move(result)); }))
      std::abort();
    return *answer.future.get();
  }
  // Until the pool has done what it does after an answer: its one thread does all in order.
  void settle() { (void)offer("x"); }
  std::optional<StoredCredentials> stored(const std::string& account) {
    return *registry_->credentials(address(account));
  }

  House house_;
  sys::fake::Clock clock_;
  std::unique_ptr<Registry> registry_;
  std::unique_ptr<Credentials> credentials_;
};

const std::string kRefused = "5.7.8 authentication credentials invalid: ";

TEST_F(Login, TakesTheRightPasswordUnderTheFullAddressInAnyCase) {
  EXPECT_EQ(said("alice@a.example", "right"), "alice@a.example");
  EXPECT_EQ(said("ALICE@A.Example", "right"), "alice@a.example");
  EXPECT_EQ(said("alice@a.example", "Right"), kRefused + "wrong password");
  EXPECT_EQ(said("alice@a.example", ""), kRefused + "wrong password");
  EXPECT_EQ(said("alice", "right"), kRefused + "no such account");
  EXPECT_EQ(said("alice+x@a.example", "right"), kRefused + "no such account");
  EXPECT_EQ(said("nobody@a.example", "right"), kRefused + "no such account");
  EXPECT_EQ(said("empty@a.example", ""), kRefused + "wrong password");
}

TEST_F(Login, IsForAccountsThatAreEnabled) {
  EXPECT_EQ(said("blocked@a.example", "right"), kRefused + "the account is disabled");
  EXPECT_EQ(said("gone@a.example", "right"), kRefused + "the account is disabled");
  EXPECT_EQ(said("carol@off.example", "right"), kRefused + "the account is disabled");
}

TEST_F(Login, CostsOneHashWhateverIsWrong) {
  const auto cost = [&](const std::string& login, const std::string& password) {
    const auto before = credentials_->hashes();
    (void)verify(login, password);
    return credentials_->hashes() - before;
  };
  EXPECT_EQ(cost("alice@a.example", "right"), 1u);
  EXPECT_EQ(cost("alice@a.example", "wrong"), 1u);
  EXPECT_EQ(cost("gone@a.example", "right"), 1u);
  EXPECT_EQ(cost("gone@a.example", "wrong"), 1u);
  EXPECT_EQ(cost("nobody@a.example", "right"), 1u);
  EXPECT_EQ(cost("no address", "right"), 1u);
  EXPECT_EQ(cost("empty@a.example", "right"), 1u);
  EXPECT_EQ(cost("old@a.example", "wrong"), 1u);
  EXPECT_EQ(cost("old@a.example", "geheim ünd süß"), 1u);
  EXPECT_EQ(cost("old@a.example", "geheim ünd süß"), 1u);
  const auto app = add_app_password("alice", "phone");
  EXPECT_EQ(cost("gone@a.example", app), 1u);
  EXPECT_EQ(cost("nobody@a.example", app), 1u);
}

TEST_F(Login, ReplacesAnImportedHash) {
  EXPECT_EQ(said("old@a.example", "wrong"), kRefused + "wrong password");
  EXPECT_TRUE(stored("old@a.example")->password->hash.starts_with("{BLF-CRYPT}"));
  EXPECT_EQ(said("old@a.example", "geheim ünd süß"), "old@a.example");
  const auto now = stored("old@a.example");
  EXPECT_TRUE(now->password->hash.starts_with("$argon2id$"));
  ASSERT_TRUE(now->password->scram);  // as the account asks for it
  EXPECT_EQ(now->password->scram->iterations, 100'000u);
  EXPECT_EQ(said("old@a.example", "geheim ünd süß"), "old@a.example");
  // The same, composed otherwise.
  EXPECT_EQ(said("old@a.example", "geheim u\xCC\x88nd su\xCC\x88ß"), "old@a.example");
  EXPECT_EQ(said("old@a.example", "wrong"), kRefused + "wrong password");
}

TEST_F(Login, ReplacesAHashOfAnotherCost) {
  const auto old = stored("alice@a.example")->password->hash;
  credentials_ = *Credentials::open({.folder = house_.folder(), .cost = {2, 1 << 16}, .threads = 1}, clock_,
                                    house_.random());
  EXPECT_EQ(said("alice@a.example", "right"), "alice@a.example");
  EXPECT_TRUE(stored("alice@a.example")->password->hash.starts_with("$argon2id$v=19$m=64,t=2,p=1$"));
  EXPECT_EQ(said("alice@a.example", "right"), "alice@a.example");
}

TEST_F(Login, TakesAppPasswordsUntilTheyAreRevoked) {
  const auto phone = add_app_password("alice", "phone");
  const auto laptop = add_app_password("alice", "laptop");
  EXPECT_EQ(said("alice@a.example", phone), "alice@a.example by phone");
  EXPECT_EQ(said("alice@a.example", laptop), "alice@a.example by laptop");
  EXPECT_EQ(said("alice@a.example", "right"), "alice@a.example");
  EXPECT_EQ(said("scram@a.example", phone), kRefused + "wrong password");
  apply(RemoveAppPassword{domain("a.example"), "alice", "phone"});
  EXPECT_EQ(said("alice@a.example", phone), kRefused + "wrong password");
  EXPECT_EQ(said("alice@a.example", laptop), "alice@a.example by laptop");
  const auto blocked = add_app_password("blocked", "phone");
  EXPECT_EQ(said("blocked@a.example", blocked), kRefused + "wrong password");
}

TEST_F(Login, NotesTheUseOfAnAppPasswordOnceAMinute) {
  const auto phone = add_app_password("alice", "phone");
  const auto used = [&] { return stored("alice@a.example")->app_passwords.at(0).last_used; };
  EXPECT_EQ(used(), std::nullopt);
  const auto first = clock_.utc();
  EXPECT_EQ(said("alice@a.example", phone), "alice@a.example by phone");
  EXPECT_EQ(used(), first);
  clock_.advance(std::chrono::seconds(59));
  EXPECT_EQ(said("alice@a.example", phone), "alice@a.example by phone");
  EXPECT_EQ(used(), first);
  clock_.advance(std::chrono::seconds(1));
  credentials_->note_use({address("alice@a.example"), "phone"});
  settle();
  EXPECT_EQ(used(), first + std::chrono::seconds(60));
}

TEST_F(Login, OffersScramForTheAccountsThatHaveIt) {
  const auto none = offer("alice@a.example");
  EXPECT_EQ(none.salt, registry_->salt_for(address("alice@a.example")));
  EXPECT_EQ(none.iterations, 100'000u);
  EXPECT_EQ(none.identities.size(), 1u);
  EXPECT_EQ(none.identities[0], std::nullopt);
  const auto phone = add_app_password("alice", "phone");
  const auto one = offer("ALICE@a.example");
  EXPECT_EQ(one.salt, none.salt);
  EXPECT_EQ(one.iterations, none.iterations);
  EXPECT_EQ(one.identities[0], (Identity{address("alice@a.example"), "phone"}));
  EXPECT_EQ(one.keys[0], make_scram_keys(*app_password_secret(phone), one.salt, 100'000));

  EXPECT_EQ(said("scram@a.example", "right"), "scram@a.example");
  const auto own = offer("scram@a.example");
  EXPECT_EQ(own.identities[0], (Identity{address("scram@a.example"), ""}));
  EXPECT_EQ(own.keys[0], make_scram_keys("right", own.salt, 100'000));
}

TEST_F(Login, OffersTheSameToNobodyEachTime) {
  const auto nobody = offer("nobody@a.example");
  EXPECT_EQ(nobody.salt, offer("NOBODY@a.example").salt);
  EXPECT_NE(nobody.salt, offer("noone@a.example").salt);
  EXPECT_EQ(nobody.salt.size(), 16u);
  EXPECT_EQ(nobody.iterations, 100'000u);
  EXPECT_EQ(nobody.keys.size(), 1u);
  EXPECT_FALSE(nobody.identities[0]);
  EXPECT_EQ(offer("no address").salt, offer("no address").salt);
  EXPECT_NE(offer("no address").salt, offer("no address either").salt);
  (void)add_app_password("blocked", "phone");
  EXPECT_FALSE(offer("blocked@a.example").identities[0]);
}

TEST_F(Login, TellsBySignatureWhoseProofItIs) {
  const std::string auth_message = "n=user,r=a,r=ab,s=c,i=1,c=biws,r=ab";
  ScramOffer made;
  made.salt = "salt";
  made.iterations = 4096;
  // A client key of our choice, whose proof is known.
  const std::string client_key(32, 'k');
  const auto stored_key = sha256(client_key);
  std::string client_proof = hmac_sha256(stored_key, auth_message);
  for (std::size_t i = 0; i < 32; ++i) client_proof[i] = static_cast<char>(client_proof[i] ^ client_key[i]);
  made.keys = {{"salt", 4096, sha256("other"), "o"}, {"salt", 4096, stored_key, "server key"}};
  made.identities = {Identity{address("x@a.example"), "one"}, Identity{address("x@a.example"), "two"}};
  const auto match = made.match(auth_message, client_proof);
  ASSERT_TRUE(match);
  EXPECT_EQ(match->identity.app_password, "two");
  EXPECT_EQ(match->server_key, "server key");
  made.identities[1].reset();
  EXPECT_FALSE(made.match(auth_message, client_proof));
}

TEST_F(Login, IsPutOffWhereTooManyWait) {
  credentials_ =
      *Credentials::open({.folder = house_.folder(), .cost = cheapest_cost(), .threads = 1, .bound = 1},
                         clock_, house_.random());
  Answer<void> begun, go_on;
  // The first work of the pool makes the dummy.
  while (!credentials_->scram("x", [&](auto) {
    begun.promise->set_value();
    go_on.future.wait();
  }))
    std::this_thread::yield();
  begun.future.wait();
  EXPECT_TRUE(credentials_->verify("alice@a.example", "right", [](auto) {}));
  EXPECT_FALSE(credentials_->verify("alice@a.example", "right", [](auto) {}));
  go_on.promise->set_value();
  credentials_.reset();
}

TEST_F(Login, IsPutOffWhereTheDirectoryCantBeRead) {
  store::Database database(house_.file().string(), nullptr, store::Database::Access::read_write);
  database.execute("DROP TABLE app_password");
  const auto result = verify("alice@a.example", "right");
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code.to_string(), "4.7.0");
  EXPECT_EQ(result.error().text, "temporary authentication failure");
}

}  // namespace
}  // namespace postrider::directory
