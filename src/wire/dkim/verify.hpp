// The DKIM signatures of a message, verified. RFC 6376 6.1
//
// Nothing here waits: prepare() when the header section is there, then the body streams through the BodyHasher and the keys
// are asked for, in whatever order; judge() when both are done. Pure functions; any thread.
#pragma once

#include <cstddef>
#include <expected>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.hpp"
#include "wire/dkim/body_hasher.hpp"
#include "wire/dkim/header_index.hpp"
#include "wire/dkim/key_choice.hpp"
#include "wire/dkim/signature.hpp"

namespace postrider::wire::dkim {

// More are not looked at. From the top, where the last who signed stands. RFC 6376 6.1
inline constexpr std::size_t kMaxSignatures = 16;

// A signature that waits for its key and for the body.
struct Pending {
  std::expected<Signature, Unusable> signature;
  Digest header_hash{};       // what b= signs
  std::size_t body_hash = 0;  // its number in the BodyHasher
};

struct Prepared {
  std::vector<Pending> signatures;
  std::size_t left_out = 0;  // those beyond kMaxSignatures
};

// Each tells `bodies` what is wanted of it; so they come before its first feed().
Prepared prepare(const HeaderIndex& header, BodyHasher& bodies);
// The signature that stands in field number `own`.
Pending prepare(Signature signature, std::size_t own, const HeaderIndex& header, BodyHasher& bodies);

struct Verdict {
  Result result = Result::neutral;
  Fault fault = Fault::none;  // none where it passed
  std::string why;            // for people; empty where it passed
  std::string record;         // the key record that was used, as read
  int key_bits = 0;           // 0: no key was read
  bool testing = false;       // by its record; treat the message as if it were not signed. RFC 6376 3.6.1
  std::uint64_t unsigned_octets = 0;  // of the body's end, which l= leaves out
};

// `bodies` is finished. `key` is only looked at where pending.signature is one.
Verdict judge(const Pending& pending, const BodyHasher& bodies, const KeyAnswer& key, base::UtcTime now);

}  // namespace postrider::wire::dkim
