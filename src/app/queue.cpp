// `postrider queue ...`: the command line of a postmaster's tools.
#include <CLI/CLI.hpp>
#include <functional>
#include <iostream>
#include <memory>

#include "app/commands.hpp"
#include "app/queue_tools.hpp"

namespace postrider::app {
namespace {

using queue::Change;

struct Command {
  CLI::App* app;
  std::function<int(const QueueOptions&)> run;
};

void add_selectors(CLI::App& app, QueueOptions& options) {
  const auto* group = "Which (all that is said must be true)";
  app.add_option("ID", options.ids, "Message ids, of 13 characters");
  app.add_option("--sender", options.sender, "An address, a domain, .domain (its subdomains) or \"<>\"")
      ->group(group);
  app.add_option("--recipient", options.recipient,
                 "The same, of the address as it came, or where it goes now")
      ->group(group);
  app.add_option("--domain", options.domains,
                 "Where it goes now: what stands behind the @; may be said again")
      ->group(group);
  app.add_option("--site", options.site, "Where it goes now: a site that `queue sites` names")->group(group);
  app.add_option("--older", options.older, "Received longer ago than this: 30m, 2h, 1d")->group(group);
  app.add_option("--younger", options.younger, "Received within this time")->group(group);
  app.add_option("--state", options.state, "waiting, held, or untold (the sender is still to be told)")
      ->check(CLI::IsMember({"waiting", "held", "untold"}))
      ->group(group);
}

void add_change(std::vector<Command>& commands, CLI::App& queue, QueueOptions& options, Change change) {
  static constexpr std::array<const char*, 5> kHelp = {
      "Try now what waits, also where its site is given up for a while.",
      "Keep what waits in the queue until it is released.", "Let go what is held, and try it now.",
      "Give up: the senders are told that it failed.", "Take out of the queue; nobody is told."};
  const auto name = std::string(admin::to_string(change));
  auto* app = queue.add_subcommand(name, kHelp[static_cast<std::size_t>(change)]);
  add_selectors(*app, options);
  app->add_flag("--all", options.all, "Everything in the queue");
  app->add_flag("--dry-run", options.dry_run, "Only say how many, and show the first 20");
  app->add_option("--reason", options.reason, "For the timeline and the log");
  if (change == Change::bounce || change == Change::remove)
    app->add_flag("--yes,-y", options.yes, "Don't ask, however many they are");
  commands.push_back({app, [change](const QueueOptions& all) { return queue_change(all, change); }});
}

void add_suspensions(std::vector<Command>& commands, CLI::App& queue, QueueOptions& options) {
  auto* suspend =
      queue.add_subcommand("suspend", "Try nothing there for a while; alone: show what is suspended.");
  auto* resume = queue.add_subcommand("resume", "End a suspension.");
  for (auto* app : {suspend, resume}) {
    app->add_option("--domain", options.domains, "Mail to this domain, or .domain: to its subdomains");
    app->add_option("--site", options.site, "Mail to a site that `queue sites` names");
    app->add_option("--sender", options.sender, "Mail of this address or domain, or \"<>\"");
  }
  suspend->add_flag("--all", options.all, "All mail");
  suspend->add_option("--for", options.lasting, "It ends by itself after this time: 30m, 2h, 1d");
  suspend->add_option("--reason", options.reason, "For those who look at it later");
  resume->add_option("NUMBER", options.suspensions, "As `queue suspend` shows");
  resume->add_flag("--all", options.all, "Every suspension there is");
  commands.push_back({suspend, queue_suspend});
  commands.push_back({resume, queue_resume});
}

int run(const Command& command, const QueueOptions& options) {
  try {
    return command.run(options);
  } catch (const Stop& stop) {
    std::cout.flush();
    std::cerr << "postrider queue " << command.app->get_name() << ": " << stop.why << '\n';
    return stop.code;
  }
}

}  // namespace

std::function<std::optional<int>()> add_queue(CLI::App& app) {
  const auto options = std::make_shared<QueueOptions>();
  std::vector<Command> commands;
  auto* queue = app.add_subcommand("queue", "See what waits, and do something about it.");
  queue->require_subcommand(1);

  auto* list = queue->add_subcommand("list", "Show what is in the queue, a line for each recipient.");
  add_selectors(*list, *options);
  list->add_flag("--all", options->all)->group("");
  list->add_option("--limit", options->limit, "At most so many lines; 0: all")->capture_default_str();
  list->add_flag("--offline", options->offline, "Read the spool of a server that is not running");
  commands.push_back({list, queue_list});

  auto* show =
      queue->add_subcommand("show", "All that is known of a message: envelope, header, why it waits.");
  show->add_option("ID", options->ids, "Message ids, of 13 characters")->required();
  commands.push_back({show, queue_show});

  for (const auto change : {Change::retry, Change::hold, Change::release, Change::bounce, Change::remove})
    add_change(commands, *queue, *options, change);
  add_suspensions(commands, *queue, *options);
  commands.push_back(
      {queue->add_subcommand("sites", "Show the sites that mail goes to, and how it stands with them."),
       queue_sites});

  for (const auto& command : commands) {
    command.app->add_option("--config", options->config, "The configuration file")->capture_default_str();
    command.app->add_flag("--json", options->json, "JSON, one object a line");
  }
  return [options, commands]() -> std::optional<int> {
    for (const auto& command : commands)
      if (*command.app) return run(command, *options);
    return {};
  };
}

}  // namespace postrider::app
