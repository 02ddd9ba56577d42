// Who sent the message: its examination, and what becomes of it by that.
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "net/await_posted.hpp"
#include "policy/authentication_results.hpp"
#include "policy/authentication_verdict.hpp"
#include "receive/counts.hpp"
#include "receive/session.hpp"

namespace postrider::receive {

using boost::asio::awaitable;
using mail::reply;
using mail::Reply;

namespace {

// Where mail filters look; RFC 6648 came too late for it.
constexpr std::string_view kJunkField = "X-Spam-Flag: YES\r\n";

// That the recipients were at, as RCPT named them: each once.
std::vector<std::string> domains_of(const std::vector<mail::Recipient>& recipients) {
  std::vector<std::string> domains;
  for (const auto& one : recipients) {
    std::string domain = mail::to_ascii(one.original.host());
    if (std::ranges::find(domains, domain) == domains.end()) domains.push_back(std::move(domain));
  }
  return domains;
}

void count(const policy::AuthenticationFindings& findings, wire::dmarc::Policy done) {
  counts::authenticated("dmarc", to_string(findings.dmarc.result));
  counts::authenticated("spf", to_string(findings.mail_from.result));
  for (const auto& one : findings.dkim) counts::authenticated("dkim", to_string(one.verdict.result));
  if (findings.dkim.empty()) counts::authenticated("dkim", "none");
  counts::authenticated("arc", to_string(findings.arc.verdict.status));
  counts::authenticated("iprev", to_string(findings.iprev.result));
  counts::dmarc_done.count(static_cast<std::size_t>(done));
}

}  // namespace

void Session::examine(std::string_view header) {
  auto facts = dialog_.unproven();
  if (!facts || !services_.resolver) return;
  thread_local policy::KnownClients known;  // to all sessions of the thread
  examination_ = std::make_unique<Examination>(
      *std::move(facts), header, transfer_->bodies(),
      Examination::Means{.resolver = *services_.resolver,
                         .clock = services_.clock,
                         .post = [executor = stream_->executor()](
                                     auto answer) { boost::asio::post(executor, std::move(answer)); },
                         .timeout = dialog_.setting().config->authentication.timeout,
                         .known = known});
}

awaitable<std::optional<Reply>> Session::judge_origin(Examination& examination, std::string_view header,
                                                      queue::Incoming& incoming) {
  const auto& config = *dialog_.setting().config;
  if (!examination.end_of_body()) {
    // The DNS has its own deadline; ours is only there so that its failure can't hold the session.
    const auto patience = config.authentication.timeout + std::chrono::seconds(5);
    const auto done = co_await net::await_posted<bool>(patience, [&](auto completion) {
      examination.when_complete([told = std::move(completion)]() mutable { told(true); });
    });
    if (!done) co_return reply(451, 4, 3, "the DNS gave no answer, try again later");
  }

  const auto& facts = examination.facts();
  const auto& findings = examination.findings();
  auto verdict = policy::judge_authentication(config, facts, findings);
  count(findings, verdict.done);
  // Who comes again is told of then.
  if (services_.judged && !(verdict.refusal && verdict.refusal->temporary()))
    services_.judged->judged({.facts = facts,
                              .findings = findings,
                              .disposition = verdict.done,
                              .refused = verdict.refusal.has_value(),
                              .overrides = verdict.overrides,
                              .recipient_domains = domains_of(incoming.envelope.recipients),
                              .header = header});
  if (verdict.refusal) co_return std::move(verdict.refusal);
  incoming.envelope.junk = verdict.done == wire::dmarc::Policy::quarantine;
  if (incoming.envelope.junk) incoming.above.emplace_back(mail::PrependField{std::string(kJunkField)});
  // Above all others, which are from before it was checked. RFC 8601 4
  incoming.above.emplace_back(mail::PrependField{
      wire::authres::write(policy::authentication_results(facts, findings, verdict.done))});
  std::ranges::move(policy::describe(facts, findings, verdict), std::back_inserter(incoming.decisions));
  co_return std::nullopt;
}

}  // namespace postrider::receive
