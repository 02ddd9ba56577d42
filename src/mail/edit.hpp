// Changes to a message that are noted beside its immutable bytes and applied when it is read.
#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

namespace postrider::mail {

// Header fields are counted from 0 in the message as received. `field` is a whole field with its folds,
// CRLF inside and CRLF at its end.
struct PrependField {
  std::string field;
  bool operator==(const PrependField&) const = default;
};
struct ChangeField {
  std::uint32_t index = 0;
  std::string field;
  bool operator==(const ChangeField&) const = default;
};
struct RemoveField {
  std::uint32_t index = 0;
  bool operator==(const RemoveField&) const = default;
};
struct ReplaceBody {
  std::string body;
  bool operator==(const ReplaceBody&) const = default;
};

using Edit = std::variant<PrependField, ChangeField, RemoveField, ReplaceBody>;
// In order: a later PrependField stands above an earlier one.
using Edits = std::vector<Edit>;

}  // namespace postrider::mail
