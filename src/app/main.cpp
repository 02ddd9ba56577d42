#include <CLI/CLI.hpp>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "app/commands.hpp"

namespace {

// Its command line is older than any of ours, and is read by its own rules.
std::optional<int> sendmail_command(int argc, char** argv) {
  const std::vector<std::string_view> words(argv, argv + argc);
  const auto called = words.empty() ? std::string_view() : words[0].substr(words[0].rfind('/') + 1);
  if (called == "sendmail" || called == "mailq" || called == "newaliases")
    return postrider::app::sendmail(called, std::span(words).subspan(1));
  if (words.size() > 1 && words[1] == "sendmail")
    return postrider::app::sendmail("sendmail", std::span(words).subspan(2));
  return {};
}

}  // namespace

int main(int argc, char** argv) {
  using namespace postrider;
  if (const auto code = sendmail_command(argc, argv)) return *code;
  CLI::App app{"Postrider, a mail server.", "postrider"};
  app.set_version_flag("--version", std::string("postrider ") + POSTRIDER_VERSION);
  app.require_subcommand(1);

  std::filesystem::path config = "/etc/postrider/postrider.toml";
  auto* serve =
      app.add_subcommand("serve", "Run the server in the foreground; SIGTERM stops it, SIGHUP reloads.");
  serve->add_option("--config", config, "The configuration file")->capture_default_str();
  auto* check = app.add_subcommand("check", "Check the configuration file and name each fault.");
  check->add_option("--config", config, "The configuration file")->capture_default_str();

  std::filesystem::path folder = "postrider-demo";
  std::uint16_t port_base = 2500;
  auto* demo =
      app.add_subcommand("demo", "A whole server for play: demo.test with alice and bob, on 127.0.0.1.");
  demo->add_option("--dir", folder, "Where it keeps its mail")->capture_default_str();
  demo->add_option("--port-base", port_base,
                   "SMTP is on this plus 25, submission on this plus 87 and 65, metrics on this plus 80")
      ->check(CLI::Range(0, 65000))
      ->capture_default_str();

  app.add_subcommand("sendmail",
                     "Send a message of a program on this machine; see postrider sendmail --help.");

  auto* keys = app.add_subcommand("config-keys", "Print every configuration key.")->group("");
  bool tsv = false;
  keys->add_flag("--tsv", tsv, "Tab-separated");

  const auto queue = app::add_queue(app);
  const auto trace = app::add_trace(app);
  const auto ban = app::add_ban(app);
  const auto metrics = app::add_metrics(app);
  const auto backup = app::add_backup(app);
  const auto resolve = app::add_resolve(app);
  const auto directory = app::add_directory(app);
  const auto tls = app::add_tls(app);
  const auto verify = app::add_verify(app);
  const auto dkim = app::add_dkim(app);
  const auto dmarc = app::add_dmarc(app);

  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;  // 0: --help, --version
  }
  if (*serve) return app::serve(config);
  if (*check) return app::check(config);
  if (*demo) return app::demo(folder, port_base);
  if (const auto code = queue()) return *code;
  if (const auto code = trace()) return *code;
  if (const auto code = ban()) return *code;
  if (const auto code = metrics()) return *code;
  if (const auto code = backup()) return *code;
  if (const auto code = resolve()) return *code;
  if (const auto code = directory()) return *code;
  if (const auto code = tls()) return *code;
  if (const auto code = verify()) return *code;
  if (const auto code = dkim()) return *code;
  if (const auto code = dmarc()) return *code;
  return app::config_keys();
}
