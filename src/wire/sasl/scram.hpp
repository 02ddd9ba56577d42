// SCRAM-SHA-256 and SCRAM-SHA-256-PLUS: the messages. The hashing is whoever's who answers CheckProof. RFC 5802, RFC 7677
//
// Own code, where GNU SASL has a server too: that one takes the keys of one password, and an account here has several, of
// which only the proof tells which it is.
#pragma once

#include <string_view>

#include "wire/sasl/exchange.hpp"

namespace postrider::wire::sasl {

class Scram final : public Exchange {
 public:
  enum class Bound : std::uint8_t { no, yes };
  Scram(Bound bound, Parameters parameters) : bound_(bound), parameters_(std::move(parameters)) {}

  Step begin(std::optional<std::string> initial) override;
  Step respond(std::string response) override;
  Step answer(const Answer& answer) override;

 private:
  Step client_first(std::string_view message);
  Step client_final(std::string_view message);
  // Whether the client's view of the channel fits ours; else why not.
  std::optional<Refused> refuse_binding(char flag, std::string_view name) const;

  enum class Next : std::uint8_t { client_first, client_final, empty };
  const Bound bound_;
  Parameters parameters_;
  Next next_ = Next::client_first;
  std::string gs2_header_;
  std::string client_first_bare_;
  std::string nonce_;  // the client's, then ours
  std::string server_first_;
};

}  // namespace postrider::wire::sasl
