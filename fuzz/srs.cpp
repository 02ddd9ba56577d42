// Addresses of the Sender Rewriting Scheme: what is made of a sender leads back to it however often others send it on, and what
// a stranger made up leads nowhere.
#include "wire/srs/srs.hpp"

#include <string>

#include "base/ascii.hpp"

using namespace postrider;
using namespace postrider::wire;

namespace {

void require(bool ok) {
  if (!ok) __builtin_trap();
}

// FNV-1a, with a byte for a key: enough for four octets that depend on all.
srs::Mac with_key(unsigned char key) {
  return [key](std::string_view text) {
    std::uint64_t hash = 14695981039346656037u ^ key;
    for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211u;
    std::string out;
    for (int shift = 56; shift >= 0; shift -= 8) out += static_cast<char>(hash >> shift);
    return out;
  };
}

std::string key_of(const mail::Address& address) { return base::lower(address.to_ascii()); }

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto given = mail::Address::parse(std::string(reinterpret_cast<const char*>(data), size));
  if (!given) return 0;
  const auto mac = with_key(1);
  const auto said = srs::read(*given);
  if (said) require(said->day < srs::kDays && mail::is_rewritten(given->local()));
  if (said && srs::is_made_by(*said, mac)) {
    // Then this is how it is written, and by no other.
    const auto again = srs::rewrite(said->leads_to, *given->domain(), said->day, mac);
    require(again && key_of(*again) == key_of(*given) && !srs::is_made_by(*said, with_key(2)));
  }
  const auto first = srs::rewrite(*given, *mail::Domain::parse("first.test"), 1, mac);
  if (!first) return 0;
  const auto back = srs::read(*first);
  require(back && srs::is_made_by(*back, mac) && back->day == 1);
  if (!back->chained) require(back->leads_to == *given);
  require(mail::Address::parse(first->to_string()) == *first);
  const auto second = srs::rewrite(*first, *mail::Domain::parse("second.test"), 2, with_key(2));
  if (!second) return 0;
  const auto to_first = srs::read(*second);
  require(to_first && to_first->chained && srs::is_made_by(*to_first, with_key(2)));
  require(back->chained || key_of(to_first->leads_to) == key_of(*first));
  const auto third = srs::rewrite(*second, *mail::Domain::parse("third.test"), 3, mac);
  require(third && srs::read(*third)->leads_to == to_first->leads_to);
  return 0;
}
