#include "deliver/smtp_courier.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <list>
#include <string>
#include <thread>
#include <utility>

#include "deliver/client_pool.hpp"
#include "deliver/host_questions.hpp"
#include "deliver/smtp_attempt.hpp"
#include "net/gate.hpp"
#include "sys/pool.hpp"
#include "sys/thread_name.hpp"

namespace postrider::deliver {

namespace asio = boost::asio;
using Done = std::move_only_function<void(queue::Report)>;

namespace {

// Each job has at most one piece on its way, so that jobs are the bound.
constexpr std::size_t kReads = 1'000'000;

}  // namespace

// One thread with its jobs and the connections that it keeps. All but deliver() and end() belong to that thread.
class SmtpCourier::Worker {
 public:
  Worker(const Parts& parts, TlsMemory& memory, sys::Pool& readers, std::size_t number)
      : parts_(parts),
        memory_(memory),
        readers_(readers),
        pool_(context_, gate_, kIdle),
        thread_([this, number] {
          sys::name_this_thread("courier-" + std::to_string(number));
          context_.run();
        }) {}

  void deliver(queue::Job job, Done done) {
    asio::co_spawn(context_, carry(std::move(job), std::move(done), gate_.enter()),
                   [](const std::exception_ptr& bug) {
                     if (bug) std::rethrow_exception(bug);
                   });
  }

  void begin_to_stop() {
    // With a pass: else the end might come before those are left that are kept.
    asio::post(context_, [this, pass = gate_.enter()] {
      stopping_ = true;
      pool_.close();
      for (Order& order : orders_) order.attempt.cancel();
      questions_->close();
    });
  }

  void end(base::SteadyTime deadline) {
    const auto left = deadline - std::chrono::steady_clock::now();
    gate_.wait_empty(std::max(std::chrono::duration_cast<base::Milliseconds>(left), base::Milliseconds(0)));
    context_.stop();
    thread_.join();
    for (Order& order : orders_) order.done(SmtpAttempt::broken_off(order.job, parts_.clock));
  }

 private:
  struct Order {
    queue::Job& job;
    Done& done;
    SmtpAttempt& attempt;
  };

  asio::awaitable<void> carry(queue::Job job, Done done, net::Gate::Pass) {
    SmtpAttempt attempt(
        {.executor = context_.get_executor(),
         .config = parts_.config(),
         .pool = pool_,
         .readers = readers_,
         .clock = parts_.clock,
         .tls = parts_.tls,
         .memory = memory_,
         .find = [this](const queue::Destination& to,
                        HostQuestions::Done found) { questions_->ask(parts_.hosts, to, std::move(found)); }},
        job);
    const auto place = orders_.insert(orders_.end(), {job, done, attempt});
    if (stopping_) attempt.cancel();
    auto report = co_await attempt.run();
    orders_.erase(place);
    done(std::move(report));
  }

  const Parts& parts_;
  TlsMemory& memory_;
  sys::Pool& readers_;
  net::Gate gate_;
  std::list<Order> orders_;
  const std::shared_ptr<HostQuestions> questions_ = std::make_shared<HostQuestions>();
  bool stopping_ = false;
  asio::io_context context_{1};
  asio::executor_work_guard<asio::io_context::executor_type> work_ = asio::make_work_guard(context_);
  ClientPool pool_;
  std::thread thread_;
};

// What reads hands its pieces to the workers' contexts, and is gone before they are.
struct SmtpCourier::Threads {
  std::list<Worker> workers;
  sys::Pool readers;
  Threads(const Parts& parts, TlsMemory& memory)
      : readers({.name = "content", .threads = parts.readers, .bound = kReads}) {
    for (std::size_t i = 0; i < parts.threads; ++i) workers.emplace_back(parts, memory, readers, i);
  }
};

SmtpCourier::SmtpCourier(Parts parts)
    : parts_(std::move(parts)), threads_(std::make_unique<Threads>(parts_, memory_)) {}

SmtpCourier::~SmtpCourier() {
  for (Worker& worker : threads_->workers) worker.begin_to_stop();
  const auto deadline = std::chrono::steady_clock::now() + kStopWithin;
  for (Worker& worker : threads_->workers) worker.end(deadline);
}

void SmtpCourier::locate(const queue::Destination& destination,
                         std::move_only_function<void(queue::Located)> done) {
  parts_.hosts.find(destination, [done = std::move(done)](FoundHosts found) mutable {
    if (found) return done(std::move(found->site));
    done(std::unexpected(std::move(found.error())));
  });
}

void SmtpCourier::deliver(queue::Job job, std::move_only_function<void(queue::Report)> done) {
  const std::size_t number = std::hash<std::string>()(job.site) % threads_->workers.size();
  std::next(threads_->workers.begin(), static_cast<std::ptrdiff_t>(number))
      ->deliver(std::move(job), std::move(done));
}

}  // namespace postrider::deliver
