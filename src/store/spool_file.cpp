#include "store/spool_file.hpp"

#include <fmt/format.h>

#include <limits>

#include "store/database_copy.hpp"
#include "store/edits_record.hpp"
#include "store/job.hpp"
#include "store/migration.hpp"
#include "store/schema.hpp"
#include "store/spool_file_state.hpp"

namespace postrider::store {
namespace {

constexpr std::size_t kMaxHeader = 256u << 10;

std::unexpected<base::Failure> cannot_open(std::string log) {
  return base::permanent({5, 3, 5}, "the mail store can't be opened", std::move(log));
}

base::Result<void> check_format(Database& database, const std::filesystem::path& path) {
  if (database.number("PRAGMA application_id") != kApplicationId)
    return cannot_open(path.string() + " is not a spool of postrider");
  const std::int64_t format = database.number("PRAGMA user_version");
  const auto current = static_cast<std::int64_t>(schema_steps().size());
  if (format <= current) return {};
  return cannot_open(newer_format(path, format, current));
}

std::unexpected<base::Failure> unreadable(base::MessageId id, std::string_view what) {
  return store_failure(
      fmt::format("message {}, {}: not a record that this version can read", id.to_string(), what));
}

// Up to the empty line.
void cut_to_header(std::string& text) {
  if (text.starts_with("\r\n")) text.clear();
  if (const auto end = text.find("\r\n\r\n"); end != std::string::npos) text.resize(end + 2);
  if (text.size() > kMaxHeader) text.resize(kMaxHeader);
}

}  // namespace

std::filesystem::path spool_path(const std::filesystem::path& directory) { return directory / "spool.db"; }

SpoolFileState::SpoolFileState(std::unique_ptr<Database> opened, const sys::Clock& its_clock)
    : database(std::move(opened)),
      clock(its_clock),
      loader(*database, [](const BadRecord&) {}),  // whoever claims it moves it aside
      format(database->number("PRAGMA user_version")),
      select_all(*database,
                 "SELECT message, idx, state, due, domain, record FROM recipient "
                 "WHERE (message, idx) > (?1, ?2) ORDER BY message, idx"),
      select_of_message(*database,
                        "SELECT message, idx, state, due, domain, record FROM recipient "
                        "WHERE message = ?1 AND idx > ?2 ORDER BY idx"),
      select_one(*database,
                 "SELECT message, idx, state, due, domain, record FROM recipient "
                 "WHERE message = ?1 AND idx = ?2"),
      select_waiting(*database,
                     "SELECT message, idx FROM recipient WHERE state = 1 AND domain = ?1 LIMIT ?2"),
      select_envelope(*database, "SELECT envelope FROM message WHERE id = ?1"),
      select_edits(*database, "SELECT edits FROM message WHERE id = ?1"),
      select_body(*database, "SELECT chunks, substr(body, 1, ?2) FROM message WHERE id = ?1"),
      select_chunks(*database, "SELECT data FROM chunk WHERE message = ?1 ORDER BY seq") {}

SpoolFile::SpoolFile(std::unique_ptr<SpoolFileState> state) : state_(std::move(state)) {}
SpoolFile::~SpoolFile() = default;

base::Result<std::unique_ptr<SpoolFile>> SpoolFile::open(const std::filesystem::path& directory,
                                                         const sys::Clock& clock) {
  const auto path = spool_path(directory);
  std::error_code ignored;
  if (!std::filesystem::exists(path, ignored))
    return cannot_open("there is no spool: no file " + path.string());
  try {
    auto database = std::make_unique<Database>(path.string(), nullptr, Database::Access::read_only);
    database->write_nothing_at_close();
    if (auto known = check_format(*database, path); !known) return std::unexpected(known.error());
    return std::unique_ptr<SpoolFile>(
        new SpoolFile(std::make_unique<SpoolFileState>(std::move(database), clock)));
  } catch (const SqlError& error) {
    return store_failure(error.what());
  }
}

base::Result<std::optional<Claimed>> SpoolFile::find(base::MessageId id) {
  try {
    if (auto loaded = state_->loader.load(id)) {
      auto envelope = std::make_shared<const mail::Envelope>(std::move(loaded->envelope));
      return Claimed{.id = id, .envelope = std::move(envelope), .recipients = std::move(loaded->present)};
    }
    if (state_->select_envelope.query(id.value).next()) return unreadable(id, "envelope");
    return std::nullopt;
  } catch (const SqlError& error) {
    return store_failure(error.what());
  }
}

base::Result<mail::Edits> SpoolFile::edits(base::MessageId id) {
  try {
    Rows rows = state_->select_edits.query(id.value);
    if (!rows.next()) return store_failure("message " + id.to_string() + " is gone");
    auto record = decode_edits(rows.bytes(0));
    if (!record) return unreadable(id, "edits");
    return std::move(record->edits);
  } catch (const SqlError& error) {
    return store_failure(error.what());
  }
}

base::Result<std::string> SpoolFile::header(base::MessageId id) {
  try {
    // What tells that it ends here may stand behind the last octet.
    constexpr std::size_t kEnough = kMaxHeader + 4;
    Rows rows = state_->select_body.query(id.value, static_cast<std::int64_t>(kEnough));
    if (!rows.next()) return store_failure("message " + id.to_string() + " is gone");
    std::string text(rows.bytes(1));
    if (rows.number(0) > 0) {
      for (Rows chunks = state_->select_chunks.query(id.value); text.size() < kEnough && chunks.next();)
        text += chunks.bytes(0);
    }
    cut_to_header(text);
    return text;
  } catch (const SqlError& error) {
    return store_failure(error.what());
  }
}

base::Result<void> SpoolFile::read(base::MessageId id, const std::function<bool(std::string_view)>& sink) {
  try {
    Rows rows = state_->select_body.query(id.value, std::numeric_limits<std::int32_t>::max());
    if (!rows.next()) return store_failure("message " + id.to_string() + " is gone");
    const std::int64_t chunks = rows.number(0);
    if (chunks == 0) {
      sink(rows.bytes(1));
      return {};
    }
    std::int64_t seen = 0;
    for (Rows each = state_->select_chunks.query(id.value); each.next(); ++seen)
      if (!sink(each.bytes(0))) return {};
    if (seen != chunks) return unreadable(id, "body");
    return {};
  } catch (const SqlError& error) {
    return store_failure(error.what());
  }
}

base::Result<void> SpoolFile::backup(const std::filesystem::path& file) {
  return copy_database(*state_->database, file);
}

SpoolCounts count_spool(Database& database) {
  Statement select(database, "SELECT (SELECT count(*) FROM message), (SELECT count(*) FROM recipient)");
  Rows rows = select.query();
  rows.next();
  return {.messages = static_cast<std::uint64_t>(rows.number(0)),
          .recipients = static_cast<std::uint64_t>(rows.number(1))};
}

base::Result<SpoolCounts> SpoolFile::count() {
  try {
    return count_spool(*state_->database);
  } catch (const SqlError& error) {
    return store_failure(error.what());
  }
}

std::int64_t SpoolFile::format() const { return state_->format; }

}  // namespace postrider::store
