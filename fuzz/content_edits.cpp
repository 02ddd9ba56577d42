// Edits applied to a message in pieces give what they give at once; and what they give is the message where there
// are none.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "queue/content.hpp"

namespace {

using namespace postrider;

// The input: lines of edits ("p field", "c3 field", "r2", "b body"), an empty line, the message. The sizes of
// the pieces come from the message's own bytes.
mail::Edits take_edits(std::string_view& input) {
  mail::Edits edits;
  while (edits.size() < 16) {
    const std::size_t end = input.find('\n');
    if (end == std::string_view::npos) break;
    const std::string_view line = input.substr(0, end);
    input.remove_prefix(end + 1);
    if (line.empty()) break;
    std::string rest(line.size() > 2 ? line.substr(2) : std::string_view());
    const auto index = static_cast<std::uint32_t>(line.size() > 1 ? line[1] & 7 : 0);
    if (line[0] == 'p') edits.emplace_back(mail::PrependField{rest + "\r\n"});
    if (line[0] == 'c') edits.emplace_back(mail::ChangeField{index, rest + "\r\n"});
    if (line[0] == 'r') edits.emplace_back(mail::RemoveField{index});
    if (line[0] == 'b') edits.emplace_back(mail::ReplaceBody{rest});
  }
  return edits;
}

std::string in_pieces(const mail::Edits& edits, std::string_view message, std::size_t longest) {
  queue::EditApplier applier(edits);
  std::string out;
  while (!message.empty()) {
    const std::size_t size =
        std::min(message.size(), 1 + static_cast<unsigned char>(message.front()) % longest);
    out += applier.feed(message.substr(0, size));
    message.remove_prefix(size);
  }
  return out + applier.finish();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view message(reinterpret_cast<const char*>(data), size);
  const mail::Edits edits = take_edits(message);
  queue::EditApplier applier(edits);
  std::string whole = applier.feed(message);
  whole += applier.finish();
  for (const std::size_t longest : {1, 2, 7, 64}) {
    if (in_pieces(edits, message, longest) != whole) __builtin_trap();
  }
  // No edits but removals of nothing: the slow way must change nothing either.
  queue::EditApplier idle({mail::RemoveField{1'000'000'000}});
  std::string same = idle.feed(message);
  same += idle.finish();
  if (same != message) __builtin_trap();
  return 0;
}
