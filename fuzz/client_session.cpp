// A client's session against a server that says anything, from each of its states on. The first octet chooses the state,
// the protocol and whether the content has one piece or several, the second how the rest is cut into pieces.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "deliver/testing/client_house.hpp"
#include "wire/smtp/command.hpp"
#include "wire/smtp/line_splitter.hpp"

using namespace postrider;
using deliver::testing::ClientHouse;

namespace {

void require(bool ok) {
  if (!ok) __builtin_trap();
}

constexpr std::array<std::string_view, 8> kStates = {
    "",
    "220 hi\r\n",
    "220 hi\r\n|502 what?\r\n",
    "220 hi\r\n|250 mx\r\n|250 ok\r\n",
    "220 hi\r\n|250-mx\r\n250-PIPELINING\r\n250-SMTPUTF8\r\n250-DSN\r\n250 SIZE 1000000\r\n",
    "220 hi\r\n|250-mx\r\n250-PIPELINING\r\n250-CHUNKING\r\n250 8BITMIME\r\n",
    "220 hi\r\n|250-mx\r\n250 PIPELINING\r\n|250 ok\r\n250 ok\r\n250 ok\r\n354 go\r\n",
    "220 hi\r\n|250-mx\r\n250-PIPELINING\r\n250 CHUNKING\r\n|250 ok\r\n250 ok\r\n250 ok\r\n",
};

// All that was said are commands that a server understands, with their content where it belongs; the last content may have
// been broken off between two pieces.
void check_commands(std::string_view heard, const std::string& content) {
  bool after_data = false;
  std::size_t chunked = 0;
  while (!heard.empty()) {
    if (after_data && (heard.starts_with(content + ".\r\n") || heard.starts_with(".\r\n"))) {
      heard.remove_prefix(heard.starts_with(".\r\n") ? 3 : content.size() + 3);
      after_data = false;
      continue;
    }
    if (after_data && content.starts_with(heard)) return;
    const auto line = wire::smtp::next_line(heard, wire::smtp::kMaxCommandLine);
    require(line.result == wire::smtp::LineResult::line);
    const auto command = wire::smtp::parse_command(line.text, {});
    require(command.has_value());
    heard.remove_prefix(line.consumed);
    after_data = std::holds_alternative<wire::smtp::Data>(*command);
    if (std::holds_alternative<wire::smtp::Mail>(*command)) chunked = 0;
    if (const auto* bdat = std::get_if<wire::smtp::Bdat>(&*command)) {
      require(heard.starts_with(std::string_view(content).substr(chunked, bdat->size)));
      chunked += bdat->size;
      require(chunked <= content.size() && bdat->last == (chunked == content.size()));
      heard.remove_prefix(bdat->size);
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 2) return 0;
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

  static ClientHouse house;
  if (house.envelope.recipients.empty()) {
    house.add("alice@there.test");
    house.add("bob@there.test");
  }
  static const std::vector<std::string> one = house.content;
  static const std::vector<std::string> several = {std::string(70000, 'a'), "\r\n" + std::string(70000, 'b'),
                                                   "\r\n"};
  house.content = (data[0] & 64) != 0 ? several : one;
  const bool lmtp = data[0] >= 128;
  house.terms.protocol = lmtp ? deliver::ClientProtocol::lmtp : deliver::ClientProtocol::smtp;
  house.begin(std::move(sends));
  std::string heard;
  for (int i = 0; i < 2; ++i) {
    const auto said = house.carry();
    heard += said.heard;
    require(said.outcomes.size() == 2 && said.transcript.size() <= deliver::Transcript::kMost);
    for (const auto& outcome : said.outcomes) {
      const bool good = outcome.action == (lmtp ? mail::Action::delivered : mail::Action::relayed);
      require(good == (outcome.reply.positive() && outcome.reply.code < 300 && outcome.reply.code != 0));
      require(good || outcome.action == mail::Action::deferred || outcome.reply.permanent());
    }
    if (!said.usable) break;
  }
  house.quit();
  std::string whole;
  for (const std::string& each : house.content) whole += each;
  check_commands(heard + house.take_heard(), whole);
  return 0;
}
