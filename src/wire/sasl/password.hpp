// PLAIN, LOGIN and EXTERNAL: one question each.
#pragma once

#include "wire/sasl/exchange.hpp"

namespace postrider::wire::sasl {

// [authzid] NUL authcid NUL password, in UTF-8. Who logs in acts for himself: another authzid is refused. RFC 4616 2
class Plain final : public Exchange {
 public:
  Step begin(std::optional<std::string> initial) override;
  Step respond(std::string response) override;
  Step answer(const Answer& answer) override;
};

// "Username:", "Password:". An initial response is the user name, as some clients send it.
class Login final : public Exchange {
 public:
  Step begin(std::optional<std::string> initial) override;
  Step respond(std::string response) override;
  Step answer(const Answer& answer) override;

 private:
  std::optional<std::string> login_;
};

// The response is whom the client wants to be; empty: whom its certificate names. RFC 4422 Appendix A
class External final : public Exchange {
 public:
  Step begin(std::optional<std::string> initial) override;
  Step respond(std::string response) override;
  Step answer(const Answer& answer) override;
};

}  // namespace postrider::wire::sasl
