// A mail server on loopback that answers as it is told, for tests.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <list>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace postrider::deliver::testing {

// Each connection has a thread. Verbs: "" is the greeting, "." the end of the data; an answer is sent with CRLF, but
// "close" closes the connection and "hang" says nothing more.
class ScriptedServer {
 public:
  using Script = std::map<std::string, std::string>;

  // On "127.0.0.1", or a path of a Unix socket; port 0 takes a free one. `changes` are laid onto a server that takes all.
  explicit ScriptedServer(Script changes = {}, const std::string& where = "127.0.0.1",
                          std::uint16_t port = 0);
  ~ScriptedServer();
  std::uint16_t port() const { return port_; }

  // Waits for so many lines in all.
  std::vector<std::string> heard(std::size_t lines);
  // Waits until so many connections have ended.
  void wait_for_ends(std::size_t connections);
  std::size_t connections();
  // The last message's content.
  std::string content();
  void change(const std::string& verb, const std::string& answer);
  // The answer to this is the last word: the connection is closed with what was not yet read.
  void close_after(const std::string& verb);
  // Where the connections came from.
  std::vector<std::string> peers();

 private:
  void accept_all();
  void serve(int client);
  bool obey(int client, std::string& buffer, const std::string& line);
  bool say(int client, const std::string& verb);
  static bool read_more(int client, std::string& buffer);

  Script script_;
  int listener_ = -1;
  std::uint16_t port_ = 0;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::string> heard_;
  std::string content_;
  std::string last_verb_ = "QUIT";
  std::vector<std::string> peers_;
  std::size_t recipients_ = 0;  // of the transaction, where there is one connection at a time
  bool lmtp_ = false;
  std::size_t begun_ = 0, ended_ = 0;
  std::list<int> clients_;
  std::list<std::jthread> threads_;
  std::jthread accepting_;
};

}  // namespace postrider::deliver::testing
