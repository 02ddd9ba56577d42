// One attempt to carry one job: its hosts are found, connections to them that were kept come first, then the hosts in their
// order.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "config/config.hpp"
#include "deliver/client_connect.hpp"
#include "deliver/client_pool.hpp"
#include "deliver/client_results.hpp"
#include "deliver/client_session.hpp"
#include "deliver/hosts.hpp"
#include "queue/courier.hpp"
#include "sys/clock.hpp"
#include "sys/pool.hpp"

namespace postrider::deliver {

// Thread rule: the thread of the pool's context. Outlives its coroutine.
class SmtpAttempt {
 public:
  // All references outlive it.
  struct Parts {
    boost::asio::any_io_executor executor;
    std::shared_ptr<const config::Config> config;
    ClientPool& pool;
    sys::Pool& readers;
    sys::Clock& clock;
    net::TlsClient* tls;  // null: there is no TLS here
    TlsMemory& memory;
    // Calls the completion once, on any thread, before the executor's context ends.
    std::function<void(const queue::Destination&, std::move_only_function<void(FoundHosts)>)> find;
  };
  SmtpAttempt(Parts parts, const queue::Job& job);

  // Within [delivery] attempt, and what the steps take that can't be broken off: 60 s for a read from the disk, 35 s for
  // the DNS.
  boost::asio::awaitable<queue::Report> run();
  // It ends soon: what is open is deferred (4.3.2).
  void cancel();

  // The report of a job that was not begun, or can't be waited for.
  static queue::Report broken_off(const queue::Job& job, sys::Clock& clock);

  // Connections that are older are not kept: a better host may be there again.
  static constexpr base::Milliseconds kOldest = std::chrono::minutes(5);

 private:
  bool goes_on() const;
  boost::asio::awaitable<std::optional<Hosts>> find_hosts();
  boost::asio::awaitable<void> use_kept(const Hosts& hosts);
  boost::asio::awaitable<void> try_hop(NextHop hop);
  boost::asio::awaitable<bool> try_hop(NextHop hop, policy::TlsPolicy policy);
  boost::asio::awaitable<std::unique_ptr<ClientSession>> connect(NextHop hop, policy::TlsPolicy policy);
  boost::asio::awaitable<void> carry(std::unique_ptr<ClientSession> session, base::SteadyTime begun);
  struct Ended {
    std::string result, tls, transcript;
  };
  void note(const NextHop& hop, base::SteadyTime begun, Ended ended);
  ClientTerms terms_for(NextHop hop, policy::TlsPolicy policy) const;
  queue::Report report();

  const Parts parts_;
  const queue::Job& job_;
  const config::Delivery& times_;
  const policy::TlsPolicy policy_;
  std::string key_;  // of connections that may be used, once the hosts are known
  const base::SteadyTime end_;
  ClientResults results_;
  ClientConnector connector_;
  ClientSession* session_ = nullptr;  // in use
  std::vector<queue::Trial> trials_;
  bool cancelled_ = false;
  bool asked_ = false;  // a host, which answered or did not: not so where it was a fault of ours
};

}  // namespace postrider::deliver
