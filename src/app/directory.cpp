// `postrider domain ...`, `account ...`, `alias ...`, `directory ...`: the command line.
#include <CLI/CLI.hpp>
#include <functional>
#include <iostream>
#include <memory>

#include "app/commands.hpp"
#include "app/directory_tools.hpp"

namespace postrider::app {
namespace {

using Options = std::shared_ptr<DirectoryOptions>;
using Run = int (*)(const DirectoryOptions&);

struct Command {
  CLI::App* app;
  std::string name;
  Run run;
};

class Registration {
 public:
  Registration(CLI::App& app, Options options) : app_(app), options_(std::move(options)) {}

  void add_all() {
    add_domain();
    add_account();
    add_app_password();
    add_alias();
    add_directory();
  }
  std::vector<Command> take() { return std::move(commands_); }

 private:
  CLI::App* group(CLI::App& parent, const char* name, const char* help) {
    auto* group = parent.add_subcommand(name, help);
    group->require_subcommand(1);
    return group;
  }
  CLI::App* command(CLI::App& group, const char* name, const char* help, Run run) {
    auto* command = group.add_subcommand(name, help);
    command->add_option("--config", options_->config, "The configuration file")->capture_default_str();
    command->add_flag("--json", options_->json, "JSON, one object a line");
    std::string full = name;
    for (const auto* parent = &group; parent != &app_; parent = parent->get_parent())
      full = parent->get_name() + ' ' + full;
    commands_.push_back({command, std::move(full), run});
    return command;
  }
  void name(CLI::App* command, const char* what) { command->add_option(what, options_->name)->required(); }
  void force(CLI::App* command) {
    command->add_flag("--force", options_->force, "Also where aliases lead there: it is taken out of them");
  }
  void state(CLI::App* command, const char* words) { command->add_option("--state", options_->state, words); }

  void add_domain() {
    auto* domain = group(app_, "domain", "The domains whose mail comes here.");
    auto* add = command(*domain, "add", "Add a domain.", domain_add);
    auto* set = command(*domain, "set", "Change what is said.", domain_set);
    command(*domain, "list", "All domains, also those of the configuration.", domain_list);
    auto* show = command(*domain, "show", "All that is known of a domain.", domain_show);
    auto* remove = command(*domain, "remove", "Remove a domain with all in it; mailboxes stay on the disk.",
                           domain_remove);
    for (auto* one : {add, set, show, remove}) name(one, "DOMAIN");
    for (auto* one : {add, set}) {
      one->add_option("--kind", options_->kind, "local: its mailboxes are here; relay: its mail is handed on")
          ->check(CLI::IsMember({"local", "relay"}));
      state(one, "enabled, no-login (nobody logs in), disabled (mail is refused too)");
      one->add_option("--separator", options_->separator,
                      "What parts a name from a detail: + - = _ . # or \"\"");
      one->add_option("--catch-all", options_->catch_all, "Who gets the mail for all names that don't exist");
      one->add_option("--recipient", options_->recipients, "kind relay: who exists; may be said again");
    }
    set->add_flag("--no-catch-all", options_->no_catch_all, "Refuse mail for names that don't exist");
    set->add_flag("--ask-next-hop", options_->ask_next_hop, "kind relay: ask the next server who exists");
    force(remove);
  }

  void add_account() {
    account_ = group(app_, "account", "The accounts: mailboxes, and who may log in.");
    auto* add = command(*account_, "add", "Add an account; asks for its password.", account_add);
    auto* set = command(*account_, "set", "Change what is said.", account_set);
    auto* list = command(*account_, "list", "All accounts, also those of the configuration.", account_list);
    auto* show = command(*account_, "show", "All that is known of an account.", account_show);
    auto* remove =
        command(*account_, "remove", "Remove an account; its mailbox stays on the disk.", account_remove);
    auto* passwd = command(*account_, "passwd", "Change the password; asks for it twice.", account_passwd);
    for (auto* one : {add, set, show, remove, passwd}) name(one, "ADDRESS");
    list->add_option("DOMAIN", options_->domain, "Only those of this domain");
    for (auto* one : {add, set}) add_settings(one);
    set->add_flag("--no-send-as", options_->no_send_as, "Only as its own addresses");
    set->add_flag("--no-scram", options_->no_scram, "Forget the SCRAM verifier of its password");
    for (auto* one : {add, passwd}) {
      one->add_flag("--stdin", options_->from_stdin, "The password is the first line of standard input");
      one->add_option("--hash", options_->hash,
                      "One of another server: {BLF-CRYPT}..., {SHA512-CRYPT}..., {PBKDF2}...");
      one->add_flag("--no-password", options_->no_password, "No password: app passwords only, or no login");
    }
    force(remove);
  }

  void add_settings(CLI::App* command) {
    state(command, "enabled, no-login (mail is taken), disabled (mail is refused too)");
    command->add_option("--quota", options_->quota,
                        "Of the mailbox: a size, none, or default (delivery.quota)");
    for (std::size_t i = 0; i < directory::kLimitNames.size(); ++i) {
      std::string option = "--" + std::string(directory::kLimitNames[i].name);
      for (char& c : option)
        if (c == '_') c = '-';
      command->add_option(option, options_->limits[i], "What it may send; 0: no bound")
          ->check(CLI::Range(0u, directory::kMostLimit));
    }
    command->add_option("--send-as", options_->send_as,
                        "An address, or @domain, that it may send as beside its own; may be said again");
    command->add_flag(
        "--scram", options_->scram,
        "Keep a SCRAM verifier of its password too, which is easier to attack when the store is stolen");
  }

  void add_app_password() {
    auto* app = group(*account_, "app-password", "Passwords for one program or device each.");
    auto* add = command(*app, "add", "Make one; it is shown once.", app_password_add);
    auto* list = command(*app, "list", "Names, and when they were used last.", app_password_list);
    auto* remove = command(*app, "remove", "Make one useless.", app_password_remove);
    for (auto* one : {add, list, remove}) name(one, "ADDRESS");
    for (auto* one : {add, remove})
      one->add_option("NAME", options_->app_password, "What it is for: phone")->required();
  }

  void add_alias() {
    auto* alias = group(app_, "alias", "Names that stand for one or more addresses, here or elsewhere.");
    auto* add = command(*alias, "add", "Add an alias.", alias_add);
    auto* set = command(*alias, "set", "Change where it leads.", alias_set);
    auto* list = command(*alias, "list", "All aliases, also those of the configuration.", alias_list);
    auto* show = command(*alias, "show", "Where an alias leads.", alias_show);
    auto* remove = command(*alias, "remove", "Remove an alias.", alias_remove);
    for (auto* one : {add, set, show, remove}) name(one, "ADDRESS");
    list->add_option("DOMAIN", options_->domain, "Only those of this domain");
    add->add_option("TARGET", options_->to, "Where it leads; without a domain: in that of the alias")
        ->required();
    set->add_option("TARGET", options_->to, "Where it leads from now on; without: stays");
    set->add_option("--add", options_->add, "It leads there too; may be said again");
    set->add_option("--remove", options_->remove, "It leads there no more; may be said again");
    for (auto* one : {add, set}) state(one, "enabled, disabled (mail is refused)");
    force(remove);
  }

  void add_directory() {
    auto* directory = group(app_, "directory", "The whole directory as one file, for git.");
    auto* exporting = command(*directory, "export", "Print it as TOML.", directory_export);
    exporting->add_flag("--with-credentials", options_->with_credentials,
                        "Hashes of passwords too: then the file is a secret");
    auto* importing = command(*directory, "import",
                              "Make the directory what the file says; shows what that changes, and asks.",
                              directory_import);
    importing->add_option("FILE", options_->file, "What `directory export` printed; - is standard input")
        ->required();
    importing->add_flag("--dry-run", options_->dry_run, "Only show what would change");
    importing->add_flag("--yes,-y", options_->yes, "Don't ask");
  }

  CLI::App& app_;
  CLI::App* account_ = nullptr;
  Options options_;
  std::vector<Command> commands_;
};

int run(const Command& command, const DirectoryOptions& options) {
  try {
    return command.run(options);
  } catch (const Stop& stop) {
    std::cout.flush();
    std::cerr << "postrider " << command.name << ": " << stop.why << '\n';
    return stop.code;
  }
}

}  // namespace

std::function<std::optional<int>()> add_directory(CLI::App& app) {
  const auto options = std::make_shared<DirectoryOptions>();
  Registration registration(app, options);
  registration.add_all();
  return [options, commands = registration.take()]() -> std::optional<int> {
    for (const auto& command : commands)
      if (*command.app) return run(command, *options);
    return {};
  };
}

}  // namespace postrider::app
