#include "wire/dkim/body_hasher.hpp"

#include <algorithm>
#include <utility>

namespace postrider::wire::dkim {

// One canonicalization of the body and its running hash.
class BodyHasher::Stream {
 public:
  explicit Stream(Canonicalization canonicalization)
      : body_(canonicalization, [this](std::string_view octets) { take(octets); }) {}
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;

  void want(const BodyForm& form, std::size_t number) {
    if (form.length) {
      limits_.push_back({*form.length, number});
      std::ranges::sort(limits_);
    } else {
      whole_.push_back(number);
    }
  }
  void feed(std::string_view piece) { body_.feed(piece); }
  // The last use.
  void finish(std::vector<BodyHash>& hashes) {
    body_.finish();
    note_reached();
    const Digest all = std::move(hash_).value();
    for (const std::size_t number : whole_) hashes[number].digest = all;
    for (std::size_t i = 0; i < limits_.size(); ++i) {
      BodyHash& hash = hashes[limits_[i].number];
      hash.whole = i < reached_.size();
      if (!hash.whole) continue;
      hash.digest = reached_[i];
      hash.unsigned_octets = size_ - limits_[i].octets;
    }
  }

 private:
  struct Limit {
    std::uint64_t octets;
    std::size_t number;
    auto operator<=>(const Limit&) const = default;
  };

  void take(std::string_view octets) {
    while (!octets.empty() && reached_.size() < limits_.size()) {
      const auto part =
          octets.substr(0, std::min<std::uint64_t>(octets.size(), limits_[reached_.size()].octets - size_));
      hash_.update(part);
      size_ += part.size();
      octets.remove_prefix(part.size());
      note_reached();
    }
    if (!whole_.empty()) hash_.update(octets);
    size_ += octets.size();
  }
  void note_reached() {
    while (reached_.size() < limits_.size() && limits_[reached_.size()].octets == size_)
      reached_.push_back(hash_.value());
  }

  BodyCanonicalizer body_;
  Sha256 hash_;
  std::uint64_t size_ = 0;  // canonical octets so far
  std::vector<std::size_t> whole_;
  std::vector<Limit> limits_;    // in order
  std::vector<Digest> reached_;  // of the first of limits_
};

BodyHasher::BodyHasher() = default;
BodyHasher::~BodyHasher() = default;
BodyHasher::BodyHasher(BodyHasher&&) noexcept = default;
BodyHasher& BodyHasher::operator=(BodyHasher&&) noexcept = default;

std::size_t BodyHasher::want(const BodyForm& form) {
  const auto known = std::ranges::find(forms_, form);
  if (known != forms_.end()) return static_cast<std::size_t>(known - forms_.begin());
  const std::size_t number = forms_.size();
  forms_.push_back(form);
  hashes_.emplace_back();
  streams_.of(form.canonicalization).want(form, number);
  return number;
}

void BodyHasher::feed(std::string_view piece) { streams_.feed(piece); }
void BodyHasher::finish() { streams_.finish(hashes_); }

}  // namespace postrider::wire::dkim
