// The spool: accepted mail on disk, until every recipient has its end. SQLite, one writer thread, group
// commit.
//
// A message's way: open_draft() - append()/flush() while bytes come in - commit() - claim() - read() -
// record() until no recipient is left; then its bytes are deleted. The scheduler's side is store/backlog.hpp.
// What was not committed vanishes when the draft is destroyed, or at the next start. What lies on the disk:
// docs/spool-format.md.
//
// Thread rule: every method may be called from any thread. Completions are called on the writer thread (on the reader
// thread for destinations(), claim(), untold() and suspensions()) and must not block; they post home. Completions are
// called exactly once, also at shutdown (then with a temporary failure).
//
// Durability: when a completion of commit() or record() says success, the transaction's sync has returned.
// After a failed sync or write (other than a full disk) nothing more is written: every later call fails
// with 4.3.0 and Options::on_broken is called once, so that the process can leave for its supervisor.
// A full disk fails what was waiting with 4.3.1, and all goes on when there is space.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/id.hpp"
#include "base/result.hpp"
#include "base/time.hpp"
#include "mail/edit.hpp"
#include "mail/envelope.hpp"
#include "mail/outcome.hpp"
#include "store/backlog.hpp"
#include "store/fresh.hpp"
#include "store/recipient_id.hpp"
#include "store/selection.hpp"
#include "sys/clock.hpp"

namespace postrider::store {

// What a notification tells of the message that it is about; written in the transaction that makes it mail.
struct Told {
  std::vector<RecipientId> ended;   // untold ones: they go
  std::vector<RecipientId> warned;  // waiting ones: their sender has been told that it takes long
};

struct SpoolOptions {
  std::filesystem::path directory;  // holds spool.db and its WAL; made with mode 0700
  std::uint8_t node = 0;            // in every id
  std::uint64_t min_free_bytes = 256u << 20;
  std::uint64_t min_free_inodes = 1000;      // not judged where the file system has none
  std::size_t reader_threads = 2;            // 1 to 16: messages that are read at the same time
  std::size_t max_queued_bytes = 64u << 20;  // handed to the writer and not yet written; above it put and
                                             // commit fail with 4.3.1 ("busy")
  std::function<void(const base::Failure&)> on_broken = {};  // called once, on the writer thread
  base::Milliseconds maintenance_interval{10'000};           // between two runs of maintain()
  const char* vfs = nullptr;                                 // SQLite VFS name, for tests that cut the power
};

struct SpoolStatistics {
  std::uint64_t messages = 0;  // committed and not finished
  std::uint64_t recipients = 0;
  std::uint64_t held = 0;          // of these
  std::uint64_t untold = 0;        // of these
  std::uint64_t quarantined = 0;   // records moved aside, since ever
  std::uint64_t transactions = 0;  // since the start; each is one sync
  std::uint64_t commits = 0;       // messages committed since the start
};

class Spool;

// A message that is being received. Used by one thread at a time. Move-only; destroying it before commit()
// drops what was written of it. May outlive the spool; then it only can be destroyed.
class Draft {
 public:
  Draft(Draft&&) noexcept;
  Draft& operator=(Draft&&) noexcept;
  ~Draft();

  base::MessageId id() const { return id_; }
  std::uint64_t size() const { return size_; }
  // Copies the bytes in. Memory stays bounded when the caller awaits flush() as soon as wants_flush() says
  // so.
  void append(std::string_view bytes);
  // A chunk (256 KiB) is full.
  bool wants_flush() const { return chunk_.size() >= kChunkBytes; }

  static constexpr std::size_t kChunkBytes = 256 * 1024;

 private:
  friend class Spool;
  Draft(std::shared_ptr<class SpoolCore> core, base::MessageId id);
  void drop() noexcept;
  std::shared_ptr<class SpoolCore> core_;  // null: committed, or moved from
  base::MessageId id_;
  std::string chunk_;
  std::uint64_t size_ = 0;
  std::uint32_t chunks_written_ = 0;
};

// Reads a committed message's bytes as received, chunk by chunk. Blocking: for pool threads only. Holds no
// transaction between calls; a message that was finished meanwhile reads as a failure, never as its half.
class MessageReader {
 public:
  // The next piece (at most kChunkBytes), empty at the end.
  base::Result<std::string> next();

 private:
  friend class Spool;
  MessageReader(std::shared_ptr<class SpoolCore> core, base::MessageId id);
  std::shared_ptr<class SpoolCore> core_;
  base::MessageId id_;
  std::uint32_t next_chunk_ = 0;
  std::uint64_t returned_ = 0;
  bool ended_ = false;
};

class Spool final : public Backlog {
 public:
  // Opens or creates, migrates forward, recovers (drafts vanish, what can't be read goes to quarantine) and
  // starts the threads. A newer format than this binary knows is refused. The clock outlives the spool.
  static base::Result<std::unique_ptr<Spool>> open(SpoolOptions options, sys::Clock& clock);
  // Waits for what was handed over, then closes. Completions have all been called when it returns.
  ~Spool() override;

  // Memory only. Fails with 4.3.1 below min_free (space or inodes, open drafts counted), 4.3.0 when broken.
  base::Result<Draft> open_draft();
  // What a MAIL with SIZE=n would be told: success, or the failure that open_draft() would give.
  base::Result<void> has_space(std::uint64_t bytes) const;

  // Hands the full chunk to the writer; the draft may be appended to when done is called (not before).
  void flush(Draft& draft, Done done);
  // Makes it mail: envelope, edits and the last bytes in one synced transaction, and `told` of other messages with
  // it (what is gone meanwhile is passed over). Recipients in state `waiting` are claimed by `owner` from the start,
  // so that the caller may deliver at once; others may come as `held` or `untold`.
  void commit(Draft draft, mail::Envelope envelope, mail::Edits edits, std::string owner, Told told,
              Done done);

  void destinations(DestinationsRequest request,
                    std::move_only_function<void(base::Result<std::vector<DestinationDue>>)> done) override;
  void claim(ClaimRequest request, std::move_only_function<void(base::Result<ClaimedPage>)> done) override;
  void unclaim(std::vector<RecipientId> recipients) override;
  void aged(AgedRequest request, std::move_only_function<void(base::Result<AgedPage>)> done) override;
  void record(std::vector<RecipientUpdate> updates, Done done) override;
  void untold(base::MessageId after, std::size_t limit,
              std::move_only_function<void(base::Result<std::vector<Claimed>>)> done) override;
  void suspend(Suspension suspension,
               std::move_only_function<void(base::Result<std::uint64_t>)> done) override;
  void resume(std::uint64_t id, Done done) override;
  void suspensions(std::move_only_function<void(base::Result<std::vector<Suspension>>)> done) override;

  // The edits and the bytes of a committed message. Blocking: for pool threads only. What can't be read is moved to
  // quarantine and reads as a temporary failure.
  base::Result<mail::Edits> edits(base::MessageId id);
  MessageReader read(base::MessageId id);

  // A message that was committed a moment ago, in memory, with the edits and the bytes as they lie on the disk; null: it is
  // not there any more. Does not block.
  std::shared_ptr<const FreshMessage> fresh(base::MessageId id) const;

  // Blocking, on connections of their own: for pool threads only. See store/spool_file.hpp.
  base::Result<ListedPage> list(const Selection& selection, std::optional<RecipientId> after,
                                std::size_t limit);
  // The message with all its recipients that have a row; Claimed::recipients are those (of any state, claimed by
  // whomever). Nothing where it is not here.
  base::Result<std::optional<Claimed>> find(base::MessageId id);
  // As SpoolFile::destinations.
  base::Result<std::vector<DestinationSample>> destinations(std::size_t limit);
  // Each of these with its message, as find() gives it; what is gone or can't be read is left out.
  base::Result<std::vector<Claimed>> find_each(const std::vector<RecipientId>& recipients);
  // Above the ids of all drafts and messages so far, below those of all that come; no message has it. Never blocks.
  base::MessageId boundary();
  // A consistent copy into a new file, complete and synced before it bears its name; mail comes and goes meanwhile.
  base::Result<void> backup(const std::filesystem::path& file);

  // What the timer does each maintenance_interval: moves the WAL into the file when the spool is idle, and
  // gives back pages that were free at each of the last 12 runs, until there is other work. `done` is called
  // on the writer thread.
  void maintain(std::function<void()> done);

  SpoolStatistics statistics() const;
  // Effective settings for the log at start: "journal_mode=wal synchronous=FULL page_size=4096 ...".
  std::string describe() const;

 private:
  explicit Spool(std::shared_ptr<class SpoolCore> core);
  std::shared_ptr<class SpoolCore> core_;
};

}  // namespace postrider::store
