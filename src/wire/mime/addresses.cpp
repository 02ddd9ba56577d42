#include "wire/mime/addresses.hpp"

#include <algorithm>

#include "wire/mime/encoded_word.hpp"
#include "wire/mime/lexer.hpp"
#include "wire/mime/text.hpp"

namespace postrider::wire::mime {
namespace {

// RFC 5321 4.5.3.1.2 lets no domain be longer.
constexpr std::size_t kMaxDomainLiteral = 255;

void append_word(std::string& text, std::string_view word) {
  if (!text.empty() && !word.empty()) text.push_back(' ');
  text += word;
}

class AddressReader {
 public:
  explicit AddressReader(std::string_view raw) : raw_(raw) {}

  AddressList run() {
    while (at_ < raw_.size() && !list_.truncated) step();
    end_mailbox();
    return std::move(list_);
  }

 private:
  void step() {
    switch (raw_[at_]) {
      case ' ':
      case '\t':
      case '\r':
      case '\n':
        return take_space();
      case '"':
        return take_quoted();
      case '(':
        return take_comment();
      case '<':
        return take_angle();
      case ',':
        ++at_;
        return end_mailbox();
      case ';':
        ++at_;
        end_mailbox();
        in_group_ = open_list_ = false;
        return;
      case ':':
        // Groups don't nest (RFC 5322 3.4); inside one a colon is a character as any other.
        if (!in_group_ && !has_angle_) return begin_group();
        return take_text(1);
      case '[':
        return bare_.ends_with('@') ? take_literal() : take_text(1);
      case '@':
        has_at_ = true;
        return take_text(1);
      case '=':
        return take_text(encoded_word_size());
      default:
        return take_text(1);
    }
  }

  // An encoded word may hold what is special elsewhere, a comma above all, although it should not
  // (RFC 2047 5).
  std::size_t encoded_word_size() const {
    const auto word = read_encoded_word(raw_.substr(at_));
    const bool safe = word && word->text.find_first_of(" \t\r\n<>\"") == std::string_view::npos;
    return safe ? word->size : 1;
  }

  void take_text(std::size_t size) {
    phrase_ += raw_.substr(at_, size);
    bare_ += raw_.substr(at_, size);
    at_ += size;
  }

  void take_space() {
    const std::size_t end = skip_space(raw_, at_);
    bare_ += raw_.substr(at_, end - at_);
    if (!phrase_.empty()) phrase_.push_back(' ');
    at_ = end;
  }

  void take_quoted() {
    const Span span = quoted_string(raw_, at_);
    end_phrase();
    add_to_name(decode_text(span.inside, TextKind::quoted));
    bare_ += raw_.substr(at_, span.end - at_);
    has_quoted_ = true;
    at_ = span.end;
  }

  void take_comment() {
    const Span span = comment(raw_, at_);
    end_phrase();
    append_word(comments_, decode_text(span.inside, TextKind::comment).text);
    at_ = span.end;
  }

  void take_literal() {
    const std::size_t close = raw_.substr(0, std::min(raw_.size(), at_ + kMaxDomainLiteral)).find(']', at_);
    take_text(close == std::string_view::npos ? 1 : close + 1 - at_);
  }

  void take_angle() {
    if (has_angle_) end_mailbox();
    has_angle_ = true;
    end_phrase();
    std::string inside;
    for (++at_; at_ < raw_.size() && raw_[at_] != '>';) {
      const std::size_t start = at_;
      if (raw_[at_] == '(') {
        const Span span = comment(raw_, at_);
        append_word(comments_, decode_text(span.inside, TextKind::comment).text);
        at_ = span.end;
        continue;
      }
      at_ = raw_[at_] == '"' ? quoted_string(raw_, at_).end : at_ + 1;
      inside += raw_.substr(start, at_ - start);
    }
    if (at_ < raw_.size()) ++at_;
    address_ = without_folds(inside);
  }

  void end_phrase() {
    if (!phrase_.empty()) add_to_name(decode_text(phrase_, TextKind::unstructured));
    phrase_.clear();
  }

  void add_to_name(DecodedText words) {
    const bool joined = name_encoded_ && words.starts_encoded;  // RFC 2047 6.2
    if (words.text.empty() && !words.ends_encoded) return;
    if (!joined && !name_.empty()) name_.push_back(' ');
    name_ += words.text;
    name_encoded_ = words.ends_encoded;
  }

  std::string full_name() {
    end_phrase();
    if (comments_.empty()) return std::move(name_);
    return name_.empty() ? std::move(comments_) : name_ + " (" + comments_ + ")";
  }

  // Text without angle brackets is an address, but for several words, or quoted or encoded ones, without an
  // at sign outside of them.
  bool bare_is_name(std::string_view bare) const {
    if (has_at_) return false;
    return has_quoted_ || bare.find_first_of(" \t") != std::string_view::npos || bare.starts_with("=?");
  }

  void end_mailbox() {
    if (!has_angle_) {
      const std::string bare = without_folds(bare_);
      if (!bare_is_name(bare)) {
        address_ = bare;
        name_.clear();
        phrase_.clear();
      }
    }
    Mailbox mailbox{full_name(), std::move(address_)};
    forget();
    if (mailbox.name.empty() && mailbox.address.empty()) return;
    if (!in_group_ && !open_list_) {
      if (!room()) return;
      list_.groups.emplace_back();
      open_list_ = true;
    }
    if (room()) list_.groups.back().mailboxes.push_back(std::move(mailbox));
  }

  void begin_group() {
    ++at_;
    std::string name = full_name();
    forget();
    if (!room()) return;
    list_.groups.push_back({std::move(name), {}});
    in_group_ = true;
  }

  bool room() {
    if (count_ == kMaxAddresses) {
      list_.truncated = true;
      return false;
    }
    ++count_;
    return true;
  }

  void forget() {
    phrase_.clear();
    bare_.clear();
    name_.clear();
    comments_.clear();
    address_.clear();
    name_encoded_ = has_at_ = has_quoted_ = has_angle_ = false;
  }

  std::string_view raw_;
  std::size_t at_ = 0;
  AddressList list_;
  std::size_t count_ = 0;
  bool in_group_ = false;
  bool open_list_ = false;  // the last entry of the list is one for mailboxes outside of groups

  // Of the mailbox that is being read:
  std::string phrase_;    // words not yet decoded, one space between them
  std::string bare_;      // all but comments, as written: the address, should no angle bracket come
  std::string name_;      // decoded words
  std::string comments_;  // decoded, one space between them
  std::string address_;
  bool name_encoded_ = false;
  bool has_at_ = false;
  bool has_quoted_ = false;
  bool has_angle_ = false;
};

}  // namespace

AddressList parse_addresses(std::string_view raw) { return AddressReader(raw).run(); }

std::string addr_spec(const Mailbox& mailbox) {
  const std::string_view text = mailbox.address;
  std::string out;
  for (std::size_t i = 0; i < text.size();) {
    const std::size_t end = text[i] == '"' ? quoted_string(text, i).end : i + 1;
    if (!is_space(text[i])) out += text.substr(i, end - i);
    i = end;
  }
  if (!out.starts_with('@')) return out;
  const std::size_t colon = out.find(':');
  return colon == std::string::npos ? out : out.substr(colon + 1);
}

}  // namespace postrider::wire::mime
