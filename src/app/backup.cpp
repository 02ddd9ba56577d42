// `postrider backup` and `postrider restore`: the spool, the timeline, the directory, the DMARC reports, the DKIM keys and the
// configuration.
#include <CLI/CLI.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <iostream>

#include "app/backup_dkim.hpp"
#include "app/backup_files.hpp"
#include "app/commands.hpp"
#include "app/privileges.hpp"
#include "app/queue_print.hpp"
#include "app/queue_tools.hpp"
#include "config/config.hpp"
#include "directory/registry.hpp"
#include "directory/restore.hpp"
#include "reports/report_store.hpp"
#include "reports/schema.hpp"
#include "store/restore.hpp"
#include "store/spool_file.hpp"
#include "store/timeline.hpp"
#include "sys/clock.hpp"
#include "sys/random.hpp"

namespace postrider::app {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kManifest = "manifest.json";
constexpr std::string_view kConfig = "postrider.toml";
constexpr std::int64_t kBackupFormat = 1;

struct BackupOptions {
  fs::path config = "/etc/postrider/postrider.toml";
  fs::path folder;
  bool hold = false;
};

template <class T>
T need(base::Result<T> result) {
  if (!result) throw Stop{kRefused, result.error().log_text()};
  if constexpr (!std::is_void_v<T>) return std::move(*result);
}

// What a backup has beside the spool.
struct Beside {
  bool timeline = false;
  bool directory = false;
  bool reports = false;
  std::size_t dkim = 0;  // domains with keys
};

void write_manifest(const fs::path& folder, const store::SpoolCounts& counts, std::int64_t format,
                    const Beside& beside) {
  const boost::json::object manifest = {{"backup_format", kBackupFormat},
                                        {"version", POSTRIDER_VERSION},
                                        {"made", base::to_rfc3339(sys::system_clock().utc())},
                                        {"spool_format", format},
                                        {"messages", counts.messages},
                                        {"recipients", counts.recipients},
                                        {"timeline", beside.timeline},
                                        {"directory", beside.directory},
                                        {"reports", beside.reports},
                                        {"dkim_domains", beside.dkim}};
  need(write_file(folder / kManifest, boost::json::serialize(manifest) + '\n'));
}

base::Result<void> copy_timeline(const fs::path& from, const fs::path& to) {
  const auto timeline = store::TimelineReader::open(from);
  if (!timeline) return std::unexpected(timeline.error());
  return (*timeline)->backup(to / "timeline.db");
}

// False where there is none.
bool copy_directory(const fs::path& from, const fs::path& to) {
  std::error_code error;
  if (!fs::exists(directory::Registry::file_in(from), error)) return false;
  const auto registry = need(directory::Registry::open(from, sys::system_random()));
  const fs::path copy = directory::Registry::file_in(to);
  need(registry->copy_to(copy));
  fs::permissions(copy, fs::perms(0600), error);  // hashes of passwords are in it
  return true;
}

// False where there are none, or none that can be read: the mail is what matters.
bool copy_reports(const fs::path& from, const fs::path& to) {
  need(make_empty_folder(to));
  const auto copied =
      reports::ReportStore::copy(reports::ReportStore::folder_in(from), reports::ReportStore::file_in(to));
  if (!copied) std::cerr << "without the DMARC reports: " << copied.error().log_text() << '\n';
  return copied.value_or(false);
}

// Gives how many domains have some.
std::size_t copy_dkim(const fs::path& from, const fs::path& to) {
  const SavedDkim saved = read_dkim(from);
  for (const auto& fault : saved.faults) std::cerr << "without a domain's DKIM keys: " << fault << '\n';
  if (!saved.domains.empty()) need(write_dkim(saved, to));
  return saved.domains.size();
}

int backup(const BackupOptions& options) {
  const auto config = load_config(options.config);
  const auto spool = need(store::SpoolFile::open(config->data_dir / "spool", sys::system_clock()));
  need(make_empty_folder(options.folder));
  for (const char* part : {"spool", "timeline"}) need(make_empty_folder(options.folder / part));
  // The timeline first: then it knows of no end that the spool does not know.
  const auto timeline = copy_timeline(config->data_dir / "timeline", options.folder / "timeline");
  // The mail is what matters: it is saved also beside a timeline that can't be read.
  if (!timeline) std::cerr << "without the timeline: " << timeline.error().log_text() << '\n';
  // And so the reports: one that was sent meanwhile is sent again, with the same id, and none is lost.
  const bool reports = copy_reports(config->data_dir, reports::ReportStore::folder_in(options.folder));
  need(spool->backup(options.folder / "spool" / "spool.db"));
  const Beside beside{.timeline = timeline.has_value(),
                      .directory = copy_directory(config->data_dir, options.folder),
                      .reports = reports,
                      .dkim = copy_dkim(config->data_dir, options.folder)};
  need(write_file(options.folder / kConfig, need(read_file(options.config))));
  const auto copy = need(store::SpoolFile::open(options.folder / "spool", sys::system_clock()));
  const auto counts = need(copy->count());
  write_manifest(options.folder, counts, copy->format(), beside);
  std::cout << options.folder.string() << ": " << counted(counts.messages, "message") << " with "
            << counted(counts.recipients, "open recipient") << ", " << (timeline ? "the timeline, " : "")
            << (beside.directory ? "the directory, " : "") << (beside.reports ? "the DMARC reports, " : "")
            << (beside.dkim > 0 ? "the DKIM keys, " : "") << "the configuration.\n"
            << "Mailboxes are plain files and are not in it; nor are certificates and their keys.\n";
  return kDone;
}

boost::json::object read_manifest(const fs::path& folder) {
  const auto content = read_file(folder / kManifest);
  if (!content)
    throw Stop{kRefused, folder.string() + " is not a complete backup: " + content.error().log_text()};
  boost::system::error_code error;
  const auto value = boost::json::parse(*content, error);
  if (error || !value.is_object()) throw Stop{kRefused, (folder / kManifest).string() + " is damaged"};
  if (number(value.get_object(), "backup_format") != kBackupFormat)
    throw Stop{kRefused, (folder / kManifest).string() +
                             " is of another format: install the postrider that made it, " +
                             text(value.get_object(), "version")};
  return value.get_object();
}

// A data_dir that was made goes again, unless it is kept.
class MadeFolder {
 public:
  explicit MadeFolder(const config::Config& config) : folder_(config.data_dir) {
    std::error_code error;
    made_ = !fs::exists(folder_, error);
    need(make_data_dir(config));
  }
  MadeFolder(const MadeFolder&) = delete;
  MadeFolder& operator=(const MadeFolder&) = delete;
  ~MadeFolder() {
    std::error_code ignored;
    if (made_) fs::remove(folder_, ignored);
  }
  void keep() { made_ = false; }

 private:
  const fs::path folder_;
  bool made_ = false;
};

struct Mended {
  store::Restored spool;
  base::Result<std::optional<store::Restored>> timeline = std::optional<store::Restored>(std::in_place);
  base::Result<std::optional<store::Restored>> reports = std::optional<store::Restored>(std::in_place);
  bool directory_stays = false;
  bool dkim_stays = false;
};

Mended restore_data(const BackupOptions& options, const boost::json::object& manifest,
                    const config::Config& config) {
  MadeFolder folder(config);
  const auto spool_copy = need(store::OpenCopy::open(options.folder / "spool" / "spool.db"));
  const auto timeline_copy = store::OpenCopy::open(options.folder / "timeline" / "timeline.db");
  std::optional<store::OpenCopy> directory_copy;
  if (flag(manifest, "directory"))
    directory_copy.emplace(need(store::OpenCopy::open(directory::Registry::file_in(options.folder))));
  const auto reports_copy =
      store::OpenCopy::open(reports::ReportStore::file_in(reports::ReportStore::folder_in(options.folder)));
  const SavedDkim dkim = read_dkim(options.folder);
  if (!dkim.faults.empty()) throw Stop{kRefused, dkim.faults.front()};
  // All above needs root, perhaps. What lies in data_dir is the server's user's: a link of his could lead root anywhere.
  const auto owner = need(AsOwner::of(config.data_dir));
  const store::Wish wish = {
      .waiting = options.hold ? store::Waiting::is_held : store::Waiting::goes_on,
      .counts = {.messages = number(manifest, "messages"), .recipients = number(manifest, "recipients")}};
  Mended mended{.spool = need(store::restore_spool(spool_copy, config.data_dir / "spool", wish))};
  folder.keep();
  if (directory_copy)
    mended.directory_stays =
        !need(directory::restore(*directory_copy, config.data_dir, sys::system_random()));
  if (!dkim.domains.empty()) {
    mended.dkim_stays = !need(directory::DkimFolder(config.data_dir).domains()).empty();
    if (!mended.dkim_stays) need(write_dkim(dkim, config.data_dir));
  }
  if (flag(manifest, "reports"))
    mended.reports =
        reports_copy ? store::restore_database(
                           *reports_copy,
                           reports::ReportStore::file_in(reports::ReportStore::folder_in(config.data_dir)),
                           reports::check_copy)
                     : std::unexpected(reports_copy.error());
  if (!flag(manifest, "timeline")) return mended;
  mended.timeline = timeline_copy ? store::restore_timeline(*timeline_copy, config.data_dir / "timeline")
                                  : std::unexpected(timeline_copy.error());
  return mended;
}

void tell_of_aside(const store::Restored& restored) {
  for (const auto& path : restored.set_aside)
    std::cout << "What an earlier database left is " << path.string() << " now.\n";
}

void tell_of_untold(std::uint64_t untold, bool held) {
  if (untold == 0) return;
  std::cout
      << counted(untold, "recipient")
      << (held ? " among them had an end already, of which the sender is told when it is released (perhaps "
                 "for the second time); `queue remove` tells nobody.\n"
               : " had an end already, of which the sender is told as soon as the server runs, perhaps for "
                 "the "
                 "second time.\n");
}

int restore(const BackupOptions& options) {
  const auto manifest = read_manifest(options.folder);
  std::error_code error;
  const bool has_config = fs::exists(options.config, error);
  const fs::path saved = options.folder / kConfig;
  const auto config = load_config(has_config ? options.config : saved);
  const std::string configuration = has_config ? std::string() : need(read_file(saved));
  if (!has_config) need(may_write(options.config));
  const Mended mended = restore_data(options, manifest, *config);
  // Last, so that a refused restore leaves none behind.
  if (!has_config) {
    need(write_file(options.config, configuration));
    std::cout << "The configuration is " << options.config.string() << ".\n";
  }
  std::cout << "From " << text(manifest, "made") << ": " << counted(number(manifest, "messages"), "message")
            << " with " << counted(number(manifest, "recipients"), "open recipient") << ".\n";
  tell_of_aside(mended.spool);
  // Mail does not wait for its history.
  if (!mended.timeline) {
    std::cerr << "without the timeline: " << mended.timeline.error().log_text() << '\n';
  } else if (*mended.timeline) {
    tell_of_aside(**mended.timeline);
  } else {
    std::cout << "The timeline that is in place was left as it is.\n";
  }
  if (!mended.reports)
    std::cerr << "without the DMARC reports: " << mended.reports.error().log_text() << '\n';
  else if (*mended.reports)
    tell_of_aside(**mended.reports);
  else
    std::cout << "The DMARC reports that are in place were left as they are.\n";
  if (mended.directory_stays)
    std::cout << "The directory that is in place was left as it is; move "
              << directory::Registry::file_in(config->data_dir).string()
              << " away to restore that of the backup.\n";
  if (mended.dkim_stays)
    std::cout << "The DKIM keys that are in place were left as they are; move "
              << (config->data_dir / "dkim").string() << " away to restore those of the backup.\n";
  std::cout
      << (options.hold
              ? "What waits is held: `postrider queue release` lets it go.\n"
              : "What waits is tried as soon as the server runs, also what was delivered since then.\n");
  tell_of_untold(mended.spool.untold, options.hold);
  std::cout << "Mailboxes are plain files and are not in a backup.\n";
  return kDone;
}

}  // namespace

std::function<std::optional<int>()> add_backup(CLI::App& app) {
  const auto options = std::make_shared<BackupOptions>();
  auto* saving = app.add_subcommand(
      "backup",
      "Copy spool, timeline, directory, DMARC reports, DKIM keys and configuration into a new folder; the "
      "server may run or not.");
  auto* restoring = app.add_subcommand("restore", "Put a backup in place; the server must be stopped.");
  for (auto* command : {saving, restoring}) {
    command->add_option("DIR", options->folder, "The folder of the backup")->required();
    command->add_option("--config", options->config, "The configuration file")->capture_default_str();
  }
  restoring->add_flag(
      "--hold", options->hold,
      "Hold all that waits, and all of whose end the sender is not told yet, so that nothing is "
      "sent a second time unseen");
  return [saving, restoring, options]() -> std::optional<int> {
    if (!*saving && !*restoring) return {};
    try {
      return *saving ? backup(*options) : restore(*options);
    } catch (const Stop& stop) {
      std::cout.flush();
      std::cerr << "postrider " << (*saving ? "backup" : "restore") << ": " << stop.why << '\n';
      return stop.code;
    }
  };
}

}  // namespace postrider::app
