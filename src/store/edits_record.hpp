// The edits of a message as a record. Their order is the order of the fields.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "mail/edit.hpp"

namespace postrider::store {

struct EditsRecord {
  mail::Edits edits;
  std::string unknown;  // fields of a newer binary that may be passed over, kept through rewriting
  bool operator==(const EditsRecord&) const = default;
};

// Pure; any thread. decode: nothing where the bytes are damaged, of a newer version, or hold a kind of edit
// that this binary does not know: a message without it would be another message.
std::string encode(const EditsRecord& record);
std::optional<EditsRecord> decode_edits(std::string_view bytes);

}  // namespace postrider::store
