// Names one recipient: message and index in Envelope::recipients.
#pragma once

#include <compare>
#include <cstdint>

#include "base/id.hpp"

namespace postrider::store {

struct RecipientId {
  base::MessageId message;
  std::uint32_t index = 0;
  auto operator<=>(const RecipientId&) const = default;
};

}  // namespace postrider::store
