#include "wire/dkim/body_prefix.hpp"

#include <algorithm>

#include "wire/dkim/sha256.hpp"

namespace postrider::wire::dkim {

class BodyPrefix::Stream {
 public:
  explicit Stream(Canonicalization canonicalization)
      : canonicalization_(canonicalization),
        body_(canonicalization, [this](std::string_view octets) { take(octets); }) {}
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;

  void want(std::string body_hash, std::size_t number) {
    wanted_.push_back({std::move(body_hash), number, {}});
  }
  void feed(std::string_view piece) { body_.feed(piece); }

  void finish(std::vector<std::optional<Found>>& found) {
    body_.finish();
    for (const Wanted& one : wanted_) {
      const bool empty = !one.ends_at && one.body_hash == octets(sha256(empty_body()));
      const std::uint64_t end = one.ends_at.value_or(0);
      if ((one.ends_at || empty) && end < size_) found[one.number] = Found{end, size_ - end};
    }
  }

 private:
  struct Wanted {
    std::string body_hash;
    std::size_t number;
    std::optional<std::uint64_t> ends_at;
  };

  // RFC 6376 3.4.3, 3.4.4
  std::string_view empty_body() const { return canonicalization_ == Canonicalization::simple ? "\r\n" : ""; }

  void take(std::string_view text) {
    while (!text.empty()) {
      const std::size_t end = std::min(text.find('\n'), text.size() - 1) + 1;
      const std::string_view part = text.substr(0, end);
      text.remove_prefix(end);
      size_ += part.size();
      if (lines_ == kMostLines) continue;
      hash_.update(part);
      if (part.ends_with('\n')) end_line();
    }
  }
  void end_line() {
    ++lines_;
    const Digest digest = hash_.value();
    for (Wanted& one : wanted_)
      if (one.body_hash == octets(digest)) one.ends_at = size_;
  }

  const Canonicalization canonicalization_;
  BodyCanonicalizer body_;
  Sha256 hash_;
  std::uint64_t size_ = 0;
  std::size_t lines_ = 0;
  std::vector<Wanted> wanted_;  // at most kMaxSignatures
};

BodyPrefix::BodyPrefix() = default;
BodyPrefix::~BodyPrefix() = default;

std::size_t BodyPrefix::want(Canonicalization canonicalization, std::string body_hash) {
  const std::size_t number = found_.size();
  found_.emplace_back();
  streams_.of(canonicalization).want(std::move(body_hash), number);
  return number;
}

void BodyPrefix::feed(std::string_view piece) { streams_.feed(piece); }
void BodyPrefix::finish() { streams_.finish(found_); }

}  // namespace postrider::wire::dkim
