#include "deliver/smtp_attempt.hpp"

#include <algorithm>
#include <boost/asio/use_awaitable.hpp>
#include <boost/system/system_error.hpp>
#include <utility>
#include <variant>

#include "net/await_posted.hpp"

namespace postrider::deliver {

using boost::asio::awaitable;
using Weight = ClientResults::Weight;

namespace {

constexpr base::Milliseconds kFind = std::chrono::seconds(35);  // HostFinder answers within 30 s

base::SteadyTime now() { return std::chrono::steady_clock::now(); }

mail::Reply shutting_down() { return mail::reply(451, 3, 2, "shutting down"); }

// Those who reach the same site in the same way share connections. Not by what Courier::locate() said: that may be old, and the
// hosts are perhaps others now.
std::string key_of(const config::Config& config, const config::Route& route, const Hosts& hosts,
                   const policy::TlsPolicy& policy) {
  std::string key = hosts.site.name + '\n' + helo_of(config, route) + '\n' + policy.key();
  for (const auto& source : route.source) key += '\n' + source.to_string();
  return key;
}

std::string address_of(const NextHop& hop) {
  if (!hop.socket.empty()) return hop.socket;
  const std::string address = hop.address.to_string();
  return (hop.address.is_v4() ? address : '[' + address + ']') + ':' + std::to_string(hop.port);
}

}  // namespace

SmtpAttempt::SmtpAttempt(Parts parts, const queue::Job& job)
    : parts_(std::move(parts)),
      job_(job),
      times_(parts_.config->delivery),
      policy_(policy::tls_policy(*parts_.config, *job.destination.route, job.destination.host)),
      end_(now() + times_.attempt),
      results_(job, parts_.clock),
      connector_(parts_.executor) {}

awaitable<queue::Report> SmtpAttempt::run() {
  // The next server's word that it keeps to it is not asked for yet. RFC 8689 4.2.1
  if (job_.envelope->require_tls) {
    results_.decide_open(
        mail::Action::failed,
        mail::reply(550, 7, 30, "REQUIRETLS was asked for, and this server can't pass it on"));
  }
  if (!goes_on()) co_return report();
  auto found = co_await find_hosts();
  if (!found) co_return report();
  key_ = key_of(*parts_.config, *job_.destination.route, *found, policy_);
  co_await use_kept(*found);
  for (auto& hop : found->hops) {
    if (!goes_on()) break;
    co_await try_hop(std::move(hop));
  }
  co_return report();
}

bool SmtpAttempt::goes_on() const { return !cancelled_ && results_.has_open() && now() < end_; }

awaitable<void> SmtpAttempt::use_kept(const Hosts& hosts) {
  while (goes_on() && trials_.empty()) {
    auto session = parts_.pool.take(key_, hosts);
    if (!session) co_return;
    session->forget_transcript();
    co_await carry(std::move(session), now());
  }
}

// Nothing: that is decided.
awaitable<std::optional<Hosts>> SmtpAttempt::find_hosts() {
  auto found = co_await net::await_posted<FoundHosts>(
      kFind, [this](auto completion) { parts_.find(job_.destination, std::move(completion)); });
  if (found && *found) co_return std::move(**found);
  if (found) {
    results_.decide_open(found->error().action, found->error().reply);
  } else {
    results_.decide_open(mail::Action::deferred, mail::reply(451, 4, 3, "the DNS does not answer"));
  }
  co_return std::nullopt;
}

// Where TLS may be had or not, and its handshake fails, the same host is asked once more without: mail that always went in
// clear shall not wait for a broken server. RFC 7435 3
awaitable<void> SmtpAttempt::try_hop(NextHop hop) {
  auto policy = policy_;
  const bool may = policy.level == config::TlsLevel::may;
  if (may && parts_.memory.is_broken(hop.to_string(), now())) policy.level = config::TlsLevel::none;
  const bool failed = co_await try_hop(hop, policy);
  if (!failed || !may) co_return;
  parts_.memory.note_broken(hop.to_string(), now());
  if (!goes_on()) co_return;
  policy.level = config::TlsLevel::none;
  co_await try_hop(std::move(hop), std::move(policy));
}

// True: the TLS handshake failed.
awaitable<bool> SmtpAttempt::try_hop(NextHop hop, policy::TlsPolicy policy) {
  const auto begun = now();
  results_.set_relay(hop.to_string(), ClientResults::Speaks::smtp);
  auto session = co_await connect(hop, std::move(policy));
  if (!session) {
    note(hop, begun, {.result = results_.verdict(), .tls = {}, .transcript = {}});
    co_return false;
  }
  session_ = session.get();
  session->set_end(end_);
  if (cancelled_) session->cancel();  // while the connection was there already
  auto refusal = co_await session->open(times_);
  session_ = nullptr;
  if (!refusal) {
    co_await carry(std::move(session), begun);
    co_return false;
  }
  const bool failed = session->tls_failed();
  results_.blame(*std::move(refusal), Weight::turned_away);
  note(hop, begun,
       {.result = results_.verdict(), .tls = session->tls(), .transcript = session->transcript()});
  parts_.pool.leave(std::move(session));
  co_return failed;
}

// Null: there is no connection, and that is noted.
awaitable<std::unique_ptr<ClientSession>> SmtpAttempt::connect(NextHop hop, policy::TlsPolicy policy) {
  std::string trouble;
  try {
    auto stream = co_await connector_.connect(hop, source_for(hop, *job_.destination.route),
                                              std::min(now() + times_.connect, end_));
    asked_ = true;
    co_return std::make_unique<ClientSession>(std::move(stream),
                                              terms_for(std::move(hop), std::move(policy)));
  } catch (const boost::system::system_error& error) {
    trouble = error.code().message();
    asked_ |= !is_own_fault(error.code());
  }
  results_.blame(mail::reply(451, 4, 1, "no connection: " + trouble), Weight::unreachable);
  co_return nullptr;
}

ClientTerms SmtpAttempt::terms_for(NextHop hop, policy::TlsPolicy policy) const {
  const auto& route = *job_.destination.route;
  const bool lmtp = std::holds_alternative<config::ViaLmtp>(route.via);
  return {.protocol = lmtp ? ClientProtocol::lmtp : ClientProtocol::smtp,
          .helo = helo_of(*parts_.config, route),
          .hop = std::move(hop),
          .policy = std::move(policy),
          .tls = parts_.tls,
          .memory = &parts_.memory};
}

awaitable<void> SmtpAttempt::carry(std::unique_ptr<ClientSession> session, base::SteadyTime begun) {
  session_ = session.get();
  session->set_end(end_);
  co_await session->carry({results_, parts_.readers, times_});
  session_ = nullptr;
  if (session->was_dead()) co_return;
  asked_ = true;
  note(session->terms().hop, begun,
       {.result = results_.verdict(),
        .tls = session->tls(),
        .transcript = results_.went_well() ? std::string() : session->transcript()});
  const bool keep = session->is_usable() && times_.idle.count() > 0 &&
                    session->transactions() < times_.messages_per_connection &&
                    now() - session->since() < kOldest;
  if (keep) {
    parts_.pool.keep(key_, std::move(session), times_.idle);
  } else {
    parts_.pool.leave(std::move(session));
  }
}

void SmtpAttempt::note(const NextHop& hop, base::SteadyTime begun, Ended ended) {
  trials_.push_back({.host = hop.name,
                     .address = address_of(hop),
                     .tls = std::move(ended.tls),
                     .took = std::chrono::duration_cast<base::Milliseconds>(now() - begun),
                     .result = std::move(ended.result),
                     .transcript = std::move(ended.transcript)});
}

void SmtpAttempt::cancel() {
  cancelled_ = true;
  connector_.cancel();
  if (session_) session_->cancel();
}

queue::Report SmtpAttempt::report() {
  auto contact = results_.judged() ? queue::Contact::made : queue::Contact::failed;
  if (!asked_ || (cancelled_ && !results_.judged())) contact = queue::Contact::none;
  if (cancelled_) results_.decide_open(mail::Action::deferred, shutting_down());
  // For those whose time was up before any host could be blamed.
  results_.blame(mail::reply(451, 4, 2, "time ran out before a host answered"), Weight::nothing);
  return {.outcomes = results_.take(), .contact = contact, .trials = std::move(trials_)};
}

queue::Report SmtpAttempt::broken_off(const queue::Job& job, sys::Clock& clock) {
  ClientResults results(job, clock);
  results.decide_open(mail::Action::deferred, shutting_down());
  return {.outcomes = results.take(), .contact = queue::Contact::none, .trials = {}};
}

}  // namespace postrider::deliver
