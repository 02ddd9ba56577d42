// The records of the spool: no bytes crash a decoder, what it understands is the same after it was written and read
// again, and fields that it does not know are still there.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "store/edits_record.hpp"
#include "store/envelope_record.hpp"
#include "store/recipient_record.hpp"

namespace {

using namespace postrider::store;

// `decode` of `bytes`, and of what it gives.
template <class Decode>
void check(std::string_view bytes, Decode decode) {
  const auto first = decode(bytes);
  if (!first) return;
  const auto second = decode(encode(*first));
  if (!second || !(*second == *first)) __builtin_trap();
  if (encode(*second) != encode(*first)) __builtin_trap();
  auto more = *first;
  more.unknown += "\xe3\x07\x03new";  // tag 995
  const auto third = decode(encode(more));
  if (!third || !(*third == more)) __builtin_trap();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  check(bytes, decode_envelope);
  check(bytes, decode_recipient);
  check(bytes, decode_edits);
  return 0;
}
