#include "deliver/probe.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <map>
#include <mutex>
#include <thread>
#include <unordered_map>
#include <utility>

#include "deliver/client_connect.hpp"
#include "deliver/client_session.hpp"
#include "deliver/probe_cache.hpp"
#include "deliver/probe_targets.hpp"
#include "sys/log.hpp"
#include "sys/random.hpp"
#include "sys/thread_name.hpp"

namespace postrider::deliver {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using Done = std::move_only_function<void(mail::Reply)>;

constexpr std::size_t kProbes = 50;
constexpr std::size_t kWaiters = 1000;  // per recipient
constexpr std::chrono::seconds kFarewell{2};

mail::Reply busy() { return mail::reply(450, 3, 2, "too many recipients are being checked"); }
mail::Reply unanswered() { return mail::reply(450, 4, 1, "the next hop gave no answer"); }

}  // namespace

// The resolver's callbacks hold the engine, as they may come after the probe is gone; what they find then is
// stopped and does nothing.
class SmtpRecipientProbe::Engine : public std::enable_shared_from_this<Engine> {
 public:
  Engine(ConfigGetter config, sys::Resolver& resolver, sys::Clock& clock, OwnEndpoints own,
         net::TlsClient* tls)
      : config_(std::move(config)),
        clock_(clock),
        tls_(tls),
        hosts_({.resolver = resolver,
                .clock = clock,
                .random = sys::system_random(),
                .config = config_,
                .own = std::move(own)}) {
    thread_ = std::jthread([this] {
      sys::name_this_thread("probe");
      io_.run();
    });
  }

  void stop() {
    asio::post(io_, [this] { close_all(); });
    thread_.join();
    hosts_.close();  // those who still wait for the DNS hold the engine
  }

  void ask(const mail::Address& recipient, Done done) {
    std::string key = recipient.to_ascii();
    mail::Reply known;
    switch (admit(key, done, known)) {
      case Admission::known:
        return done(std::move(known));
      case Admission::joined:
        return;
      case Admission::first:
        return asio::post(io_, [this, key = std::move(key), recipient] { launch(key, recipient); });
    }
  }

 private:
  // On the thread "probe" only.
  struct Probe {
    Probe(asio::io_context& io, std::uint64_t its_number, std::string name, mail::Address asked)
        : number(its_number),
          key(std::move(name)),
          recipient(std::move(asked)),
          socket(io),
          watchdog(io),
          connect_timer(io) {}
    const std::uint64_t number;
    const std::string key;
    const mail::Address recipient;
    std::shared_ptr<const config::Config> config;
    std::shared_ptr<const config::Route> route;
    tcp::socket socket;
    asio::steady_timer watchdog;
    asio::steady_timer connect_timer;
    bool answered = false;
    bool talking = false;  // converse() runs and will end the probe
    ClientSession* session = nullptr;
    int attempts = 0;
    int connecting = 0;  // the attempt that connect_timer may break off; 0: none
    std::string relay;   // for the log
  };
  using ProbePtr = std::shared_ptr<Probe>;

  // known: `reply` is the answer; else `done` has been taken, and the first to wait has the probe to launch.
  enum class Admission : std::uint8_t { known, joined, first };
  Admission admit(const std::string& key, Done& done, mail::Reply& reply);
  void launch(const std::string& key, const mail::Address& recipient);
  void watch(const ProbePtr& probe, std::chrono::steady_clock::duration patience);
  void take_hops(std::uint64_t number, NextHops hops);
  asio::awaitable<void> converse(ProbePtr probe, std::vector<NextHop> hops);
  asio::awaitable<bool> ask_hop(ProbePtr probe, NextHop hop);
  asio::awaitable<bool> ask_hop(ProbePtr probe, NextHop hop, policy::TlsPolicy policy);
  asio::awaitable<void> talk(ProbePtr probe, ClientSession& session);
  asio::awaitable<void> connect(ProbePtr probe, NextHop hop);
  void answer(Probe& probe, mail::Reply reply);
  void end(const ProbePtr& probe);
  void break_off(const ProbePtr& probe, mail::Reply reply);
  void close_all();

  const ConfigGetter config_;
  sys::Clock& clock_;
  net::TlsClient* const tls_;
  TlsMemory memory_;
  HostFinder hosts_;

  std::mutex mutex_;
  ProbeCache cache_;                                            // by mutex_
  std::unordered_map<std::string, std::vector<Done>> waiting_;  // by mutex_: who waits for which recipient
  std::size_t probes_ = 0;                                      // by mutex_: begun and not ended

  asio::io_context io_{1};
  asio::executor_work_guard<asio::io_context::executor_type> work_ = asio::make_work_guard(io_);
  std::map<std::uint64_t, ProbePtr> open_;  // on the thread "probe" only
  std::uint64_t last_number_ = 0;
  std::jthread thread_;
};

SmtpRecipientProbe::Engine::Admission SmtpRecipientProbe::Engine::admit(const std::string& key, Done& done,
                                                                        mail::Reply& reply) {
  std::lock_guard lock(mutex_);
  if (auto cached = cache_.find(key, clock_.steady())) {
    reply = *std::move(cached);
    return Admission::known;
  }
  const auto same = waiting_.find(key);
  const bool first = same == waiting_.end();
  if (first ? probes_ >= kProbes : same->second.size() >= kWaiters) {
    reply = busy();
    return Admission::known;
  }
  waiting_[key].push_back(std::move(done));
  if (!first) return Admission::joined;
  ++probes_;
  return Admission::first;
}

void SmtpRecipientProbe::Engine::launch(const std::string& key, const mail::Address& recipient) {
  const auto probe = std::make_shared<Probe>(io_, ++last_number_, key, recipient);
  probe->config = config_();
  probe->route = config::route_for(probe->config, recipient.host());
  open_[probe->number] = probe;
  watch(probe, probe->config->timeouts.probe);
  find_next_hops({.host = recipient.host(), .route = probe->route}, hosts_,
                 [self = shared_from_this(), number = probe->number](NextHops hops) {
                   asio::post(self->io_, [raw = self.get(), number, hops = std::move(hops)]() mutable {
                     raw->take_hops(number, std::move(hops));
                   });
                 });
}

void SmtpRecipientProbe::Engine::watch(const ProbePtr& probe, std::chrono::steady_clock::duration patience) {
  probe->watchdog.expires_after(patience);
  probe->watchdog.async_wait([this, probe](const boost::system::error_code& cancelled) {
    if (!cancelled) break_off(probe, unanswered());
  });
}

void SmtpRecipientProbe::Engine::take_hops(std::uint64_t number, NextHops hops) {
  const auto found = open_.find(number);
  if (found == open_.end()) return;  // its time ran out
  const ProbePtr probe = found->second;
  if (!hops) {
    answer(*probe, std::move(hops).error());
    return end(probe);
  }
  probe->talking = true;
  asio::co_spawn(io_, converse(probe, *std::move(hops)), [](const std::exception_ptr& bug) {
    if (bug) std::rethrow_exception(bug);
  });
}

asio::awaitable<void> SmtpRecipientProbe::Engine::converse(ProbePtr probe, std::vector<NextHop> hops) {
  for (const NextHop& hop : hops) {
    if (probe->answered) break;
    if (co_await ask_hop(probe, hop)) break;
  }
  answer(*probe, unanswered());
  end(probe);
}

// True where another next hop need not be asked. As with mail, broken TLS is gone around once where it may be.
asio::awaitable<bool> SmtpRecipientProbe::Engine::ask_hop(ProbePtr probe, NextHop hop) {
  probe->relay = hop.to_string();
  const auto now = [] { return std::chrono::steady_clock::now(); };
  auto policy = policy::tls_policy(*probe->config, *probe->route, probe->recipient.host());
  const bool may = policy.level == config::TlsLevel::may;
  if (may && memory_.is_broken(probe->relay, now())) policy.level = config::TlsLevel::none;
  const bool tls_failed = co_await ask_hop(probe, hop, policy);
  if (tls_failed && may && !probe->answered) {
    memory_.note_broken(probe->relay, now());
    policy.level = config::TlsLevel::none;
    co_await ask_hop(probe, std::move(hop), std::move(policy));
  }
  co_return probe->answered;
}

// True: the TLS handshake failed.
asio::awaitable<bool> SmtpRecipientProbe::Engine::ask_hop(ProbePtr probe, NextHop hop,
                                                          policy::TlsPolicy policy) {
  try {
    co_await connect(probe, hop);
    ClientSession session(std::make_unique<net::TcpStream>(std::move(probe->socket)),
                          {.protocol = ClientProtocol::smtp,
                           .helo = helo_of(*probe->config, *probe->route),
                           .hop = std::move(hop),
                           .policy = std::move(policy),
                           .tls = tls_,
                           .memory = &memory_});
    probe->session = &session;
    co_await talk(probe, session);
    probe->session = nullptr;
    co_return session.tls_failed();
  } catch (const boost::system::system_error& broken) {
    if (!probe->answered) {
      sys::log::warning("recipient_probe_broken",
                        {{"to", probe->key}, {"relay", probe->relay}, {"reason", broken.code().message()}});
    }
  }
  co_return false;
}

asio::awaitable<void> SmtpRecipientProbe::Engine::talk(ProbePtr probe, ClientSession& session) {
  const auto& times = probe->config->delivery;
  ClientSession::Asked asked;
  if (auto refusal = co_await session.open(times)) {
    asked.reply = *std::move(refusal);
  } else {
    asked = co_await session.ask(probe->recipient, times);
  }
  if (!asked.about_recipient) {
    sys::log::warning("recipient_probe_refused", {{"to", probe->key},
                                                  {"relay", probe->relay},
                                                  {"code", asked.reply.code},
                                                  {"reply", asked.reply.text}});
    co_return;
  }
  answer(*probe, std::move(asked.reply));
  watch(probe, kFarewell);
  co_await session.quit(kFarewell);
}

asio::awaitable<void> SmtpRecipientProbe::Engine::connect(ProbePtr probe, NextHop hop) {
  boost::system::error_code ignored;
  probe->socket.close(ignored);
  open_socket(probe->socket, hop, source_for(hop, *probe->route));
  const int attempt = ++probe->attempts;
  probe->connecting = attempt;
  probe->connect_timer.expires_after(probe->config->timeouts.probe / 3);
  probe->connect_timer.async_wait([probe, attempt](const boost::system::error_code& cancelled) {
    boost::system::error_code unimportant;
    if (!cancelled && probe->connecting == attempt) probe->socket.close(unimportant);
  });
  co_await probe->socket.async_connect(endpoint_of(hop), asio::use_awaitable);
  probe->connecting = 0;
}

void SmtpRecipientProbe::Engine::answer(Probe& probe, mail::Reply reply) {
  if (std::exchange(probe.answered, true)) return;
  shorten(reply);
  sys::log::info("recipient_probe", {{"to", probe.key},
                                     {"relay", probe.relay},
                                     {"code", reply.code},
                                     {"dsn", reply.enhanced ? reply.enhanced->to_string() : ""},
                                     {"reply", reply.text}});
  std::vector<Done> waiting;
  {
    std::lock_guard lock(mutex_);
    waiting = std::move(waiting_.extract(probe.key).mapped());
    cache_.put(probe.key, reply, clock_.steady());
  }
  for (Done& done : waiting) done(reply);
}

void SmtpRecipientProbe::Engine::end(const ProbePtr& probe) {
  // The deadline may have been on its way here while the probe ended: probes_ must not be counted down twice.
  if (open_.erase(probe->number) == 0) return;
  boost::system::error_code ignored;
  probe->socket.close(ignored);
  probe->watchdog.cancel();
  probe->connect_timer.cancel();
  std::lock_guard lock(mutex_);
  --probes_;
}

void SmtpRecipientProbe::Engine::break_off(const ProbePtr& probe, mail::Reply reply) {
  answer(*probe, std::move(reply));
  if (!probe->talking) return end(probe);
  if (probe->session) probe->session->cancel();
  boost::system::error_code ignored;
  probe->socket.close(ignored);  // converse() wakes by it, and ends the probe
}

void SmtpRecipientProbe::Engine::close_all() {
  work_.reset();
  const auto open = open_;
  for (const auto& [number, probe] : open) break_off(probe, mail::reply(450, 3, 2, "shutting down"));
}

SmtpRecipientProbe::SmtpRecipientProbe(ConfigGetter config, sys::Resolver& resolver, sys::Clock& clock,
                                       OwnEndpoints own, net::TlsClient* tls)
    : engine_(std::make_shared<Engine>(std::move(config), resolver, clock, std::move(own), tls)) {}

SmtpRecipientProbe::~SmtpRecipientProbe() { engine_->stop(); }

void SmtpRecipientProbe::ask(const mail::Address& recipient,
                             std::move_only_function<void(mail::Reply)> done) {
  engine_->ask(recipient, std::move(done));
}

}  // namespace postrider::deliver
