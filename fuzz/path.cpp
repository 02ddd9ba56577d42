// Domains, addresses and paths: whatever is accepted is within its limits and reads back the same, in both
// forms.
#include "wire/smtp/path.hpp"

#include <string>

using namespace postrider;
using namespace postrider::wire::smtp;

namespace {

void require(bool ok) {
  if (!ok) __builtin_trap();
}

void check_domain(std::string_view text) {
  const auto domain = mail::Domain::parse(text);
  if (!domain) return;
  require(!domain->ascii().empty() && domain->ascii().size() <= 255);
  const auto from_ascii = mail::Domain::parse(domain->ascii());
  require(from_ascii && *from_ascii == *domain);
  const auto from_text = mail::Domain::parse(domain->text());
  require(from_text && *from_text == *domain && from_text->text() == domain->text());
  require(domain->is_within(*domain));
}

void check_address(std::string_view text) {
  const auto address = mail::Address::parse(text);
  if (!address) {
    require(address.error().permanent());
    return;
  }
  for (const auto& written : {address->to_string(), address->to_ascii()}) {
    require(written.size() <= 254);
    const auto again = mail::Address::parse(written);
    require(again && *again == *address);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  check_domain(text);
  check_address(text);
  const auto split = split_path(text);
  if (!split) return 0;
  const auto sender = parse_reverse_path(split->path);
  const auto recipient = parse_forward_path(split->path);
  require(sender || (sender.error().code == 501 && sender.error().enhanced));
  require(recipient || (recipient.error().code == 501 && recipient.error().enhanced));
  // The two sides differ only about nobody and about the postmaster.
  if (sender && !sender->is_null())
    require(recipient && std::get<mail::Address>(*recipient) == sender->address());
  return 0;
}
