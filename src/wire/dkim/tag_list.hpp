// Lists of "tag=value;", as DKIM-Signature, the ARC fields and key records are made of. RFC 6376 3.2
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace postrider::wire::dkim {

inline constexpr std::size_t kMaxTags = 64;

// The views point into the text that was parsed and live as long as it does.
struct Tag {
  std::string_view name;   // lower and upper case differ
  std::string_view value;  // without the white space around it; folds inside are still there
};

// No tag stands in it twice.
class TagList {
 public:
  // `text` is a field's value with its folds, or a record. The error is for people.
  static std::expected<TagList, std::string> parse(std::string_view text);

  const std::vector<Tag>& tags() const { return tags_; }
  const Tag* find(std::string_view name) const;
  // Its value; "" where there is none.
  std::string_view value(std::string_view name) const;

 private:
  std::vector<Tag> tags_;
};

// Without the white space, folds among it, at both ends.
std::string_view trim(std::string_view text);
// The items of a value between colons, without the white space around them. RFC 6376 3.2
std::vector<std::string_view> colon_list(std::string_view value);
// Base64 that may have white space anywhere. RFC 6376 2.10
std::optional<std::string> folded_base64(std::string_view value);
// Digits alone. What does not fit is the largest number. RFC 6376 3.5
std::optional<std::uint64_t> decimal(std::string_view value, std::size_t most_digits);

}  // namespace postrider::wire::dkim
