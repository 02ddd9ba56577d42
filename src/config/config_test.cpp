#include "config/config.hpp"

#include <gmock/gmock.h>

#include <fstream>

namespace postrider::config {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr std::string_view kMinimal =
    "hostname = \"mx.example.com\"\n"
    "data_dir = \"/var/lib/postrider\"\n"
    "[[listener]]\n"
    "address = \"127.0.0.1:25\"\n";

// `top` goes before the first table, `below` after the last.
std::string text_of(std::string_view below, std::string_view top = "") {
  return std::string(top) + std::string(kMinimal) + std::string(below);
}

std::shared_ptr<const Config> good(const std::string& text) {
  auto loaded = parse(text, "t");
  if (!loaded) {
    for (const Fault& fault : loaded.error()) ADD_FAILURE() << fault.to_string();
    return nullptr;
  }
  return *loaded;
}

std::vector<std::string> faults(const std::string& text) {
  std::vector<std::string> lines;
  const auto loaded = parse(text, "t");
  if (!loaded)
    for (const Fault& fault : loaded.error()) lines.push_back(fault.to_string());
  return lines;
}

mail::Address address(std::string_view text) { return *mail::Address::parse(text); }
mail::Host host(std::string_view text) { return address("x@" + std::string(text)).host(); }

TEST(Config, IsMadeOfTheLeastThatItNeeds) {
  const auto config = good(text_of(""));
  ASSERT_TRUE(config);
  EXPECT_EQ(config->file, "t");
  EXPECT_EQ(config->hostname.ascii(), "mx.example.com");
  EXPECT_EQ(config->data_dir, "/var/lib/postrider");
  EXPECT_EQ(config->mailbox, "maildir:/var/lib/postrider/mail/{domain}/{user}");
  ASSERT_EQ(config->listeners.size(), 1u);
  EXPECT_EQ(config->listeners[0].name(), "127.0.0.1:25");
  EXPECT_EQ(config->limits, Limits());
  EXPECT_EQ(config->timeouts, Timeouts());
  EXPECT_EQ(config->queue, Queue());
}

TEST(Config, ReadsEveryKey) {
  const auto config = good(R"(
hostname = "MX.example.com"
data_dir = "/data"
user = "postrider"
threads = 4
node = 7
networks = ["127.0.0.0/8", "::1"]
postmaster = "alice@example.com"
[log]
format = "json"
level = "warning"
[[listener]]
address = "[::]:0"
mode = "lmtp"
tls = "none"
proxy_protocol = ["192.0.2.1"]
xclient = ["192.0.2.0/24"]
greeting_delay = "500ms"
extensions = ["deliverby", "mt-priority"]
[limits]
message_size = "1MB"
recipients = 100
connections = 3
connections_per_client = 2
commands = 11
errors = 5
received_fields = 30
header_size = 20000
line_length = "2KiB"
[extensions]
max_hold = "1d"
min_deliver_by = "2m"
priority_policy = "mixer"
[timeouts]
command = "1s"
data_block = "2s"
transaction = "3s"
session = "4s"
probe = "5s"
[access]
allow_clients = ["192.0.2.1"]
deny_clients = ["0.0.0.0/0"]
allow_senders = ["Bob@example.net"]
deny_senders = ["example.net"]
allow_recipients = [".example.net"]
deny_recipients = ["x@[192.0.2.1]"]
[queue]
retry = { first = "2m", factor = 3, max = "1h" }
warn_after = "3h"
expire = "2d"
min_free = 0
min_free_inodes = 5
window = 6
[[domain]]
name = "example.com"
users = ["Alice", "bob"]
aliases = { Info = ["alice", "bob+x", "carol@elsewhere.example"], one = "bob" }
catch_all = "bob"
separator = "-"
[[domain]]
name = "relay.example"
kind = "relay"
recipients = ["Dora"]
[[route]]
domain = "example.net"
via = "smtp://127.0.0.1:2600"
[[route]]
domain = "*"
via = "maildir:{data_dir}/x/{user}"
[delivery]
mailbox = "maildir:/srv/{domain}/{user}/Maildir"
quota = "1GiB"
concurrency = 3
ip = "only-ipv4"
messages_per_connection = 4
timeouts = { connect = "1s", greeting = "2s", command = "3s", data_start = "4s", data_block = "5s", data_end = "6s", attempt = "7s", idle = "8s" }
[timeline]
keep = "2d"
size = "3MiB"
[dns]
servers = ["127.0.0.1@5353", "::1"]
trust_anchors = "/etc/root.key"
[sandbox]
seccomp = false
)");
  ASSERT_TRUE(config);
  EXPECT_EQ(config->hostname.text(), "MX.example.com");
  EXPECT_EQ(config->user, "postrider");
  EXPECT_EQ(config->io_threads, 4u);
  EXPECT_EQ(config->node, 7);
  EXPECT_EQ(config->networks.size(), 2u);
  EXPECT_EQ(config->postmaster, address("alice@example.com"));
  EXPECT_EQ(config->log_format, LogFormat::json);
  EXPECT_EQ(config->log_level, LogLevel::warning);
  const Listener& listener = config->listeners.at(0);
  EXPECT_EQ(listener.name(), "[::]:0");
  EXPECT_EQ(listener.mode, ListenerMode::lmtp);
  EXPECT_EQ(listener.tls, ListenerTls::none);
  EXPECT_EQ(listener.proxy_protocol.at(0).to_string(), "192.0.2.1/32");
  EXPECT_EQ(listener.xclient.at(0).to_string(), "192.0.2.0/24");
  EXPECT_EQ(listener.greeting_delay.count(), 500);
  EXPECT_EQ(listener.offers, (Offers{false, true, true}));
  EXPECT_EQ(config->extensions,
            (Extensions{std::chrono::hours(24), std::chrono::minutes(2), PriorityPolicy::mixer}));
  EXPECT_EQ(config->limits, (Limits{1000000, 100, 3, 2, 11, 5, 30, 20000, 2048}));
  using std::chrono::seconds;
  EXPECT_EQ(config->timeouts, (Timeouts{seconds(1), seconds(2), seconds(3), seconds(4), seconds(5)}));
  EXPECT_EQ(config->access.deny_clients.at(0).to_string(), "0.0.0.0/0");
  EXPECT_EQ(config->access.allow_clients.size(), 1u);
  EXPECT_TRUE(config->access.allow_senders.at(0).matches(address("bob@example.net")));
  EXPECT_TRUE(config->access.deny_senders.at(0).matches(address("x@example.net")));
  EXPECT_TRUE(config->access.allow_recipients.at(0).matches(address("x@a.example.net")));
  EXPECT_TRUE(config->access.deny_recipients.at(0).matches(address("X@[192.0.2.1]")));
  using std::chrono::hours, std::chrono::minutes;
  EXPECT_EQ(config->queue, (Queue{{minutes(2), 3.0, hours(1)}, hours(48), hours(3), 0, 5, 6}));
  ASSERT_EQ(config->domains.size(), 2u);
  EXPECT_THAT(config->domains[0].users, ElementsAre("alice", "bob"));
  EXPECT_THAT(config->domains[0].aliases.at("info"),
              ElementsAre(address("alice@example.com"), address("bob+x@example.com"),
                          address("carol@elsewhere.example")));
  EXPECT_THAT(config->domains[0].aliases.at("one"), ElementsAre(address("bob@example.com")));
  EXPECT_EQ(config->domains[0].catch_all, address("bob@example.com"));
  EXPECT_EQ(config->domains[0].separator, "-");
  EXPECT_EQ(config->domains[1].kind, DomainKind::relay);
  EXPECT_THAT(*config->domains[1].recipients, ElementsAre("dora"));
  EXPECT_EQ(config->routes.at(0).via, Via(ViaSmtp{"127.0.0.1", 2600}));
  EXPECT_EQ(config->routes.at(1).via, Via(ViaMaildir{"/data/x/{user}"}));
  EXPECT_EQ(config->mailbox, "maildir:/srv/{domain}/{user}/Maildir");
  EXPECT_EQ(config->mailbox_quota, 1u << 30);
  EXPECT_EQ(config->delivery, (Delivery{3, IpPreference::only_ipv4, seconds(1), seconds(2), seconds(3),
                                        seconds(4), seconds(5), seconds(6), seconds(7), seconds(8), 4}));
  EXPECT_EQ(config->timeline, (Timeline{hours(48), 3u << 20}));
  EXPECT_THAT(config->dns.servers, ElementsAre("127.0.0.1@5353", "::1"));
  EXPECT_EQ(config->dns.trust_anchors, "/etc/root.key");
  EXPECT_EQ(config->sandbox, (Sandbox{.seccomp = false, .landlock = true}));
}

TEST(Config, OffersUsersEveryExtensionAndStrangersThoseThatAreListed) {
  EXPECT_EQ(Offers::of(ListenerMode::submission), (Offers{true, true, true}));
  EXPECT_EQ(Offers::of(ListenerMode::mx), Offers{});
  const auto with = [](const std::string& lines) {
    return text_of("[[listener]]\naddress = \"127.0.0.1:26\"\n" + lines + "\n");
  };
  EXPECT_EQ(good(with(""))->listeners.back().offers, Offers{});
  EXPECT_EQ(good(with("extensions = [\"futurerelease\"]"))->listeners.back().offers,
            (Offers{true, false, false}));
  EXPECT_THAT(faults(with("extensions = [\"FutureRelease\"]")),
              ElementsAre(HasSubstr("there is no extension \"FutureRelease\" to be switched on; one of")));
  EXPECT_THAT(faults(with("mode = \"lmtp\"\nextensions = [\"futurerelease\"]")),
              ElementsAre(HasSubstr("LMTP has no futurerelease")));
}

TEST(Config, FindsADomainByItsALabels) {
  const auto config =
      good(text_of("[[domain]]\nname = \"Bücher.example\"\n[[domain]]\nname = \"b.example\"\n"));
  ASSERT_TRUE(config);
  EXPECT_EQ(config->find_domain(*mail::Domain::parse("XN--BCHER-KVA.example")), &config->domains[0]);
  EXPECT_EQ(config->find_domain(*mail::Domain::parse("b.example")), &config->domains[1]);
  EXPECT_EQ(config->find_domain(*mail::Domain::parse("c.example")), nullptr);
}

TEST(Config, TellsEveryFaultInTheOrderOfTheFile) {
  EXPECT_THAT(
      faults("hostnam = \"mx\"\n"
             "threads = \"four\"\n"
             "node = 256\n"
             "[[listener]]\n"
             "adress = \"x\"\n"
             "mode = \"mxx\"\n"
             "[sandbox]\n"
             "landlock = \"yes\"\n"),
      ElementsAre(HasSubstr("t:1:1: \"data_dir\" is missing"), HasSubstr("t:1:1: \"hostname\" is missing"),
                  "t:1:1: unknown key \"hostnam\"; did you mean \"hostname\"?",
                  "t:2:11: \"threads\" can't be a string; write it as threads = 0 (integer)",
                  "t:3:8: \"node\" is out of bounds; it may be 0 to 255",
                  HasSubstr("t:4:1: \"address\" of [[listener]] is missing; add address = "),
                  "t:5:1: unknown key \"adress\"; did you mean \"address\"?",
                  "t:6:8: \"mxx\" is no mode; did you mean \"mx\"?",
                  "t:8:12: \"landlock\" can't be a string; write it as landlock = true (true or false)"));
}

TEST(Config, SaysWhereAKeyBelongs) {
  EXPECT_THAT(
      faults(text_of("message_size = 1\nnetworks = []\n")),
      ElementsAre("t:5:1: unknown key \"message_size\" here; it belongs to [limits]",
                  "t:6:1: unknown key \"networks\" here; it belongs to the top of the file, before the first "
                  "[table]"));
}

TEST(Config, TellsWhereTheTextIsNotToml) {
  const auto lines = faults("hostname = \"a\"\nx = = 1\n");
  ASSERT_EQ(lines.size(), 1u);
  EXPECT_THAT(lines[0], testing::StartsWith("t:2:5: not TOML: "));
}

TEST(Config, RefusesAKeyThatIsDeeperThanTheStack) {
  std::string key = "a";
  for (int i = 0; i < 200000; ++i) key += ".a";
  EXPECT_THAT(faults(key + " = 1\n"), ElementsAre(HasSubstr("more than 256 dots")));
}

TEST(Config, WritesNoControlCharactersOfTheFileIntoAFault) {
  EXPECT_THAT(faults("node = n\ns2 x = 1\n"), ElementsAre(testing::Not(HasSubstr("\n"))));
  EXPECT_THAT(faults(text_of("\"a\\nb\\u001b\" = 1\n")), ElementsAre(HasSubstr("unknown key \"a?b?\"")));
}

TEST(Config, TakesOneCertificateOrSeveralEachWithItsKey) {
  const auto one =
      parse(text_of("tls = \"starttls\"\n[tls]\ncertificate = \"/c.pem\"\nkey = \"/k.pem\"\n"), "t");
  ASSERT_TRUE(one);
  EXPECT_EQ((*one)->listeners.at(0).tls, ListenerTls::starttls);
  ASSERT_EQ((*one)->tls.certificates.size(), 1u);
  const TlsCertificate& pair = (*one)->tls.certificates[0];
  EXPECT_EQ(pair.certificate, "/c.pem");
  EXPECT_EQ(pair.key, "/k.pem");
  EXPECT_EQ(std::pair(pair.line, pair.column), std::pair(7u, 15u));
  EXPECT_EQ(std::pair(pair.key_line, pair.key_column), std::pair(8u, 7u));
  const auto two = parse(text_of("tls = \"implicit\"\n[tls]\ncertificate = [\"/a\", \"/b\"]\nkey = [\"/c\", "
                                 "\"/d\"]\nclient_ca = \"/e\"\n"),
                         "t");
  ASSERT_TRUE(two);
  ASSERT_EQ((*two)->tls.certificates.size(), 2u);
  EXPECT_EQ((*two)->tls.certificates[1].certificate, "/b");
  EXPECT_EQ((*two)->tls.certificates[1].key, "/d");
  EXPECT_EQ((*two)->tls.client_ca, "/e");
}

TEST(Config, RefusesTlsWithoutACertificateAndACertificateWithoutItsKey) {
  EXPECT_THAT(faults(text_of("tls = \"starttls\"\n")),
              ElementsAre(HasSubstr("t:5:7: TLS needs a certificate, and there is none; add [tls]")));
  EXPECT_THAT(faults(text_of("[tls]\ncertificate = [\"/a\", \"/b\"]\nkey = \"/c\"\n")),
              ElementsAre(HasSubstr("t:6:15: 2 certificates and 1 keys; name one key for each certificate")));
  EXPECT_THAT(faults(text_of("[tls]\ncertificate = \"c.pem\"\nkey = \"/k\"\n")),
              ElementsAre(HasSubstr("t:6:15: \"c.pem\" is no absolute path")));
}

TEST(Config, TakesTheTlsThatARouteAsksFor) {
  const auto config =
      parse(text_of("[delivery]\ntls = \"encrypt\"\n[[route]]\ndomain = \"a.test\"\nvia = \"mx\"\n"
                    "tls = \"verify\"\ntls_names = [\"MX.a.test\", \".b.test\"]\n"
                    "[[route]]\ndomain = \"b.test\"\nvia = \"mx\"\n"),
            "t");
  ASSERT_TRUE(config);
  EXPECT_EQ((*config)->delivery.tls, TlsLevel::encrypt);
  EXPECT_EQ((*config)->routes.at(0).tls, TlsLevel::verify);
  EXPECT_EQ((*config)->routes.at(0).tls_names, (std::vector<std::string>{"mx.a.test", ".b.test"}));
  EXPECT_EQ((*config)->routes.at(1).tls, std::nullopt);
  EXPECT_THAT(faults(text_of("[[route]]\ndomain = \"a.test\"\nvia = \"mx\"\ntls_names = \"a.test\"\n")),
              ElementsAre(HasSubstr("names are looked at only where they are verified")));
  EXPECT_THAT(faults(text_of("[[route]]\ndomain = \"a.test\"\nvia = \"hold\"\ntls = \"may\"\n")),
              ElementsAre(HasSubstr("\"tls\" belongs to routes that connect over the network")));
}

TEST(Config, IsNeverAnOpenRelay) {
  for (const std::string network :
       {"0.0.0.0/0", "::/0", "128.0.0.0/1", "0.0.0.0/7", "2000::/3", "2000::/15"}) {
    EXPECT_THAT(faults(text_of("", "networks = [\"" + network + "\"]\n")),
                ElementsAre(HasSubstr("\"" + network + "\" would make an open relay")));
    EXPECT_THAT(faults(text_of("xclient = [\"" + network + "\"]\n")), ElementsAre(HasSubstr("open relay")));
    EXPECT_THAT(faults(text_of("proxy_protocol = [\"" + network + "\"]\n")),
                ElementsAre(HasSubstr("open relay")));
  }
  EXPECT_TRUE(good(text_of("", "networks = [\"10.0.0.0/8\", \"fc00::/7\", \"2001::/16\"]\n")));
}

TEST(Config, ListensSomewhereAndNowhereTwice) {
  EXPECT_THAT(faults("hostname = \"a\"\ndata_dir = \"/a\"\n"),
              ElementsAre(HasSubstr("t: there is no [[listener]]")));
  EXPECT_THAT(faults(text_of("[[listener]]\naddress = \"127.0.0.1:25\"\n")),
              ElementsAre(HasSubstr("t:6:11: a second listener on 127.0.0.1:25; the first is in line 4")));
  EXPECT_TRUE(
      good(text_of("[[listener]]\naddress = \"127.0.0.1:0\"\n[[listener]]\naddress = \"127.0.0.1:0\"\n")));
  EXPECT_THAT(faults(text_of("[listener2]\n")), ElementsAre(HasSubstr("did you mean \"listener\"?")));
  for (const std::string bad : {"25", "127.0.0.1", "::1:25", "[127.0.0.1]:25", "[::1:25", "a:25",
                                "127.0.0.1:65536", "127.0.0.1:", "127.0.0.1:+1"})
    EXPECT_THAT(faults(text_of("[[listener]]\naddress = \"" + bad + "\"\n")),
                ElementsAre(HasSubstr("is no address and port")))
        << bad;
}

TEST(Config, SpeaksNoLmtpOnPort25) {
  EXPECT_THAT(faults(text_of("mode = \"lmtp\"\n")),
              ElementsAre(HasSubstr("LMTP must not be spoken on port 25")));
}

TEST(Config, KeepsRetriesInOrder) {
  EXPECT_THAT(
      faults(text_of("[queue]\nretry = { first = \"5h\" }\n")),
      ElementsAre(HasSubstr("t:6:19: the first retry (5h) is later than the longest wait (max, 4h)")));
  EXPECT_THAT(faults(text_of("[queue]\nexpire = \"1m\"\n")),
              ElementsAre(HasSubstr("t:6:10: mail expires (1m) before it is tried a second time")));
}

TEST(Config, WarnsOfMailThatTakesLongBeforeItExpires) {
  EXPECT_THAT(faults(text_of("[queue]\nexpire = \"3h\"\nwarn_after = \"3h\"\n")),
              ElementsAre(HasSubstr("t:7:14: the sender is warned (3h) no earlier than mail expires (3h)")));
  EXPECT_EQ(good(text_of("[queue]\nwarn_after = \"0s\"\n"))->queue.warn_after.count(), 0);
  EXPECT_TRUE(good(text_of("[queue]\nexpire = \"3h\"\n")));
}

TEST(Config, HasAFolderForItsSockets) {
  EXPECT_EQ(good(text_of(""))->runtime_dir, "/var/lib/postrider/run");
  EXPECT_EQ(good(text_of("", "runtime_dir = \"{data_dir}/sockets\"\n"))->runtime_dir,
            "/var/lib/postrider/sockets");
  EXPECT_EQ(good(text_of("", "runtime_dir = \"/run/postrider\"\n"))->runtime_dir, "/run/postrider");
  EXPECT_THAT(faults(text_of("", "runtime_dir = \"run\"\n")), ElementsAre(HasSubstr("no absolute path")));
}

TEST(Config, WantsAMailboxForEachUser) {
  const auto with = [](std::string_view mailbox) {
    return faults(text_of("[delivery]\nmailbox = \"" + std::string(mailbox) + "\"\n"));
  };
  EXPECT_THAT(with("maildir:/a/{user}"), ElementsAre(HasSubstr("several users' mail into one mailbox")));
  EXPECT_THAT(with("maildir:/a/{domain}"), ElementsAre(HasSubstr("several users' mail into one mailbox")));
  EXPECT_THAT(with("maildir:a/{domain}/{user}"), ElementsAre(HasSubstr("no absolute path")));
  EXPECT_THAT(with("maildir:/a/../{domain}/{user}"), ElementsAre(HasSubstr("no absolute path")));
  EXPECT_THAT(with("maildir:/{home}/{domain}/{user}"), ElementsAre(HasSubstr("braces")));
  EXPECT_THAT(with("maildir:/{domain}/{user"), ElementsAre(HasSubstr("braces")));
  EXPECT_THAT(with("mbox:/{domain}/{user}"),
              ElementsAre(HasSubstr("no mailbox that this version can write to")));
}

TEST(Config, ReadsSizesAndDurations) {
  const auto size = [](const std::string& value) {
    return good(text_of("[delivery]\nquota = " + value + "\n"))->mailbox_quota;
  };
  EXPECT_EQ(size("12"), 12u);
  EXPECT_EQ(size("\"12\""), 12u);
  EXPECT_EQ(size("\"12B\""), 12u);
  EXPECT_EQ(size("\"12kB\""), 12000u);
  EXPECT_EQ(size("\"1MB\""), 1000000u);
  EXPECT_EQ(size("\"1MiB\""), 1048576u);
  EXPECT_EQ(size("\"1TiB\""), 1ull << 40);
  for (const std::string bad : {"\"1M\"", "\"-1\"", "\"1 MB\"", "\"\"", "\"MB\"", "-1", "\"2TiB\"", "1.5",
                                "true", "\"99999999999999999999\"", "\"9999999999999999TiB\""})
    EXPECT_EQ(faults(text_of("[delivery]\nquota = " + bad + "\n")).size(), 1u) << bad;
  for (const std::string bad : {"\"5\"", "5", "\"5 s\"", "\"-5s\"", "\"\"", "\"s\"", "\"0s\"", "\"2h\"",
                                "\"99999999999999999d\"", "\"1.5s\""})
    EXPECT_EQ(faults(text_of("[timeouts]\ncommand = " + bad + "\n")).size(), 1u) << bad;
  for (const std::string bad : {"nan", "inf", "0.5", "11", "\"2\""})
    EXPECT_EQ(faults(text_of("[queue.retry]\nfactor = " + bad + "\n")).size(), 1u) << bad;
}

TEST(Config, ReadsRoutes) {
  const auto via = [](const std::string& text) {
    return good(text_of("[[route]]\ndomain = \"*\"\nvia = \"" + text + "\"\n"))->routes.at(0).via;
  };
  EXPECT_EQ(via("mx"), Via(ViaMx()));
  EXPECT_EQ(via("hold"), Via(ViaHold()));
  EXPECT_EQ(via("discard"), Via(ViaDiscard()));
  EXPECT_EQ(via("smtp://mail.example.net"), Via(ViaSmtp{"mail.example.net", 25}));
  EXPECT_EQ(via("smtp://[2001:db8::1]:26"), Via(ViaSmtp{"2001:db8::1", 26}));
  EXPECT_EQ(via("smtp://[2001:db8::1]"), Via(ViaSmtp{"2001:db8::1", 25}));
  EXPECT_EQ(via("smtp://Bücher.example"), Via(ViaSmtp{"xn--bcher-kva.example", 25}));
  EXPECT_EQ(via("lmtp://[::1]:2400"), Via(ViaLmtp{"::1", 2400, {}}));
  EXPECT_EQ(via("lmtp://mail.example.net"), Via(ViaLmtp{"mail.example.net", 24, {}}));
  EXPECT_EQ(via("lmtp:/run/dovecot/lmtp"), Via(ViaLmtp{{}, 0, "/run/dovecot/lmtp"}));
  EXPECT_EQ(std::get<ViaPipe>(via("pipe:/bin/cat")).program, "/bin/cat");
  for (const std::string bad :
       {"lmtp://", "lmtp:", "lmtp:run", "lmtp://a:0", "pipe:", "pipe:cat", "pipe:/", "smtp://", "smtp://a b",
        "smtp://a:0", "smtp://a:", "smtp://a:65536", "smtp://[::1", "smtp://[::1]x", "smtp://[a]:1",
        "smtp://2001:db8::1", "MX", "", "maildir:/a"})
    EXPECT_EQ(faults(text_of("[[route]]\ndomain = \"*\"\nvia = \"" + bad + "\"\n")).size(), 1u) << bad;
}

class ConfigRoute : public testing::Test {
 protected:
  static std::string text(const std::string& lines) { return text_of("[[route]]\ndomain = \"*\"\n" + lines); }
  static Route route(const std::string& lines) { return good(text(lines))->routes.at(0); }
  static std::vector<std::string> wrong(const std::string& lines) { return faults(text(lines)); }
};

TEST_F(ConfigRoute, HasTermsOfItsOwn) {
  const Route terms = route(
      "via = \"mx\"\nsource = [\"192.0.2.1\", \"2001:db8::1\"]\nhelo = \"Out.example.com\"\nconcurrency = 3\n"
      "max_per_minute = 4\n");
  EXPECT_THAT(terms.source,
              ElementsAre(*base::IpAddress::parse("192.0.2.1"), *base::IpAddress::parse("2001:db8::1")));
  EXPECT_EQ(terms.helo, "out.example.com");
  EXPECT_EQ(terms.concurrency, 3u);
  EXPECT_EQ(terms.max_per_minute, 4u);
  EXPECT_TRUE(terms.has_own_terms());
  EXPECT_EQ(route("via = \"smtp://a.example\"\nsource = \"192.0.2.1\"\n").source.size(), 1u);
  EXPECT_EQ(route("via = \"mx\"\nhelo = \"[192.0.2.1]\"\n").helo, "[192.0.2.1]");
  const Route plain = route("via = \"mx\"\n");
  EXPECT_FALSE(plain.has_own_terms());
  EXPECT_FALSE(plain.concurrency);
}

TEST_F(ConfigRoute, SendsFromOneAddressOfAFamily) {
  EXPECT_THAT(wrong("via = \"mx\"\nsource = [\"192.0.2.1\", \"192.0.2.2\"]\n"),
              ElementsAre(HasSubstr("t:8:10: more than one address of a family")));
  EXPECT_THAT(wrong("via = \"mx\"\nsource = [\"::1\", \"::2\"]\n"), ElementsAre(HasSubstr("more than one")));
  for (const std::string bad : {"", "0.0.0.0", "::", "eth0", "192.0.2.1:25", "[::1]"})
    EXPECT_THAT(wrong("via = \"mx\"\nsource = \"" + bad + "\"\n"),
                ElementsAre(HasSubstr("is no address to send from")));
  EXPECT_THAT(wrong("via = \"mx\"\nhelo = \"a b\"\n"), ElementsAre(HasSubstr("\"a b\" is no name")));
  EXPECT_EQ(wrong("via = \"mx\"\nconcurrency = 0\n").size(), 1u);
  EXPECT_EQ(wrong("via = \"mx\"\nsource = 5\n").size(), 1u);
}

TEST_F(ConfigRoute, GivesMailToAProgram) {
  const Route found = route(
      "via = \"pipe:/usr/bin/archive\"\narguments = [\"-f\", \"{sender}\", \"to={user}@{domain}\", \"\", "
      "\"{original}{recipient}{id}\"]\nuser = \"archive\"\ntime_limit = \"90s\"\nconcurrency = 2\n");
  EXPECT_EQ(found.via, Via(ViaPipe{"/usr/bin/archive",
                                   {"-f", "{sender}", "to={user}@{domain}", "", "{original}{recipient}{id}"},
                                   "archive",
                                   std::chrono::seconds(90)}));
  EXPECT_EQ(std::get<ViaPipe>(route("via = \"pipe:/bin/cat\"\n").via).time_limit, std::chrono::minutes(5));
  const auto with = [](const std::string& lines) {
    return wrong("via = \"pipe:/bin/cat\"\n" + lines + "\n");
  };
  EXPECT_THAT(with("user = \"root\""),
              ElementsAre(HasSubstr("t:8:8: a program that strangers' mail is given to")));
  EXPECT_THAT(with("arguments = [\"{password}\"]"),
              ElementsAre(HasSubstr("braces that nothing is filled into")));
  EXPECT_THAT(with("arguments = [\"{user\"]"), ElementsAre(HasSubstr("braces")));
  EXPECT_THAT(with("arguments = [\"a\\u0000b\"]"), testing::SizeIs(1));
  EXPECT_THAT(with("arguments = \"-x\""), testing::SizeIs(1));
  EXPECT_THAT(with("time_limit = \"0s\""), testing::SizeIs(1));
}

TEST_F(ConfigRoute, RefusesKeysThatMeanNothingThere) {
  for (const std::string key : {"arguments = []", "user = \"x\"", "time_limit = \"1m\""})
    EXPECT_THAT(wrong("via = \"mx\"\n" + key + "\n"), ElementsAre(HasSubstr("belongs to routes to programs")))
        << key;
  for (const std::string via : {"lmtp:/run/lmtp", "pipe:/bin/cat", "maildir:/x/{user}", "hold"})
    EXPECT_THAT(wrong("via = \"" + via + "\"\nsource = \"192.0.2.1\"\nhelo = \"a\"\n"),
                ElementsAre(HasSubstr("\"source\" belongs to routes that connect over the network"),
                            HasSubstr("\"helo\" belongs")))
        << via;
  for (const std::string via : {"maildir:/x/{user}", "hold", "discard"})
    EXPECT_THAT(wrong("via = \"" + via + "\"\nconcurrency = 1\nmax_per_minute = 1\n"),
                ElementsAre(HasSubstr("\"concurrency\" belongs to routes to servers and programs"),
                            HasSubstr("\"max_per_minute\" belongs")))
        << via;
  EXPECT_TRUE(good(text("via = \"lmtp:/run/lmtp\"\nconcurrency = 1\nmax_per_minute = 1\n")));
}

TEST_F(ConfigRoute, IsTheFirstThatMatchesAndElseTheServersThatTheDnsNames) {
  const auto config =
      good(text_of("[[route]]\ndomain = \"a.example\"\nvia = \"hold\"\n"
                   "[[route]]\ndomain = \".a.example\"\nvia = \"discard\"\n"));
  EXPECT_EQ(route_for(config, host("a.example")).get(), &config->routes[0]);
  EXPECT_EQ(route_for(config, host("b.a.example")).get(), &config->routes[1]);
  const auto other = route_for(config, host("c.example"));
  EXPECT_EQ(*other, Route());
  EXPECT_TRUE(other->is_default());
  EXPECT_EQ(other->via, Via(ViaMx()));
}

TEST(Config, MatchesRoutesAndPatterns) {
  const auto config =
      good(text_of("[[route]]\ndomain = \"Example.net\"\nvia = \"mx\"\n"
                   "[[route]]\ndomain = \".example.net\"\nvia = \"mx\"\n"
                   "[[route]]\ndomain = \"*\"\nvia = \"mx\"\n"));
  ASSERT_TRUE(config);
  const auto matching = [&](std::string_view name) {
    std::string found;
    for (const Route& route : config->routes) found += route.matches(host(name)) ? 'y' : '-';
    return found;
  };
  EXPECT_EQ(matching("EXAMPLE.net"), "y-y");
  EXPECT_EQ(matching("a.example.net"), "-yy");
  EXPECT_EQ(matching("aexample.net"), "--y");
  EXPECT_EQ(matching("[192.0.2.1]"), "--y");
  const AddressPattern below{{}, host("example.net"), true};
  EXPECT_FALSE(below.matches(address("x@example.net")));
  EXPECT_FALSE(below.matches(address("x@[192.0.2.1]")));
}

TEST(Config, RefusesARouteThatIsNeverReached) {
  EXPECT_THAT(faults(text_of("[[route]]\ndomain = \"a.example\"\nvia = \"mx\"\n"
                             "[[route]]\ndomain = \"A.example\"\nvia = \"mx\"\n"
                             "[[route]]\ndomain = \"*\"\nvia = \"mx\"\n"
                             "[[route]]\ndomain = \".b.example\"\nvia = \"mx\"\n")),
              ElementsAre(HasSubstr("t:9:10: this route is never reached: the one in line 6"),
                          HasSubstr("t:15:10: this route is never reached: the one in line 12")));
}

TEST(ConfigFile, ThatIsNotThereIsAFault) {
  const auto loaded = load("/nonexistent/postrider.toml");
  ASSERT_FALSE(loaded);
  EXPECT_EQ(loaded.error().at(0).to_string(),
            "/nonexistent/postrider.toml: the file can't be read: No such file or directory; check its name "
            "and who "
            "may read it");
  EXPECT_THAT(load("/").error().at(0).what, HasSubstr("Is a directory"));
}

TEST(ConfigFile, IsRead) {
  const auto path = std::filesystem::path(testing::TempDir()) / "postrider_config_test.toml";
  std::ofstream(path) << kMinimal;
  const auto loaded = load(path);
  std::filesystem::remove(path);
  ASSERT_TRUE(loaded);
  EXPECT_EQ((*loaded)->file, path.string());
}

}  // namespace
}  // namespace postrider::config
