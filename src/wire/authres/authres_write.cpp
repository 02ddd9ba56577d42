#include <algorithm>
#include <string>
#include <string_view>
#include <utility>

#include "base/append.hpp"
#include "base/ascii.hpp"
#include "base/char_set.hpp"
#include "mail/address.hpp"
#include "wire/authres/authres.hpp"
#include "wire/mime/quoted_string.hpp"

namespace postrider::wire::authres {
namespace {

constexpr std::size_t kLine = 78;  // RFC 5322 2.1.1
constexpr std::size_t kMostValue = 255;

constexpr base::CharSet kTokenChars([](char c) {
  return c > ' ' && c != '\x7f' && base::is_ascii(c) && !std::string_view("()<>@,;:\\\"/[]?=").contains(c);
});

bool is_token(std::string_view text) {
  return !text.empty() && text.size() <= kMostValue && kTokenChars.has_all(text);
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
void add_token_or_quoted(std::string& out, std::string_view text) {
  if (is_token(text)) {
    out += text;
    return;
  }
  const std::string value = clean(text);
  out += is_token(value) ? value : mime::quoted_string(value);
}

// Addresses and "@example.com" stand as they are. RFC 8601 2.2, pvalue
void add_property_value(std::string& out, std::string_view text) {
  if (!text.contains('@')) return add_token_or_quoted(out, text);
  const std::string value = clean(text);
  const bool is_address = value.starts_with('@')
                              ? mail::Domain::parse(value.substr(1)).has_value()
                              : value.contains('@') && !value.contains('[') && mail::Address::parse(value);
  if (is_address) {
    out += value;
  } else {
    add_token_or_quoted(out, value);
  }
}

// Words between which the field may be folded.
class Words {
 public:
  // Behind `used` octets of a line.
  explicit Words(std::size_t used) : used_(used) { text_.reserve(1024); }

  // `write` appends the word. The semicolon behind it has room, too.
  template <class Write>
  void add(Write write) {
    const std::size_t start = text_.size();
    if (start > 0) text_ += ' ';
    write(text_);
    const std::size_t added = text_.size() - start;  // with the space before it
    if (start > 0 && used_ + added + 1 > kLine) {
      text_.replace(start, 1, "\r\n\t");
      used_ = 0;
    }
    used_ += added;
  }
  void semicolon() {
    text_ += ';';
    ++used_;
  }
  // A result begins a line of its own, so that people find it.
  template <class Write>
  void add_line(Write write) {
    used_ = kLine;
    add(std::move(write));
  }
  std::string finish() && { return std::move(text_); }

 private:
  std::string text_;
  std::size_t used_;
};

void add_result(Words& words, const MethodResult& result) {
  words.add_line([&](std::string& out) {
    out += result.method;
    if (result.version != 1) base::append(out, '/', std::to_string(result.version));
    base::append(out, '=', result.result);
  });
  if (!result.comment.empty())
    words.add(
        [&](std::string& out) { base::append(out, '(', mime::escaped(clean(result.comment), "()\\"), ')'); });
  if (!result.reason.empty())
    words.add(
        [&](std::string& out) { base::append(out, "reason=", mime::quoted_string(clean(result.reason))); });
  for (const Property& property : result.properties) {
    words.add([&](std::string& out) {
      base::append(out, property.type, '.', property.name, '=');
      add_property_value(out, property.value);
    });
  }
}

std::string written(const AuthenticationResults& results, std::size_t used) {
  Words words(used);
  words.add([&](std::string& out) { add_token_or_quoted(out, results.authserv_id); });
  if (results.version != 1) words.add([&](std::string& out) { out += std::to_string(results.version); });
  words.semicolon();
  if (results.results.empty()) words.add([](std::string& out) { out += "none"; });
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
