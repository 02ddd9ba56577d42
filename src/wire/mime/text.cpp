#include "wire/mime/text.hpp"

#include "base/ascii.hpp"
#include "wire/mime/charset.hpp"
#include "wire/mime/encoded_word.hpp"
#include "wire/mime/lexer.hpp"

namespace postrider::wire::mime {
namespace {

class TextDecoder {
 public:
  TextDecoder(std::string_view raw, TextKind kind) : raw_(raw), kind_(kind) {}

  DecodedText run() {
    while (at_ < raw_.size()) {
      if (is_space(raw_[at_])) {
        take_space();
      } else if (!take_encoded_word()) {
        take_character();
      }
    }
    if (quoted()) put_gap();
    out_.ends_encoded = after_word_;
    out_.text = repair_utf8(out_.text);
    return std::move(out_);
  }

 private:
  bool quoted() const { return kind_ == TextKind::quoted; }
  bool sets_apart() const { return kind_ == TextKind::unstructured || kind_ == TextKind::comment; }
  bool has_quoted_pairs() const { return kind_ == TextKind::comment || quoted(); }

  void take_space() {
    const char c = raw_[at_++];
    if (base::is_wsp(c)) {
      gap_.push_back(c);
    } else {
      folded_ = true;
    }
  }

  bool take_encoded_word() {
    if (words_ == kMaxEncodedWords) return false;
    const auto word = read_encoded_word(raw_.substr(at_));
    if (!word) return false;
    const auto text = decode(*word);
    if (!text) return false;
    ++words_;
    if (!after_word_) {
      if (!started_) out_.starts_encoded = true;
      if (started_ && !has_gap() && sets_apart()) out_.text.push_back(' ');
      put_gap();
    } else if (quoted() && !folded_) {
      put_gap();
    }
    drop_gap();
    out_.text += *text;
    after_word_ = started_ = true;
    at_ += word->size;
    return true;
  }

  void take_character() {
    if (after_word_ && !has_gap() && sets_apart()) out_.text.push_back(' ');
    put_gap();
    if (raw_[at_] == '\\' && has_quoted_pairs()) at_ = quoted_pair(raw_, at_);
    if (at_ < raw_.size()) out_.text.push_back(raw_[at_++]);
    after_word_ = false;
    started_ = true;
  }

  bool has_gap() const { return folded_ || !gap_.empty(); }
  void put_gap() {
    if (quoted() || (started_ && !folded_)) {
      out_.text += gap_;
    } else if (started_) {
      out_.text.push_back(' ');
    }
    drop_gap();
  }
  void drop_gap() {
    gap_.clear();
    folded_ = false;
  }

  std::string_view raw_;
  TextKind kind_;
  std::size_t at_ = 0;
  std::size_t words_ = 0;
  std::string gap_;          // white space that waits to see what follows it
  bool folded_ = false;      // a line end was in it
  bool after_word_ = false;  // the last thing was an encoded word
  bool started_ = false;     // there was anything but white space
  DecodedText out_;
};

// Where the list item that starts at `at` ends.
std::size_t item_end(std::string_view raw, std::size_t at, bool& quotes_close) {
  for (; at < raw.size() && raw[at] != ','; ++at) {
    if (raw[at] != '"' || !quotes_close) continue;
    const Span span = quoted_string(raw, at);
    quotes_close = span.closed;
    if (span.closed) at = span.end - 1;
  }
  return at;
}

std::string decode_item(std::string_view raw) {
  const std::size_t start = skip_space(raw, 0);
  if (start < raw.size() && raw[start] == '"') {
    const Span span = quoted_string(raw, start);
    if (span.closed && skip_space(raw, span.end) == raw.size()) {
      return decode_text(span.inside, TextKind::quoted).text;
    }
  }
  return decode_unstructured(raw);
}

}  // namespace

DecodedText decode_text(std::string_view raw, TextKind kind) { return TextDecoder(raw, kind).run(); }

std::string decode_unstructured(std::string_view raw) {
  return decode_text(raw, TextKind::unstructured).text;
}

std::vector<std::string> decode_list(std::string_view raw) {
  std::vector<std::string> items;
  bool quotes_close = true;  // once one does not, it is text, and so are all behind it
  for (std::size_t at = 0; at < raw.size() && items.size() < kMaxListItems;) {
    const std::size_t end = item_end(raw, at, quotes_close);
    std::string item = decode_item(raw.substr(at, end - at));
    if (!item.empty()) items.push_back(std::move(item));
    at = end + 1;
  }
  return items;
}

}  // namespace postrider::wire::mime
