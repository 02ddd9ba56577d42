// bench_load: an SMTP client that measures what smtp-source does not tell. Prints one line of JSON.
//
//   bench_load latency PORT SESSIONS MESSAGES SIZE RECIPIENT
//     MESSAGES of SIZE octets over SESSIONS connections that stay open, each by a thread; how long a whole transaction
//     takes, from before MAIL until the 250 after the data. EHLO and QUIT are not in it.
//
//   bench_load idle PORT SESSIONS PROBES SIZE RECIPIENT
//     Opens SESSIONS connections up to the answer to EHLO, prints "ready" and waits for a line on standard input;
//     sends a message of SIZE octets over each, prints "ready" and waits again; then opens PROBES more connections,
//     one each 5 ms, and tells how long their greetings took, from before connect.
//
//   bench_load idle-tls PORT SESSIONS PROBES SIZE RECIPIENT
//     The same, where PORT speaks TLS from the first octet on.
//
//   bench_load starttls PORT SESSIONS MESSAGES SIZE RECIPIENT
//     MESSAGES of SIZE octets, each over a connection of its own, with STARTTLS and a new TLS session; SESSIONS at a time.
//
//   bench_load handshakes PORT SESSIONS COUNT new|resumed smtp|echo
//     COUNT connections with TLS from the first octet on, SESSIONS at a time, each with a new TLS session, or one that is
//     resumed from the connection before. In it a greeting is read and QUIT is said, or a line is sent and one comes back.
//
// TLS is what both sides like best; certificates are not looked at. PORT is on 127.0.0.1, so that nothing else can be its target. The clients of `idle` come from 127.1.0.0/16, 50 from each
// address, as servers limit the connections from one. Any refusal or fault ends the program with exit code 1.

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <charconv>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <iostream>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

namespace {

constexpr int reply_seconds = 30;
constexpr int sessions_per_address = 50;
constexpr int idle_threads = 20;
constexpr std::chrono::milliseconds probe_interval{5};

[[noreturn]] void fail(const std::string& what) {
  std::cerr << "bench_load: " << what << '\n';
  std::_Exit(1);
}

void check(bool holds, const char* what) {
  if (!holds) fail(std::string{what} + ": " + std::strerror(errno));
}

double milliseconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count();
}

// The value that `share` of all are not above. Sorts them.
double percentile(std::vector<double>& values, double share) {
  std::ranges::sort(values);
  return values.at(
      std::min(values.size() - 1, static_cast<std::size_t>(static_cast<double>(values.size()) * share)));
}

sockaddr_in loopback(std::uint32_t address, std::uint16_t port) {
  sockaddr_in result{};
  result.sin_family = AF_INET;
  result.sin_addr.s_addr = htonl(address);
  result.sin_port = htons(port);
  return result;
}

struct Target {
  std::uint16_t port;
  std::string recipient;
  std::string content;  // as it goes over the wire, with the final dot
};

struct FreeTls {
  void operator()(SSL* ssl) const { SSL_free(ssl); }
  void operator()(SSL_SESSION* session) const { SSL_SESSION_free(session); }
};
using TlsSession = std::unique_ptr<SSL_SESSION, FreeTls>;

SSL_CTX* tls_context() {
  static SSL_CTX* const context = SSL_CTX_new(TLS_client_method());
  return context;
}

enum class Wire { plain, tls };

// A blocking connection.
class Client {
 public:
  explicit Client(const Target& target, std::uint32_t source = INADDR_LOOPBACK)
      : socket_{socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)} {
    check(socket_ >= 0, "socket");
    const int on = 1;
    const timeval limit{.tv_sec = reply_seconds, .tv_usec = 0};
    setsockopt(socket_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    // The port is chosen at connect, so that an address has more of them than one for each connection there is.
    setsockopt(socket_, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
    setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    setsockopt(socket_, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
    const sockaddr_in from = loopback(source, 0);
    const sockaddr_in to = loopback(INADDR_LOOPBACK, target.port);
    check(bind(socket_, reinterpret_cast<const sockaddr*>(&from), sizeof from) == 0, "bind");
    check(connect(socket_, reinterpret_cast<const sockaddr*>(&to), sizeof to) == 0, "connect");
  }
  // One whose greeting has been read.
  static Client greeted(const Target& target, Wire wire = Wire::plain,
                        std::uint32_t source = INADDR_LOOPBACK) {
    Client client(target, source);
    if (wire == Wire::tls) client.handshake();
    client.expect("220");
    return client;
  }
  Client(Client&& other) noexcept : socket_{std::exchange(other.socket_, -1)}, tls_{std::move(other.tls_)} {}
  ~Client() {
    if (tls_) SSL_shutdown(tls_.get());  // a session that was not closed can't be resumed
    if (socket_ >= 0) close(socket_);
  }
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;
  Client& operator=(Client&&) = delete;

  // With a session the handshake must be one that resumes it.
  void handshake(SSL_SESSION* session = nullptr) {
    tls_.reset(SSL_new(tls_context()));
    SSL_set_fd(tls_.get(), socket_);
    if (session) SSL_set_session(tls_.get(), session);
    check(SSL_connect(tls_.get()) == 1, "handshake");
    if (session && SSL_session_reused(tls_.get()) == 0) fail("the TLS session was not resumed");
  }
  // What a later handshake can resume. The server's tickets come behind the handshake, with what it says first.
  TlsSession session() const { return TlsSession{SSL_get1_session(tls_.get())}; }

  void say(std::string_view text) {
    while (!text.empty()) {
      const ssize_t sent = tls_ ? SSL_write(tls_.get(), text.data(), static_cast<int>(text.size()))
                                : send(socket_, text.data(), text.size(), MSG_NOSIGNAL);
      check(sent > 0, "send");
      text.remove_prefix(static_cast<std::size_t>(sent));
    }
  }

  void command(std::string_view line, std::string_view code) {
    say(line);
    expect(code);
  }

  std::string receive() {
    char buffer[4096];
    const ssize_t got = tls_ ? SSL_read(tls_.get(), buffer, sizeof buffer)  //
                             : recv(socket_, buffer, sizeof buffer, 0);
    check(got > 0, "no reply");
    return {buffer, static_cast<std::size_t>(got)};
  }

  void transaction(const Target& target) {
    command("MAIL FROM:<sender@client.test>\r\n", "250");
    command("RCPT TO:<" + target.recipient + ">\r\n", "250");
    command("DATA\r\n", "354");
    command(target.content, "250");
  }

  // Reads one reply of any number of lines. Nothing is pipelined, so nothing follows it.
  void expect(std::string_view code) {
    std::string reply;
    while (!whole(reply)) reply += receive();
    if (!reply.starts_with(code)) fail("wanted " + std::string{code} + ", got " + reply);
  }

 private:
  static bool whole(std::string_view reply) {
    if (!reply.ends_with("\r\n")) return false;
    const std::size_t before = reply.substr(0, reply.size() - 2).rfind("\r\n");
    const std::string_view last = before == reply.npos ? reply : reply.substr(before + 2);
    return last.size() > 3 && last[3] != '-';
  }

  int socket_;
  std::unique_ptr<SSL, FreeTls> tls_;
};

// Runs work(0) to work(count - 1), by `threads` threads.
void spread(int count, int threads, const std::function<void(int)>& work) {
  std::atomic<int> next = 0;
  std::vector<std::jthread> all;
  for (int i = 0; i < threads; ++i) {
    all.emplace_back([&] {
      for (int number = next++; number < count; number = next++) work(number);
    });
  }
}

void latency(const Target& target, int sessions, int messages) {
  std::vector<Client> clients;
  for (int i = 0; i < sessions; ++i)
    clients.emplace_back(Client::greeted(target)).command("EHLO client.test\r\n", "250");
  std::vector<double> took(static_cast<std::size_t>(messages));
  std::atomic<std::size_t> next = 0;
  const auto start = std::chrono::steady_clock::now();
  spread(sessions, sessions, [&](int session) {
    for (std::size_t number = next++; number < took.size(); number = next++) {
      const auto begun = std::chrono::steady_clock::now();
      clients[static_cast<std::size_t>(session)].transaction(target);
      took[number] = milliseconds_since(begun);
    }
  });
  const double seconds = milliseconds_since(start) / 1000;
  for (Client& client : clients) client.command("QUIT\r\n", "221");
  std::printf(R"({"seconds": %.4f, "p50_ms": %.3f, "p99_ms": %.3f})"
              "\n",
              seconds, percentile(took, 0.5), percentile(took, 0.99));
}

void wait_to_go_on() {
  std::cout << "ready" << std::endl;
  std::string line;
  if (!std::getline(std::cin, line)) fail("nobody says to go on");
}

void idle(const Target& target, Wire wire, int sessions, int probes) {
  std::vector<Client> clients;
  clients.reserve(static_cast<std::size_t>(sessions));
  for (int i = 0; i < sessions; ++i) {
    const std::uint32_t source = 0x7f010001 + static_cast<std::uint32_t>(i / sessions_per_address);
    clients.emplace_back(Client::greeted(target, wire, source)).command("EHLO client.test\r\n", "250");
  }
  wait_to_go_on();
  spread(sessions, idle_threads, [&](int i) { clients[static_cast<std::size_t>(i)].transaction(target); });
  wait_to_go_on();
  std::vector<double> took;
  for (int i = 0; i < probes; ++i) {
    std::this_thread::sleep_for(probe_interval);
    const auto begun = std::chrono::steady_clock::now();
    Client client = Client::greeted(target, wire);
    took.push_back(milliseconds_since(begun));
    client.command("QUIT\r\n", "221");
  }
  std::printf(R"({"greeting_p50_ms": %.3f, "greeting_p99_ms": %.3f})"
              "\n",
              percentile(took, 0.5), percentile(took, 0.99));
}

double seconds_of(int count, int threads, const std::function<void(int)>& work) {
  const auto start = std::chrono::steady_clock::now();
  spread(count, threads, work);
  return milliseconds_since(start) / 1000;
}

void starttls(const Target& target, int sessions, int messages) {
  const double seconds = seconds_of(messages, sessions, [&](int) {
    Client client = Client::greeted(target);
    client.command("EHLO client.test\r\n", "250");
    client.command("STARTTLS\r\n", "220");
    client.handshake();
    client.command("EHLO client.test\r\n", "250");
    client.transaction(target);
    client.command("QUIT\r\n", "221");
  });
  std::printf("{\"seconds\": %.4f}\n", seconds);
}

enum class Talk { smtp, echo };

void handshakes(const Target& target, int sessions, int count, bool resumed, Talk talk) {
  const double seconds = seconds_of(count, sessions, [&](int) {
    thread_local TlsSession last;
    Client client(target);
    client.handshake(resumed ? last.get() : nullptr);
    if (talk == Talk::smtp) client.expect("220");
    client.say("QUIT\r\n");
    (void)client.receive();
    if (resumed) last = client.session();
  });
  std::printf("{\"seconds\": %.4f}\n", seconds);
}

std::string content(int size) {
  std::string text =
      "From: <sender@client.test>\r\nTo: <user@example.test>\r\nSubject: load\r\n"
      "Date: Thu, 26 Nov 2026 00:00:00 +0000\r\nMessage-ID: <load@client.test>\r\n\r\n";
  const std::string line = std::string(70, 'x') + "\r\n";
  while (text.size() < static_cast<std::size_t>(size)) text += line;
  return text + ".\r\n";
}

int number(std::string_view text, int most) {
  int value = 0;
  const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (fault != std::errc{} || end != text.data() + text.size() || value < 1 || value > most)
    fail("not a number from 1 to " + std::to_string(most) + ": " + std::string{text});
  return value;
}

}  // namespace

int main(int count, char** arguments) {
  const std::vector<std::string> words(arguments + 1, arguments + count);
  const std::vector<std::string> modes{"latency", "idle", "idle-tls", "starttls", "handshakes"};
  if (words.size() != 6 || std::ranges::find(modes, words[0]) == modes.end())
    fail("usage: see the head of bench/load.cpp");
  std::signal(SIGPIPE, SIG_IGN);
  rlimit files{};
  check(getrlimit(RLIMIT_NOFILE, &files) == 0, "getrlimit");
  files.rlim_cur = files.rlim_max;
  check(setrlimit(RLIMIT_NOFILE, &files) == 0, "setrlimit");

  const std::string& mode = words[0];
  Target target{
      .port = static_cast<std::uint16_t>(number(words[1], 65535)), .recipient = words[5], .content = {}};
  const int sessions = number(words[2], 1'000'000);
  const int much = number(words[3], 100'000'000);
  if (mode == "handshakes") {
    handshakes(target, sessions, much, words[4] == "resumed", words[5] == "smtp" ? Talk::smtp : Talk::echo);
    return 0;
  }
  target.content = content(number(words[4], 100'000'000));
  if (mode == "latency") latency(target, sessions, much);
  if (mode == "idle") idle(target, Wire::plain, sessions, much);
  if (mode == "idle-tls") idle(target, Wire::tls, sessions, much);
  if (mode == "starttls") starttls(target, sessions, much);
}
