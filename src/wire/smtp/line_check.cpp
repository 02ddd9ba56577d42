#include "wire/smtp/line_check.hpp"

#include <algorithm>
#include <bit>

#include "wire/octet_positions.hpp"

namespace postrider::wire::smtp {
namespace {

constexpr std::size_t kMinLimit = 998;
// A line that begins and ends within one block is not measured.
static_assert(kBlock <= kMinLimit);

// Whether one of the octets at the set bits is a dot. Few are set, as lines go.
bool has_dot(const char* block, std::uint64_t starts) {
  for (; starts != 0; starts &= starts - 1)
    if (block[std::countr_zero(starts)] == '.') return true;
  return false;
}

// Text that is not in the cache is read at half the speed without this; it may point behind the text.
void prefetch(const char* block) {
  constexpr std::uintptr_t kAhead = 2048;
  __builtin_prefetch(reinterpret_cast<const void*>(reinterpret_cast<std::uintptr_t>(block) + kAhead));
}

}  // namespace

LineCheck::LineCheck(std::size_t limit) : limit_(std::max(limit, kMinLimit)) {}

std::size_t LineCheck::skip(std::string_view text, Dots dots) {
  std::size_t done = 0;
  std::size_t line_begin = 0 - length_;  // wraps; only differences from it are used
  std::uint64_t cr_before = 0;           // 1: the octet before the block is a CR
  std::uint64_t start = length_ == 0;    // 1: the block begins a line
  for (; text.size() - done >= kBlock; done += kBlock) {
    const char* block = text.data() + done;
    prefetch(block);
    const std::uint64_t cr = positions(block, '\r');
    const std::uint64_t lf = positions(block, '\n');
    if (lf != (cr << 1 | cr_before)) break;
    const std::uint64_t starts = lf << 1 | start;
    if (dots == Dots::stop_at_line_start && has_dot(block, starts)) break;
    if (lf) {
      if (done + std::countr_zero(lf) - line_begin > limit_ + 1) note(ContentFault::line_too_long);
      line_begin = done + kBlock - std::countl_zero(lf);
    }
    cr_before = cr >> (kBlock - 1);
    start = lf >> (kBlock - 1);
  }
  done -= cr_before;
  length_ = done - line_begin;
  if (length_ > limit_) note(ContentFault::line_too_long);
  return done;
}

void LineCheck::octet() {
  if (++length_ > limit_) note(ContentFault::line_too_long);
}

void LineCheck::bare(ContentFault fault) {
  note(fault);
  octet();
}

void LineCheck::note(ContentFault fault) {
  if (fault_ == ContentFault::none) fault_ = fault;
}

}  // namespace postrider::wire::smtp
