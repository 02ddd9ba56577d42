#include <algorithm>

#include "base/ascii.hpp"
#include "mail/address.hpp"
#include "wire/authres/authres.hpp"
#include "wire/mime/quoted_string.hpp"

namespace postrider::wire::authres {
namespace {

constexpr std::size_t kLine = 78;  // RFC 5322 2.1.1
constexpr std::size_t kMostValue = 255;

bool is_token_char(char c) {
  return c > ' ' && c != '\x7f' && base::is_ascii(c) && !std::string_view("()<>@,;:\\\"/[]?=").contains(c);
}

std::string clean(std::string_view text) {
  const bool utf8 = base::is_utf8(text);
  std::size_t size = std::min(text.size(), kMostValue);
  // Not within a character. RFC 3629 3
  while (utf8 && size < text.size() && (static_cast<unsigned char>(text[size]) & 0xC0) == 0x80) --size;
  std::string out(text.substr(0, size));
  for (char& c : out)
    if ((c >= '\0' && c < ' ') || c == '\x7f' || (!utf8 && !base::is_ascii(c))) c = '?';
  return out;
}

// A token, else quoted. RFC 2045 5.1
std::string token_or_quoted(std::string_view text) {
  const std::string value = clean(text);
  return !value.empty() && std::ranges::all_of(value, is_token_char) ? value : mime::quoted_string(value);
}

// Addresses and "@example.com" stand as they are. RFC 8601 2.2, pvalue
std::string property_value(std::string_view text) {
  const std::string value = clean(text);
  const bool is_address = value.starts_with('@')
                              ? mail::Domain::parse(value.substr(1)).has_value()
                              : value.contains('@') && !value.contains('[') && mail::Address::parse(value);
  return is_address ? value : token_or_quoted(value);
}

// Words between which the field may be folded.
class Words {
 public:
  explicit Words(std::size_t used) : used_(used) {}

  // The semicolon behind it has room, too.
  void add(const std::string& word) {
    if (!text_.empty() && used_ + 1 + word.size() + 1 > kLine) {
      text_ += "\r\n\t";
      used_ = 1;
    } else if (!text_.empty()) {
      text_ += ' ';
      ++used_;
    }
    text_ += word;
    used_ += word.size();
  }
  void semicolon() {
    text_ += ';';
    ++used_;
  }
  // A result begins a line of its own, so that people find it.
  void add_line(const std::string& word) {
    used_ = kLine;
    add(word);
  }
  std::string finish() && { return std::move(text_); }

 private:
  std::string text_;
  std::size_t used_;
};

void add_result(Words& words, const MethodResult& result) {
  std::string method = result.method;
  if (result.version != 1) method += '/' + std::to_string(result.version);
  words.add_line(method + '=' + result.result);
  if (!result.comment.empty()) words.add('(' + mime::escaped(clean(result.comment), "()\\") + ')');
  if (!result.reason.empty()) words.add("reason=" + mime::quoted_string(clean(result.reason)));
  for (const Property& property : result.properties)
    words.add(property.type + '.' + property.name + '=' + property_value(property.value));
}

std::string written(const AuthenticationResults& results, std::size_t used) {
  Words words(used);
  words.add(token_or_quoted(results.authserv_id));
  if (results.version != 1) words.add(std::to_string(results.version));
  words.semicolon();
  if (results.results.empty()) words.add("none");
  for (const MethodResult& result : results.results) {
    if (&result != results.results.data()) words.semicolon();
    add_result(words, result);
  }
  return std::move(words).finish();
}

}  // namespace

std::string write(const AuthenticationResults& results) {
  const std::string name = "Authentication-Results: ";
  return name + written(results, name.size()) + "\r\n";
}

std::string write_value(const AuthenticationResults& results) { return written(results, 0); }

}  // namespace postrider::wire::authres
