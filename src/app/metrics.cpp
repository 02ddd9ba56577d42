// `postrider metrics`, and what the metrics ask the server's parts for.
#include "app/metrics.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <iostream>
#include <memory>

#include "app/commands.hpp"
#include "app/queue_print.hpp"
#include "app/queue_tools.hpp"
#include "sys/clock.hpp"

namespace postrider::app {
namespace {

using Values = sys::Sampled::Values::result_type;

Values one(std::uint64_t number) { return {{"", static_cast<double>(number)}}; }

Values by_state(const store::SpoolStatistics& now) {
  const auto waiting = now.recipients - std::min(now.recipients, now.held + now.untold);
  return {{"waiting", static_cast<double>(waiting)},
          {"held", static_cast<double>(now.held)},
          {"untold", static_cast<double>(now.untold)}};
}

double seconds_now() {
  return std::chrono::duration<double>(sys::system_clock().utc().time_since_epoch()).count();
}

int print(const QueueOptions& options) {
  try {
    const admin::ControlClient client(runtime_dir(options));
    std::cout << text(ask(client, admin::MetricsRequest{}), "text");
    return kDone;
  } catch (const Stop& stop) {
    std::cerr << "postrider metrics: " << stop.why << '\n';
    return stop.code;
  }
}

}  // namespace

Metrics::Metrics(const store::Spool& spool, const directory::LoginGuard& guard)
    : messages_(sys::MetricKind::gauge, "postrider_queue_messages", "Messages that have an open recipient.",
                "", [&spool] { return one(spool.statistics().messages); }),
      recipients_(sys::MetricKind::gauge, "postrider_queue_recipients", "Open recipients.", "state",
                  [&spool] { return by_state(spool.statistics()); }),
      quarantined_(sys::MetricKind::counter, "postrider_quarantined_total",
                   "Records of the spool that could not be read and were moved aside, since ever.", "",
                   [&spool] { return one(spool.statistics().quarantined); }),
      bans_(sys::MetricKind::gauge, "postrider_bans", "Accounts and networks that may not try to log in now.",
            "", [&guard] { return one(guard.bans(directory::LoginGuard::kMostEntries).size()); }),
      started_(sys::MetricKind::gauge, "process_start_time_seconds", "When the server was started.", "",
               [began = seconds_now()] { return Values{{"", began}}; }),
      build_(sys::MetricKind::gauge, "postrider_build_info", "1, with the version.", "version",
             [] { return Values{{POSTRIDER_VERSION, 1}}; }) {}

std::function<std::optional<int>()> add_metrics(CLI::App& app) {
  const auto options = std::make_shared<QueueOptions>();
  auto* command =
      app.add_subcommand("metrics", "Print the running server's metrics, as GET /metrics gives them.");
  command->add_option("--config", options->config, "The configuration file")->capture_default_str();
  return [command, options]() -> std::optional<int> {
    if (!*command) return {};
    return print(*options);
  };
}

}  // namespace postrider::app
