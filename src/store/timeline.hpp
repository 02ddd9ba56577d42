// The timeline: what happened to each message, and why. A database of its own beside the spool, never synced: what
// a crash takes is at most its last second, and the next start marks that.
//
// Thread rule: note() from any thread, never blocks. Reading (TimelineReader) is for pool threads and for other
// processes.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/id.hpp"
#include "base/result.hpp"
#include "base/time.hpp"
#include "sys/clock.hpp"

namespace postrider::store {

// Stored as their number: never renumber.
enum class EventKind : std::uint8_t {
  accepted = 1,  // from whom, with which decisions; the message's first event
  expanded = 2,  // an alias became others
  attempt = 3,   // one attempt at one host: site, host, address, tls, took, result, transcript
  deferred = 4,  // not now: why, and the next try
  ended = 5,     // a recipient's final state, and why
  notified = 6,  // the sender was told (or could not be): of what, by which message
  changed = 7,   // an operator did something
  lost = 8,      // of no message: a crash; events of the second before are missing
};
std::string_view to_string(EventKind kind);

struct Event {
  base::MessageId message;
  std::optional<std::uint32_t> recipient;  // index; nothing: the message as a whole
  base::UtcTime at{};
  EventKind kind = EventKind::attempt;
  // Names and values in the order in which a person reads them; names are lower case words ("site", "reply").
  std::vector<std::pair<std::string_view, std::string>> facts;
  // By which the message is found: sender, original and final recipients. Of `accepted` only.
  std::vector<std::string> addresses;
  bool last = false;  // the message has no open recipient any more: its age counts from here
};

struct TimelineOptions {
  std::filesystem::path directory;  // holds timeline.db; made with mode 0700
  base::Milliseconds keep{
      std::chrono::days(30)};            // after a message's end; a message without one: after its last event
  std::uint64_t max_bytes = 2ull << 30;  // of the file; the oldest messages go first
  std::size_t max_waiting_bytes =
      16u << 20;  // noted and not yet written; above it events are dropped and counted
};

class Timeline {
 public:
  // Opens or creates, migrates forward, starts its thread. A newer format is refused; a damaged file is moved
  // aside (logged) and a new one begun; one that can't be opened now (a full disk) is tried again with each batch of events,
  // which are dropped until then: mail never waits for its history.
  static base::Result<std::unique_ptr<Timeline>> open(TimelineOptions options, sys::Clock& clock);
  // Writes what was noted, marks a clean end.
  ~Timeline();
  Timeline(const Timeline&) = delete;
  Timeline& operator=(const Timeline&) = delete;

  // Any thread; never blocks. It is on its way to the disk (not synced) within a second.
  void note(Event event);
  // Returns when all that was noted before can be read. For tests and graceful stops.
  void flush();
  std::uint64_t dropped() const;

 private:
  struct State;
  explicit Timeline(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

// What was read of an event: facts own their names.
struct ReadEvent {
  base::MessageId message;
  std::optional<std::uint32_t> recipient;
  base::UtcTime at{};
  EventKind kind = EventKind::attempt;
  std::vector<std::pair<std::string, std::string>> facts;
  bool last = false;
};

// A crash: what happened between these two may be missing.
struct Loss {
  base::UtcTime after{};  // the last event that is stored
  base::UtcTime noticed{};
};

// Reads a timeline, also while a server writes it. One thread at a time.
class TimelineReader {
 public:
  // Temporary failure where there is none yet; permanent where a newer postrider wrote it.
  static base::Result<std::unique_ptr<TimelineReader>> open(const std::filesystem::path& directory);
  ~TimelineReader();

  // In the order of time; of a message that is not known: none. Cuts nothing off; a message with many attempts may have
  // some MiB.
  base::Result<std::vector<ReadEvent>> events(base::MessageId message);
  // Messages that had this address as sender or recipient (compared as the index has it: ASCII lower case), received
  // at `since` or later; newest first, at most `limit`.
  base::Result<std::vector<base::MessageId>> messages(std::string_view address, base::UtcTime since,
                                                      std::size_t limit);
  // Crashes that may have cost events of [from, to], oldest first.
  base::Result<std::vector<Loss>> losses(base::UtcTime from, base::UtcTime to);
  // A copy, see store/database_copy.hpp. Failure: temporary; then the reader is of no more use.
  base::Result<void> backup(const std::filesystem::path& file);

 private:
  struct State;
  explicit TimelineReader(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace postrider::store
