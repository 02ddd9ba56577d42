#include <array>

#include "base/ascii.hpp"
#include "wire/mime/encoded_word.hpp"
#include "wire/mime/header_fields.hpp"
#include "wire/mime/lexer.hpp"
#include "wire/mime/name_addr.hpp"
#include "wire/submit/header.hpp"

namespace postrider::wire::submit {
namespace {

using base::iequals;

constexpr std::size_t kColumn =
    std::string_view("Resent-From: ").size();  // the longest that an author stands behind

constexpr std::array<std::string_view, 5> kAddressFields = {"From", "Sender", "Reply-To", "To", "Cc"};

bool has_addresses(std::string_view name) {
  const std::string_view plain = base::istarts_with(name, "Resent-") ? name.substr(7) : name;
  return std::ranges::any_of(kAddressFields, [&](std::string_view one) { return iequals(one, plain); });
}

// Walks over an address list and notes where an address ends that has no "@".
class Qualifier {
 public:
  Qualifier(std::string_view value, const mail::Domain& host) : value_(value), host_(host) {}

  std::string run() {
    while (at_ < value_.size()) step();
    end_mailbox();
    out_ += value_.substr(copied_);
    return std::move(out_);
  }

 private:
  void step() {
    const char c = value_[at_];
    if (mime::is_space(c)) return skip_to(mime::skip_space(value_, at_));
    if (c == '(') return skip_to(mime::comment(value_, at_).end);
    switch (c) {
      case '<':
        return take_angle();
      case ',':
      case ';':
        end_mailbox();
        return skip_to(at_ + 1);
      case ':':
        forget();  // what was before it is the name of a group
        return skip_to(at_ + 1);
      default:
        return take_word();
    }
  }

  void skip_to(std::size_t end) { at_ = end; }

  void take_word() {
    const std::size_t begin = at_;
    const std::size_t close = value_[at_] == '[' ? value_.find(']', at_) : std::string_view::npos;
    if (close != std::string_view::npos && has_at_) {
      at_ = close + 1;  // an address literal has colons
    } else if (value_[at_] == '"') {
      const auto span = mime::quoted_string(value_, at_);
      at_ = span.end;
      has_at_ = has_at_ || !span.closed;  // broken, and left as it is
    } else if (const auto encoded = mime::read_encoded_word(value_.substr(at_))) {
      at_ += encoded->size;
    } else {
      if (value_[at_] == '@') has_at_ = true;
      ++at_;
    }
    // Octets that touch are one word: "a.b", and "a"."b" too.
    if (word_end_ != begin) ++words_;
    word_end_ = at_;
  }

  void take_angle() {
    bool at_sign = false;
    std::size_t end = 0;
    for (++at_; at_ < value_.size() && value_[at_] != '>';) {
      const char c = value_[at_];
      if (mime::is_space(c)) {
        ++at_;
      } else if (c == '(') {
        at_ = mime::comment(value_, at_).end;
      } else {
        at_sign = at_sign || c == '@';
        at_ = c == '"' ? mime::quoted_string(value_, at_).end : at_ + 1;
        end = at_;
      }
    }
    if (at_ < value_.size() && end != 0 && !at_sign) insert_at(end);
    if (at_ < value_.size()) ++at_;
    has_angle_ = true;
  }

  // Several words without an angle bracket are a name, or nothing that we could mend.
  void end_mailbox() {
    if (!has_angle_ && words_ == 1 && !has_at_) insert_at(word_end_);
    forget();
  }

  void insert_at(std::size_t end) {
    out_ += value_.substr(copied_, end - copied_);
    out_ += '@';
    out_ += host_.ascii();
    copied_ = end;
  }

  void forget() {
    words_ = 0;
    word_end_ = std::string_view::npos;
    has_at_ = has_angle_ = false;
  }

  std::string_view value_;
  const mail::Domain& host_;
  std::string out_;
  std::size_t copied_ = 0;
  std::size_t at_ = 0;
  std::size_t words_ = 0;
  std::size_t word_end_ = std::string_view::npos;
  bool has_at_ = false;
  bool has_angle_ = false;
};

std::string clean(std::string_view name) {
  std::string out(name);
  for (char& c : out)
    if (static_cast<unsigned char>(c) < 32 || c == 127) c = ' ';
  return std::string(base::trim(out));
}

mail::Address author_address(const Facts& facts) {
  if (!facts.sender.is_null()) return facts.sender.address();
  if (auto login = qualified(facts.login, facts.host)) return *login;
  return *mail::Address::make("postmaster", facts.host);
}

}  // namespace

std::string qualify_field(std::string_view value, const mail::Domain& host) {
  return Qualifier(value, host).run();
}

std::string author(std::string_view full_name, const mail::Address& address) {
  const std::string name = clean(full_name);
  const std::string path = address.to_string();
  if (name.empty() || !base::is_utf8(name)) return path;
  return mime::name_addr(name, path, kColumn);
}

std::string completed(std::string_view header, bool resent, const Facts& facts) {
  std::string out;
  for (mime::FieldScanner fields(header); const auto field = fields.next();) {
    if (!has_addresses(field->name)) {
      out += header.substr(field->begin, field->end - field->begin);
      continue;
    }
    const auto value = static_cast<std::size_t>(field->value.data() - header.data());
    out += header.substr(field->begin, value - field->begin);
    out += qualify_field(field->value, facts.host);
    out += "\r\n";
  }
  const auto add = [&](std::string_view name, const std::string& value) {
    if (!mime::find_field(header, name)) out += std::string(name) + ": " + value + "\r\n";
  };
  const std::string from = author(facts.full_name, author_address(facts));
  const std::string date = base::to_rfc5322(facts.date);
  const std::string id = '<' + facts.unique + '@' + facts.host.ascii() + '>';
  add("From", from);
  add("Date", date);
  add("Message-ID", id);
  if (resent) {
    add("Resent-From", from);
    add("Resent-Date", date);
    add("Resent-Message-ID", "<r." + id.substr(1));
  }
  return out;
}

}  // namespace postrider::wire::submit
