// SQLite writes each page of its write-ahead log (WAL) in two pieces, by two system calls. With this VFS, which stands on
// another and differs from it in the WAL alone, the pages of a commit go out in one.
#pragma once

#include <sqlite3.h>

#include <cstddef>

namespace postrider::store {

// What is held back of one WAL at most, in bytes. SQLite's own VFS takes less than 128 KiB in one write, and calls the disk
// full where it is asked for more.
constexpr std::size_t kMaxHeldBack = 124u << 10;

// The name of the VFS that gathers what is written to a WAL and stands on `base` (null: the system's), registered at
// first use and never removed; `base` where SQLite knows no such base. Any thread.
//
// What SQLite relies on stays: nothing that was written is held back behind the last page of a commit, a sync or a read of it,
// nor behind the transaction's end (what is left then was rolled back, and is dropped). A write that fails is told before,
// and from there on the transaction can't be committed. So other connections and processes, which read a WAL only as
// far as commits have reached, find it as ever. Not for PRAGMA locking_mode=EXCLUSIVE, under which no end of a
// transaction can be seen.
const char* wal_vfs(const char* base);

}  // namespace postrider::store
