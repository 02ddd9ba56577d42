// `postrider dmarc`: what others report about mail in our name, and what is reported to them. From the database's file; the
// server may run or not.
#include <CLI/CLI.hpp>
#include <boost/json/array.hpp>
#include <iostream>
#include <map>
#include <memory>

#include "app/backup_files.hpp"
#include "app/commands.hpp"
#include "app/dmarc_text.hpp"
#include "app/privileges.hpp"
#include "app/queue_print.hpp"
#include "app/queue_tools.hpp"
#include "app/trace_when.hpp"
#include "reports/report_store.hpp"
#include "sys/clock.hpp"

namespace postrider::app {
namespace {

constexpr std::string_view kMonth = "30d";
constexpr std::size_t kSenders = 40;  // for people
constexpr std::size_t kAll = 100'000;

struct DmarcOptions {
  std::filesystem::path config = "/etc/postrider/postrider.toml";
  std::optional<std::string> domain;
  std::string since{kMonth};
  std::vector<std::filesystem::path> files;
  bool each = false, failures = false, json = false;
};

template <class T>
T need(base::Result<T> result) {
  if (!result) throw Stop{kRefused, result.error().log_text()};
  if constexpr (!std::is_void_v<T>) return std::move(*result);
}

// With the rights of the data's owner, so that the server can use what is made.
class Desk {
 public:
  explicit Desk(const DmarcOptions& options) {
    const auto config = load_config(options.config);
    need(make_data_dir(*config));
    owner_.emplace(need(AsOwner::of(config->data_dir)));
    store_ = need(reports::ReportStore::open(reports::ReportStore::folder_in(config->data_dir)));
  }
  reports::ReportStore& store() { return *store_; }

 private:
  std::optional<AsOwner> owner_;
  std::unique_ptr<reports::ReportStore> store_;
};

reports::Wanted wanted(const DmarcOptions& options, std::size_t limit) {
  const auto since = parse_since(options.since, sys::system_clock().utc());
  if (!since)
    throw Stop{kUsage, "--since " + options.since +
                           ": neither a span (90s, 10m, 2h, 3d) nor a date (2026-11-22, 2026-11-22T10:00)"};
  reports::Wanted out{.domain = {}, .since = *since, .limit = limit};
  if (!options.domain) return out;
  const auto domain = mail::Domain::parse(*options.domain);
  if (!domain) throw Stop{kUsage, "--domain " + *options.domain + ": " + domain.error().text};
  out.domain = domain->ascii();
  return out;
}

int show_reports(const DmarcOptions& options) {
  Desk desk(options);
  const auto reports = need(desk.store().reports(wanted(options, kAll)));
  const auto failures = need(desk.store().failures(wanted(options, kAll)));
  const auto senders = need(desk.store().senders(wanted(options, options.json ? kAll : kSenders + 1)));
  if (options.json) {
    print_json(dmarc_json(reports, senders, failures));
    return kDone;
  }
  if (reports.empty() && failures.empty())
    throw Stop{kRefused, "no report since " + options.since + " is here"};
  std::cout << dmarc_summary(reports);
  if (options.each) {
    dmarc_reports_table(reports).print();
  } else if (options.failures) {
    dmarc_failures_table(failures).print();
  } else {
    dmarc_senders_table({senders.begin(), senders.begin() + std::min(senders.size(), kSenders)}).print();
    if (senders.size() > kSenders) std::cout << "…and more sources; --json has all\n";
    if (!failures.empty())
      std::cout << '\n' << counted(failures.size(), "failure report") << "; --failures lists them\n";
  }
  return kDone;
}

int import(const DmarcOptions& options) {
  // Before the rights of the reader go.
  std::vector<std::pair<std::string, base::Result<wire::dmarc_report::Reports>>> read;
  for (const auto& file : options.files) {
    const auto content = read_file(file);
    read.emplace_back(file.string(), content ? wire::dmarc_report::read_report_file(*content)
                                             : std::unexpected(content.error()));
  }
  Desk desk(options);
  int code = kDone;
  const base::UtcTime now = sys::system_clock().utc();
  for (const auto& [file, reports] : read) {
    if (!reports) {
      std::cerr << file << ": " << harmless(reports.error().log_text()) << '\n';
      code = kRefused;
      continue;
    }
    if (reports->failure) {
      need(desk.store().add(*reports->failure, now));
      std::cout << file << ": a failure report\n";
    }
    for (const auto& one : reports->aggregate) {
      const bool is_new = need(desk.store().add(one, now, {.proof = reports::Proof::imported}));
      std::cout << file << ": "
                << harmless(one.org_name + " about " + one.published.domain + ", " +
                            counted(one.records.size(), "record") + (is_new ? "" : ": known already"))
                << '\n';
    }
  }
  return code;
}

int show_outgoing(const DmarcOptions& options) {
  Desk desk(options);
  const auto outgoing = need(desk.store().outgoing(wanted(options, kAll)));
  if (options.json) {
    print_json(dmarc_json(outgoing));
    return kDone;
  }
  if (outgoing.empty()) throw Stop{kRefused, "nothing to report to others since " + options.since};
  dmarc_outgoing_table(outgoing).print();
  return kDone;
}

}  // namespace

std::function<std::optional<int>()> add_dmarc(CLI::App& app) {
  const auto options = std::make_shared<DmarcOptions>();
  auto* dmarc = app.add_subcommand("dmarc", "Reports about mail in a domain's name.");
  dmarc->require_subcommand(1);
  auto* shown =
      dmarc->add_subcommand("reports", "Who sends in our name, and what passes, as others report it.");
  auto* imported = dmarc->add_subcommand(
      "import", "Take in reports that came elsewhere: XML, gzip, zip, or messages with them.");
  auto* outgoing = dmarc->add_subcommand("outgoing", "What was and will be reported to others.");
  for (auto* command : {shown, imported, outgoing})
    command->add_option("--config", options->config, "The configuration file")->capture_default_str();
  for (auto* command : {shown, outgoing}) {
    command->add_option("--domain", options->domain, "Only of this domain and those below it");
    command->add_option("--since", options->since, "A span (2d) or a date")->capture_default_str();
    command->add_flag("--json", options->json, "For scripts");
  }
  shown->add_flag("--each", options->each, "List the reports instead of the sources");
  shown->add_flag("--failures", options->failures, "List the failure reports instead");
  imported->add_option("FILE", options->files, "The files")->required();
  return [dmarc, shown, imported, options]() -> std::optional<int> {
    if (!*dmarc) return {};
    try {
      return *shown ? show_reports(*options) : *imported ? import(*options) : show_outgoing(*options);
    } catch (const Stop& stop) {
      std::cout.flush();
      std::cerr << "postrider dmarc: " << stop.why << '\n';
      return stop.code;
    }
  };
}

}  // namespace postrider::app
