#include "wire/mime/name_addr.hpp"

#include <algorithm>

#include "base/ascii.hpp"
#include "wire/mime/encoded_word.hpp"
#include "wire/mime/quoted_string.hpp"

namespace postrider::wire::mime {
namespace {

constexpr std::size_t kMostLine = 76;

// RFC 5322 3.2.3
bool is_atom_text(char c) {
  return base::is_alnum(c) || std::string_view("!#$%&'*+-/=?^_`{|}~ ").contains(c);
}

// What looks like an encoded word would be read as one.
bool is_plain(std::string_view name) {
  return std::ranges::all_of(name, is_atom_text) && !name.contains("=?");
}

}  // namespace

std::string name_addr(std::string_view name, std::string_view address, std::size_t column) {
  const std::string angle = '<' + std::string(address) + '>';
  if (name.empty()) return angle;
  if (is_plain(name)) return std::string(name) + ' ' + angle;
  if (base::is_ascii(name)) return quoted_string(name) + ' ' + angle;
  const std::string words = encoded_words(name, column);
  const std::size_t fold = words.rfind('\n');
  const std::size_t used = fold == words.npos ? column + words.size() : words.size() - fold - 1;
  return words + (used + 1 + angle.size() > kMostLine ? "\r\n " : " ") + angle;
}

}  // namespace postrider::wire::mime
