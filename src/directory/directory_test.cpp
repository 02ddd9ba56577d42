#include "directory/directory.hpp"

#include <gmock/gmock.h>

#include "directory/contents.hpp"

namespace postrider::directory {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

mail::Address address(std::string_view text) { return *mail::Address::parse(text); }

std::unique_ptr<Directory> directory(const std::string& domains, const std::string& top = "") {
  auto config =
      config::parse(top +
                        "hostname = \"mx.host.example\"\ndata_dir = \"/d\"\n"
                        "[[listener]]\naddress = \"127.0.0.1:25\"\n[[listener]]\naddress = \"[::1]:25\"\n" +
                        domains,
                    "t");
  if (!config) {
    for (const auto& fault : config.error()) ADD_FAILURE() << fault.to_string();
    return nullptr;
  }
  return from_config(*config);
}

// "alice@a.example", with "*" behind a mailbox here and "<alias" where one led there.
std::vector<std::string> shown(const base::Result<Resolution>& resolution) {
  if (!resolution) return {resolution.error().code.to_string()};
  std::vector<std::string> out;
  for (const Target& target : resolution->targets)
    out.push_back(target.address.to_string() + (target.mailbox ? "*" : "") +
                  (target.alias ? "<" + target.alias->to_string() : ""));
  return out;
}

const std::string kA =
    "[[domain]]\nname = \"a.example\"\nusers = [\"Alice\", \"bob\"]\n"
    "aliases = { info = [\"alice\", \"bob+info\", \"carol@else.example\"], all = [\"info\", \"ALICE\", "
    "\"dora\"], "
    "dora = [\"dora@r.example\"] }\n";
const std::string kRelay = "[[domain]]\nname = \"r.example\"\nkind = \"relay\"\nrecipients = [\"Dora\"]\n";

TEST(Directory, FindsUsersInAnyCaseAndWithADetail) {
  const auto d = directory(kA);
  EXPECT_EQ(d->resolve(address("alice@a.example"))->standing, Standing::local);
  EXPECT_THAT(shown(d->resolve(address("ALICE@A.example"))), ElementsAre("ALICE@A.example*"));
  EXPECT_THAT(shown(d->resolve(address("alice+Lists@a.example"))), ElementsAre("alice+Lists@a.example*"));
  EXPECT_EQ(d->resolve(address("alicia@a.example"))->standing, Standing::unknown);
  EXPECT_THAT(d->resolve(address("alicia@a.example"))->targets, IsEmpty());
  EXPECT_EQ(d->resolve(address("alice-x@a.example"))->standing, Standing::unknown);
  EXPECT_EQ(d->resolve(address("+alice@a.example"))->standing, Standing::unknown);
}

TEST(Directory, FollowsAliasesToTheirEnds) {
  const auto d = directory(kA + kRelay);
  EXPECT_THAT(shown(d->resolve(address("info@a.example"))),
              ElementsAre("alice@a.example*<info@a.example", "bob+info@a.example*<info@a.example",
                          "carol@else.example<info@a.example"));
  EXPECT_THAT(shown(d->resolve(address("All+x@a.example"))),
              ElementsAre("alice@a.example*<info@a.example", "bob+info@a.example*<info@a.example",
                          "carol@else.example<info@a.example", "dora@r.example<dora@a.example"));
}

TEST(Directory, KnowsWhatIsForeign) {
  const auto d = directory(kA);
  const auto foreign = d->resolve(address("x@else.example"));
  EXPECT_EQ(foreign->standing, Standing::foreign);
  EXPECT_THAT(shown(foreign), ElementsAre("x@else.example"));
  EXPECT_EQ(d->resolve(address("alice@sub.a.example"))->standing, Standing::foreign);
  EXPECT_EQ(d->resolve(address("alice@[127.0.0.1]"))->standing, Standing::foreign);
}

TEST(Directory, KnowsWhomItRelaysFor) {
  const auto listed = directory(kRelay);
  EXPECT_EQ(listed->resolve(address("dora@r.example"))->standing, Standing::relay);
  EXPECT_THAT(shown(listed->resolve(address("Dora+x@r.example"))), ElementsAre("Dora+x@r.example"));
  EXPECT_EQ(listed->resolve(address("postmaster@r.example"))->standing, Standing::relay);
  EXPECT_EQ(listed->resolve(address("emil@r.example"))->standing, Standing::unknown);
  const auto asking = directory("[[domain]]\nname = \"r.example\"\nkind = \"relay\"\n");
  EXPECT_EQ(asking->resolve(address("emil@r.example"))->standing, Standing::ask);
  EXPECT_THAT(shown(asking->resolve(address("emil@r.example"))), ElementsAre("emil@r.example"));
}

TEST(Directory, CatchesAllThatNothingElseMatches) {
  const auto d = directory(kA + "catch_all = \"bob\"\n" + kRelay);
  EXPECT_THAT(shown(d->resolve(address("x@a.example"))), ElementsAre("bob@a.example*<x@a.example"));
  EXPECT_THAT(shown(d->resolve(address("alice@a.example"))), ElementsAre("alice@a.example*"));
  EXPECT_THAT(shown(d->resolve(address("abuse@a.example"))), ElementsAre("abuse@a.example*"));
}

TEST(Directory, HasAPostmasterInEveryDomain) {
  const auto d = directory(kA);
  EXPECT_THAT(shown(d->resolve(address("PostMaster@a.example"))), ElementsAre("PostMaster@a.example*"));
  EXPECT_THAT(shown(d->resolve(address("abuse+x@a.example"))), ElementsAre("abuse+x@a.example*"));
  const auto mailbox = d->mailbox(address("PostMaster@a.example"));
  ASSERT_TRUE(mailbox);
  EXPECT_EQ(mailbox->user, "postmaster");
  const auto by_alias = directory(
      "[[domain]]\nname = \"a.example\"\nusers = [\"alice\", \"abuse\"]\n"
      "aliases = { postmaster = [\"alice\"] }\n");
  EXPECT_THAT(shown(by_alias->resolve(address("postmaster@a.example"))),
              ElementsAre("alice@a.example*<postmaster@a.example"));
  EXPECT_THAT(shown(by_alias->resolve(address("abuse@a.example"))), ElementsAre("abuse@a.example*"));
}

TEST(Directory, SendsPostmasterWhereTheSettingSays) {
  const auto d = directory(kA, "postmaster = \"bob@a.example\"\n");
  EXPECT_THAT(shown(d->resolve(address("postmaster@a.example"))),
              ElementsAre("bob@a.example*<postmaster@a.example"));
  EXPECT_THAT(shown(d->resolve(address("Abuse@a.example"))), ElementsAre("bob@a.example*<abuse@a.example"));
  const auto itself = directory(kA, "postmaster = \"postmaster@a.example\"\n");
  EXPECT_THAT(shown(itself->resolve(address("postmaster@a.example"))), ElementsAre("postmaster@a.example*"));
  EXPECT_THAT(shown(itself->resolve(address("abuse@a.example"))),
              ElementsAre("postmaster@a.example*<abuse@a.example"));
}

TEST(Directory, TakesALongerUserForNoRole) {
  const auto d = directory(
      "[[domain]]\nname = \"a.example\"\nusers = [\"abuse-team\", \"a\", \"a-b\"]\nseparator = \"-\"\n",
      "postmaster = \"a@a.example\"\n");
  EXPECT_THAT(shown(d->resolve(address("abuse-team@a.example"))), ElementsAre("abuse-team@a.example*"));
  EXPECT_THAT(shown(d->resolve(address("abuse-x@a.example"))), ElementsAre("a@a.example*<abuse@a.example"));
  EXPECT_EQ(d->mailbox(address("a-b-c@a.example"))->user, "a-b");
  EXPECT_EQ(d->mailbox(address("a-b-c@a.example"))->detail, "c");
  EXPECT_EQ(d->mailbox(address("a-c-b@a.example"))->user, "a");
  EXPECT_EQ(d->mailbox(address("a-c-b@a.example"))->detail, "c-b");
}

TEST(Directory, HasAPostmasterOfTheHost) {
  EXPECT_THAT(shown(directory(kA)->postmaster()), ElementsAre("postmaster@a.example*"));
  EXPECT_THAT(shown(directory("")->postmaster()), ElementsAre("postmaster@mx.host.example*"));
  EXPECT_THAT(shown(directory(kRelay)->postmaster()), ElementsAre("postmaster@mx.host.example*"));
  EXPECT_THAT(shown(directory("", "postmaster = \"x@else.example\"\n")->postmaster()),
              ElementsAre("x@else.example<postmaster@mx.host.example"));
  EXPECT_THAT(shown(directory(kA + "[[domain]]\nname = \"host.example\"\n")->postmaster()),
              ElementsAre("postmaster@host.example*"));
  const auto d = directory(kA);
  for (const char* ours : {"postmaster@[127.0.0.1]", "Postmaster@[IPv6:::1]", "postmaster@MX.host.example"})
    EXPECT_THAT(shown(d->resolve(address(ours))), ElementsAre("postmaster@a.example*")) << ours;
  EXPECT_EQ(d->resolve(address("postmaster@[127.0.0.2]"))->standing, Standing::foreign);
  EXPECT_EQ(d->resolve(address("alice@mx.host.example"))->standing, Standing::foreign);
  EXPECT_EQ(directory("")->mailbox(address("postmaster@mx.host.example"))->domain.ascii(), "mx.host.example");
}

TEST(Directory, NamesTheMailbox) {
  const auto d = directory(kA + "[delivery]\nquota = 1000\n");
  const auto mailbox = d->mailbox(address("Alice+Lists@A.Example"));
  ASSERT_TRUE(mailbox);
  EXPECT_EQ(mailbox->domain.ascii(), "a.example");
  EXPECT_EQ(mailbox->user, "alice");
  EXPECT_EQ(mailbox->detail, "Lists");
  EXPECT_EQ(mailbox->quota, 1000u);
  for (const char* none : {"info@a.example", "x@a.example", "alice@else.example", "alice@[127.0.0.1]"})
    EXPECT_FALSE(d->mailbox(address(none))) << none;
}

TEST(Directory, ComparesDomainsByTheirALabels) {
  const auto d = directory("[[domain]]\nname = \"bücher.example\"\nusers = [\"jürgen\"]\n");
  EXPECT_EQ(d->resolve(address("jürgen@xn--bcher-kva.example"))->standing, Standing::local);
  EXPECT_EQ(d->mailbox(address("jürgen@BÜCHER.example"))->domain.ascii(), "xn--bcher-kva.example");
}

TEST(Directory, ExpandsToThousandTargetsAndNoMore) {
  const auto with = [](int lists) {
    std::string text = "[[domain]]\nname = \"a.example\"\n[domain.aliases]\n";
    std::string all = "all = [";
    for (int list = 0; list < lists; ++list) {
      const std::string name = "list" + std::to_string(list);
      all += (list ? ", \"" : "\"") + name + '"';
      text += name + " = [";
      for (int i = 0; i < 500; ++i)
        text += (i ? ", \"" : "\"") + name + 'x' + std::to_string(i) + "@else.example\"";
      text += "]\n";
    }
    return directory(text + all + "]\n")->resolve(address("all@a.example"));
  };
  EXPECT_EQ(with(2)->targets.size(), 1000u);
  const auto many = with(3);
  ASSERT_FALSE(many);
  EXPECT_EQ(many.error().code.to_string(), "5.5.3");
}

// What config::parse() refuses, a later directory may hold.
std::unique_ptr<Directory> unchecked(std::map<std::string, std::vector<mail::Address>> aliases) {
  auto config = std::make_shared<config::Config>(*mail::Domain::parse("h.example"));
  config->domains.emplace_back(*mail::Domain::parse("a.example")).aliases = std::move(aliases);
  config->index_domains();
  return from_config(config);
}

TEST(Directory, EndsInACircle) {
  const auto d = unchecked({{"x", {address("y@a.example")}}, {"y", {address("x@a.example")}}});
  EXPECT_THAT(shown(d->resolve(address("x@a.example"))), ElementsAre("5.4.6"));
}

TEST(Directory, FollowsTenAliasesAndNoMore) {
  std::map<std::string, std::vector<mail::Address>> aliases;
  for (int i = 1; i <= 11; ++i)
    aliases["x" + std::to_string(i)] = {i == 1 ? address("end@else.example")
                                               : address("x" + std::to_string(i - 1) + "@a.example")};
  const auto d = unchecked(aliases);
  EXPECT_THAT(shown(d->resolve(address("x10@a.example"))), ElementsAre("end@else.example<x1@a.example"));
  EXPECT_THAT(shown(d->resolve(address("x11@a.example"))), ElementsAre("5.4.6"));
}

TEST(Directory, KeepsMailWaitingWhereAnAliasLeadsToNobody) {
  const auto d = unchecked({{"x", {address("gone@a.example")}}});
  EXPECT_THAT(shown(d->resolve(address("x@a.example"))), ElementsAre("4.3.5"));
}

// Of the database; the configuration is `top`.
std::unique_ptr<Directory> both(const std::string& toml, const std::string& domains = "") {
  auto contents = parse_contents("format = 1\n" + toml, "t");
  if (!contents) {
    ADD_FAILURE() << contents.error().front().to_string();
    return nullptr;
  }
  auto config = config::parse(
      "hostname = \"mx.host.example\"\ndata_dir = \"/d\"\n[[listener]]\naddress = \"127.0.0.1:25\"\n" +
          domains,
      "t");
  if (!config) {
    ADD_FAILURE() << config.error().front().to_string();
    return nullptr;
  }
  return make_directory(*config, std::make_shared<Snapshot>(std::move(contents->domains), 1));
}

const std::string kStates =
    "[[domain]]\nname = \"a.example\"\nseparator = \"-\"\ncatch_all = \"alice@a.example\"\n"
    "[[domain]]\nname = \"off.example\"\nstate = \"disabled\"\n"
    "[[domain]]\nname = \"roff.example\"\nstate = \"disabled\"\nkind = \"relay\"\n"
    "[[account]]\naddress = \"alice@a.example\"\nquota = \"5B\"\n"
    "[[account]]\naddress = \"locked@a.example\"\nstate = \"no-login\"\n"
    "[[account]]\naddress = \"gone@a.example\"\nstate = \"disabled\"\n"
    "[[account]]\naddress = \"carol@off.example\"\n"
    "[[alias]]\naddress = \"both@a.example\"\nto = [\"gone@a.example\", \"alice@a.example\"]\n"
    "[[alias]]\naddress = \"past@a.example\"\nto = [\"gone@a.example\", \"carol@off.example\"]\n"
    "[[alias]]\naddress = \"shut@a.example\"\nstate = \"disabled\"\nto = [\"alice@a.example\"]\n"
    "[[alias]]\naddress = \"postmaster@a.example\"\nstate = \"disabled\"\nto = [\"alice@a.example\"]\n";

TEST(Directory, RefusesMailForWhatIsDisabled) {
  const auto d = both(kStates);
  EXPECT_THAT(shown(d->resolve(address("gone@a.example"))), ElementsAre("5.2.1"));
  EXPECT_THAT(shown(d->resolve(address("gone-x@a.example"))), ElementsAre("5.2.1"));
  EXPECT_THAT(shown(d->resolve(address("shut@a.example"))), ElementsAre("5.2.1"));
  EXPECT_THAT(shown(d->resolve(address("carol@off.example"))), ElementsAre("5.2.1"));
  EXPECT_THAT(shown(d->resolve(address("x@off.example"))), ElementsAre("5.2.1"));
  EXPECT_THAT(shown(d->resolve(address("x@roff.example"))), ElementsAre("5.2.1"));
  EXPECT_THAT(shown(d->resolve(address("locked@a.example"))), ElementsAre("locked@a.example*"));
  // What was accepted before has its mailbox still.
  EXPECT_EQ(d->mailbox(address("gone-x@a.example"))->user, "gone");
  // Nobody can turn off the postmaster.
  EXPECT_THAT(shown(d->resolve(address("postmaster@a.example"))), ElementsAre("postmaster@a.example*"));
}

TEST(Directory, LeavesTheDisabledOutBehindAnAlias) {
  const auto d = both(kStates);
  EXPECT_THAT(shown(d->resolve(address("both@a.example"))), ElementsAre("alice@a.example*<both@a.example"));
  EXPECT_THAT(shown(d->resolve(address("past@a.example"))), ElementsAre("5.2.1"));
}

TEST(Directory, TakesADomainOfBothFromTheConfiguration) {
  const auto d = both(kStates,
                      "[[domain]]\nname = \"a.example\"\nusers = [\"xaver\"]\n[[domain]]\nname = "
                      "\"c.example\"\nusers = [\"carl\"]\n"
                      "aliases = { info = [\"carol@off.example\", \"carl\"] }\n");
  EXPECT_EQ(d->resolve(address("alice@a.example"))->standing, Standing::unknown);
  EXPECT_THAT(shown(d->resolve(address("xaver@a.example"))), ElementsAre("xaver@a.example*"));
  EXPECT_THAT(shown(d->resolve(address("info@c.example"))), ElementsAre("carl@c.example*<info@c.example"));
  EXPECT_TRUE(d->is_local(*mail::Domain::parse("off.example")));
  EXPECT_FALSE(d->is_local(*mail::Domain::parse("roff.example")));
  EXPECT_FALSE(d->is_local(*mail::Domain::parse("else.example")));
}

TEST(Directory, HasAQuotaForEachAccount) {
  const auto d = both(kStates, "[delivery]\nquota = 1000\n");
  EXPECT_EQ(d->mailbox(address("alice@a.example"))->quota, 5u);
  EXPECT_EQ(d->mailbox(address("locked@a.example"))->quota, 1000u);
}

const std::string kSenders =
    "[[domain]]\nname = \"a.example\"\n[[domain]]\nname = \"all.example\"\ncatch_all = \"alice@a.example\"\n"
    "[[account]]\naddress = \"alice@a.example\"\nmessages_per_hour = 3\nsend_as = [\"Boss@else.example\", "
    "\"@own.example\"]\n"
    "[[account]]\naddress = \"bob@a.example\"\n"
    "[[alias]]\naddress = \"al@a.example\"\nto = [\"alice+x@a.example\"]\n"
    "[[alias]]\naddress = \"ali@a.example\"\nto = [\"al@a.example\"]\n"
    "[[alias]]\naddress = \"team@a.example\"\nto = [\"alice@a.example\", \"bob@a.example\"]\n"
    "[[alias]]\naddress = \"far@a.example\"\nto = [\"alice@a.example\", \"x@else.example\"]\n";

TEST(Directory, KnowsWhomAnAccountMaySendAs) {
  const auto d = both(kSenders);
  const auto alice = address("alice@a.example");
  for (const char* own : {"alice@a.example", "ALICE@A.EXAMPLE", "alice+x@a.example", "al@a.example",
                          "ali@a.example", "any@all.example"})
    EXPECT_EQ(d->may_send_as(alice, address(own)), SendAs::own) << own;
  for (const char* listed : {"boss@else.example", "BOSS@else.example", "any@own.example"})
    EXPECT_EQ(d->may_send_as(alice, address(listed)), SendAs::anothers) << listed;
  for (const char* other :
       {"bob@a.example", "team@a.example", "far@a.example", "x@else.example", "nobody@a.example",
        "any@sub.own.example", "alice@[127.0.0.1]", "postmaster@a.example"})
    EXPECT_EQ(d->may_send_as(alice, address(other)), SendAs::no) << other;
  EXPECT_EQ(d->may_send_as(address("nobody@a.example"), address("nobody@a.example")), SendAs::no);
  EXPECT_EQ(d->may_send_as(address("al@a.example"), address("al@a.example")), SendAs::no);
  EXPECT_THAT(d->addresses_of(alice), ElementsAre("alice@a.example", "al@a.example", "ali@a.example",
                                                  "@own.example", "boss@else.example"));
  EXPECT_EQ(d->account(address("Alice@a.example"))->limits.messages_per_hour, 3u);
  EXPECT_EQ(d->account(address("alice+x@a.example")), nullptr);
}

TEST(Directory, LetsUsersOfTheConfigurationSendAsThemselves) {
  const auto d = directory(kA);
  EXPECT_EQ(d->may_send_as(address("alice@a.example"), address("alice+x@a.example")), SendAs::own);
  EXPECT_EQ(d->may_send_as(address("alice@a.example"), address("info@a.example")), SendAs::no);
  EXPECT_THAT(d->addresses_of(address("bob@a.example")), ElementsAre("bob@a.example"));
}

TEST(Directory, AnswersForThousandDomainsAndTenThousandUsers) {
  std::string text;
  for (int domain = 0; domain < 1000; ++domain) {
    text += "[[domain]]\nname = \"d" + std::to_string(domain) + ".example\"\nusers = [";
    for (int user = 0; user < 10; ++user) text += "\"u" + std::to_string(user) + "\", ";
    text += "]\n";
  }
  const auto d = directory(text);
  EXPECT_EQ(d->resolve(address("u9@d999.example"))->standing, Standing::local);
  EXPECT_EQ(d->resolve(address("u10@d999.example"))->standing, Standing::unknown);
}

}  // namespace
}  // namespace postrider::directory
