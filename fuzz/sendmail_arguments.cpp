// A command line of sendmail, its words parted by NUL: read or refused; what is read has no control characters where they could
// do harm, and keeps its bounds.
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "wire/submit/arguments.hpp"

namespace submit = postrider::wire::submit;

namespace {

void require(bool ok) {
  if (!ok) __builtin_trap();
}

void require_clean(std::string_view text) {
  for (const char c : text) require(static_cast<unsigned char>(c) >= 32 && c != 127);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view all(reinterpret_cast<const char*>(data), size);
  std::vector<std::string_view> words;
  for (std::size_t at = 0; at < all.size();) {
    const std::size_t end = std::min(all.find('\0', at), all.size());
    words.push_back(all.substr(at, end - at));
    at = end + 1;
  }
  const auto arguments = submit::parse_arguments(size % 2 == 0 ? "sendmail" : "mailq", words);
  if (!arguments) {
    require(!arguments.error().text.empty());
    return 0;
  }
  require(arguments->recipients.size() <= words.size());
  for (const auto& recipient : arguments->recipients) require_clean(recipient);
  require_clean(arguments->sender.value_or(""));
  require_clean(arguments->full_name.value_or(""));
  require_clean(arguments->envid);
  require(arguments->envid.size() <= 100);
  require(arguments->notify.specified || arguments->notify == postrider::mail::Notify{});
  return 0;
}
