// The courier for other servers: SMTP to the hosts of a domain or of a route, LMTP over TCP and Unix sockets.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <vector>

#include "config/config.hpp"
#include "deliver/hosts.hpp"
#include "deliver/tls_memory.hpp"
#include "queue/courier.hpp"
#include "sys/clock.hpp"

namespace postrider::deliver {

// Carries jobs whose route is via mx, smtp or lmtp. A job tries hosts in their order, at most kMostAddresses, until each
// recipient is judged; a host that refuses the connection, turns us away before it has judged a recipient, breaks off
// before it has all of the data, or answers MAIL with 4yz makes way for the next one. Where a small message went out in one
// write with MAIL and RCPT, who breaks off then has perhaps taken it: that is deferred, unless it says 421 before the reply to
// the data. The rest is the verdict:
//
//   2yz  relayed, or delivered by LMTP (RFC 2033 4.2)    4yz  deferred    5yz  failed
//   deferred 4.4.1 no host could be reached, 4.4.2 it broke off or took too long, 4.5.0 it does not speak the protocol,
//            (nothing of this is the site's fault where it is one of ours: no descriptor, no port, no such source),
//            4.7.4 no TLS, 4.7.5 broken TLS or a wrong certificate, where the policy wants TLS,
//            4.3.0 the message could not be read, 4.3.2 this server stops
//   failed   5.3.4 larger than the server takes, 5.6.7 the server knows no SMTPUTF8 and that is needed,
//            5.6.3 it takes no BINARYMIME, or no 8BITMIME and the message was declared so and has octets above 127
//            (undeclared ones go as they are), 5.7.30 REQUIRETLS
// and what HostFinder says of hosts that could not be found.
//
// Connections are kept for the next job to the same site: [delivery] idle, at most messages_per_connection, five
// minutes, and kIdle of each thread in all. Every step has its time of [delivery], the attempt too.
//
// locate() and deliver() on any thread. `done` comes on the threads "courier-N", or as HostFinder::find() says. All
// jobs of one site are on one thread. Messages are read on the threads "content-N", at most one piece of each job at a
// time (256 KiB and the edits).
class SmtpCourier final : public queue::Courier {
 public:
  // What is a reference outlives the courier. `config` on any thread.
  struct Parts {
    std::function<std::shared_ptr<const config::Config>()> config;
    HostFinder& hosts;
    sys::Clock& clock;  // what outcomes are dated by; deadlines go by the system's steady clock
    std::size_t threads = 1;
    std::size_t readers = 2;
    net::TlsClient* tls = nullptr;  // null: what may go in clear does, what may not waits
  };
  explicit SmtpCourier(Parts parts);
  // Breaks off what is under way (deferred, 4.3.2; at most kStopWithin), and leaves the connections that are kept.
  // Nobody may call it any more.
  ~SmtpCourier() override;

  void locate(const queue::Destination& destination,
              std::move_only_function<void(queue::Located)> done) override;
  void deliver(queue::Job job, std::move_only_function<void(queue::Report)> done) override;

  static constexpr std::size_t kIdle = 500;
  static constexpr base::Milliseconds kStopWithin = std::chrono::seconds(5);

 private:
  class Worker;
  TlsMemory memory_;
  Parts parts_;
  struct Threads;
  std::unique_ptr<Threads> threads_;
};

}  // namespace postrider::deliver
