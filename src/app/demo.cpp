#include <fstream>
#include <iostream>

#include "app/commands.hpp"

namespace postrider::app {
namespace {

constexpr std::uint16_t kSmtpOffset = 25;

void write_config(std::ostream& out, const std::filesystem::path& folder, std::uint16_t port_base) {
  out << "# A server for play, written anew at each `postrider demo`.\n"
      << "hostname = \"demo.test\"\n"
      << "data_dir = \"" << (folder / "data").string() << "\"\n\n"
      << "[[listener]]\naddress = \"127.0.0.1:" << port_base + kSmtpOffset
      << "\"\nmode = \"mx\"\ntls = \"none\"\n\n"
      << "[queue]\nmin_free = \"16MiB\"\n\n"
      << "[[domain]]\nname = \"demo.test\"\nusers = [\"alice\", \"bob\"]\n"
      << "aliases = { info = [\"alice\", \"bob\"] }\n";
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
    if (!out.flush()) {
      std::cerr << "can't write " << file.string() << '\n';
      return 1;
    }
  }
  std::cout << "Postrider demo: domain demo.test with alice and bob, SMTP on 127.0.0.1:"
            << port_base + kSmtpOffset << "\n  configuration  " << file.string() << "\n  mailboxes      "
            << (home / "data/mail/demo.test").string() << '/' << std::endl;
  return serve(file);
}

}  // namespace postrider::app
