#include "receive/server.hpp"

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/system/system_error.hpp>
#include <condition_variable>
#include <list>
#include <mutex>
#include <thread>
#include <unordered_set>

#include "net/gate.hpp"
#include "net/listener.hpp"
#include "receive/admission.hpp"
#include "receive/counts.hpp"
#include "receive/farewell.hpp"
#include "receive/session.hpp"
#include "receive/submit_folder.hpp"
#include "receive/submit_socket.hpp"
#include "sys/log.hpp"
#include "sys/thread_name.hpp"
#include "wire/smtp/reply.hpp"

namespace postrider::receive {

namespace asio = boost::asio;

namespace {

// Refusals that may be spoken and drained at a time; above it a client still gets its line, but no patience.
constexpr std::size_t kPoliteRefusals = 128;

std::string encoded(const mail::Reply& said) {
  std::string out;
  wire::smtp::encode(said, out);
  return out;
}

void count_refused(Admission::Answer answer) {
  counts::connections_refused.count(static_cast<std::size_t>(answer) - 1);
}

// As long as it is there.
class CountedConnection {
 public:
  explicit CountedConnection(config::ListenerMode mode) : mode_(mode) {
    counts::connections.count(mode_);
    counts::open_connections.add(1, mode_);
  }
  ~CountedConnection() { counts::open_connections.add(-1, mode_); }
  CountedConnection(const CountedConnection&) = delete;
  CountedConnection& operator=(const CountedConnection&) = delete;

 private:
  config::ListenerMode mode_;
};

}  // namespace

// One I/O thread: its context, its acceptors, its sessions. All but `context` and `thread` belong to that thread.
struct Worker {
  // Without locks for each socket: none is used by another thread.
  asio::io_context context{BOOST_ASIO_CONCURRENCY_HINT_UNSAFE_IO};
  asio::executor_work_guard<asio::io_context::executor_type> work{context.get_executor()};
  std::list<net::Acceptor> acceptors;
  std::unordered_set<Session*> sessions;
  std::thread thread;
  bool stopping = false;
};

struct Server::State {
  explicit State(std::vector<config::Listener> configured) : listeners(std::move(configured)) {}

  void take(Worker& worker, const config::Listener& listener, asio::ip::tcp::socket socket,
            const asio::ip::tcp::endpoint& from);
  void take_local(Worker& worker, Descriptor descriptor, LocalUser user);
  asio::awaitable<void> serve(Worker& worker, const config::Listener& listener,
                              std::unique_ptr<net::Stream> stream, Peer peer, Admission::Place place,
                              net::Gate::Pass pass);
  asio::awaitable<void> refuse(std::unique_ptr<net::Stream> stream, std::string line, net::Gate::Pass pass);

  Services* services = nullptr;  // from start() on
  std::vector<config::Listener> listeners;
  Admission admission;
  net::Gate gate;
  net::Gate refusals;
  config::Listener submit = submit_listener();
  std::list<Worker> workers;                    // its threads use the rest
  std::unique_ptr<SubmitSocket> submit_socket;  // last: its thread gives the workers what it accepts
};

void Server::State::take(Worker& worker, const config::Listener& listener, asio::ip::tcp::socket socket,
                         const asio::ip::tcp::endpoint& from) {
  Peer peer{.address = net::from_asio(from.address()), .port = from.port(), .may_xclient = false};
  const auto holds = [&](const base::Network& network) { return network.contains(peer.address); };
  peer.may_xclient = std::ranges::any_of(listener.xclient, holds);
  // A proxy's connections are its clients' connections: they are not counted against its own address.
  const bool proxy = std::ranges::any_of(listener.proxy_protocol, holds);
  const auto config = services->setting().config;
  const auto& limits = config->limits;
  const auto answer = admission.enter(peer.address, limits.connections,
                                      proxy ? limits.connections : limits.connections_per_client);
  auto stream = std::make_unique<net::TcpStream>(std::move(socket));
  if (answer == Admission::Answer::admitted) {
    asio::co_spawn(worker.context,
                   serve(worker, listener, std::move(stream), peer, Admission::Place(admission, peer.address),
                         gate.enter()),
                   asio::detached);
    return;
  }
  count_refused(answer);
  const bool full = answer == Admission::Answer::server_full;
  const auto said = no_place(*config, answer);
  sys::log::warning("too_many_connections",
                    {{"client", peer.address.to_string()},
                     {"listener", listener.name()},
                     {"limit", full ? limits.connections : limits.connections_per_client}});
  if (refusals.inside() < kPoliteRefusals) {
    asio::co_spawn(worker.context, refuse(std::move(stream), encoded(said), refusals.enter()),
                   asio::detached);
  } else {
    try {
      (void)stream->try_write(encoded(said));
    } catch (const boost::system::system_error&) {
      // It has gone already. Nobody above would catch this: the acceptor is no coroutine.
    }
  }
}

// On the worker's thread.
void Server::State::take_local(Worker& worker, Descriptor descriptor, LocalUser user) {
  const auto config = services->setting().config;
  const std::uint32_t uid = user.uid;
  asio::ip::tcp::socket socket(worker.context);
  boost::system::error_code error;
  // Any stream socket will do: only read, written, waited for and closed.
  socket.assign(asio::ip::tcp::v4(), descriptor.get(), error);
  if (error) return;
  (void)descriptor.release();
  auto stream = std::make_unique<net::TcpStream>(std::move(socket));
  const auto answer =
      admission.enter_user(uid, config->limits.connections, config->submit.connections_per_user);
  if (answer == Admission::Answer::admitted) {
    Peer peer;
    peer.user = std::move(user);
    asio::co_spawn(worker.context,
                   serve(worker, submit, std::move(stream), std::move(peer), Admission::Place(admission, uid),
                         gate.enter()),
                   asio::detached);
    return;
  }
  count_refused(answer);
  sys::log::warning("too_many_connections",
                    {{"client", "uid " + std::to_string(uid)}, {"listener", submit.name()}});
  if (refusals.inside() < kPoliteRefusals)
    asio::co_spawn(worker.context,
                   refuse(std::move(stream), encoded(no_place(*config, answer)), refusals.enter()),
                   asio::detached);
}

asio::awaitable<void> Server::State::serve(Worker& worker, const config::Listener& listener,
                                           std::unique_ptr<net::Stream> stream, Peer peer,
                                           Admission::Place place, net::Gate::Pass pass) {
  // A parameter lives as long as the coroutine: the pass is given back at its end.
  const CountedConnection counted(listener.mode);
  Session session(*services, listener, std::move(stream), std::move(peer), admission, std::move(place));
  worker.sessions.insert(&session);
  if (worker.stopping) session.shut_down();
  co_await session.run();
  worker.sessions.erase(&session);
}

asio::awaitable<void> Server::State::refuse(std::unique_ptr<net::Stream> stream, std::string line,
                                            net::Gate::Pass pass) {
  co_await say_and_close(*stream, std::move(line));
}

base::Result<std::unique_ptr<Server>> Server::bind(const config::Config& config, std::size_t threads,
                                                   sys::InheritedSockets& inherited) {
  auto state = std::make_unique<State>(config.listeners);
  std::vector<asio::io_context*> contexts;
  for (std::size_t i = 0; i < threads; ++i) contexts.push_back(&state->workers.emplace_back().context);
  const std::string out_of_descriptors = encoded(no_place(config, Admission::Answer::server_full));
  for (auto& listener : state->listeners) {
    auto passed = inherited.take(listener.address, listener.port);
    auto bound = passed ? net::adopt(std::move(passed), contexts)
                        : net::bind(listener.address, listener.port, contexts);
    if (!bound) return std::unexpected(bound.error());
    listener.port = bound->port;
    auto worker = state->workers.begin();
    for (auto& acceptor : bound->acceptors) {
      worker->acceptors.emplace_back(std::move(acceptor), out_of_descriptors,
                                     [state = state.get(), &worker = *worker, &listener](
                                         asio::ip::tcp::socket socket, asio::ip::tcp::endpoint from) {
                                       state->take(worker, listener, std::move(socket), from);
                                     });
      ++worker;
    }
  }
  return std::unique_ptr<Server>(new Server(std::move(state)));
}

Server::Server(std::unique_ptr<State> state) : state_(std::move(state)) {}

Server::~Server() { stop(base::Milliseconds(0)); }

base::Result<void> Server::open_submit(const std::filesystem::path& folder) {
  auto opened = SubmitSocket::open(folder);
  if (!opened) return std::unexpected(std::move(opened.error()));
  state_->submit_socket = std::move(*opened);
  return {};
}

void Server::start(Services& services) {
  state_->services = &services;
  for (auto& worker : state_->workers) {
    for (auto& acceptor : worker.acceptors) acceptor.start();
    worker.thread = std::thread([&worker] {
      sys::name_this_thread("smtp");
      worker.context.run();
    });
  }
  if (!state_->submit_socket) return;
  state_->submit_socket->start(
      [state = state_.get(), next = state_->workers.begin()](Descriptor descriptor, LocalUser user) mutable {
        Worker& worker = *next;
        if (++next == state->workers.end()) next = state->workers.begin();
        asio::post(worker.context,
                   [state, &worker, held = std::move(descriptor), who = std::move(user)]() mutable {
                     if (!worker.stopping) state->take_local(worker, std::move(held), std::move(who));
                   });
      });
}

void Server::stop(base::Milliseconds patience) {
  state_->submit_socket.reset();
  for (auto& worker : state_->workers) {
    if (!worker.thread.joinable()) continue;
    asio::post(worker.context, [&worker] {
      worker.stopping = true;
      for (auto& acceptor : worker.acceptors) acceptor.close();
      for (auto* session : worker.sessions) session->shut_down();
    });
  }
  if (!state_->gate.wait_empty(patience)) {
    sys::log::warning("sessions_cut_off", {{"sessions", state_->gate.inside()}});
  }
  for (auto& worker : state_->workers) {
    worker.context.stop();
    if (worker.thread.joinable()) worker.thread.join();
  }
}

bool Server::is_alive(base::Milliseconds patience) {
  // An answer that comes too late must still find it.
  struct Roll {
    std::mutex mutex;
    std::condition_variable all_answered;
    std::size_t missing = 0;
  };
  const auto roll = std::make_shared<Roll>();
  roll->missing = state_->workers.size();
  for (auto& worker : state_->workers) {
    asio::post(worker.context, [roll] {
      std::lock_guard lock(roll->mutex);
      if (--roll->missing == 0) roll->all_answered.notify_all();
    });
  }
  std::unique_lock lock(roll->mutex);
  return roll->all_answered.wait_for(lock, patience, [&] { return roll->missing == 0; });
}

std::vector<std::string> Server::addresses() const {
  std::vector<std::string> names;
  for (const auto& listener : state_->listeners) names.push_back(listener.name());
  return names;
}

}  // namespace postrider::receive
