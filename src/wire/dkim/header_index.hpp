// The fields of a header section, as signatures choose them. RFC 6376 5.4.2
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "wire/dkim/canonicalization.hpp"
#include "wire/mime/header_fields.hpp"

namespace postrider::wire::dkim {

// Made once for all signatures of a message. The header section outlives it. Immutable; any thread.
class HeaderIndex {
 public:
  // `header`: all fields, without the blank line.
  explicit HeaderIndex(std::string_view header);

  // From top to bottom.
  const std::vector<mime::HeaderField>& fields() const { return fields_; }
  // The whole field, with its folds and last CRLF.
  std::string_view text(std::size_t field) const {
    return header_.substr(fields_[field].begin, fields_[field].end - fields_[field].begin);
  }

  // The canonical fields that `names` name, in their order: of a repeated name, the lowest field first; a name without a
  // field (left) gives nothing. `own`: the field of the signature itself, which is no candidate (RFC 6376 3.5, h=).
  // At most as long as the header section and one octet for each field.
  std::string chosen(std::span<const std::string> names, Canonicalization canonicalization,
                     std::optional<std::size_t> own = {}) const;
  // How many fields have that name.
  std::size_t count(std::string_view name) const;

 private:
  std::span<const std::size_t> named(std::string_view name) const;

  std::string_view header_;
  std::vector<mime::HeaderField> fields_;
  std::vector<std::size_t> by_name_;  // fields, by name, and of one name from bottom to top
};

}  // namespace postrider::wire::dkim
