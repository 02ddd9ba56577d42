// A domain name of a mailbox, compared as its A-labels.
#pragma once

#include <compare>
#include <functional>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace postrider::mail {

// Always valid: 1 to 255 octets in A-labels, labels of 1 to 63 octets of letters, digits and inner hyphens
// (RFC 5321 4.1.2, 4.5.3.1.2); U-labels are converted by IDNA 2008 (RFC 6531 3.2, RFC 5890 2.3.2.1).
// Immutable; any thread.
class Domain {
 public:
  // Accepts U-labels and A-labels in any case. No trailing dot, no address literal. A label that starts
  // with "xn--" must be a true A-label. Failure: permanent, subject.detail 1.2, text says what is wrong.
  static base::Result<Domain> parse(std::string_view text);

  // A-labels, lower case: what is looked up, compared and stored.
  const std::string& ascii() const { return ascii_; }
  // As it was written, for handing on with SMTPUTF8 and for people; U-labels in their one true form (NFC,
  // lower case).
  const std::string& text() const { return text_.empty() ? ascii_ : text_; }

  // "mx.example.com" is in "example.com" and in itself.
  bool is_within(const Domain& parent) const;

  bool operator==(const Domain& other) const { return ascii_ == other.ascii_; }
  auto operator<=>(const Domain& other) const { return ascii_ <=> other.ascii_; }

 private:
  Domain(std::string ascii, std::string text) : ascii_(std::move(ascii)), text_(std::move(text)) {}
  std::string ascii_;
  std::string text_;  // empty where it is the same as ascii_
};

}  // namespace postrider::mail

template <>
struct std::hash<postrider::mail::Domain> {
  std::size_t operator()(const postrider::mail::Domain& domain) const noexcept {
    return std::hash<std::string>{}(domain.ascii());
  }
};
