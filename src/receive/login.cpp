#include "receive/login.hpp"

#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "net/await_posted.hpp"
#include "receive/counts.hpp"
#include "sys/log.hpp"

namespace postrider::receive {

using boost::asio::awaitable;
using directory::LoginGuard;
using mail::Reply;
using wire::sasl::Denied;
using wire::sasl::Granted;

namespace {

// RFC 4954 6
std::unexpected<Reply> later() {
  return std::unexpected(mail::reply(454, 7, 0, "can't check that just now, try again later"));
}

directory::GuessLimits limits_of(const config::Auth& auth) {
  return {.account = auth.account_failures,
          .network = auth.network_failures,
          .forget = auth.forget,
          .trusted = auth.never_locked};
}

awaitable<void> pause(base::Milliseconds time) {
  boost::asio::steady_timer timer(co_await boost::asio::this_coro::executor, time);
  co_await timer.async_wait(boost::asio::use_awaitable);
}

}  // namespace

Login::Login(Services& services, std::shared_ptr<const config::Config> config, Client client,
             wire::sasl::Mechanism mechanism)
    : services_(services), config_(std::move(config)), client_(std::move(client)), mechanism_(mechanism) {}

base::Milliseconds Login::patience(const config::Config& config) {
  return config.auth.patience + LoginGuard::kLongestDelay + std::chrono::seconds(5);
}

awaitable<Login::Settled> Login::settle(wire::sasl::Step question) {
  using namespace wire::sasl;
  if (auto* it = std::get_if<CheckPassword>(&question)) co_return co_await verify(std::move(*it));
  if (auto* it = std::get_if<FindKeys>(&question)) co_return co_await find_keys(std::move(*it));
  if (auto* it = std::get_if<CheckProof>(&question)) co_return check_proof(*it);
  if (auto* it = std::get_if<CheckToken>(&question)) co_return co_await check_token(std::move(*it));
  if (auto* it = std::get_if<CheckCertificate>(&question))
    co_return co_await check_certificate(std::move(*it));
  co_return Denied{};
}

awaitable<std::optional<Reply>> Login::begin(std::string login) {
  login_ = std::move(login);
  auto begun = services_.logins->guard.begin(client_.address, login_, limits_of(config_->auth));
  if (!begun) {
    counts::logins.count(mechanism_, counts::LoginEnd::locked);
    sys::log::warning(
        "login_locked_out",
        {{"client", client_.address.to_string()}, {"listener", client_.listener}, {"login", login_}});
    co_return mail::reply(421, 7, 0, "too many failed logins, try again later");
  }
  attempt_.emplace(std::move(*begun));
  if (attempt_->delay().count() > 0) co_await pause(attempt_->delay());
  co_return std::nullopt;
}

Login::Settled Login::take(std::optional<base::Result<Identity>> told) {
  if (!told) return not_checked();
  if (*told) {
    identity_ = std::move(**told);
    return Granted{};
  }
  if (told->error().permanent()) return Denied{};
  sys::log::warning(
      "login_not_checked",
      {{"client", client_.address.to_string()}, {"login", login_}, {"reason", told->error().log_text()}});
  return not_checked();
}

Login::Settled Login::not_checked() const {
  counts::logins.count(mechanism_, counts::LoginEnd::unchecked);
  return later();
}

awaitable<Login::Settled> Login::verify(wire::sasl::CheckPassword question) {
  if (auto locked = co_await begin(question.login)) co_return std::unexpected(*std::move(locked));
  co_return take(co_await net::await_posted<base::Result<Identity>>(config_->auth.patience, [&](auto done) {
    services_.logins->authenticator.verify(std::move(question.login), std::move(question.password),
                                           std::move(done));
  }));
}

awaitable<Login::Settled> Login::find_keys(wire::sasl::FindKeys question) {
  if (auto locked = co_await begin(question.login)) co_return std::unexpected(*std::move(locked));
  auto told = co_await net::await_posted<base::Result<ScramOffer>>(config_->auth.patience, [&](auto done) {
    services_.logins->authenticator.scram(std::move(question.login), std::move(done));
  });
  if (!told || !*told) co_return not_checked();
  offer_ = std::move(**told);
  co_return wire::sasl::Keys{offer_->salt, offer_->iterations};
}

Login::Settled Login::check_proof(const wire::sasl::CheckProof& question) {
  auto match = offer_ ? offer_->match(question.auth_message, question.proof) : std::nullopt;
  if (!match) return Denied{};
  identity_ = std::move(match->identity);
  services_.logins->authenticator.note_use(identity_);
  return Granted{std::move(match->server_signature)};
}

awaitable<Login::Settled> Login::check_token(wire::sasl::CheckToken question) {
  if (auto locked = co_await begin(question.login)) co_return std::unexpected(*std::move(locked));
  co_return take(co_await net::await_posted<base::Result<Identity>>(config_->auth.patience, [&](auto done) {
    services_.logins->authenticator.check_token(std::move(question.login), std::move(question.token),
                                                std::move(done));
  }));
}

awaitable<Login::Settled> Login::check_certificate(wire::sasl::CheckCertificate question) {
  if (auto locked = co_await begin(question.login)) co_return std::unexpected(*std::move(locked));
  co_return take(co_await net::await_posted<base::Result<Identity>>(config_->auth.patience, [&](auto done) {
    services_.logins->authenticator.check_certificate(std::move(question.login), client_.emails,
                                                      std::move(done));
  }));
}

const Identity& Login::succeed() {
  if (attempt_) attempt_->succeeded();
  counts::logins.count(mechanism_, counts::LoginEnd::ok);
  sys::log::info("logged_in", {{"client", client_.address.to_string()},
                               {"listener", client_.listener},
                               {"account", identity_.account},
                               {"app_password", identity_.app_password},
                               {"mechanism", wire::sasl::to_string(mechanism_)},
                               {"tls", client_.tls}});
  return identity_;
}

void Login::fail(const std::string& why) {
  const bool locked = attempt_ && attempt_->failed();
  counts::logins.count(mechanism_, counts::LoginEnd::failed);
  sys::log::info("login_failed", {{"client", client_.address.to_string()},
                                  {"listener", client_.listener},
                                  {"login", login_},
                                  {"mechanism", wire::sasl::to_string(mechanism_)},
                                  {"reason", why},
                                  {"locked", locked ? "yes" : "no"}});
}

}  // namespace postrider::receive
