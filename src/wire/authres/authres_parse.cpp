#include <algorithm>
#include <charconv>
#include <optional>

#include "base/ascii.hpp"
#include "mail/domain.hpp"
#include "wire/authres/authres.hpp"
#include "wire/mime/header_fields.hpp"
#include "wire/mime/lexer.hpp"

namespace postrider::wire::authres {
namespace {

using Error = std::unexpected<std::string>;

// RFC 5321 4.1.2, as RFC 8601 2.2 takes it; with the underscore that some have
bool is_keyword_char(char c) { return base::is_alnum(c) || c == '-' || c == '_'; }

// RFC 2045 5.1, and UTF-8
bool is_token_char(char c) {
  return (c > ' ' || !base::is_ascii(c)) && c != '\x7f' && !std::string_view("()<>@,;:\\\"/[]?=").contains(c);
}

// Walks over the value of a field.
class Reader {
 public:
  explicit Reader(std::string_view text) : text_(text) { skip(); }

  bool at_end() const { return at_ == text_.size(); }
  // A comment or quoted string was not closed: nobody knows what else would be read.
  bool open() const { return open_; }
  bool at_digit() const { return !at_end() && base::is_digit(text_[at_]); }
  // White space and comments.
  void skip() {
    for (;;) {
      at_ = mime::skip_space(text_, at_);
      if (at_end() || text_[at_] != '(') return;
      const auto comment = mime::comment(text_, at_);
      at_ = comment.end;
      open_ = open_ || !comment.closed;
    }
  }
  // Takes `c` and what may be skipped behind it, if `c` is there.
  bool take(char c) {
    if (at_end() || text_[at_] != c) return false;
    ++at_;
    skip();
    return true;
  }
  std::string keyword() {
    const std::size_t begin = at_;
    while (!at_end() && is_keyword_char(text_[at_])) ++at_;
    std::string word = base::lower(text_.substr(begin, at_ - begin));
    skip();
    return word;
  }
  // A keyword, and what the first comment behind it says.
  std::string keyword(std::string& comment) {
    const std::size_t begin = at_;
    while (!at_end() && is_keyword_char(text_[at_])) ++at_;
    std::string word = base::lower(text_.substr(begin, at_ - begin));
    const std::size_t next = mime::skip_space(text_, at_);
    if (next < text_.size() && text_[next] == '(') comment = unescaped(mime::comment(text_, next).inside);
    skip();
    return word;
  }
  std::optional<std::uint32_t> number() {
    std::uint32_t value = 0;
    const auto [end, fault] = std::from_chars(text_.data() + at_, text_.data() + text_.size(), value);
    if (fault != std::errc()) return {};
    at_ = static_cast<std::size_t>(end - text_.data());
    skip();
    return value;
  }
  // A token or quoted-string: RFC 2045 5.1. `stops`: besides white space and comments, what ends a value without quotes.
  std::optional<std::string> value(bool (*belongs)(char)) {
    const std::size_t begin = at_;
    if (!at_end() && text_[at_] == '"') return quoted(begin);
    while (!at_end() && belongs(text_[at_])) ++at_;
    if (at_ == begin) return {};
    std::string word(text_.substr(begin, at_ - begin));
    skip();
    return word;
  }

 private:
  std::optional<std::string> quoted(std::size_t begin) {
    const auto span = mime::quoted_string(text_, at_);
    at_ = span.end;
    open_ = open_ || !span.closed;
    // A local part; its quotes are its own. RFC 8601 2.2, pvalue
    if (!at_end() && text_[at_] == '@') {
      while (!at_end() && !mime::is_space(text_[at_]) && text_[at_] != ';' && text_[at_] != '(') ++at_;
      std::string address = mime::without_folds(text_.substr(begin, at_ - begin));
      skip();
      return address;
    }
    std::string out = unescaped(span.inside);
    skip();
    return out;
  }
  static std::string unescaped(std::string_view inside) {
    std::string out;
    for (std::size_t i = 0; i < inside.size(); ++i) {
      if (inside[i] == '\\') i = mime::quoted_pair(inside, i);
      if (i < inside.size() && inside[i] != '\r' && inside[i] != '\n') out += inside[i];
    }
    return out;
  }

  std::string_view text_;
  std::size_t at_ = 0;
  bool open_ = false;
};

// What others write without quotes, IPv6 addresses among it.
bool is_value_char(char c) { return !mime::is_space(c) && c != ';' && c != '(' && c != '"'; }

std::expected<Property, std::string> read_property(Reader& reader, std::string type) {
  if (!reader.take('.')) return Error("a property without \".\"");
  Property property{std::move(type), reader.keyword(), {}};
  if (property.name.empty() || !reader.take('=')) return Error("a property without a value");
  auto value = reader.value(is_value_char);
  if (!value) return Error("a property without a value");
  property.value = std::move(*value);
  return property;
}

std::expected<MethodResult, std::string> read_result(Reader& reader, std::string method) {
  MethodResult result;
  result.method = std::move(method);
  if (reader.take('/')) {
    const auto version = reader.number();
    if (!version) return Error("a method with a bad version");
    result.version = *version;
  }
  if (result.method.empty() || !reader.take('=')) return Error("a method without a result");
  result.result = reader.keyword(result.comment);
  if (result.result.empty()) return Error("a method without a result");
  for (std::string word = reader.keyword(); !word.empty(); word = reader.keyword()) {
    if (word == "reason" && result.properties.empty() && reader.take('=')) {
      auto reason = reader.value(is_value_char);
      if (!reason) return Error("a reason without a value");
      result.reason = std::move(*reason);
      continue;
    }
    auto property = read_property(reader, std::move(word));
    if (!property) return Error(property.error());
    if (result.properties.size() == kMaxProperties) return Error("too many properties");
    result.properties.push_back(std::move(*property));
  }
  return result;
}

// The same name, whichever way it is written.
bool same_domain(std::string_view a, std::string_view b) {
  if (base::iequals(a, b)) return true;
  const auto first = mail::Domain::parse(a), second = mail::Domain::parse(b);
  return first && second && *first == *second;
}

}  // namespace

std::expected<AuthenticationResults, std::string> parse(std::string_view value) {
  Reader reader(value);
  AuthenticationResults out;
  auto id = reader.value(is_token_char);
  if (!id) return Error("no authserv-id");
  out.authserv_id = std::move(*id);
  if (reader.at_digit()) {
    // RFC 8601 2.2: a version that is not known is not to be interpreted.
    if (reader.number() != 1) return Error("a version that is not 1");
  }
  for (bool first = true; reader.take(';'); first = false) {
    if (reader.at_end()) break;
    std::string word = reader.keyword();
    if (first && word == "none" && reader.at_end()) break;
    auto result = read_result(reader, std::move(word));
    if (!result) return Error(result.error());
    if (out.results.size() == kMaxResults) return Error("too many results");
    out.results.push_back(std::move(*result));
  }
  if (reader.open()) return Error("a comment or quoted string without an end");
  if (!reader.at_end()) return Error("something else than a result");
  return out;
}

bool claims(std::string_view value, std::string_view authserv_id) {
  Reader reader(value);
  const auto id = reader.value(is_token_char);
  if (id && same_domain(*id, authserv_id)) return true;
  if (parse(value)) return false;
  const auto found = std::ranges::search(
      value, authserv_id, [](char x, char y) { return base::to_lower(x) == base::to_lower(y); });
  return !authserv_id.empty() && !found.empty();
}

mail::Edits removal(std::string_view header, std::string_view authserv_id) {
  mail::Edits edits;
  mime::FieldScanner scan(header);
  for (std::uint32_t index = 0; const auto field = scan.next(); ++index) {
    if (base::iequals(field->name, "Authentication-Results") && claims(field->value, authserv_id))
      edits.emplace_back(mail::RemoveField{index});
  }
  return edits;
}

}  // namespace postrider::wire::authres
