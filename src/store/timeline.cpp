#include "store/timeline.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstring>
#include <exception>
#include <mutex>
#include <thread>

#include "store/files.hpp"
#include "store/job.hpp"
#include "store/timeline_batch.hpp"
#include "store/timeline_file.hpp"
#include "store/timeline_schema.hpp"
#include "sys/log.hpp"
#include "sys/thread_name.hpp"

namespace postrider::store {
namespace {

using Steady = std::chrono::steady_clock;

constexpr std::chrono::seconds kGather(1);
// What does not wait for the second's end; memory for two of these is used over and over.
constexpr std::size_t kBatchBytes = 2u << 20;
constexpr std::chrono::minutes kSweepPause(1);
constexpr std::chrono::minutes kWarnPause(1);

base::Result<std::unique_ptr<TimelineFile>> open_file(const TimelineOptions& options, base::UtcTime now) {
  auto database = open_timeline(timeline_path(options.directory));
  if (!database) return std::unexpected(database.error());
  auto file = std::make_unique<TimelineFile>(std::move(*database), options);
  file->begin(now);
  return file;
}

void set_aside(const std::filesystem::path& path, const std::exception& error) {
  const bool moved = move_timeline_aside(path);
  sys::log::error(
      "timeline_damaged",
      {{"why", error.what()}, {"moved_to", moved ? path.string() + ".damaged" : "nowhere: it failed"}});
}

base::Result<std::unique_ptr<TimelineFile>> open_or_renew(const TimelineOptions& options, base::UtcTime now) {
  const auto path = timeline_path(options.directory);
  try {
    return open_file(options, now);
  } catch (const SqlError& error) {
    if (!is_damaged_timeline(start_of(path), error)) throw;
    set_aside(path, error);
  }
  return open_file(options, now);
}

}  // namespace

struct Timeline::State {
  State(TimelineOptions timeline_options, sys::Clock& world_clock)
      : options(std::move(timeline_options)), clock(world_clock) {}

  void run();
  void write(std::string_view frames);
  void sweep();
  template <class Function>
  void attempt(std::size_t events, Function function);
  void renew();

  const TimelineOptions options;
  const std::filesystem::path path = timeline_path(options.directory);
  sys::Clock& clock;
  // Changes with the file. An event that is noted at that moment is not found by its addresses.
  std::atomic<std::uint64_t> key_first = 0, key_second = 0;
  void take_key();

  std::mutex mutex;
  std::condition_variable wake, written;
  std::string waiting;         // frames
  std::size_t under_way = 0;   // bytes that are being written
  Steady::time_point first{};  // when `waiting` got its first frame
  std::uint64_t batch_begun = 0, batch_done = 0;
  bool flush_asked = false;
  bool closing = false;
  std::atomic<std::uint64_t> dropped = 0;

  // Of the thread.
  std::unique_ptr<TimelineFile>
      file;  // null: it is to be opened, as there was no room, or begun, as it was damaged
  TimelineSorter sorter;
  base::SteadyTime next_sweep{};  // by the injected clock
  std::string why_dropped;
  Steady::time_point next_warning{};
  std::uint64_t warned_of = 0;  // of those dropped

  std::thread thread;
};

Timeline::Timeline(std::unique_ptr<State> state) : state_(std::move(state)) {
  state_->thread = std::thread([inside = state_.get()] { inside->run(); });
}

Timeline::~Timeline() {
  {
    std::lock_guard lock(state_->mutex);
    state_->closing = true;
  }
  state_->wake.notify_one();
  state_->thread.join();
}

base::Result<std::unique_ptr<Timeline>> Timeline::open(TimelineOptions options, sys::Clock& clock) {
  if (auto made = make_directory(options.directory); !made) return std::unexpected(made.error());
  auto state = std::make_unique<State>(std::move(options), clock);
  try {
    auto file = open_or_renew(state->options, clock.utc());
    if (!file) return std::unexpected(file.error());
    state->file = std::move(*file);
    state->take_key();
  } catch (const SqlError& error) {
    // A full disk, mostly. It is tried again with each batch.
    sys::log::warning("timeline_not_opened", {{"why", error.what()}});
  }
  return std::unique_ptr<Timeline>(new Timeline(std::move(state)));
}

void Timeline::note(Event event) {
  thread_local std::string frame;
  frame.clear();
  State& state = *state_;
  append_frame(frame, event, {state.key_first, state.key_second});
  bool wake = false;
  {
    std::lock_guard lock(state.mutex);
    const std::size_t before = state.waiting.size();
    if (before + state.under_way + frame.size() > state.options.max_waiting_bytes) {
      state.dropped.fetch_add(1, std::memory_order_relaxed);
      return;
    }
    if (before == 0) state.first = Steady::now();
    state.waiting += frame;
    wake = before == 0 || (before < kBatchBytes && state.waiting.size() >= kBatchBytes);
  }
  if (wake) state.wake.notify_one();
}

void Timeline::flush() {
  std::unique_lock lock(state_->mutex);
  const std::uint64_t batch = state_->batch_begun + 1;  // has all that waits now
  state_->flush_asked = true;
  state_->wake.notify_one();
  state_->written.wait(lock, [&] { return state_->batch_done >= batch; });
}

std::uint64_t Timeline::dropped() const { return state_->dropped.load(std::memory_order_relaxed); }

void Timeline::State::run() {
  sys::name_this_thread("timeline");
  std::string frames;
  std::unique_lock lock(mutex);
  while (true) {
    const auto ready = [this] { return closing || flush_asked || waiting.size() >= kBatchBytes; };
    wake.wait_for(lock, kSweepPause, [&] { return ready() || !waiting.empty(); });
    if (!waiting.empty()) wake.wait_until(lock, first + kGather, ready);
    const bool last = closing;
    flush_asked = false;
    frames.clear();
    frames.swap(waiting);
    under_way = frames.size();
    ++batch_begun;
    lock.unlock();
    if (!frames.empty()) write(frames);
    sweep();
    lock.lock();
    under_way = 0;
    batch_done = batch_begun;
    written.notify_all();
    if (last) break;
  }
  lock.unlock();
  try {
    if (file) file->end();
  } catch (const SqlError& error) {
    sys::log::warning("timeline_not_ended", {{"why", error.what()}});
  }
  file.reset();
}

void Timeline::State::write(std::string_view frames) {
  const TimelineBatch batch = sorter.sort(frames);
  attempt(sorter.events(), [&] { file->write(batch); });
  const std::uint64_t lost = dropped;
  if (lost == warned_of || Steady::now() < next_warning) return;
  sys::log::warning("timeline_events_dropped", {{"count", lost - warned_of}, {"why", why_dropped}});
  warned_of = lost;
  next_warning = Steady::now() + kWarnPause;
}

void Timeline::State::sweep() {
  if (clock.steady() < next_sweep) return;
  bool more = false;
  attempt(0, [&] { more = file->sweep(clock.utc()); });
  next_sweep = clock.steady() + (more ? std::chrono::seconds(1) : kSweepPause);
}

// What can't be written is dropped: mail never waits for its history.
template <class Function>
void Timeline::State::attempt(std::size_t events, Function function) {
  why_dropped = "more than max_waiting_bytes at a time";
  try {
    if (!file) renew();
    function();
  } catch (const std::exception& error) {
    dropped.fetch_add(events, std::memory_order_relaxed);
    why_dropped = error.what();
    // What is no SqlError comes of a number in the file that can't be: it would come again with each batch.
    const auto* const sql = dynamic_cast<const SqlError*>(&error);
    if (!file || (sql != nullptr && !is_damaged_timeline(start_of(file->database()), *sql))) return;
    file.reset();
    set_aside(path, error);
  }
}

void Timeline::State::renew() {
  auto fresh = open_file(options, clock.utc());
  if (!fresh) throw SqlError(fresh.error().log_text());
  file = std::move(*fresh);
  take_key();
}

void Timeline::State::take_key() {
  const HashKey key = read_hash_key(file->database());
  key_first = key.first;
  key_second = key.second;
}

}  // namespace postrider::store
