#include "deliver/testing/scripted_server.hpp"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <cstring>
#include <utility>

namespace postrider::deliver::testing {

ScriptedServer::ScriptedServer(Script changes, const std::string& where, std::uint16_t port)
    : script_(std::move(changes)) {
  script_.merge(Script{{"", "220 mx.test ESMTP"},
                       {"EHLO", "250-mx.test\r\n250 PIPELINING"},
                       {"LHLO", "250-mx.test\r\n250 PIPELINING"},
                       {"HELO", "250 mx.test"},
                       {"MAIL", "250 2.1.0 ok"},
                       {"RCPT", "250 2.1.5 ok"},
                       {"DATA", "354 go on"},
                       {"BDAT", "250 2.0.0 taken"},
                       {".", "250 2.0.0 taken"},
                       {"RSET", "250 2.0.0 ok"},
                       {"QUIT", "221 2.0.0 bye"}});
  const bool path = where.starts_with('/');
  listener_ = ::socket(path ? AF_UNIX : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  int result = 0;
  if (path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, where.data(), where.size());
    result = ::bind(listener_, reinterpret_cast<const sockaddr*>(&address), sizeof address);
  } else {
    const int yes = 1;
    ::setsockopt(listener_, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    inet_pton(AF_INET, where.c_str(), &address.sin_addr);
    result = ::bind(listener_, reinterpret_cast<const sockaddr*>(&address), sizeof address);
    socklen_t size = sizeof address;
    ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
  }
  if (result != 0 || ::listen(listener_, 100) != 0) std::abort();
  accepting_ = std::jthread([this] { accept_all(); });
}

ScriptedServer::~ScriptedServer() {
  ::shutdown(listener_, SHUT_RDWR);
  accepting_.join();
  ::close(listener_);
  {
    std::lock_guard lock(mutex_);
    for (const int client : clients_) ::shutdown(client, SHUT_RDWR);
  }
  threads_.clear();
}

void ScriptedServer::accept_all() {
  for (;;) {
    sockaddr_in from{};
    socklen_t size = sizeof from;
    const int client = ::accept4(listener_, reinterpret_cast<sockaddr*>(&from), &size, SOCK_CLOEXEC);
    if (client < 0) return;
    const int yes =
        1;  // its replies are written one by one: without this each waits for the one before to be acknowledged
    ::setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    std::array<char, INET_ADDRSTRLEN> name{};
    inet_ntop(AF_INET, &from.sin_addr, name.data(), name.size());
    std::lock_guard lock(mutex_);
    peers_.emplace_back(name.data());
    clients_.push_back(client);
    ++begun_;
    threads_.emplace_back([this, client] { serve(client); });
  }
}

void ScriptedServer::serve(int client) {
  std::string buffer;
  bool goes_on = say(client, "");
  while (goes_on && (buffer.find("\r\n") != std::string::npos || read_more(client, buffer))) {
    const auto end = buffer.find("\r\n");
    if (end == std::string::npos) continue;
    const std::string line = buffer.substr(0, end);
    buffer.erase(0, end + 2);
    {
      std::lock_guard lock(mutex_);
      heard_.push_back(line);
    }
    changed_.notify_all();
    goes_on = obey(client, buffer, line);
  }
  std::lock_guard lock(mutex_);
  clients_.remove(client);
  ::close(client);
  ++ended_;
  changed_.notify_all();
}

bool ScriptedServer::obey(int client, std::string& buffer, const std::string& line) {
  const std::string verb = line.substr(0, line.find(' '));
  if (verb == "BDAT") {
    const std::size_t size = std::stoul(line.substr(5));
    while (buffer.size() < size)
      if (!read_more(client, buffer)) return false;
    std::lock_guard lock(mutex_);
    content_ += buffer.substr(0, size);
    buffer.erase(0, size);
  }
  {
    std::lock_guard lock(mutex_);
    if (verb == "LHLO") lmtp_ = true;
    if (verb == "MAIL") recipients_ = 0;
    if (verb == "MAIL") content_.clear();
    if (verb == "RCPT") ++recipients_;
  }
  if (!say(client, verb)) return false;
  {
    std::lock_guard lock(mutex_);
    if (verb == last_verb_ || verb == "QUIT") return false;
    if (verb != "DATA") return true;
    if (!script_["DATA"].starts_with("354")) return true;
  }
  std::string data = "\r\n" + std::exchange(buffer, {});
  while (data.find("\r\n.\r\n") == std::string::npos)
    if (!read_more(client, data)) return false;
  const auto end = data.find("\r\n.\r\n");
  buffer = data.substr(end + 5);
  std::size_t replies = 1;
  {
    std::lock_guard lock(mutex_);
    content_ = data.substr(2, end);
    if (lmtp_) replies = recipients_;
  }
  for (; replies > 0; --replies)
    if (!say(client, ".")) return false;
  return true;
}

bool ScriptedServer::say(int client, const std::string& verb) {
  std::string answer;
  {
    std::lock_guard lock(mutex_);
    std::string& told = script_[verb];
    const auto bar = told.find('|');
    answer = told.substr(0, bar);
    if (bar != std::string::npos) told.erase(0, bar + 1);
  }
  if (answer == "close") return false;
  if (answer == "hang") {
    std::string ignored;
    while (read_more(client, ignored)) {
    }
    return false;
  }
  answer += "\r\n";
  return ::send(client, answer.data(), answer.size(), MSG_NOSIGNAL) > 0;
}

bool ScriptedServer::read_more(int client, std::string& buffer) {
  std::array<char, 65536> octets{};
  const auto got = ::recv(client, octets.data(), octets.size(), 0);
  if (got <= 0) return false;
  buffer.append(octets.data(), static_cast<std::size_t>(got));
  return true;
}

std::vector<std::string> ScriptedServer::heard(std::size_t lines) {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return heard_.size() >= lines; });
  return heard_;
}

void ScriptedServer::wait_for_ends(std::size_t connections) {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return ended_ >= connections; });
}

std::size_t ScriptedServer::connections() {
  std::lock_guard lock(mutex_);
  return begun_;
}

std::string ScriptedServer::content() {
  std::lock_guard lock(mutex_);
  return content_;
}

void ScriptedServer::change(const std::string& verb, const std::string& answer) {
  std::lock_guard lock(mutex_);
  script_[verb] = answer;
}

void ScriptedServer::close_after(const std::string& verb) {
  std::lock_guard lock(mutex_);
  last_verb_ = verb;
}

std::vector<std::string> ScriptedServer::peers() {
  std::lock_guard lock(mutex_);
  return peers_;
}

}  // namespace postrider::deliver::testing
