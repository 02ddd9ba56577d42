// The parts of an open spool, in the order in which they come up.
#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "store/files.hpp"
#include "store/ids.hpp"
#include "store/jobs.hpp"
#include "store/reader.hpp"
#include "store/scanner.hpp"
#include "store/space.hpp"
#include "store/spool.hpp"
#include "store/state.hpp"
#include "store/writer.hpp"

namespace postrider::store {

// Drafts and readers share it, so that they may outlive the spool; after close() they only fail. Any thread.
class SpoolCore {
 public:
  // Opens, migrates and recovers. Throws SqlError too.
  static base::Result<std::shared_ptr<SpoolCore>> open(const SpoolOptions& options, sys::Clock& clock);

  // What was asked is done and told; then everything is closed.
  void close();

  // After close() the job fails at once, on the caller's thread.
  void post(std::unique_ptr<Job> job);
  // The failure that new mail gets now, where it does.
  base::Result<void> accepts(std::uint64_t bytes) const;
  // Blocking. What can't be read is moved aside.
  base::Result<Piece> piece(base::MessageId id, std::uint32_t seq);
  base::Result<mail::Edits> edits(base::MessageId id);
  std::unexpected<base::Failure> damaged_body(base::MessageId id);

  bool is_overloaded() const { return writer->queued_bytes() > max_queued_bytes; }
  void report(BadRecord bad) { post(quarantine_job(state, std::move(bad))); }

  std::filesystem::path directory;  // of spool.db; for those who open connections of their own
  State state;
  std::unique_ptr<Ids> ids;
  std::unique_ptr<Space> space;
  std::size_t max_queued_bytes = 0;
  std::string description;
  std::unique_ptr<ReaderPool> readers;
  std::unique_ptr<Writer> writer;
  std::unique_ptr<Scanner> scanner;

 private:
  SpoolCore(DirectoryLock lock, const sys::Clock& clock) : state(clock), lock_(std::move(lock)) {}
  void start(const SpoolOptions& options, std::unique_ptr<Database> database);

  std::optional<DirectoryLock> lock_;
};

}  // namespace postrider::store
