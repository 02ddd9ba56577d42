// STARTTLS and implicit TLS: the connection's second beginning.
#include <boost/system/system_error.hpp>

#include "net/tls_stream.hpp"
#include "receive/counts.hpp"
#include "receive/farewell.hpp"
#include "receive/session.hpp"
#include "sys/log.hpp"

namespace postrider::receive {

using boost::asio::awaitable;
using mail::reply;

awaitable<Session::Next> Session::handle_starttls() {
  auto said = dialog_.starttls();
  if (begin_ != end_) {
    // Whoever wrote it, it was written before the handshake: it is neither obeyed now nor taken for something that was said
    // under TLS.
    if (said.positive())
      said = reply(451, 5, 0, "commands in clear behind STARTTLS, closing the connection");
    else
      said = reply(554, 5, 0, "you must wait for my reply before you go on");
    log_refusal(said, "STARTTLS");
    co_await answer(std::move(said));
    co_return Next::close;
  }
  std::optional<net::TlsServer::Pass> pass;
  if (said.positive() && !(pass = may_begin_tls()))
    said = reply(454, 7, 0, "too many TLS handshakes, try again later");  // RFC 3207 4
  if (!said.positive()) log_refusal(said, "STARTTLS");
  if (co_await answer(std::move(said)) == Next::close) co_return Next::close;
  if (!pass) co_return Next::go_on;
  co_await send_replies();
  co_await begin_tls(*std::move(pass));
  co_return Next::go_on;
}

std::optional<net::TlsServer::Pass> Session::may_begin_tls() const {
  auto* tls = services_.tls;
  if (!tls || !tls->is_ready()) return std::nullopt;
  const auto limit = dialog_.setting().config->limits.tls_handshakes;
  auto pass = tls->begin_handshake(limit);
  if (!pass) {
    sys::log::warning("too_many_handshakes", {{"client", dialog_.peer().address.to_string()},
                                              {"listener", dialog_.listener().name()},
                                              {"limit", limit}});
  }
  return pass;
}

// What is in the buffer came behind a PROXY header, and is the beginning of the handshake. Throws where there is none.
awaitable<void> Session::begin_tls(net::TlsServer::Pass) {
  auto made = services_.tls->accept(std::move(stream_), std::string(input()));
  auto* tls = made.get();
  stream_ = std::move(made);
  consume(input().size());
  set_deadline(dialog_.setting().config->timeouts.tls_handshake);
  std::string reason;
  try {
    co_await tls->handshake();
    dialog_.begin_tls(tls->facts(), dialog_.has_auth() ? tls->channel_binding() : std::string());
    counts::tls.established(*dialog_.tls());
    log_client_certificate();
    co_return;
  } catch (const boost::system::system_error& error) {
    reason = watchdog_.expired() ? "it took too long" : error.code().message();
  }
  counts::tls.failed();
  sys::log::info("tls_failed", {{"client", dialog_.peer().address.to_string()},
                                {"listener", dialog_.listener().name()},
                                {"reason", reason}});
  // Nothing can be said any more, but TLS's own alert must not be lost.
  stream_ = tls->release();
  watchdog_.clear();
  co_await say_and_close(*stream_, {});
  throw boost::system::system_error(boost::asio::error::connection_aborted);
}

// What it is worth, who asks for it has to decide.
void Session::log_client_certificate() const {
  if (!dialog_.tls()->has_peer) return;
  const auto& shown = dialog_.tls()->peer;
  sys::log::info("client_certificate", {{"client", dialog_.peer().address.to_string()},
                                        {"subject", shown.subject},
                                        {"fingerprint", shown.fingerprint},
                                        {"trusted", shown.trusted ? "yes" : "no"},
                                        {"reason", shown.distrust}});
}

}  // namespace postrider::receive
