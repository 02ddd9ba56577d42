#include <algorithm>
#include <charconv>

#include "base/ascii.hpp"
#include "wire/smtp/xtext.hpp"
#include "wire/submit/submission.hpp"

namespace postrider::wire::submit {
namespace {

constexpr std::string_view kFirstLine = "postrider drop 1\n";
constexpr std::size_t kMaxText = 1000;
constexpr std::size_t kMaxUnique = 64;
enum Flag : std::uint64_t { kSpecified = 1, kSuccess = 2, kFailure = 4, kDelay = 8 };

void line(std::string& out, std::string_view name, std::string_view value) {
  out += name;
  out += ' ';
  out += value;
  out += '\n';
}
void line(std::string& out, std::string_view name, std::uint64_t value) {
  line(out, name, std::to_string(value));
}

std::uint64_t bits(const mail::Notify& notify) {
  return (notify.specified ? kSpecified : 0u) | (notify.success ? kSuccess : 0u) |
         (notify.failure ? kFailure : 0u) | (notify.delay ? kDelay : 0u);
}

bool is_clean(std::string_view text) {
  return text.size() <= kMaxText &&
         std::ranges::none_of(text, [](char c) { return static_cast<unsigned char>(c) < 32 || c == 127; });
}

bool is_unique(std::string_view text) {
  return !text.empty() && text.size() <= kMaxUnique &&
         std::ranges::all_of(text, [](char c) { return base::is_alnum(c) || c == '.'; });
}

// Reads one line after the other; anything wrong is remembered, and told at the end.
class Reader {
 public:
  explicit Reader(std::string_view text) : text_(text) {}

  std::optional<DropHead> run() {
    if (!text_.starts_with(kFirstLine) || !text_.ends_with("\n\n")) return {};
    text_.remove_prefix(kFirstLine.size());
    text_.remove_suffix(1);
    while (!text_.empty() && good_) {
      const auto end = text_.find('\n');
      const auto whole = text_.substr(0, end);
      text_.remove_prefix(end + 1);
      const auto space = whole.find(' ');
      if (space == std::string_view::npos) return {};
      take(whole.substr(0, space), whole.substr(space + 1));
    }
    const Submission& read = head_.submission;
    if (!good_ || read.recipients.empty() || !is_unique(read.unique) || !sized_) return {};
    return std::move(head_);
  }

 private:
  void take(std::string_view name, std::string_view value) {
    Submission& into = head_.submission;
    if (name == "sender")
      into.sender = clean(value);
    else if (name == "to")
      add_recipient(value);
    else if (name == "name")
      into.full_name = clean(value);
    else if (name == "notify")
      into.notify = notify(number(value, kSpecified | kSuccess | kFailure | kDelay));
    else if (name == "ret")
      into.ret = static_cast<mail::DsnReturn>(number(value, 2));
    else if (name == "envid")
      into.envid = envid(value);
    else if (name == "8bit")
      into.eight_bit = number(value, 1) == 1;
    else if (name == "resent")
      into.resent = number(value, 1) == 1;
    else if (name == "date")
      into.date = base::UtcTime(base::Milliseconds(number(value, INT64_MAX / 1'000'000)));
    else if (name == "unique")
      into.unique = clean(value);
    else if (name == "header")
      head_.header = number(value, INT64_MAX / 4);
    else if (name == "body") {
      head_.body = number(value, INT64_MAX / 4);
      sized_ = true;
    } else
      good_ = false;
  }

  std::string clean(std::string_view value) {
    good_ = good_ && is_clean(value);
    return std::string(value);
  }

  void add_recipient(std::string_view value) {
    auto& all = head_.submission.recipients;
    good_ = good_ && all.size() < kMaxRecipients && !value.empty();
    if (good_) all.push_back(clean(value));
  }

  std::uint64_t number(std::string_view digits, std::uint64_t most) {
    std::uint64_t value = 0;
    const char* end = digits.data() + digits.size();
    const auto [stopped, error] = std::from_chars(digits.data(), end, value);
    good_ = good_ && error == std::errc{} && stopped == end && value <= most;
    return good_ ? value : 0;
  }

  mail::Notify notify(std::uint64_t bits) {
    good_ = good_ && (bits & kSpecified) != 0;
    return {good_, (bits & kSuccess) != 0, (bits & kFailure) != 0, (bits & kDelay) != 0};
  }

  std::string envid(std::string_view value) {
    const auto decoded = smtp::decode_xtext(value);
    good_ = good_ && decoded && decoded->size() <= 100;  // RFC 3461 4.4
    return good_ ? clean(*decoded) : std::string();
  }

  std::string_view text_;
  DropHead head_;
  bool good_ = true;
  bool sized_ = false;
};

}  // namespace

std::string encode(const DropHead& head) {
  const Submission& said = head.submission;
  std::string out(kFirstLine);
  if (said.sender) line(out, "sender", *said.sender);
  for (const auto& recipient : said.recipients) line(out, "to", recipient);
  if (!said.full_name.empty()) line(out, "name", said.full_name);
  if (said.notify.specified) line(out, "notify", bits(said.notify));
  if (said.ret != mail::DsnReturn::unspecified) line(out, "ret", static_cast<std::uint64_t>(said.ret));
  if (!said.envid.empty()) line(out, "envid", smtp::encode_xtext(said.envid));
  if (said.eight_bit) line(out, "8bit", 1);
  if (said.resent) line(out, "resent", 1);
  line(out, "date", static_cast<std::uint64_t>(said.date.time_since_epoch().count()));
  line(out, "unique", said.unique);
  line(out, "header", head.header);
  line(out, "body", head.body);
  return out + '\n';
}

std::optional<DropHead> decode_drop_head(std::string_view text) { return Reader(text).run(); }

}  // namespace postrider::wire::submit
