#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <future>
#include <map>
#include <thread>

#include "base/ascii.hpp"
#include "sys/resolver.hpp"

namespace postrider::sys {
namespace {

using namespace std::chrono_literals;
using namespace std::string_literals;
using testing::UnorderedElementsAre;

constexpr auto kLong = base::Milliseconds(20s);
constexpr int kServfail = 2;
constexpr int kRefused = 5;

std::string number16(int value) { return {static_cast<char>(value >> 8), static_cast<char>(value & 0xFF)}; }

std::string wire_name(std::string_view name) {
  std::string out;
  while (!name.empty()) {
    const auto label = name.substr(0, name.find('.'));
    (out += static_cast<char>(label.size())) += label;
    name.remove_prefix(std::min(name.size(), label.size() + 1));
  }
  return out + '\0';
}

// A record of class IN with a TTL of 300 s.
std::string record(std::string_view owner, int type, const std::string& rdata) {
  return wire_name(owner) + number16(type) + number16(1) + "\0\0\x01\x2C"s +
         number16(static_cast<int>(rdata.size())) + rdata;
}

struct Told {
  int rcode = 0;
  std::vector<std::string> records = {};
  bool silent = false;
};

// A DNS server on loopback that says what it was told: by name and type; NXDOMAIN for the rest.
class FakeServer {
 public:
  explicit FakeServer(std::map<std::pair<std::string, int>, Told> told) : told_(std::move(told)) {
    socket_ = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    address_.sin_family = AF_INET;
    address_.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address_;
    if (bind(socket_, reinterpret_cast<sockaddr*>(&address_), size) != 0 ||
        getsockname(socket_, reinterpret_cast<sockaddr*>(&address_), &size) != 0)
      std::abort();
    thread_ = std::jthread([this] { serve(); });
  }
  ~FakeServer() {
    // An empty datagram ends serve().
    sendto(socket_, "", 0, 0, reinterpret_cast<sockaddr*>(&address_), sizeof address_);
    thread_.join();
    close(socket_);
  }
  std::string name() const { return "127.0.0.1@" + std::to_string(ntohs(address_.sin_port)); }

 private:
  void serve() {
    std::array<char, 4096> buffer{};
    while (true) {
      sockaddr_in peer{};
      socklen_t size = sizeof peer;
      const auto got =
          recvfrom(socket_, buffer.data(), buffer.size(), 0, reinterpret_cast<sockaddr*>(&peer), &size);
      if (got < 17) return;
      const auto reply = answer({buffer.data(), static_cast<std::size_t>(got)});
      if (!reply.empty())
        sendto(socket_, reply.data(), reply.size(), 0, reinterpret_cast<sockaddr*>(&peer), size);
    }
  }
  std::string answer(std::string_view query) const {
    std::string name;
    std::size_t at = 12;
    for (; query[at] != 0; at += static_cast<std::size_t>(query[at]) + 1)
      (name += name.empty() ? "" : ".") +=
          base::lower(query.substr(at + 1, static_cast<std::size_t>(query[at])));
    const int type = query[at + 1] << 8 | query[at + 2];
    const auto found = told_.find({name, type});
    const Told told = found == told_.end() ? Told{.rcode = 3} : found->second;
    if (told.silent) return {};
    std::string reply(query.substr(0, 2));
    reply += "\x81"s + static_cast<char>(0x80 | told.rcode) + number16(1) +
             number16(static_cast<int>(told.records.size())) + number16(0) + number16(0);
    reply += query.substr(12, at + 5 - 12);
    for (const auto& one : told.records) reply += one;
    return reply;
  }

  std::map<std::pair<std::string, int>, Told> told_;
  int socket_ = -1;
  sockaddr_in address_{};
  std::jthread thread_;
};

std::unique_ptr<Resolver> resolver_for(const FakeServer& server, std::string trust_anchors = {}) {
  auto made = make_unbound_resolver({.servers = {server.name()}, .trust_anchors = std::move(trust_anchors)});
  EXPECT_TRUE(made) << made.error();
  return std::move(made).value();
}

// `resolver.*ask` and wait for the answer.
template <class T, class Key>
dns::Result<T> get(Resolver& resolver, void (Resolver::*ask)(Key, base::Milliseconds, dns::Done<T>), Key key,
                   base::Milliseconds within = kLong) {
  std::promise<dns::Result<T>> promise;
  auto future = promise.get_future();
  (resolver.*ask)(std::move(key), within,
                  [&](dns::Result<T> result) { promise.set_value(std::move(result)); });
  return future.get();
}

base::IpAddress ip(std::string_view text) { return base::IpAddress::parse(text).value(); }

template <class T>
std::vector<T> records(const dns::Result<T>& result) {
  EXPECT_TRUE(result) << to_string(result.error().error) << ": " << result.error().text;
  return result ? result->records : std::vector<T>();
}

const std::string kV4 = "\xC0\x00\x02\x01"s;

TEST(UnboundResolver, GivesRecordsWithTheirTimeToLive) {
  FakeServer server({
      {{"demo.test", 1}, {.records = {record("demo.test", 1, kV4), record("demo.test", 1, "\x7F\0\0\x02"s)}}},
      {{"demo.test", 28},
       {.records = {record("demo.test", 28, "\x20\x01\x0D\xB8"s + std::string(11, '\0') + '\1')}}},
      {{"demo.test", 15},
       {.records = {record("demo.test", 15, number16(10) + wire_name("MX1.demo.test")),
                    record("demo.test", 15, number16(20) + wire_name("mx2.demo.test"))}}},
      {{"null.test", 15}, {.records = {record("null.test", 15, number16(0) + wire_name(""))}}},
      {{"demo.test", 16}, {.records = {record("demo.test", 16, "\x06v=spf1\x05 -all"s)}}},
  });
  const auto resolver = resolver_for(server);
  const auto a = get(*resolver, &Resolver::a, "Demo.test"s);
  EXPECT_THAT(records(a), UnorderedElementsAre(ip("192.0.2.1"), ip("127.0.0.2")));
  EXPECT_EQ(a->ttl, 300s);
  EXPECT_FALSE(a->secure);
  EXPECT_THAT(records(get(*resolver, &Resolver::aaaa, "demo.test."s)),
              UnorderedElementsAre(ip("2001:db8::1")));
  EXPECT_THAT(records(get(*resolver, &Resolver::mx, "demo.test"s)),
              UnorderedElementsAre(dns::Mx{10, "mx1.demo.test"}, dns::Mx{20, "mx2.demo.test"}));
  EXPECT_THAT(records(get(*resolver, &Resolver::mx, "null.test"s)), UnorderedElementsAre(dns::Mx{0, "."}));
  EXPECT_THAT(records(get(*resolver, &Resolver::txt, "demo.test"s)), UnorderedElementsAre("v=spf1 -all"));
}

TEST(UnboundResolver, FollowsAliases) {
  FakeServer server(
      {{{"www.demo.test", 1},
        {.records = {record("www.demo.test", 5, wire_name("host.demo.test")),
                     record("host.demo.test", 1, kV4)}}},
       {{"host.demo.test", 1}, {.records = {record("host.demo.test", 1, kV4)}}},
       {{"lost.demo.test", 1}, {.records = {record("lost.demo.test", 5, wire_name("nowhere.test"))}}}});
  const auto resolver = resolver_for(server);
  EXPECT_THAT(records(get(*resolver, &Resolver::a, "www.demo.test"s)), UnorderedElementsAre(ip("192.0.2.1")));
  EXPECT_EQ(get(*resolver, &Resolver::a, "lost.demo.test"s).error().error, dns::Error::nxdomain);
}

TEST(UnboundResolver, AsksTheServersForNamesOfPrivateAddresses) {
  std::map<std::pair<std::string, int>, Told> told;
  const std::vector<base::IpAddress> addresses = {ip("127.0.0.1"), ip("10.1.2.3"), ip("192.168.1.1"),
                                                  ip("fd00::1")};
  for (const auto& address : addresses) {
    const auto name = reverse_name(address);
    told[{name, 12}] = {.records = {record(name, 12, wire_name("client.demo.test"))}};
  }
  FakeServer server(told);
  const auto resolver = resolver_for(server);
  for (const auto& address : addresses) {
    EXPECT_THAT(records(get(*resolver, &Resolver::ptr, address)), UnorderedElementsAre("client.demo.test"))
        << address.to_string();
  }
}

TEST(UnboundResolver, TellsTheKindsOfFailureApart) {
  FakeServer server({{{"nodata.test", 1}, {}},
                     {{"broken.test", 1}, {.rcode = kServfail}},
                     {{"refused.test", 1}, {.rcode = kRefused}},
                     {{"silent.test", 1}, {.silent = true}}});
  const auto resolver = resolver_for(server);
  const auto error = [&](std::string name, base::Milliseconds within = kLong) {
    return get(*resolver, &Resolver::a, std::move(name), within).error().error;
  };
  EXPECT_EQ(error("nobody.test"), dns::Error::nxdomain);
  EXPECT_EQ(error("nodata.test"), dns::Error::nodata);
  EXPECT_EQ(error("broken.test"), dns::Error::servfail);
  EXPECT_EQ(error("refused.test"), dns::Error::servfail);
  EXPECT_EQ(error("silent.test", 30ms), dns::Error::timeout);
  EXPECT_EQ(error(std::string(64, 'x') + ".test"), dns::Error::malformed);
  EXPECT_EQ(error("a\0b.test"s), dns::Error::malformed);
  EXPECT_TRUE(dns::is_temporary(dns::Error::bogus));
  EXPECT_FALSE(dns::is_temporary(dns::Error::nxdomain));
}

TEST(UnboundResolver, TakesFiveHundredQuestionsAndAnswersAllWhenItGoes) {
  std::map<std::pair<std::string, int>, Told> told;
  for (int i = 0; i <= 500; ++i) told[{"silent" + std::to_string(i) + ".test", 1}] = {.silent = true};
  FakeServer server(told);
  auto resolver = resolver_for(server);
  std::map<dns::Error, int> seen;
  std::promise<std::string> refused;
  for (int i = 0; i <= 500; ++i) {
    resolver->a("silent" + std::to_string(i) + ".test", kLong, [&, i](dns::Result<base::IpAddress> result) {
      ++seen[result.error().error];
      if (i == 500) refused.set_value(result.error().text);
    });
  }
  EXPECT_EQ(refused.get_future().get(), "too many questions open");
  EXPECT_EQ(get(*resolver, &Resolver::a, "one.more.test"s).error().error, dns::Error::servfail);
  resolver.reset();
  EXPECT_EQ(seen[dns::Error::servfail], 501);
}

// A file that goes with the test.
class TemporaryFile {
 public:
  explicit TemporaryFile(std::string_view content) {
    const int descriptor = mkstemp(path_.data());
    if (descriptor < 0 || write(descriptor, content.data(), content.size()) < 0) std::abort();
    close(descriptor);
  }
  ~TemporaryFile() { std::filesystem::remove(path_); }
  const std::string& path() const { return path_; }

 private:
  std::string path_ = testing::TempDir() + "anchorXXXXXX";
};

TEST(UnboundResolver, CallsAnUnsignedAnswerBogusWhereASignedOneIsDue) {
  FakeServer server({{{"mx.signed.test", 1}, {.records = {record("mx.signed.test", 1, kV4)}}},
                     {{"mx.other.test", 1}, {.records = {record("mx.other.test", 1, kV4)}}},
                     {{"signed.test", 48}, {}}});
  TemporaryFile anchors("signed.test. IN DS 12345 8 2 " + std::string(64, 'A') + "\n");
  const auto resolver = resolver_for(server, anchors.path());
  EXPECT_EQ(get(*resolver, &Resolver::a, "mx.signed.test"s).error().error, dns::Error::bogus);
  EXPECT_THAT(records(get(*resolver, &Resolver::a, "mx.other.test"s)), UnorderedElementsAre(ip("192.0.2.1")));
}

std::string from_hex(std::string_view hex) {
  std::string out;
  for (std::size_t i = 0; i < hex.size(); i += 2)
    out += static_cast<char>(std::stoi(std::string(hex.substr(i, 2)), nullptr, 16));
  return out;
}

// The key of signed.test, of the private key 01 01 .. 01 (Ed25519), its DS record, and its signature by itself, good
// from 2020 to 2080.
const std::string kAnchor =
    "signed.test. 3600 IN DS 60795 15 2 C7025F7EBC3511DAF3F396B5B03CB3A97EE480871E86E694EAC7EE4FD18F78C8\n";
const std::string kKey = record(
    "signed.test", 48, from_hex("0101030f8a88e3dd7409f195fd52db2d3cba5d72ca6709bf1d94121bf3748801b40f6f5c"));
const std::string kKeySignature =
    record("signed.test", 46,
           from_hex("00300f020000012ccee7b9805e0be100ed7b067369676e6564047465737400"
                    "648db0c71bd6bbf10be4e942e351ebab7c5db91651ec25ba111432580b33d652"
                    "36d4c8457256ec08198ddc25374f031dd96e19a899b3eaf61e95d8f7daa5850e"));

dns::DnssecPath dnssec_path(Resolver& resolver) {
  std::promise<dns::DnssecPath> promise;
  auto future = promise.get_future();
  resolver.check_dnssec(kLong, [&](dns::DnssecPath path) { promise.set_value(path); });
  return future.get();
}

TEST(DnssecPath, WorksWhereTheKeysComeWithTheirSignatures) {
  FakeServer server({{{"signed.test", 48}, {.records = {kKey, kKeySignature}}}});
  TemporaryFile anchors("; of a test\n\n" + kAnchor);
  EXPECT_EQ(dnssec_path(*resolver_for(server, anchors.path())), dns::DnssecPath::works);
}

TEST(DnssecPath, IsStrippedWhereSignaturesAreLeftOutOrKeysToo) {
  TemporaryFile anchors(kAnchor);
  FakeServer unsigned_keys({{{"signed.test", 48}, {.records = {kKey}}}});
  EXPECT_EQ(dnssec_path(*resolver_for(unsigned_keys, anchors.path())), dns::DnssecPath::stripped);
  FakeServer no_keys({{{"signed.test", 48}, {}}});
  EXPECT_EQ(dnssec_path(*resolver_for(no_keys, anchors.path())), dns::DnssecPath::stripped);
  // One of two is enough.
  TemporaryFile two(kAnchor + "other.test. IN DS 12345 8 2 " + std::string(64, 'A') + "\n");
  FakeServer half({{{"signed.test", 48}, {.records = {kKey, kKeySignature}}}, {{"other.test", 48}, {}}});
  EXPECT_EQ(dnssec_path(*resolver_for(half, two.path())), dns::DnssecPath::stripped);
}

TEST(DnssecPath, IsUnknownWhereNobodyAnswersAndUnusedWithoutAnchors) {
  TemporaryFile anchors(kAnchor);
  FakeServer silent({{{"signed.test", 48}, {.silent = true}}});
  const auto resolver = resolver_for(silent, anchors.path());
  std::promise<dns::DnssecPath> promise;
  resolver->check_dnssec(100ms, [&](dns::DnssecPath path) { promise.set_value(path); });
  EXPECT_EQ(promise.get_future().get(), dns::DnssecPath::unknown);
  EXPECT_EQ(dnssec_path(*resolver_for(silent)), dns::DnssecPath::unused);
}

TEST(UnboundResolver, RefusesSettingsThatCantBeUsed) {
  EXPECT_THAT(make_unbound_resolver({.servers = {"not an address"}, .trust_anchors = {}}).error(),
              testing::StartsWith("dns.servers: "));
  EXPECT_THAT(
      make_unbound_resolver({.servers = {"127.0.0.1"}, .trust_anchors = "/nonexistent/root.key"}).error(),
      testing::StartsWith("dns.trust_anchors: "));
}

}  // namespace
}  // namespace postrider::sys
