#include <fstream>
#include <iostream>

#include "app/commands.hpp"
#include "app/demo_certificate.hpp"
#include "app/directory_tools.hpp"
#include "app/dkim_tools.hpp"
#include "sys/clock.hpp"

namespace postrider::app {
namespace {

constexpr std::uint16_t kSmtpOffset = 25;
constexpr std::uint16_t kSubmissionOffset = 87;
constexpr std::uint16_t kSubmissionsOffset = 65;
constexpr std::uint16_t kHttpOffset = 80;
constexpr const char* kDomain = "demo.test";
constexpr const char* kPassword = "postrider";

void write_listener(std::ostream& out, int port, const char* mode, const char* tls) {
  out << "[[listener]]\naddress = \"127.0.0.1:" << port << "\"\nmode = \"" << mode << "\"\ntls = \"" << tls
      << "\"\n\n";
}

void write_config(std::ostream& out, const std::filesystem::path& folder, int port_base) {
  const DemoFiles files = demo_files(folder);
  out << "# A server for play, written anew at each `postrider demo`. Who exists in it stands in its "
         "directory:\n"
      << "#   postrider account list --config " << (folder / "postrider.toml").string() << "\n"
      << "hostname = \"" << kDomain << "\"\n"
      << "data_dir = \"" << (folder / "data").string() << "\"\n\n";
  write_listener(out, port_base + kSmtpOffset, "mx", "starttls");
  write_listener(out, port_base + kSubmissionOffset, "submission", "starttls");
  write_listener(out, port_base + kSubmissionsOffset, "submission", "implicit");
  out << "[tls]\ncertificate = \"" << files.certificate.string() << "\"\nkey = \"" << files.key.string()
      << "\"\n\n[auth]\nmechanisms = [\"SCRAM-SHA-256-PLUS\", \"SCRAM-SHA-256\", \"PLAIN\", \"LOGIN\"]\n\n"
      << "[queue]\nmin_free = \"16MiB\"\n\n[http]\naddress = \"127.0.0.1:" << port_base + kHttpOffset
      << "\"\n";
}

// demo.test with alice, bob, and info for both. What is there already stays as it is. Throws Stop.
void fill_directory(const std::filesystem::path& config) {
  DirectoryDesk desk(config);
  const auto domain = domain_name(kDomain);
  if (desk.find(domain)) return;
  std::vector<directory::Change> changes{directory::PutDomain{directory::Domain(domain)}};
  directory::Alias info{.name = "info", .targets = {}};
  for (const char* name : {"alice", "bob"}) {
    const auto address = directory::address_of(name, domain);
    directory::Account account;
    account.name = name;
    account.scram = true;  // so that all ways to log in can be tried
    changes.emplace_back(directory::PutAccount{domain, std::move(account)});
    changes.push_back(new_password(desk, address, true, kPassword));
    info.targets.push_back(address);
  }
  changes.emplace_back(directory::PutAlias{domain, std::move(info)});
  desk.apply(changes);
}

// Mail of demo.test is signed, though no DNS has the records.
void make_dkim_keys(const std::filesystem::path& config) {
  DkimOptions options;
  options.config = config;
  options.domain = kDomain;
  const DkimDesk desk(options);
  if (!taken(desk.folder().list(desk.domain())).empty()) return;
  make_keys(desk.folder(), desk.domain(),
            {.selector = {},
             .types = {wire::dkim::KeyType::rsa, wire::dkim::KeyType::ed25519},
             .state = directory::DkimState::signing},
            sys::system_clock().utc());
}

void say_where(const std::filesystem::path& folder, int port_base) {
  const auto at = [port_base](int offset) { return "127.0.0.1:" + std::to_string(port_base + offset); };
  std::cout << "Postrider demo: domain " << kDomain << " with alice and bob, password \"" << kPassword << "\""
            << "\n  SMTP           " << at(kSmtpOffset) << " (STARTTLS)"
            << "\n  submission     " << at(kSubmissionOffset) << " (STARTTLS), " << at(kSubmissionsOffset)
            << " (TLS)\n  metrics        http://" << at(kHttpOffset) << "/metrics\n  to be trusted  "
            << demo_files(folder).authority.string() << "\n  configuration  "
            << (folder / "postrider.toml").string() << "\n  mailboxes      "
            << (folder / "data/mail" / kDomain).string() << '/' << std::endl;
}

int fail(const std::string& why) {
  std::cerr << "postrider demo: " << why << '\n';
  return 1;
}

}  // namespace

int demo(const std::filesystem::path& folder, std::uint16_t port_base) {
  std::error_code error;
  const auto home = std::filesystem::absolute(folder, error);
  std::filesystem::create_directories(home, error);
  const auto file = home / "postrider.toml";
  {
    std::ofstream out(file);
    write_config(out, home, port_base);
    if (!out.flush()) return fail("can't write " + file.string());
  }
  if (const auto made = make_demo_certificate(home); !made) return fail(made.error().log_text());
  try {
    fill_directory(file);
    make_dkim_keys(file);
  } catch (const Stop& stop) {
    return fail(stop.why);
  }
  say_where(home, port_base);
  return serve(file);
}

}  // namespace postrider::app
