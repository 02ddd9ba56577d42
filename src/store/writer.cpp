#include "store/writer.hpp"

#include <algorithm>
#include <iterator>

#include "sys/log.hpp"
#include "sys/metrics.hpp"
#include "sys/thread_name.hpp"

namespace postrider::store {
namespace {

// What a job costs beside its bytes.
constexpr std::size_t kJobBytes = 512;

using std::chrono::microseconds;
using std::chrono::steady_clock;

// docs/metrics.md
const std::vector<microseconds> kBounds = {
    microseconds(100),      microseconds(250),     microseconds(500),     microseconds(1000),
    microseconds(2500),     microseconds(5000),    microseconds(10'000),  microseconds(25'000),
    microseconds(50'000),   microseconds(100'000), microseconds(250'000), microseconds(1'000'000),
    microseconds(5'000'000)};
sys::Durations commit_seconds("postrider_commit_seconds",
                              "Groups that were committed and synced: from the first statement on.", kBounds);
sys::Durations sync_seconds("postrider_commit_sync_seconds",
                            "Of these, how long COMMIT took, which writes and syncs.", kBounds);
sys::Counters commit_jobs("postrider_commit_jobs_total",
                          "What these groups held: messages, and outcomes of recipients that came together.");

}  // namespace

Writer::Writer(std::unique_ptr<Database> database, WriterOptions options)
    : connection_(std::make_unique<Connection>(std::move(database))),
      options_(std::move(options)),
      next_tick_(steady_clock::now() + options_.maintenance_interval),
      thread_([this] { run(); }) {}

bool Writer::post(std::unique_ptr<Job>& job) {
  bool wakes = true;
  {
    std::lock_guard lock(mutex_);
    if (ended_) return false;
    queued_bytes_ += kJobBytes + job->bytes();
    if (!job->can_wait()) {
      ++urgent_;
      commits_ += job->needs_sync();
      wakes = !lingers_ || !more_to_come();
    } else if (gathered_ == steady_clock::time_point::max()) {
      gathered_ = steady_clock::now() + options_.gather;
    } else {
      wakes = queue_.size() >= options_.max_jobs;
    }
    queue_.push_back(std::move(job));
  }
  if (wakes) wake_.notify_one();
  return true;
}

bool Writer::is_ready() const {
  if (closing_ || urgent_ > 0 || !maintain_requests_.empty() || queue_.size() > options_.max_jobs)
    return true;
  return !queue_.empty() && steady_clock::now() >= gathered_;
}

void Writer::maintain(std::function<void()> done) {
  {
    std::lock_guard lock(mutex_);
    maintain_requests_.push_back(std::move(done));
  }
  wake_.notify_one();
}

void Writer::close() {
  {
    std::lock_guard lock(mutex_);
    closing_ = true;
  }
  wake_.notify_one();
  if (thread_.joinable()) thread_.join();
}

bool Writer::jobs_waiting() const {
  std::lock_guard lock(mutex_);
  return !queue_.empty() || closing_;
}

void Writer::linger(std::unique_lock<std::mutex>& lock) {
  const auto end = steady_clock::now() + std::min<steady_clock::duration>(last_commit_, options_.linger);
  lingers_ = true;
  while (!closing_ && more_to_come() && queue_.size() < options_.max_jobs &&
         wake_.wait_until(lock, end) != std::cv_status::timeout)
    continue;
  lingers_ = false;
}

bool Writer::wait(Jobs& group, Callbacks& maintained) {
  std::unique_lock lock(mutex_);
  // The end of the gathering may be set while it sleeps.
  while (!is_ready() && steady_clock::now() < next_tick_)
    wake_.wait_until(lock, std::min(next_tick_, gathered_));
  if (commits_ > 0 && more_to_come()) linger(lock);
  std::size_t bytes = 0;
  while (!queue_.empty() && group.size() < options_.max_jobs && bytes < options_.max_bytes) {
    bytes += queue_.front()->bytes();
    if (!queue_.front()->can_wait()) {
      --urgent_;
      commits_ -= queue_.front()->needs_sync();
    }
    group.push_back(std::move(queue_.front()));
    queue_.pop_front();
  }
  gathered_ = queue_.empty() ? steady_clock::time_point::max() : steady_clock::time_point::min();
  maintained.swap(maintain_requests_);
  // What completions post while we drain is still taken.
  ended_ = closing_ && group.empty() && maintained.empty();
  return !ended_;
}

void Writer::run() {
  sys::name_this_thread("spool-writer");
  Jobs group;
  Callbacks maintained;
  while (wait(group, maintained)) {
    if (!group.empty()) {
      write(group);
      group.clear();
      ++groups_since_tick_;
      attempt([this] {
        connection_->maintenance.after_commit();
        if (connection_->maintenance.step_is_due()) connection_->maintenance.step();
      });
    }
    if (!maintained.empty() || steady_clock::now() >= next_tick_) {
      maintain_now(groups_since_tick_ == 0 || !maintained.empty());
      for (auto& done : maintained) done();
      maintained.clear();
    }
  }
  for (auto& job : patient_) finish(job, store_failure("closed"));
}

void Writer::write(std::span<std::unique_ptr<Job>> jobs) {
  if (broken()) {
    for (auto& job : jobs) finish(job, store_failure(broken_by_));
    return;
  }
  auto error = transact(jobs);
  while (error && jobs.size() == 1 && jobs.front()->does_without(*error)) error = transact(jobs);
  if (error && error->fault() == Fault::full) connection_->maintenance.want_room();
  if (!error) {
    for (auto& job : jobs) finish(job, {});
  } else if (error->fault() == Fault::broken) {
    break_down(error->what());
    write(jobs);
  } else if (jobs.size() > 1) {
    write(jobs.first(jobs.size() / 2));
    write(jobs.subspan(jobs.size() / 2));
  } else if (jobs.front()->is_patient()) {
    patient_.push_back(std::move(jobs.front()));
  } else {
    finish(jobs.front(),
           error->fault() == Fault::full ? storage_full(error->what()) : store_failure(error->what()));
  }
}

std::optional<SqlError> Writer::transact(std::span<std::unique_ptr<Job>> jobs) {
  const bool sync = std::ranges::any_of(jobs, [](const auto& job) { return job->needs_sync(); });
  const auto begun = steady_clock::now();
  auto written = begun;
  try {
    connection_->tables.begin(sync ? Tables::Sync::now : Tables::Sync::later);
    for (auto& job : jobs) job->write(connection_->tables);
    if (sync) written = steady_clock::now();
    connection_->tables.commit();
  } catch (const SqlError& error) {
    connection_->tables.roll_back();
    return error;
  }
  if (sync) {
    ++transactions_;
    const auto ended = steady_clock::now();
    last_commit_ = ended - begun;
    commit_seconds.observe(last_commit_);
    sync_seconds.observe(ended - written);
    commit_jobs.add(jobs.size());
  }
  return {};
}

void Writer::finish(std::unique_ptr<Job>& job, const base::Result<void>& result) {
  queued_bytes_ -= kJobBytes + job->bytes();
  job->finish(result);
  job.reset();
}

template <class Function>
void Writer::attempt(Function function) {
  if (broken()) return;
  try {
    function();
  } catch (const SqlError& error) {
    if (error.fault() == Fault::broken) return break_down(error.what());
    sys::log::warning("store_maintenance_failed", {{"reason", error.what()}});
  }
}

void Writer::maintain_now(bool idle) {
  next_tick_ = steady_clock::now() + options_.maintenance_interval;
  groups_since_tick_ = 0;
  attempt([&] {
    connection_->maintenance.tick();
    while (!jobs_waiting() && connection_->maintenance.step()) continue;
    if (idle && !jobs_waiting()) connection_->maintenance.move_wal();
  });
  std::lock_guard lock(mutex_);
  urgent_ += patient_.size();
  for (const auto& job : patient_) commits_ += job->needs_sync();
  queue_.insert(queue_.end(), std::make_move_iterator(patient_.begin()),
                std::make_move_iterator(patient_.end()));
  patient_.clear();
}

void Writer::break_down(const std::string& why) {
  broken_by_ = why;
  broken_.store(true, std::memory_order_release);
  connection_->database->write_nothing_at_close();
  sys::log::error("store_broken", {{"reason", why}});
  if (options_.on_broken) options_.on_broken(store_failure(why).error());
}

}  // namespace postrider::store
