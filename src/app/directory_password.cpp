// `postrider account passwd` and `account app-password`.
#include <fcntl.h>
#include <termios.h>
#include <unistd.h>

#include <iostream>

#include "app/directory_tools.hpp"
#include "app/queue_print.hpp"
#include "directory/password.hpp"
#include "directory/scram.hpp"
#include "sys/clock.hpp"
#include "sys/random.hpp"

namespace postrider::app {
namespace {

using directory::Change;

constexpr std::size_t kMostLine = 4096;

// The terminal without echo. Ctrl-C is a character meanwhile, so that the echo always comes back.
class Quiet {
 public:
  Quiet() : fd_(open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY)) {
    if (fd_ < 0 || tcgetattr(fd_, &before_) != 0)
      throw Stop{kUsage, "there is no terminal to ask: say --stdin"};
    termios quiet = before_;
    quiet.c_lflag &= ~static_cast<tcflag_t>(ECHO | ISIG);
    tcsetattr(fd_, TCSAFLUSH, &quiet);
  }
  Quiet(const Quiet&) = delete;
  Quiet& operator=(const Quiet&) = delete;
  ~Quiet() {
    tcsetattr(fd_, TCSAFLUSH, &before_);
    close(fd_);
  }

  std::string ask(std::string_view question) {
    say(question);
    std::string line;
    for (char c = 0; read(fd_, &c, 1) == 1 && c != '\n';) {
      if (c == 3 || line.size() == kMostLine) throw Stop{kRefused, "nothing was changed"};
      line += c;
    }
    say("\n");
    return line;
  }

 private:
  void say(std::string_view text) {
    if (write(fd_, text.data(), text.size()) < 0) throw Stop{kRefused, "the terminal can't be written to"};
  }
  int fd_;
  termios before_{};
};

std::string read_line_of_stdin() {
  std::string line;
  for (char c = 0; line.size() <= kMostLine && std::cin.get(c) && c != '\n';) line += c;
  if (line.ends_with('\r')) line.pop_back();
  return line;
}

std::string ask_twice() {
  Quiet terminal;
  const std::string one = terminal.ask("New password: ");
  if (terminal.ask("The same again: ") != one) throw Stop{kRefused, "the two differ; nothing was changed"};
  return one;
}

std::optional<directory::StoredCredentials> stored(DirectoryDesk& desk, const mail::Address& address) {
  return taken(desk.registry().credentials(address));
}

directory::ScramKeys scram_keys(DirectoryDesk& desk, const mail::Address& address,
                                const std::string& password) {
  const auto known = stored(desk, address);
  if (known && known->iterations != 0)
    return directory::make_scram_keys(password, known->salt, known->iterations);
  return directory::make_scram_keys(password, desk.registry().salt_for(address), directory::kScramIterations);
}

boost::json::object to_json(const mail::Address& address, const directory::StoredAppPassword& app) {
  boost::json::object object{{"account", address.to_string()},
                             {"app_password", app.name},
                             {"created", base::to_rfc3339(app.created)},
                             {"last_used", nullptr}};
  if (app.last_used) object["last_used"] = base::to_rfc3339(*app.last_used);
  return object;
}

}  // namespace

bool has_terminal() {
  const int fd = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
  if (fd >= 0) close(fd);
  return fd >= 0;
}

std::string read_new_password(bool from_stdin) {
  auto prepared = directory::prepare_new_password(from_stdin ? read_line_of_stdin() : ask_twice());
  if (!prepared) throw Stop{kRefused, prepared.error().text};
  return std::move(*prepared);
}

Change new_password(DirectoryDesk& desk, const mail::Address& address, bool scram,
                    const std::string& password) {
  const directory::Argon2 argon2(directory::cost_of(desk.config()->passwords.cost));
  directory::StoredPassword fresh{taken(argon2.hash(password)), {}};
  if (scram) fresh.scram = scram_keys(desk, address, password);
  return directory::SetPassword{*address.domain(), address.local(), std::move(fresh)};
}

int account_passwd(const DirectoryOptions& options) {
  DirectoryDesk desk(options.config);
  const auto address = account_address(options.name);
  const bool scram = desk.need_account(address).scram;
  std::optional<Change> change;
  if (options.no_password) {
    change = directory::SetPassword{*address.domain(), address.local(), {}};
  } else if (options.hash) {
    const auto hash = directory::parse_foreign_hash(*options.hash);
    if (!hash) throw Stop{kUsage, "--hash: " + hash.error().text};
    change = directory::SetPassword{*address.domain(), address.local(), directory::StoredPassword{*hash, {}}};
  } else {
    change = new_password(desk, address, scram, read_new_password(options.from_stdin));
  }
  desk.change([&]() -> std::vector<Change> { return {*change}; });
  if (options.json)
    print_json({{"account", address.to_string()}, {"password", !options.no_password}, {"done", "changed"}});
  else
    std::cout << harmless(address.to_string())
              << (options.no_password ? ": has no password now.\n" : ": the password is changed.\n");
  return kDone;
}

int app_password_add(const DirectoryOptions& options) {
  DirectoryDesk desk(options.config);
  const auto address = account_address(options.name);
  desk.need_account(address);
  const auto name = parsed(directory::parse_app_password_name(options.app_password), "NAME");
  const std::string text = directory::make_app_password(sys::system_random());
  const std::string secret = *directory::app_password_secret(text);
  const directory::StoredAppPassword fresh{.name = name,
                                           .hash = directory::hash_app_password(secret),
                                           .scram = scram_keys(desk, address, secret),
                                           .created = sys::system_clock().utc(),
                                           .last_used = {}};
  desk.change([&]() -> std::vector<Change> {
    const auto known = stored(desk, address);
    if (known && known->app_passwords.size() >= directory::kMostAppPasswords)
      throw Stop{kRefused, address.to_string() + " has 100 app passwords; remove some"};
    for (const auto& app : known ? known->app_passwords : std::vector<directory::StoredAppPassword>())
      if (app.name == name)
        throw Stop{kRefused, address.to_string() + " has an app password \"" + name + "\" already"};
    return {directory::PutAppPassword{*address.domain(), address.local(), fresh}};
  });
  if (options.json) {
    auto object = to_json(address, fresh);
    object["password"] = text;
    object["done"] = "added";
    print_json(object);
    return kDone;
  }
  std::cout << text << '\n' << std::flush;
  std::cerr << "This is the app password \"" << harmless(name) << "\" of " << harmless(address.to_string())
            << ". It is not shown again.\n";
  return kDone;
}

int app_password_list(const DirectoryOptions& options) {
  DirectoryDesk desk(options.config);
  const auto address = account_address(options.name);
  desk.need_account(address);
  const auto known = stored(desk, address);
  Table table({"NAME", "MADE", "LAST USED"});
  const auto now = sys::system_clock().utc();
  for (const auto& app : known ? known->app_passwords : std::vector<directory::StoredAppPassword>()) {
    if (options.json)
      print_json(to_json(address, app));
    else
      table.add({app.name, since_text(base::to_rfc3339(app.created), now),
                 app.last_used ? since_text(base::to_rfc3339(*app.last_used), now) : "never"});
  }
  if (!options.json) table.print();
  return kDone;
}

int app_password_remove(const DirectoryOptions& options) {
  DirectoryDesk desk(options.config);
  const auto address = account_address(options.name);
  desk.need_account(address);
  desk.change([&]() -> std::vector<Change> {
    return {directory::RemoveAppPassword{*address.domain(), address.local(), options.app_password}};
  });
  if (options.json)
    print_json(
        {{"account", address.to_string()}, {"app_password", options.app_password}, {"done", "removed"}});
  else
    std::cout << harmless(address.to_string()) << ": the app password \"" << harmless(options.app_password)
              << "\" is of no more use.\n";
  return kDone;
}

}  // namespace postrider::app
