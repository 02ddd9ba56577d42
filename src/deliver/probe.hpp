// Asks the next hop of a relay domain whether it would take a recipient, so that mail for nobody is refused at
// RCPT and never becomes a bounce to a stranger.
#pragma once

#include <functional>
#include <memory>

#include "config/config.hpp"
#include "deliver/probe_targets.hpp"
#include "net/tls_context.hpp"
#include "policy/recipient_probe.hpp"
#include "sys/clock.hpp"
#include "sys/resolver.hpp"

namespace postrider::deliver {

// Bounds: 100,000 answers are kept (ProbeCache says how long; by `clock`); 50 connections and look-ups at a
// time, then 450 4.3.2; one at a time for a recipient, at most 1,000 callers wait for it; [timeouts] probe
// (steady clock of the system) from the question to the answer, a third of it for each connect.
//
// Answers: the RCPT reply of the next hop, 2yz, 4yz or 5yz. Where none was had (no connection, a greeting of
// 554, MAIL refused, time ran out): 450 4.4.1; other 450 and what is known without asking: find_next_hops().
// It asks as the mail would come: from the route's source, with its helo.
// And with the TLS that the policy for the mail wants: what may not go in clear is not asked in clear.
//
// ask() on any thread; `done` is called before it returns where the answer is known, else on the thread
// "probe", which is the probe's own. Each outcome is logged as event=recipient_probe.
class SmtpRecipientProbe final : public policy::RecipientProbe {
 public:
  using ConfigGetter = std::function<std::shared_ptr<const config::Config>()>;

  // All must outlive the probe; `config` is called on the probe's thread and
  // the resolver's. `own` is what we listen on beside the
  // listeners of the configuration (those with port 0). Without `tls` there is none.
  SmtpRecipientProbe(ConfigGetter config, sys::Resolver& resolver, sys::Clock& clock, OwnEndpoints own = {},
                     net::TlsClient* tls = nullptr);
  // Answers what is open with 450 4.3.2, then ends the thread. Requires that nobody asks any more.
  ~SmtpRecipientProbe() override;

  void ask(const mail::Address& recipient, std::move_only_function<void(mail::Reply)> done) override;

 private:
  class Engine;
  std::shared_ptr<Engine> engine_;
};

}  // namespace postrider::deliver
