// The border between clear text and TLS, on both sides: octets around STARTTLS. The first octet chooses the side and the
// policy, the second how the rest is cut into pieces.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>

#include "deliver/testing/client_house.hpp"
#include "net/testing/certificates.hpp"
#include "receive/testing/house.hpp"
#include "sys/clock.hpp"
#include "sys/log.hpp"
#include "sys/random.hpp"

using namespace postrider;

namespace {

constexpr const char* kConfig = R"(
hostname = "mx.test"
data_dir = "DATA"
[[listener]]
address = "127.0.0.1:2525"
tls = "starttls"
[tls]
certificate = "/not/read"
key = "/not/read"
[[domain]]
name = "example.test"
users = ["bob"]
)";

constexpr std::string_view kGoAhead = "220 2.0.0 go ahead with TLS\r\n";
constexpr char kAlert = 21;  // of TLS's records
constexpr char kHandshake = 22;

void require(bool ok) {
  if (!ok) __builtin_trap();
}

net::TlsServer& tls_server() {
  static net::TlsServer server(sys::system_clock(), sys::system_random());
  static const bool made =
      server.use({.certificates = {net::testing::certificate()}, .hostname = "mx.test", .client_ca = {}})
          .has_value();
  require(made);
  return server;
}

// After the go-ahead the server says nothing in clear any more.
void serve(std::deque<std::string> pieces) {
  static receive::testing::House house(kConfig);
  house.services().tls = &tls_server();
  pieces.push_front("EHLO client.test\r\n");
  const std::string heard = house.converse(std::move(pieces)).heard;
  const auto place = heard.find(kGoAhead);
  if (place == std::string::npos) return;
  const auto behind = std::string_view(heard).substr(place + kGoAhead.size());
  require(behind.empty() || behind[0] == kAlert || behind[0] == kHandshake);
}

// Where the policy wants TLS, no mail goes in clear, whatever the server says.
void ask(std::deque<std::string> pieces, config::TlsLevel level) {
  static deliver::testing::ClientHouse house;
  static net::TlsClient client;
  if (house.envelope.recipients.empty()) house.add("bob@there.test");
  house.terms.tls = &client;
  house.terms.policy = {.level = level, .names = {"there.test"}, .why = "fuzz"};
  house.begin(std::move(pieces));
  const auto said = house.carry();
  require(said.outcomes.size() == 1);
  const bool wants = level == config::TlsLevel::encrypt || level == config::TlsLevel::verify;
  if (wants) require(!said.heard.contains("MAIL FROM") && said.outcomes[0].action == mail::Action::deferred);
  // What was said in clear behind the go-ahead is never an extension.
  const auto start = said.heard.find("STARTTLS\r\n");
  const bool hello =
      start != std::string::npos && said.heard.size() > start + 10 && said.heard[start + 10] == kHandshake;
  if (hello) require(!said.heard.substr(start + 10).contains("MAIL FROM"));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const bool quiet = [] {
    sys::log::configure(sys::log::Format::logfmt, sys::log::Level::error);
    return true;
  }();
  if (size < 2 || !quiet) return 0;
  std::deque<std::string> pieces;
  const std::size_t piece = data[1] ? data[1] : size;
  std::string_view rest(reinterpret_cast<const char*>(data) + 2, size - 2);
  for (; !rest.empty(); rest.remove_prefix(std::min(piece, rest.size())))
    pieces.emplace_back(rest.substr(0, piece));
  if (data[0] < 128)
    serve(std::move(pieces));
  else
    ask(std::move(pieces), static_cast<config::TlsLevel>(data[0] % 4));
  return 0;
}
