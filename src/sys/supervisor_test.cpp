#include "sys/supervisor.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstddef>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <iostream>

#include "base/testing/temporary_folder.hpp"

namespace postrider::sys {
namespace {

using ::testing::IsEmpty;
using ::testing::StartsWith;

class Notified : public ::testing::Test {
 protected:
  void TearDown() override {
    if (socket_ >= 0) close(socket_);
    for (const char* each : {"NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"}) unsetenv(each);
  }
  // `address`: a path, or "@name".
  void listen_at(const std::string& address) {
    if (socket_ >= 0) close(socket_);
    socket_ = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    sockaddr_un name{};
    name.sun_family = AF_UNIX;
    address.copy(name.sun_path, sizeof(name.sun_path));
    if (address.front() == '@') name.sun_path[0] = '\0';
    unlink(address.c_str());
    ASSERT_EQ(bind(socket_, reinterpret_cast<const sockaddr*>(&name),
                   static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + address.size())),
              0);
    setenv("NOTIFY_SOCKET", address.c_str(), 1);
  }
  std::string heard() const {
    std::array<char, 4096> datagram{};
    const ssize_t got = recv(socket_, datagram.data(), datagram.size(), 0);
    return got < 0 ? "nothing" : std::string(datagram.data(), static_cast<std::size_t>(got));
  }
  const base::testing::TemporaryFolder temporary;
  const std::filesystem::path folder = temporary.path();
  int socket_ = -1;
};

TEST_F(Notified, OfWhatTheServerDoes) {
  listen_at(folder / "socket");
  auto supervisor = Supervisor::of_environment();
  supervisor.ready("listening on 127.0.0.1:25");
  EXPECT_EQ(heard(), "READY=1\nSTATUS=listening on 127.0.0.1:25");
  supervisor.reloading();
  const std::string reloading = heard();
  EXPECT_THAT(reloading, StartsWith("RELOADING=1\nMONOTONIC_USEC="));
  EXPECT_GT(std::stoll(reloading.substr(reloading.find("USEC=") + 5)), 0);
  supervisor.alive();
  EXPECT_EQ(heard(), "WATCHDOG=1");
  supervisor.stopping();
  EXPECT_EQ(heard(), "STOPPING=1\nSTATUS=stopping");
  EXPECT_EQ(getenv("NOTIFY_SOCKET"), nullptr) << "programs that are started would speak in its name";
}

TEST_F(Notified, AtAnAbstractAddressToo) {
  listen_at("@postrider-test-" + std::to_string(getpid()));
  auto supervisor = Supervisor::of_environment();
  supervisor.alive();
  EXPECT_EQ(heard(), "WATCHDOG=1");
}

TEST_F(Notified, WhereTheSupervisorHasBegunAnew) {
  listen_at(folder / "socket");
  auto supervisor = Supervisor::of_environment();
  listen_at(folder / "socket");
  supervisor.alive();
  EXPECT_EQ(heard(), "WATCHDOG=1");
}

TEST_F(Notified, OfLifeOnlyWhereThatIsAskedOfThisProcess) {
  const auto asked = [](const char* microseconds, const std::string& pid) {
    setenv("WATCHDOG_USEC", microseconds, 1);
    if (!pid.empty()) setenv("WATCHDOG_PID", pid.c_str(), 1);
    return Supervisor::of_environment().watchdog();
  };
  EXPECT_EQ(asked("30000000", std::to_string(getpid())), std::chrono::seconds(30));
  EXPECT_EQ(asked("30000000", ""), std::chrono::seconds(30));
  EXPECT_EQ(asked("30000000", std::to_string(getppid())), std::nullopt);
  EXPECT_EQ(asked("0", ""), std::nullopt);
  EXPECT_EQ(asked("soon", ""), std::nullopt);
}

TEST(Supervisor, ThatIsNotThereHearsNothing) {
  auto supervisor = Supervisor::of_environment();
  supervisor.ready("nobody listens");
  EXPECT_EQ(supervisor.watchdog(), std::nullopt);
}

// Descriptors from 3 on belong to the test runner, so a child plays the server.
int in_child_with(const std::function<int()>& prepare, const std::function<int(InheritedSockets&)>& deed) {
  const pid_t child = fork();
  if (child == 0) {
    const int count = prepare();
    setenv("LISTEN_PID", std::to_string(getpid()).c_str(), 1);
    setenv("LISTEN_FDS", std::to_string(count).c_str(), 1);
    auto sockets = InheritedSockets::of_environment();
    _exit(getenv("LISTEN_FDS") != nullptr ? 99 : deed(sockets));
  }
  int status = 0;
  waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

template <class Address>
void put_at(int fd, int family, int type, const Address& address, bool listening) {
  const int made = socket(family, type, 0);
  if (bind(made, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0) _exit(98);
  if (listening && listen(made, 1) != 0) _exit(97);
  dup2(made, fd);
  if (made != fd) close(made);
}

sockaddr_in v4_port(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

constexpr std::uint16_t kPort = 29925;
const auto kV4 = *base::IpAddress::parse("127.0.0.1");

TEST(InheritedSockets, AreTakenOnceByTheirAddress) {
  EXPECT_EQ(in_child_with(
                [] {
                  put_at(3, AF_INET, SOCK_STREAM, v4_port(kPort), true);
                  sockaddr_in6 v6{};
                  v6.sin6_family = AF_INET6;
                  v6.sin6_port = htons(kPort);
                  v6.sin6_addr = in6addr_loopback;
                  put_at(4, AF_INET6, SOCK_STREAM, v6, true);
                  return 2;
                },
                [](InheritedSockets& sockets) {
                  if (sockets.take(kV4, kPort + 1)) return 1;
                  if (sockets.take(kV4, kPort).get() != 3) return 2;
                  if (sockets.take(kV4, kPort)) return 3;
                  if (sockets.left() != std::vector<std::string>{"descriptor 4: [::1]:29925"}) return 4;
                  if (sockets.take(*base::IpAddress::parse("::1"), kPort).get() != 4) return 5;
                  return sockets.left().empty() && (fcntl(4, F_GETFD) & FD_CLOEXEC) != 0 ? 0 : 6;
                }),
            0);
}

TEST(InheritedSockets, OfUnixAreTakenByTheirPath) {
  const std::string path = std::filesystem::temp_directory_path() / ("inherited." + std::to_string(getpid()));
  EXPECT_EQ(in_child_with(
                [&] {
                  sockaddr_un name{};
                  name.sun_family = AF_UNIX;
                  path.copy(name.sun_path, sizeof(name.sun_path) - 1);
                  put_at(3, AF_UNIX, SOCK_STREAM, name, true);
                  return 1;
                },
                [&](InheritedSockets& sockets) {
                  return sockets.take(std::filesystem::path(path)).get() == 3 ? 0 : 1;
                }),
            0);
  unlink(path.c_str());
}

TEST(InheritedSockets, ThatAreOfNoUseStayWithTheReason) {
  EXPECT_EQ(in_child_with(
                [] {
                  put_at(3, AF_INET, SOCK_DGRAM, v4_port(kPort), false);
                  put_at(4, AF_INET, SOCK_STREAM, v4_port(kPort), false);
                  sockaddr_in6 any{};
                  any.sin6_family = AF_INET6;
                  any.sin6_port = htons(kPort + 1);
                  const int six = socket(AF_INET6, SOCK_STREAM, 0);
                  const int on = 1;
                  setsockopt(six, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
                  if (bind(six, reinterpret_cast<const sockaddr*>(&any), sizeof(any)) != 0) return 0;
                  listen(six, 1);
                  dup2(six, 5);
                  dup2(open("/dev/null", O_RDONLY), 6);
                  return 4;
                },
                [](InheritedSockets& sockets) {
                  if (sockets.take(kV4, kPort)) return 1;
                  const std::vector<std::string> wanted{
                      "descriptor 3: 127.0.0.1:29925: it is no stream socket",
                      "descriptor 4: 127.0.0.1:29925: it does not listen",
                      "descriptor 5: [::]:29926: it takes no IPv4, as [::] here does (BindIPv6Only=both)",
                      "descriptor 6: it is no socket"};
                  for (const auto& line : sockets.left()) std::cerr << line << '\n';
                  return sockets.left() == wanted ? 0 : 2;
                }),
            0);
}

TEST(InheritedSockets, ForAnotherProcessAreNotOurs) {
  setenv("LISTEN_PID", std::to_string(getppid()).c_str(), 1);
  setenv("LISTEN_FDS", "1", 1);
  EXPECT_THAT(InheritedSockets::of_environment().left(), IsEmpty());
}

}  // namespace
}  // namespace postrider::sys
