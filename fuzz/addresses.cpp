// Address lists: bounds hold, names are UTF-8, and a list that is written again reads the same.
#include "wire/mime/addresses.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/ascii.hpp"

namespace base = postrider::base;
namespace mime = postrider::wire::mime;

namespace {

void require(bool ok) {
  if (!ok) __builtin_trap();
}

std::string quoted(std::string_view name) {
  std::string out = "\"";
  for (char c : name) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + '"';
}

// Writes only what has one reading: names that decoding would change once more are left out.
bool is_plain(std::string_view name) {
  return !name.empty() && name.find_first_of("\r\n") == std::string_view::npos && !name.contains("=?");
}

void check_written_again(const mime::Mailbox& mailbox) {
  const std::string spec = mime::addr_spec(mailbox);
  const bool clean = spec == mailbox.address && spec.find_first_of("\"<>()\r\n") == std::string::npos;
  if (!clean || spec.empty() || !is_plain(mailbox.name)) return;
  const auto again = mime::parse_addresses(quoted(mailbox.name) + " <" + spec + ">");
  require(again.groups.size() == 1 && again.groups[0].mailboxes.size() == 1);
  require(again.groups[0].mailboxes[0] == mailbox);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto list = mime::parse_addresses(text);
  std::size_t count = list.groups.size();
  for (const auto& group : list.groups) {
    count += group.mailboxes.size();
    require(group.name || !group.mailboxes.empty());
    if (group.name) require(base::is_utf8(*group.name));
    for (const auto& mailbox : group.mailboxes) {
      require(!mailbox.name.empty() || !mailbox.address.empty());
      require(base::is_utf8(mailbox.name));
      require(mailbox.address.size() <= text.size());
      require(mailbox.address.find_first_of("\r\n") == std::string::npos);
      check_written_again(mailbox);
    }
  }
  require(count <= mime::kMaxAddresses);
  return 0;
}
