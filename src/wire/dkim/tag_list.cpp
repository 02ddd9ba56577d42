#include "wire/dkim/tag_list.hpp"

#include <algorithm>
#include <limits>

#include "base/ascii.hpp"
#include "base/char_set.hpp"
#include "wire/base64.hpp"
#include "wire/mime/lexer.hpp"

namespace postrider::wire::dkim {
namespace {

bool is_name(std::string_view text) {
  return !text.empty() && base::is_alpha(text.front()) &&
         std::ranges::all_of(text, [](char c) { return base::is_alnum(c) || c == '_'; });
}

// VALCHAR, white space, and of messages in UTF-8 what is not ASCII. RFC 6376 3.2, RFC 8616 5
constexpr base::CharSet kInValue([](char c) {
  return (c > ' ' && c < '\x7f') || mime::is_space(c) || !base::is_ascii(c);
});

}  // namespace

std::string_view trim(std::string_view text) {
  while (!text.empty() && mime::is_space(text.front())) text.remove_prefix(1);
  while (!text.empty() && mime::is_space(text.back())) text.remove_suffix(1);
  return text;
}

std::expected<TagList, std::string> TagList::parse(std::string_view text) {
  TagList list;
  list.tags_.reserve(16);
  for (bool more = true; more;) {
    const std::size_t end = text.find(';');
    const std::string_view spec = text.substr(0, end);
    more = end != std::string_view::npos;
    if (more) text.remove_prefix(end + 1);
    // One semicolon may stand behind the last tag.
    if (!more && trim(spec).empty() && !list.tags_.empty()) break;
    const std::size_t equals = spec.find('=');
    if (equals == std::string_view::npos) return std::unexpected("a tag without \"=\"");
    const Tag tag{trim(spec.substr(0, equals)), trim(spec.substr(equals + 1))};
    if (!is_name(tag.name)) return std::unexpected("a tag with a bad name");
    if (!kInValue.has_all(tag.value)) return std::unexpected("a value with a control character");
    if (list.find(tag.name)) return std::unexpected("the tag " + std::string(tag.name) + "= stands twice");
    if (list.tags_.size() == kMaxTags) return std::unexpected("too many tags");
    list.tags_.push_back(tag);
  }
  return list;
}

const Tag* TagList::find(std::string_view name) const {
  const auto found = std::ranges::find(tags_, name, &Tag::name);
  return found == tags_.end() ? nullptr : &*found;
}

std::string_view TagList::value(std::string_view name) const {
  const Tag* tag = find(name);
  return tag ? tag->value : std::string_view();
}

std::vector<std::string_view> colon_list(std::string_view value) {
  std::vector<std::string_view> items;
  items.reserve(16);
  for (;;) {
    const std::size_t colon = value.find(':');
    items.push_back(trim(value.substr(0, colon)));
    if (colon == std::string_view::npos) return items;
    value.remove_prefix(colon + 1);
  }
}

std::optional<std::string> folded_base64(std::string_view value) {
  std::string text(value);
  std::erase_if(text, [](char c) { return mime::is_space(c); });
  // The grammar lets the padding be left out.
  if (!text.ends_with('=')) text.append((4 - text.size() % 4) % 4, '=');
  return from_base64(text);
}

std::optional<std::uint64_t> decimal(std::string_view value, std::size_t most_digits) {
  if (value.empty() || value.size() > most_digits || !std::ranges::all_of(value, base::is_digit)) return {};
  constexpr auto kMost = std::numeric_limits<std::uint64_t>::max();
  std::uint64_t number = 0;
  for (const char c : value) {
    const auto digit = static_cast<std::uint64_t>(c - '0');
    number = number > (kMost - digit) / 10 ? kMost : number * 10 + digit;
  }
  return number;
}

}  // namespace postrider::wire::dkim
