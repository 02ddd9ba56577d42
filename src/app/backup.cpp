// `postrider backup` and `postrider restore`: the spool, the timeline and the configuration, as they are at one time.
#include <CLI/CLI.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <iostream>

#include "app/backup_files.hpp"
#include "app/commands.hpp"
#include "app/privileges.hpp"
#include "app/queue_print.hpp"
#include "app/queue_tools.hpp"
#include "config/config.hpp"
#include "store/restore.hpp"
#include "store/spool_file.hpp"
#include "store/timeline.hpp"
#include "sys/clock.hpp"

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

std::shared_ptr<const config::Config> load(const fs::path& file) {
  auto loaded = config::load(file);
  if (loaded) return std::move(*loaded);
  Stop stop{kRefused, "the configuration has faults"};
  for (const auto& fault : loaded.error()) stop.why += "\n" + fault.to_string();
  throw stop;
}

void write_manifest(const fs::path& folder, const store::SpoolCounts& counts, std::int64_t format,
                    bool timeline) {
  const boost::json::object manifest = {{"backup_format", kBackupFormat},
                                        {"version", POSTRIDER_VERSION},
                                        {"made", base::to_rfc3339(sys::system_clock().utc())},
                                        {"spool_format", format},
                                        {"messages", counts.messages},
                                        {"recipients", counts.recipients},
                                        {"timeline", timeline}};
  need(write_file(folder / kManifest, boost::json::serialize(manifest) + '\n'));
}

int backup(const BackupOptions& options) {
  const auto config = load(options.config);
  const auto spool = need(store::SpoolFile::open(config->data_dir / "spool", sys::system_clock()));
  need(make_empty_folder(options.folder));
  for (const char* part : {"spool", "timeline"}) need(make_empty_folder(options.folder / part));
  // The timeline first: then it knows of no end that the spool does not know.
  bool has_timeline = false;
  if (auto timeline = store::TimelineReader::open(config->data_dir / "timeline")) {
    need((*timeline)->backup(options.folder / "timeline" / "timeline.db"));
    has_timeline = true;
  } else {
    std::cerr << "without the timeline: " << timeline.error().log_text() << '\n';
  }
  need(spool->backup(options.folder / "spool" / "spool.db"));
  need(write_file(options.folder / kConfig, need(read_file(options.config))));
  const auto copy = need(store::SpoolFile::open(options.folder / "spool", sys::system_clock()));
  const auto counts = need(copy->count());
  write_manifest(options.folder, counts, copy->format(), has_timeline);
  std::cout << options.folder.string() << ": " << counted(counts.messages, "message") << " with "
            << counted(counts.recipients, "open recipient") << ", " << (has_timeline ? "the timeline, " : "")
            << "the configuration.\n"
            << "Mailboxes are plain files and are not in it; nor are certificates and keys.\n";
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

int restore(const BackupOptions& options) {
  const auto manifest = read_manifest(options.folder);
  std::error_code error;
  const bool has_config = fs::exists(options.config, error);
  const fs::path saved = options.folder / kConfig;
  const auto config = load(has_config ? options.config : saved);
  need(make_folder_for(config->data_dir, config->user));
  const auto spool_copy = need(store::OpenCopy::open(options.folder / "spool" / "spool.db"));
  const auto timeline_copy = store::OpenCopy::open(options.folder / "timeline" / "timeline.db");
  if (!has_config) {
    need(write_file(options.config, need(read_file(saved))));
    std::cout << "The configuration is " << options.config.string() << ".\n";
  }
  // All above needs root, perhaps. What lies in data_dir is the server's user's: a link of his could lead root anywhere.
  need(become_owner_of(config->data_dir));
  const auto counts =
      need(store::restore_spool(spool_copy, config->data_dir / "spool",
                                options.hold ? store::Waiting::is_held : store::Waiting::goes_on));
  base::Result<bool> timeline = true;
  if (flag(manifest, "timeline")) {
    timeline = timeline_copy ? store::restore_timeline(*timeline_copy, config->data_dir / "timeline")
                             : std::unexpected(timeline_copy.error());
  }
  std::cout << "From " << text(manifest, "made") << ": " << counted(counts.messages, "message") << " with "
            << counted(counts.recipients, "open recipient") << ".\n";
  // Mail does not wait for its history.
  if (!timeline) std::cerr << "without the timeline: " << timeline.error().log_text() << '\n';
  if (timeline && !*timeline) std::cout << "The timeline that is in place was left as it is.\n";
  std::cout << (options.hold
                    ? "What waits is held: `postrider queue release` lets it go.\n"
                    : "What waits is tried as soon as the server runs, also what was delivered since then.\n")
            << "Mailboxes are plain files and are not in a backup.\n";
  return kDone;
}

}  // namespace

std::function<std::optional<int>()> add_backup(CLI::App& app) {
  const auto options = std::make_shared<BackupOptions>();
  auto* saving = app.add_subcommand(
      "backup", "Copy spool, timeline and configuration into a new folder; the server may run or not.");
  auto* restoring = app.add_subcommand("restore", "Put a backup in place; the server must be stopped.");
  for (auto* command : {saving, restoring}) {
    command->add_option("DIR", options->folder, "The folder of the backup")->required();
    command->add_option("--config", options->config, "The configuration file")->capture_default_str();
  }
  restoring->add_flag("--hold", options->hold,
                      "Hold all that waits, so that nothing is sent a second time unseen");
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
