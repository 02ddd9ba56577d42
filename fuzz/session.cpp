// A whole session, brought into one of its states first. The first octet chooses the state, the second how the rest
// is cut into pieces.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>

#include "receive/testing/authenticator.hpp"
#include "receive/testing/house.hpp"
#include "sys/log.hpp"

using postrider::receive::testing::House;

namespace {

constexpr const char* kConfig = R"(
hostname = "mx.test"
data_dir = "DATA"
[[listener]]
address = "127.0.0.1:2525"
auth = "offered"
[auth]
mechanisms = ["PLAIN", "LOGIN", "SCRAM-SHA-256", "OAUTHBEARER", "XOAUTH2"]
without_tls_on_loopback = true
[limits]
message_size = 65536
header_size = 16384
[[domain]]
name = "example.test"
users = ["alice", "bob"]
)";

constexpr std::array<std::string_view, 9> kStates = {
    "",
    "HELO client.test\r\n",
    "EHLO client.test\r\n",
    "EHLO client.test\r\n|MAIL FROM:<a@b.test> SMTPUTF8\r\n",
    "EHLO client.test\r\n|MAIL FROM:<a@b.test>\r\nRCPT TO:<bob@example.test>\r\n",
    "EHLO client.test\r\n|MAIL FROM:<>\r\nRCPT TO:<bob@example.test>\r\n|DATA\r\n",
    "EHLO client.test\r\n|MAIL FROM:<>\r\nRCPT TO:<bob@example.test>\r\nBDAT 14\r\nSubject: x\r\n\r\n",
    "EHLO client.test\r\n|AUTH LOGIN\r\n",
    "EHLO client.test\r\n|AUTH SCRAM-SHA-256\r\n",
};

// "250-2.1.0 text": a code, then a hyphen or a space.
bool is_reply_line(std::string_view line) {
  const auto digit = [&](std::size_t i) { return line[i] >= '0' && line[i] <= '9'; };
  return line.size() >= 4 && line[0] >= '2' && line[0] <= '5' && digit(1) && digit(2) &&
         (line[3] == ' ' || line[3] == '-') && line.find('\r') == std::string_view::npos;
}

void check_replies(std::string_view heard) {
  if (!heard.starts_with("220 ") && !heard.starts_with("554 ")) __builtin_trap();
  while (!heard.empty()) {
    const auto end = heard.find("\r\n");
    if (end == std::string_view::npos || !is_reply_line(heard.substr(0, end))) __builtin_trap();
    heard.remove_prefix(end + 2);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const bool quiet = [] {
    postrider::sys::log::configure(postrider::sys::log::Format::logfmt, postrider::sys::log::Level::error);
    return true;
  }();
  static House house(kConfig);
  static postrider::receive::testing::FakeAuthenticator accounts;
  static postrider::directory::LoginGuard guard(postrider::sys::system_clock());
  static postrider::receive::Logins logins{accounts, guard};
  house.services().logins = &logins;
  accounts.asked.clear();
  if (size < 2 || !quiet) return 0;
  std::deque<std::string> sends;
  std::string_view state = kStates[data[0] % kStates.size()];
  while (!state.empty()) {
    const auto bar = state.find('|');
    sends.emplace_back(state.substr(0, bar));
    state = bar == std::string_view::npos ? std::string_view() : state.substr(bar + 1);
  }
  const std::size_t piece = data[1] ? data[1] : size;
  std::string_view rest(reinterpret_cast<const char*>(data) + 2, size - 2);
  for (; !rest.empty(); rest.remove_prefix(std::min(piece, rest.size())))
    sends.emplace_back(rest.substr(0, piece));
  check_replies(house.converse(std::move(sends), "127.0.0.1").heard);
  return 0;
}
