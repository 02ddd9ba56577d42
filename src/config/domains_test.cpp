#include <gmock/gmock.h>

#include "config/config.hpp"

namespace postrider::config {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

std::vector<std::string> faults(const std::string& domains, const std::string& top = "") {
  std::vector<std::string> lines;
  const auto loaded = parse(
      top + "hostname = \"a\"\ndata_dir = \"/a\"\nlistener = [{ address = \"[::]:25\" }]\n" + domains, "t");
  if (!loaded)
    for (const Fault& fault : loaded.error()) lines.push_back(fault.to_string());
  return lines;
}

const std::string kLocal = "[[domain]]\nname = \"a.example\"\nusers = [\"alice\", \"bob\"]\n";

TEST(Domains, HaveEachNameOnce) {
  EXPECT_THAT(faults("[[domain]]\nname = \"a.example\"\n[[domain]]\nname = \"A.Example\"\n"),
              ElementsAre(HasSubstr("t:7:8: a second domain \"a.example\"; the first is in line 5")));
  EXPECT_THAT(faults("[[domain]]\nname = \"a.example\"\nusers = [\"alice\", \"ALICE\"]\n"),
              ElementsAre(HasSubstr("t:6:19: \"alice\" stands here twice")));
  EXPECT_THAT(faults(kLocal + "aliases = { Alice = [\"bob\"] }\n"),
              ElementsAre(HasSubstr("t:7:13: \"alice\" is a user already, in line 6")));
  EXPECT_THAT(faults(kLocal + "[domain.aliases]\ninfo = [\"bob\"]\nINFO = [\"bob\"]\n"),
              ElementsAre(HasSubstr("t:9:1: \"info\" is an alias already, in line 8")));
}

TEST(Domains, AreShortEnoughToHaveAddresses) {
  const std::string label(61, 'a');
  const std::string longest = label + '.' + label + '.' + label + ".aaa";  // 189 octets
  EXPECT_THAT(faults("[[domain]]\nname = \"" + longest + "\"\n"), IsEmpty());
  EXPECT_THAT(faults("[[domain]]\nname = \"a" + longest + "\"\n"),
              ElementsAre(HasSubstr("too long to have addresses")));
}

TEST(Domains, HaveUsersThatAreSafePathSegments) {
  for (const std::string bad : {"", ".", "..", "a/b", "/", "a b", ".a", "a.", "a\\u0000b", "a@b", "\\\"a\\\"",
                                "12345678901234567890123456789012345678901234567890123456789012345"})
    EXPECT_EQ(faults("[[domain]]\nname = \"a.example\"\nusers = [\"" + bad + "\"]\n").size(), 1u) << bad;
  EXPECT_THAT(faults("[[domain]]\nname = \"a.example\"\nusers = [\"mary.ann\", \"o'neil\", \"jürgen\", "
                     "\"1234567890123456789012345678901234567890123456789012345678901234\"]\n"),
              IsEmpty());
}

TEST(Domains, HaveAliasesThatLeadToSomebody) {
  EXPECT_THAT(
      faults(kLocal + "aliases = { info = [\"alicia\"] }\n"),
      ElementsAre(HasSubstr("t:7:13: the alias \"info@a.example\" leads to alicia@a.example, and nobody")));
  EXPECT_THAT(
      faults(kLocal +
             "aliases = { info = [\"Alice+x\", \"postmaster\", \"abuse\", \"x@elsewhere.example\"] }\n"),
      IsEmpty());
  EXPECT_THAT(faults(kLocal + "aliases = { info = [] }\n"), ElementsAre(HasSubstr("leads to nobody")));
  EXPECT_THAT(faults(kLocal + "aliases = { info = 5 }\n"),
              ElementsAre(HasSubstr("\"info\" holds an integer")));
  EXPECT_THAT(faults(kLocal + "separator = \"\"\naliases = { info = [\"alice+x\"] }\n"),
              ElementsAre(HasSubstr("leads to alice+x@a.example")));
}

TEST(Domains, CheckAliasesAcrossDomains) {
  const std::string other = "[[domain]]\nname = \"b.example\"\naliases = { x = [\"carol@a.example\"] }\n";
  EXPECT_THAT(faults(kLocal + other), ElementsAre(HasSubstr("leads to carol@a.example")));
  EXPECT_THAT(faults(kLocal + "catch_all = \"bob\"\n" + other), IsEmpty());
  const std::string relay = "[[domain]]\nname = \"r.example\"\nkind = \"relay\"\n";
  const std::string to_relay = kLocal + "aliases = { x = [\"dora@r.example\"] }\n" + relay;
  EXPECT_THAT(faults(to_relay), IsEmpty());
  EXPECT_THAT(faults(to_relay + "recipients = [\"dora\"]\n"), IsEmpty());
  EXPECT_THAT(faults(to_relay + "recipients = [\"emil\"]\n"),
              ElementsAre(HasSubstr("leads to dora@r.example")));
}

TEST(Domains, HaveNoCircleOfAliases) {
  EXPECT_THAT(faults(kLocal + "aliases = { x = [\"x\"] }\n"),
              ElementsAre(HasSubstr("t:7:13: aliases lead in a circle: x@a.example -> x@a.example")));
  EXPECT_THAT(
      faults(kLocal +
             "[domain.aliases]\nv = [\"x\"]\nx = [\"alice\", \"y+z\"]\ny = [\"bob\", \"Z\"]\nz = \"x\"\n"),
      ElementsAre(HasSubstr("t:9:1: aliases lead in a circle: x@a.example -> y@a.example -> z@a.example -> "
                            "x@a.example;")));
  EXPECT_THAT(faults(kLocal + "catch_all = \"x@b.example\"\n[[domain]]\nname = \"b.example\"\n"
                              "catch_all = \"y@a.example\"\n"),
              ElementsAre(HasSubstr("circle: @a.example -> @b.example -> @a.example")));
  EXPECT_THAT(faults(kLocal + "catch_all = \"alicia\"\n"),
              ElementsAre(HasSubstr("the catch_all of a.example leads to alicia@a.example, and nobody")));
}

TEST(Domains, HaveAtMostTenAliasesInARow) {
  const auto row = [](int count) {
    std::string text = kLocal + "[domain.aliases]\nx1 = [\"alice\"]\n";
    for (int i = 2; i <= count; ++i)
      text += "x" + std::to_string(i) + " = [\"x" + std::to_string(i - 1) + "\"]\n";
    return text;
  };
  EXPECT_THAT(faults(row(10)), IsEmpty());
  EXPECT_THAT(faults(row(12)), ElementsAre(HasSubstr("t:18:1: the alias \"x11@a.example\"")));
}

TEST(Domains, TakePostmasterIntoAccount) {
  EXPECT_THAT(faults(kLocal, "postmaster = \"alicia@a.example\"\n"),
              ElementsAre(HasSubstr("t:1:14: postmaster leads to alicia@a.example")));
  EXPECT_THAT(faults(kLocal, "postmaster = \"postmaster@a.example\"\n"), IsEmpty());
  EXPECT_THAT(faults(kLocal + "aliases = { boss = [\"abuse\"] }\n", "postmaster = \"boss@a.example\"\n"),
              ElementsAre(HasSubstr("aliases lead in a circle: ")));
}

TEST(Domains, ThatAreRelayedForHaveNoUsers) {
  const std::string relay = "[[domain]]\nname = \"r.example\"\nkind = \"relay\"\n";
  EXPECT_THAT(faults(relay + "users = [\"a\"]\naliases = { x = \"a\" }\ncatch_all = \"a\"\n"),
              ElementsAre(HasSubstr("t:7:9: a domain that is only relayed for has no users"),
                          HasSubstr("no aliases"), HasSubstr("no catch_all")));
  EXPECT_THAT(faults(kLocal + "recipients = [\"a\"]\n"),
              ElementsAre(HasSubstr("t:7:14: a local domain has no recipients list")));
}

TEST(Domains, PartUsersFromDetailsByOneCharacter) {
  EXPECT_THAT(faults(kLocal + "separator = \"-\"\n"), IsEmpty());
  EXPECT_THAT(faults(kLocal + "separator = \"++\"\n"), ElementsAre(HasSubstr("t:7:13: \"++\" can't part")));
  EXPECT_THAT(faults(kLocal + "separator = \"a\"\n"), ElementsAre(HasSubstr("can't part")));
}

}  // namespace
}  // namespace postrider::config
