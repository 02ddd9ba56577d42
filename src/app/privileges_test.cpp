#include "app/privileges.hpp"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>
#include <functional>
#include <iostream>
#include <string>

namespace postrider::app {
namespace {

int ending_of(const std::function<int()>& deed) {
  const pid_t child = fork();
  if (child == 0) _exit(deed());
  int status = 0;
  waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

std::string status_of(const std::string& key) {
  std::ifstream file("/proc/self/status");
  for (std::string line; std::getline(file, line);)
    if (line.starts_with(key + ":\t")) return line.substr(key.size() + 2);
  return "missing";
}

int bind_port(std::uint16_t port) {
  const int made = socket(AF_INET, SOCK_STREAM, 0);
  const int on = 1;
  setsockopt(made, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  inet_pton(AF_INET, "127.0.0.77", &address.sin_addr);
  return bind(made, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0 ? 0 : errno;
}

class FromRoot : public ::testing::Test {
 protected:
  void SetUp() override { ASSERT_EQ(geteuid(), 0u) << "to be run as root, as ./test does"; }
  static int as(const std::string& user, const std::function<int()>& deed) {
    return ending_of([&] {
      const auto became = become(user);
      if (!became) std::cerr << became.error().text << '\n';
      return became ? deed() : 250;
    });
  }
};

TEST_F(FromRoot, ToAUserWithOneCapabilityForGood) {
  EXPECT_EQ(
      as("nobody",
         [] {
           const auto nobody = find_user("nobody");
           if (!nobody || getuid() != nobody->user || geteuid() != nobody->user) return 1;
           if (getgid() != nobody->group || getgroups(0, nullptr) > 1) return 2;
           const std::string only = "0000000000000400", none = "0000000000000000";
           if (status_of("CapPrm") != only || status_of("CapEff") != only) return 3;
           if (status_of("CapBnd") != none || status_of("CapInh") != none || status_of("CapAmb") != none)
             return 4;
           if (status_of("NoNewPrivs") != "1") return 5;
           return setuid(0) == 0 ? 6 : 0;
         }),
      0);
}

TEST_F(FromRoot, StillOpensPortsBelow1024) {
  EXPECT_EQ(as("nobody", [] { return bind_port(24); }), 0);
  EXPECT_EQ(
      as("nobody",
         [] { return capabilities_in_force() == "net_bind_service" && user_in_force() == "nobody" ? 0 : 1; }),
      0);
}

TEST_F(FromRoot, StayingRootKeepsOnlyWhatMailNeeds) {
  EXPECT_EQ(
      as("",
         [] {
           if (capabilities_in_force() != "chown,dac_override,fowner,kill,setgid,setuid,net_bind_service")
             return 1;
           if (status_of("CapBnd") != "0000000000000000" || status_of("NoNewPrivs") != "1") return 2;
           return setuid(1000) == 0 ? 0 : 3;  // as a program's child does
         }),
      0);
}

TEST_F(FromRoot, ToNobodyThatThereIs) {
  const auto became = become("no-such-user");
  ASSERT_FALSE(became);
  EXPECT_EQ(became.error().text, "no such user: no-such-user");
}

TEST_F(FromRoot, AndToNoOtherAfterThat) {
  EXPECT_EQ(as("nobody",
               [] {
                 const auto again = become("nobody");
                 const auto other = become("daemon");
                 return again && !other && other.error().text == "only root can become daemon" ? 0 : 1;
               }),
            0);
}

}  // namespace
}  // namespace postrider::app
