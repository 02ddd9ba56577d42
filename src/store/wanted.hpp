// A Selection made ready: its patterns parsed once, its ages turned into times.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "base/time.hpp"
#include "mail/envelope.hpp"
#include "store/selection.hpp"

namespace postrider::store {

// "user@example.com", "example.com" (that domain), ".example.com" (its subdomains); domains in any form, "[192.0.2.1]" too.
class AddressMatch {
 public:
  // Failure: permanent, 5.1.3.
  static base::Result<AddressMatch> parse(std::string_view text);
  bool matches(const mail::Address& address) const;

 private:
  std::optional<std::string> local_;
  std::string host_;  // as mail::to_ascii() gives it; with the dot for subdomains
  bool subdomains_ = false;
};

// Pure; any thread.
class Wanted {
 public:
  // Failure: permanent, of a pattern that is none.
  static base::Result<Wanted> make(const Selection& selection, base::UtcTime now);

  // Judged by what the recipient's row says; `state` as it is stored.
  bool row(std::int64_t state, std::string_view destination) const;
  // The envelope is needed beyond that.
  bool needs_envelope() const { return sender_ || null_sender_ || recipient_ || before_ || after_; }
  bool envelope(const mail::Envelope& envelope) const;
  bool recipient(const mail::Recipient& recipient) const;

  const std::vector<std::string>& destinations() const { return destinations_; }  // as rows have them
  bool waiting_only() const { return state_ == mail::RecipientState::waiting; }

 private:
  std::optional<AddressMatch> sender_, recipient_;
  bool null_sender_ = false;
  std::vector<std::string> destinations_;        // sorted
  std::optional<base::UtcTime> before_, after_;  // when the message was received
  std::optional<mail::RecipientState> state_;
};

}  // namespace postrider::store
