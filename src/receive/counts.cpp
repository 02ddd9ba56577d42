#include "receive/counts.hpp"

#include <algorithm>

#include "wire/sasl/exchange.hpp"

namespace postrider::receive::counts {
namespace {

const std::vector<std::string> kReasons = {"other",   "address",  "mailbox", "system",
                                           "network", "protocol", "content", "policy"};

sys::MetricLabel mode() { return {"mode", {"mx", "submission", "lmtp", "submit"}}; }

sys::MetricLabel mechanism() {
  std::vector<std::string> names;
  for (std::size_t i = 0; i < wire::sasl::kMechanisms; ++i)
    names.emplace_back(to_string(static_cast<wire::sasl::Mechanism>(i)));
  return {"mechanism", std::move(names)};
}

const std::vector<std::string> kMethods = {"dmarc", "dkim", "spf", "arc", "iprev"};
const std::vector<std::string> kResults = {"none",   "pass",    "fail",      "softfail",
                                           "policy", "neutral", "temperror", "permerror"};

std::size_t place_of(std::string_view name, const std::vector<std::string>& names) {
  return static_cast<std::size_t>(std::ranges::find(names, name) - names.begin());
}

sys::Counters authentication("postrider_authentication_total",
                             "What the checks of mail from strangers found.",
                             {{"method", kMethods}, {"result", kResults}});

}  // namespace

sys::Counters dmarc_done("postrider_dmarc_total", "Mail from strangers, by what was done with it by DMARC.",
                         {{"disposition", {"none", "quarantine", "reject"}}});
void authenticated(std::string_view method, std::string_view result) {
  authentication.count(place_of(method, kMethods), place_of(result, kResults));
}

sys::Counters connections("postrider_connections_total", "Connections that were admitted.", {mode()});
sys::Gauges open_connections("postrider_connections_open", "Connections that are there now.", {mode()});
sys::Counters messages("postrider_messages_accepted_total", "Messages that were answered with 250.",
                       {mode()});
sys::Counters message_bytes("postrider_message_bytes_accepted_total",
                            "Their octets as received, before trace fields.", {mode()});
sys::Counters recipients("postrider_recipients_accepted_total",
                         "Their recipients, behind aliases and without those that were refused.", {mode()});
sys::Counters connections_refused("postrider_connections_refused_total", "Connections that found no place.",
                                  {{"limit", {"server", "client"}}});
sys::Counters refusals("postrider_refusals_total",
                       "Replies of 4yz and 5yz, by the subject of their enhanced status code.",
                       {{"kind", {"temporary", "permanent"}}, {"reason", kReasons}});
net::TlsCounts tls("postrider_tls_in");
sys::Counters logins("postrider_logins_total", "Attempts to log in that came to an end.",
                     {mechanism(), {"result", {"ok", "failed", "locked", "unchecked"}}});

void accepted(config::ListenerMode mode, std::uint64_t octets, std::size_t its_recipients) {
  messages.count(mode);
  message_bytes.add(octets, mode);
  recipients.add(its_recipients, mode);
}

void refused(const mail::Reply& said) {
  if (!said.temporary() && !said.permanent()) return;
  // RFC 3463 2
  const std::size_t subject = said.enhanced ? said.enhanced->subject : 0;
  refusals.count(said.permanent(), subject < kReasons.size() ? subject : 0);
}

}  // namespace postrider::receive::counts
