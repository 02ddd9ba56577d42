// What the writer does for others: one piece of a transaction.
#pragma once

#include <cstddef>

#include "base/result.hpp"
#include "store/backlog.hpp"
#include "store/tables.hpp"

namespace postrider::store {

// 4.3.1, what a full disk and a full queue to the writer are told. RFC 3463 3.4
std::unexpected<base::Failure> storage_full(std::string log);
// 4.3.0: the store can't do it now, for a reason that is ours. RFC 3463 3.4
std::unexpected<base::Failure> store_failure(std::string log);

class Job {
 public:
  virtual ~Job() = default;
  // On the writer thread, inside a transaction that may be rolled back: then write() is called again, so that
  // it must leave all in memory as it is. Throws SqlError.
  virtual void write(Tables& tables) = 0;
  // On the writer thread, once, behind the commit (and its sync, where needs_sync()), or with a failure. Must not
  // block.
  virtual void finish(base::Result<void> result) = 0;
  // After a failure of it alone: true where it knows what is damaged and will do without that.
  virtual bool does_without(const SqlError&) { return false; }
  // False: nobody is told that it is durable.
  virtual bool needs_sync() const { return true; }
  // Nobody waits for it who could do something else meanwhile: it may wait for others to share a sync with.
  virtual bool can_wait() const { return false; }
  // Where it could not be written now (a full disk), it is tried again at the next maintenance.
  virtual bool is_patient() const { return false; }
  // The memory that it holds; about.
  virtual std::size_t bytes() const { return 0; }
};

}  // namespace postrider::store
