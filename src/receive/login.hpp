// One AUTH: has the questions of a SASL exchange answered, slows down who guesses, and tells the log how it went.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <expected>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "mail/reply.hpp"
#include "receive/authenticator.hpp"
#include "receive/services.hpp"
#include "wire/sasl/exchange.hpp"

namespace postrider::receive {

// Lives on its session's thread.
class Login {
 public:
  struct Client {
    base::IpAddress address;
    std::string listener;
    std::string tls;                  // for the log
    std::vector<std::string> emails;  // of its certificate, where that is trusted
  };
  // `services` has logins and outlives it.
  Login(Services& services, std::shared_ptr<const config::Config> config, Client client,
        wire::sasl::Mechanism mechanism);

  // The answer to a question; else the reply that ends the AUTH: 421 where it ends the session, 454.
  using Settled = std::expected<wire::sasl::Answer, mail::Reply>;
  boost::asio::awaitable<Settled> settle(wire::sasl::Step question);
  // At the exchange's end.
  const Identity& succeed();
  void fail(const std::string& why);

  // So long settle() may take.
  static base::Milliseconds patience(const config::Config& config);

 private:
  boost::asio::awaitable<std::optional<mail::Reply>> begin(std::string login);
  boost::asio::awaitable<Settled> verify(wire::sasl::CheckPassword question);
  boost::asio::awaitable<Settled> find_keys(wire::sasl::FindKeys question);
  boost::asio::awaitable<Settled> check_token(wire::sasl::CheckToken question);
  boost::asio::awaitable<Settled> check_certificate(wire::sasl::CheckCertificate question);
  Settled check_proof(const wire::sasl::CheckProof& question);
  Settled not_checked() const;
  Settled take(std::optional<base::Result<Identity>> told);

  Services& services_;
  std::shared_ptr<const config::Config> config_;
  Client client_;
  wire::sasl::Mechanism mechanism_;
  std::string login_;  // as the client says
  std::optional<directory::LoginGuard::Attempt> attempt_;
  std::optional<ScramOffer> offer_;
  Identity identity_;
};

}  // namespace postrider::receive
