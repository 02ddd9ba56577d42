// `postrider dkim ...`: the command line.
#include <CLI/CLI.hpp>
#include <functional>
#include <iostream>
#include <memory>

#include "app/commands.hpp"
#include "app/dkim_tools.hpp"
#include "wire/dkim/signature.hpp"

namespace postrider::app {
namespace {

struct Command {
  CLI::App* app;
  int (*run)(const DkimOptions&);
};

void add_new_key_options(CLI::App* command, DkimOptions& options) {
  command->add_option("--algorithm", options.algorithm, "both, rsa or ed25519")
      ->check(CLI::IsMember({"both", "rsa", "ed25519"}))
      ->capture_default_str();
  command->add_option("--rsa-bits", options.rsa_bits, "The length of an RSA key")
      ->check(CLI::IsMember({1024, 2048, 3072, 4096}))
      ->capture_default_str();
}

// The name of a file, and of a record.
void check_selector(DkimOptions& options) {
  if (options.selector.empty()) return;
  const auto selector = wire::dkim::parse_selector(options.selector);
  if (!selector) throw Stop{kUsage, options.selector + " is no selector: letters, digits and hyphens"};
  options.selector = *selector;
}

int run(const Command& command, DkimOptions& options) {
  try {
    check_selector(options);
    return command.run(options);
  } catch (const Stop& stop) {
    std::cout.flush();
    std::cerr << "postrider dkim " << command.app->get_name() << ": " << stop.why << '\n';
    return stop.code;
  }
}

}  // namespace

std::function<std::optional<int>()> add_dkim(CLI::App& app) {
  const auto options = std::make_shared<DkimOptions>();
  auto* group = app.add_subcommand("dkim", "The keys that mail of our domains is signed with.");
  group->require_subcommand(1);
  auto* add = group->add_subcommand("add", "Make new keys, and print the DNS records that they need.");
  auto* list = group->add_subcommand("list", "All keys, and whether the DNS has them.");
  auto* rotate = group->add_subcommand(
      "rotate", "Go one step on: sign with new keys that the DNS has, let go of old ones, or make new ones.");
  auto* remove = group->add_subcommand("remove", "Remove all keys of a domain, or one.");
  for (auto* one : {add, list, rotate, remove}) {
    one->add_option("DOMAIN", options->domain)->required(one != list);
    one->add_option("--config", options->config, "The configuration file")->capture_default_str();
    one->add_flag("--json", options->json, "JSON, one object a line");
  }
  for (auto* one : {add, rotate}) add_new_key_options(one, *options);
  add->add_option(
      "--selector", options->selector,
      "The key's name in the DNS; of two keys, what it begins with. Else their algorithm and month");
  add->add_flag("--force", options->force, "Also for a domain that is not ours, or has new keys already");
  rotate->add_flag("--force", options->force, "Whatever the DNS says, and however young an old key is");
  remove->add_option("SELECTOR", options->selector, "Only this one");
  remove->add_flag("--force", options->force, "Also keys that sign mail now");
  list->add_flag("--records", options->records, "The DNS records too");
  list->add_flag("--no-dns", options->no_dns, "Don't ask the DNS");
  const std::vector<Command> commands = {
      {add, dkim_add}, {list, dkim_list}, {rotate, dkim_rotate}, {remove, dkim_remove}};
  return [options, commands]() -> std::optional<int> {
    for (const auto& command : commands)
      if (*command.app) return run(command, *options);
    return {};
  };
}

}  // namespace postrider::app
