// `postrider ban list|clear`: who is locked out because somebody guessed passwords.
#include <CLI/CLI.hpp>
#include <iostream>
#include <memory>

#include "app/commands.hpp"
#include "app/queue_print.hpp"
#include "app/queue_tools.hpp"
#include "sys/clock.hpp"

namespace postrider::app {
namespace {

struct BanOptions : QueueOptions {
  std::vector<std::string> whom;
};

int ban_list(const BanOptions& options) {
  const admin::ControlClient client(runtime_dir(options));
  const auto answer = ask(client, admin::BansRequest{});
  const auto bans = objects(answer, "bans");
  if (options.json) {
    for (const auto* each : bans) print_json(*each);
    return kDone;
  }
  if (bans.empty()) {
    std::cout << "Nobody is locked out.\n";
    return kDone;
  }
  const auto now = sys::system_clock().utc();
  Table table({"WHO", "FAILED", "FREE"});
  for (const auto* each : bans)
    table.add({text(*each, "what"), std::to_string(number(*each, "failures")),
               until_text(text(*each, "until"), now)});
  table.print();
  return kDone;
}

int ban_clear(const BanOptions& options) {
  if (options.all == !options.whom.empty())
    throw Stop{kUsage, "say whom: an account, a network or an address that ban list shows, or --all"};
  const admin::ControlClient client(runtime_dir(options));
  const auto whom = options.all ? std::vector<std::string>{""} : options.whom;
  std::uint64_t cleared = 0;
  for (const auto& each : whom) cleared += number(ask(client, admin::UnbanRequest{each}), "cleared");
  if (options.json) {
    print_json({{"cleared", cleared}});
  } else if (cleared > 0) {
    std::cout << "Forgotten: failed logins of accounts and networks, " << cleared << " in all.\n";
  }
  if (cleared == 0 && !options.all) throw Stop{kRefused, "nobody has failed there lately"};
  return kDone;
}

int run(const CLI::App& command, const BanOptions& options) {
  try {
    return command.get_name() == "list" ? ban_list(options) : ban_clear(options);
  } catch (const Stop& stop) {
    std::cerr << "postrider ban " << command.get_name() << ": " << stop.why << '\n';
    return stop.code;
  }
}

}  // namespace

std::function<std::optional<int>()> add_ban(CLI::App& app) {
  const auto options = std::make_shared<BanOptions>();
  auto* ban = app.add_subcommand("ban", "Who is locked out, since somebody guessed passwords.");
  ban->require_subcommand(1);
  auto* list = ban->add_subcommand("list", "Show the accounts and networks that are locked.");
  auto* clear = ban->add_subcommand("clear", "Let them try again at once.");
  clear->add_option("WHO", options->whom, "Accounts, networks, addresses");
  clear->add_flag("--all", options->all, "Everybody");
  for (auto* command : {list, clear}) {
    command->add_option("--config", options->config, "The configuration file")->capture_default_str();
    command->add_flag("--json", options->json, "JSON, one object a line");
  }
  return [options, list, clear]() -> std::optional<int> {
    for (const auto* command : {list, clear})
      if (*command) return run(*command, *options);
    return {};
  };
}

}  // namespace postrider::app
