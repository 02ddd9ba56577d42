// OAUTHBEARER (RFC 7628) and XOAUTH2: a token, and whose it is said to be.
#pragma once

#include <string_view>

#include "wire/sasl/exchange.hpp"

namespace postrider::wire::sasl {

class Bearer final : public Exchange {
 public:
  enum class Form : std::uint8_t { oauthbearer, xoauth2 };
  explicit Bearer(Form form) : form_(form) {}

  Step begin(std::optional<std::string> initial) override;
  Step respond(std::string response) override;
  // A client that is denied hears why as a challenge, which it acknowledges; only then it is refused. RFC 7628 3.2.3
  Step answer(const Answer& answer) override;

 private:
  Step read(std::string_view message);
  const Form form_;
  bool denied_ = false;
};

}  // namespace postrider::wire::sasl
