#include "directory/contents.hpp"

#include <gmock/gmock.h>

#include "directory/scram.hpp"
#include "directory/testing/house.hpp"

namespace postrider::directory {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

Contents parsed(const std::string& text) {
  const auto contents = parse_contents("format = 1\n" + text, "t.toml");
  if (!contents) {
    for (const auto& fault : contents.error()) ADD_FAILURE() << fault.to_string();
    return {};
  }
  return *contents;
}

std::vector<std::string> faults(const std::string& text) {
  const auto contents = parse_contents(text, "t.toml");
  std::vector<std::string> lines;
  if (!contents)
    for (const auto& fault : contents.error()) lines.push_back(fault.to_string());
  return lines;
}

std::vector<std::string> shown(const std::vector<Difference>& all) {
  std::vector<std::string> lines;
  for (const auto& one : all) {
    std::string line = std::string(1, one.sign) + ' ' + one.what + ' ' + one.name;
    for (const auto& detail : one.details) line += "; " + detail;
    lines.push_back(line);
  }
  return lines;
}

const std::string kKeys = to_string(make_scram_keys("pencil", "a salt", 4096));
const std::string kFull = R"(
[[domain]]
name = "a.example"
separator = "-"
catch_all = "bob@a.example"

[[domain]]
name = "r.example"
kind = "relay"
state = "disabled"
recipients = ["dora"]

[[account]]
address = "alice@a.example"
state = "no-login"
scram = true
quota = "1GiB"
messages_per_hour = 100
recipients_per_day = 7
send_as = ["@c.example", "x@else.example"]
password = "{BLF-CRYPT}$2y$05$8rPGfTliRGG58vUiLJkacOs8CFFFRxYD6xI6LfNzPCHR9cfd5kTqy"
scram_keys = ")" + kKeys + R"("
app_passwords = [
  { name = "the \"new\" phone", hash = ")" +
                          std::string(64, 'a') + R"(", scram_keys = ")" + kKeys +
                          R"(", created = 1800000000000 },
]

[[account]]
address = "bob@a.example"
quota = "0"

[[alias]]
address = "info@a.example"
to = ["alice@a.example", "\"a b\"@else.example"]
)";

TEST(Contents, ReadsBackWhatItWrote) {
  const Contents contents = parsed(kFull);
  const std::string text = to_toml(contents);
  EXPECT_EQ(text.substr(text.find('\n') + 1), "format = 1\n" + kFull);
  const auto again = parse_contents(text, "again");
  ASSERT_TRUE(again);
  EXPECT_EQ(again->domains, contents.domains);
  EXPECT_THAT(shown(differences(contents, *again)), IsEmpty());
}

TEST(Contents, LeavesCredentialsOutWhereThereAreNone) {
  Contents contents = parsed(kFull);
  contents.credentials.clear();
  const auto text = to_toml(contents);
  EXPECT_FALSE(text.contains("password"));
  EXPECT_FALSE(text.contains("scram_keys"));
  EXPECT_THAT(shown(differences(parsed(kFull), parse_contents(text, "t").value())), IsEmpty());
}

TEST(Contents, TellsWhatDiffers) {
  const Contents from = parsed(kFull);
  const Contents to = parsed(R"(
[[domain]]
name = "a.example"
[[domain]]
name = "new.example"
[[account]]
address = "info@a.example"
password = ""
[[account]]
address = "alice@a.example"
password = ""
[[alias]]
address = "bob@a.example"
to = ["alice@a.example"]
)");
  EXPECT_THAT(shown(differences(from, to)),
              ElementsAre("~ domain a.example; separator: \"-\" -> \"+\"; catch_all: bob@a.example -> none",
                          "+ domain new.example", "- alias info@a.example", "- account bob@a.example",
                          "~ account alice@a.example; state: no-login -> enabled; scram: true -> false; "
                          "quota: 1GiB -> default; "
                          "messages_per_hour: 100 -> 0; recipients_per_day: 7 -> 0; send_as: @c.example, "
                          "x@else.example -> none; "
                          "app password \"the \"new\" phone\": removed; password: none",
                          "+ account info@a.example", "+ alias bob@a.example; to: none -> alice@a.example",
                          "- domain r.example; with 0 accounts and 0 aliases"));
}

TEST(Contents, MakesOneOutOfTheOther) {
  testing::House house;
  const auto registry = house.open();
  const auto now = [&] {
    Contents contents{.domains = {}, .credentials = *registry->all_credentials()};
    for (const auto& index : (*registry->load())->domains()) contents.domains.push_back(index.domain());
    return contents;
  };
  const std::string second =
      "[[domain]]\nname = \"a.example\"\n[[account]]\naddress = \"info@a.example\"\npassword = \"\"\n"
      "[[account]]\naddress = \"alice@a.example\"\npassword = "
      "\"{PBKDF2}$1$salt$4096$4b007901b765489abead49d926f721d065a429c1\"\n"
      "app_passwords = [{ name = \"x\", hash = \"" +
      std::string(64, 'b') + "\", scram_keys = \"" + to_string(make_scram_keys("y", "another salt", 4096)) +
      "\" }]\n"
      "[[alias]]\naddress = \"bob@a.example\"\nto = [\"alice@a.example\"]\n";
  for (const std::string& text : {kFull, second, kFull, std::string()}) {
    const auto imported = house.import(*registry, text);
    ASSERT_TRUE(imported) << imported.error().log_text();
    EXPECT_THAT(shown(differences(now(), parsed(text))), IsEmpty()) << text;
    EXPECT_EQ(now().domains, parsed(text).domains);
  }
}

TEST(Contents, NamesEachFault) {
  EXPECT_THAT(faults(""), ElementsAre("t.toml:1:1: \"format\" is missing; write format = 1, or take a file "
                                      "that `directory export` wrote"));
  EXPECT_THAT(faults("format = 2\n"), ElementsAre("t.toml:1:10: \"format\" is out of bounds; write 1 to 1"));
  EXPECT_THAT(faults("format = 1\n[[domain]]\nname = \"a.example\"\nsepparator = \"-\"\n"),
              ElementsAre("t.toml:4:1: unknown key \"sepparator\"; did you mean \"separator\"?"));
  EXPECT_THAT(faults("format = 1\n[[account]]\naddress = \"alice@a.example\"\n"),
              ElementsAre("t.toml:2:1: there is no [[domain]] a.example in this file; add it"));
  EXPECT_THAT(faults("format = 1\n[[domain]]\nname = \"a.example\"\n[[domain]]\nname = \"A.example\"\n"),
              ElementsAre("t.toml:4:1: a second domain a.example; put all of it into one [[domain]]"));
  const std::string a = "format = 1\n[[domain]]\nname = \"a.example\"\n";
  EXPECT_THAT(faults(a + "[[account]]\naddress = \"x@a.example\"\n[[alias]]\naddress = \"X@a.example\"\nto = "
                         "[\"y@b.example\"]\n"),
              ElementsAre("t.toml:6:1: x@a.example stands here twice; a name is one account or one alias; "
                          "case makes no difference"));
  EXPECT_THAT(
      faults(a +
             "[[account]]\naddress = \"x/y@a.example\"\nquota = 5\nstate = \"off\"\nmessages_per_day = -1\n"),
      ElementsAre(
          "t.toml:5:11: \"x/y\" holds a slash, and a user's name is a directory's name too; take the slash "
          "out, or make it an alias",
          "t.toml:6:9: \"quota\" is an integer, and should be a string; write it as `postrider directory "
          "export` does",
          "t.toml:7:9: \"off\" is no state; write enabled, no-login or disabled",
          "t.toml:8:20: \"messages_per_day\" is out of bounds; write 0 to 1000000000"));
  EXPECT_THAT(
      faults(a + "[[alias]]\naddress = \"x@a.example\"\nto = []\n"),
      ElementsAre("t.toml:4:1: an alias that leads to nobody; give it at least one address: to = [\"...\"]"));
  EXPECT_THAT(
      faults(a + "[[account]]\naddress = \"x@a.example\"\npassword = \"secret\"\n"),
      ElementsAre("t.toml:6:12: not a password hash of a scheme that is taken: {BLF-CRYPT}, {SHA512-CRYPT}, "
                  "{SHA256-CRYPT}, {CRYPT}, {PBKDF2}, {ARGON2ID}, {ARGON2I}; take it from an export, or set "
                  "the password anew"));
}

}  // namespace
}  // namespace postrider::directory
