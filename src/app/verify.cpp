// `postrider verify`: what the checks of who sent a message find, and what its sender would have to change.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <iostream>

#include "app/commands.hpp"
#include "app/queue_print.hpp"
#include "app/queue_tools.hpp"
#include "app/verify_run.hpp"

namespace postrider::app {
namespace {

constexpr std::size_t kWidest = 110;  // longer lines are hard to read

int verify(VerifyOptions options) {
  if (options.file.empty() == options.id.empty())
    throw Stop{kUsage, "say which message: a file, - for standard input, or --id of one in the queue"};
  if (!options.id.empty() && !options.config) options.config = "/etc/postrider/postrider.toml";
  std::shared_ptr<const config::Config> config;
  if (options.config) config = load_config(*options.config);
  const VerifyReport report = run_verify(options, std::move(config));
  const std::size_t terminal = terminal_width();
  if (options.json)
    std::cout << verify_json(report) << '\n';
  else
    std::cout << verify_text(report,
                             terminal == 0 ? kWidest : std::clamp<std::size_t>(terminal, 60, kWidest));
  return verify_code(report.findings);
}

}  // namespace

std::function<std::optional<int>()> add_verify(CLI::App& app) {
  const auto options = std::make_shared<VerifyOptions>();
  auto* command = app.add_subcommand(
      "verify", "What SPF, DKIM, ARC and DMARC say of a message, and what its sender would have to change.");
  command->add_option("FILE", options->file, "The message; - for standard input");
  command->add_option("--id", options->id, "Instead: a message that is in the queue");
  command->add_option("--ip", options->ip, "The address that it came from");
  command->add_option("--helo", options->helo, "What the client said in HELO or EHLO");
  command->add_option("--from", options->from, "What it said in MAIL FROM; <> for the null sender");
  command->add_option("--config", options->config,
                      "A configuration file, for its [dns] and hostname; without it the system's");
  command->add_flag("--json", options->json, "One object, for scripts");
  return [command, options]() -> std::optional<int> {
    if (!*command) return {};
    try {
      return verify(*options);
    } catch (const Stop& stop) {
      std::cerr << "postrider verify: " << harmless(stop.why) << '\n';
      return stop.code;
    }
  };
}

}  // namespace postrider::app
