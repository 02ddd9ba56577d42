// STARTTLS by a client: what the policy wants, and what the server gives.
#include <boost/asio/error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/system/system_error.hpp>
#include <utility>

#include "deliver/client_session.hpp"
#include "net/tls_counts.hpp"
#include "sys/log.hpp"

namespace postrider::deliver {

using boost::asio::awaitable;
using boost::system::system_error;
using config::TlsLevel;

namespace {

net::TlsCounts counts("postrider_tls_out");  // docs/metrics.md

std::string listed(const std::vector<std::string>& names) {
  std::string all;
  for (const std::string& name : names) all += (all.empty() ? "" : ", ") + name;
  return all.empty() ? "nothing" : all;
}

}  // namespace

awaitable<std::optional<mail::Reply>> ClientSession::secure(const config::Delivery& times) {
  if (terms_.policy.level == TlsLevel::none) co_return std::nullopt;
  if (!terms_.tls) co_return without_tls("there is no TLS here");
  if (!offered_.starttls) co_return without_tls("the server does not offer TLS");
  stage_ = "the reply to STARTTLS";
  say("STARTTLS\r\n");
  const auto reply = co_await answer(times.command);
  if (reply.code != 220) co_return without_tls("the server answers STARTTLS with " + one_line(reply));
  stage_ = "the TLS handshake";
  may_quit_ = false;
  if (auto refusal = co_await shake_hands(times)) co_return refusal;
  may_quit_ = true;
  if (auto refusal = judge_certificate()) co_return refusal;
  // What was offered in clear anybody may have written. RFC 3207 4.2
  co_return co_await hello(times);
}

std::optional<mail::Reply> ClientSession::without_tls(const std::string& why) {
  if (terms_.policy.level == TlsLevel::may) return std::nullopt;
  return mail::reply(451, 7, 4, why + ", and " + terms_.policy.why + " wants it");
}

awaitable<std::optional<mail::Reply>> ClientSession::shake_hands(const config::Delivery& times) {
  // Where the level is another one, so is what a session was worth.
  const bool strict = terms_.policy.level == TlsLevel::verify;
  const std::string key = relay_ + (strict ? " verify" : "");
  net::TlsClient::Options options{.server_name = terms_.hop.name, .strict = strict};
  if (auto* memory = terms_.memory) {
    options.session = memory->take_session(key);
    options.on_session = [memory, key](net::TlsSession session) {
      memory->keep_session(key, std::move(session));
    };
  }
  connection_.allow(times.tls_handshake);
  std::string trouble;
  try {
    co_await connection_.start_tls(*terms_.tls, std::move(options));
    // TLS 1.2 does not tell of a new ticket for a session that was resumed.
    const auto& tls = *connection_.tls();
    if (terms_.memory && tls.facts().version == "TLSv1.2") terms_.memory->keep_session(key, tls.session());
    co_return std::nullopt;
  } catch (const system_error& error) {
    if (error.code() == boost::asio::error::operation_aborted) throw;
    trouble = error.code() == boost::system::errc::bad_message
                  ? "octets in clear behind the reply to STARTTLS"
              : error.code() == boost::asio::error::timed_out ? "time ran out"
              : error.code() == boost::asio::error::eof       ? "the server closed the connection"
                                                              : error.code().message();
  }
  tls_failed_ = true;
  counts.failed();
  connection_.transcript.note("TLS failed: " + trouble);
  sys::log::warning(
      "tls_failed",
      {{"relay", relay_}, {"policy", policy::to_string(terms_.policy.level)}, {"reason", trouble}});
  co_return mail::reply(451, 7, 5, "TLS with the server failed: " + trouble);
}

// Why the policy does not trust this server.
std::optional<mail::Reply> ClientSession::judge_certificate() {
  const auto facts = connection_.tls()->facts();
  const bool verify = terms_.policy.level == TlsLevel::verify;
  std::string trouble;
  if (!facts.has_peer) {
    trouble = "it shows none";
  } else if (!facts.peer.trusted) {
    trouble = facts.peer.distrust;
  } else if (verify && !connection_.tls()->peer_is_one_of(terms_.policy.names)) {
    trouble = "it is for " + listed(facts.peer.names) + " and not for " + listed(terms_.policy.names);
  }
  counts.established(facts);
  tls_words_ = facts.to_string() + (verify && trouble.empty() ? ", verified" : "");
  connection_.transcript.note(tls_words_ + (trouble.empty() ? "" : ", certificate: " + trouble));
  sys::log::info("tls", {{"relay", relay_},
                         {"tls", facts.to_string()},
                         {"policy", policy::to_string(terms_.policy.level)},
                         {"resumed", facts.resumed ? "yes" : "no"},
                         {"subject", facts.peer.subject},
                         {"certificate", trouble.empty() ? "good" : trouble}});
  if (!verify || trouble.empty()) return std::nullopt;
  return mail::reply(451, 7, 5, "the server's certificate is not to be trusted: " + trouble);
}

}  // namespace postrider::deliver
