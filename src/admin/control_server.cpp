#include "admin/control_server.hpp"

#include <fcntl.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <boost/json/serialize.hpp>
#include <cerrno>
#include <cstring>
#include <list>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

#include "admin/answer.hpp"
#include "admin/handler.hpp"
#include "admin/request.hpp"
#include "admin/unix_socket.hpp"
#include "sys/accept_until.hpp"
#include "sys/log.hpp"
#include "sys/thread_name.hpp"

namespace postrider::admin {
namespace {

constexpr std::size_t kConnections = 16;
constexpr base::Milliseconds kIdle = std::chrono::seconds(60);
constexpr base::Milliseconds kFarewell = std::chrono::seconds(1);  // for a refusal to be taken

std::unexpected<base::Failure> no_socket(const std::filesystem::path& path, const std::string& why) {
  return base::permanent({5, 3, 5}, "no control socket at " + path.string() + ": " + why);
}

std::string reason(int error) { return std::strerror(error); }

base::Result<void> prepare_folder(const std::filesystem::path& folder) {
  std::error_code error;
  std::filesystem::create_directories(folder.parent_path(), error);
  if (::mkdir(folder.c_str(), 0700) == 0) return {};
  if (errno != EEXIST) return no_socket(folder, reason(errno));
  struct stat status{};
  if (::stat(folder.c_str(), &status) != 0) return no_socket(folder, reason(errno));
  if (!S_ISDIR(status.st_mode)) return no_socket(folder, "that is no folder");
  if (status.st_uid != ::geteuid() && status.st_uid != 0)
    return no_socket(folder, "the folder is another user's");
  if ((status.st_mode & 022) != 0) return no_socket(folder, "others may write in the folder; chmod 0700 it");
  return {};
}

base::Result<Descriptor> bind_control(const std::filesystem::path& path) {
  auto bound = listen_unix(path);
  if (bound) return std::move(*bound);
  if (bound.error() != EADDRINUSE) return no_socket(path, reason(bound.error()));
  const auto other = connect_unix(path);
  if (other || other.error() == EAGAIN) return no_socket(path, "another server answers there");
  if (other.error() != ECONNREFUSED) return no_socket(path, reason(other.error()));
  ::unlink(path.c_str());  // its server ended without removing it
  bound = listen_unix(path);
  if (bound) return std::move(*bound);
  return no_socket(path, reason(bound.error()));
}

std::string refusal(base::EnhancedCode code, std::string text) {
  return boost::json::serialize(to_json(base::Failure{code, std::move(text), {}})) + '\n';
}

}  // namespace

std::filesystem::path control_path(const std::filesystem::path& runtime_dir) {
  return runtime_dir / "control";
}

struct ControlServer::Inside {
  Inside(std::filesystem::path at, Descriptor bound, Descriptor stopper, queue::Operator& the_desk,
         const sys::Clock& the_clock, directory::LoginGuard* the_guard)
      : path(std::move(at)),
        listener(std::move(bound)),
        stop(std::move(stopper)),
        desk(the_desk),
        clock(the_clock),
        guard(the_guard) {
    struct stat status{};
    if (::stat(path.c_str(), &status) == 0) inode = status.st_ino;
    acceptor = std::thread([this] { accept(); });
  }

  ~Inside() {
    const std::uint64_t one = 1;  // never read: it stays readable for all
    if (::write(stop.get(), &one, sizeof(one)) != sizeof(one)) std::abort();
    acceptor.join();
    connections.clear();
    struct stat status{};
    if (::stat(path.c_str(), &status) == 0 && status.st_ino == inode) ::unlink(path.c_str());
  }

  struct Connection {
    explicit Connection(Descriptor accepted) : socket(std::move(accepted)) {}
    ~Connection() {
      if (thread.joinable()) thread.join();
    }
    Descriptor socket;
    std::atomic<bool> ended = false;
    std::thread thread;  // uses the others
  };

  void accept() {
    sys::name_this_thread("control");
    sys::accept_until(stop, listener, [this](Descriptor socket) { admit(std::move(socket)); });
  }

  void admit(Descriptor socket) {
    std::erase_if(connections, [](const Connection& one) { return one.ended.load(); });
    if (!is_trusted_peer(socket.get())) {
      sys::log::warning("control_refused", {{"why", "another user"}});
      return refuse(socket, refusal({5, 7, 0}, "only root and the server's own user may control it"));
    }
    if (connections.size() >= kConnections)
      return refuse(socket, refusal({4, 3, 2}, "too many control connections; try again later"));
    Connection& connection = connections.emplace_back(std::move(socket));
    try {
      connection.thread = std::thread([this, &connection] { serve(connection); });
    } catch (const std::system_error&) {
      refuse(connection.socket, refusal({4, 3, 2}, "no thread is left; try again later"));
      connections.pop_back();
    }
  }

  void refuse(const Descriptor& socket, const std::string& words) const {
    Lines(socket.get(), stop.get()).write(words, kFarewell);
  }

  void serve(Connection& connection) {
    sys::name_this_thread("control-peer");
    Lines lines(connection.socket.get(), stop.get());
    for (std::string line;;) {
      const LineEnd end = lines.read(line, kRequestLine, kIdle);
      if (end == LineEnd::too_long) lines.write(refusal({5, 5, 4}, "a request has at most 1 MiB"), kFarewell);
      if (end == LineEnd::late) lines.write(refusal({4, 4, 2}, "no request for 60 seconds"), kFarewell);
      if (end != LineEnd::line) break;
      if (lines.write(answer(line, desk, clock, guard), kIdle) != LineEnd::line) break;
    }
    ::shutdown(connection.socket.get(), SHUT_RDWR);  // the descriptor itself is the acceptor's to close
    connection.ended = true;
  }

  const std::filesystem::path path;
  const Descriptor listener;
  const Descriptor stop;
  ino_t inode = 0;
  queue::Operator& desk;
  const sys::Clock& clock;
  directory::LoginGuard* guard;
  std::list<Connection> connections;  // the acceptor's, and at the end the destructor's
  std::thread acceptor;
};

ControlServer::ControlServer(std::unique_ptr<Inside> inside) : inside_(std::move(inside)) {}
ControlServer::~ControlServer() = default;

base::Result<std::unique_ptr<ControlServer>> ControlServer::start(const std::filesystem::path& runtime_dir,
                                                                  queue::Operator& desk,
                                                                  const sys::Clock& clock,
                                                                  directory::LoginGuard* guard,
                                                                  sys::Descriptor passed) {
  if (const auto folder = prepare_folder(runtime_dir); !folder) return std::unexpected(folder.error());
  const auto path = control_path(runtime_dir);
  const bool is_ours = !passed;
  if (!is_ours) ::fcntl(passed.get(), F_SETFL, ::fcntl(passed.get(), F_GETFL) | O_NONBLOCK);
  auto bound = is_ours ? bind_control(path) : base::Result<Descriptor>(std::move(passed));
  if (!bound) return std::unexpected(std::move(bound.error()));
  Descriptor stop(::eventfd(0, EFD_CLOEXEC));
  if (!stop) return no_socket(path, reason(errno));
  return std::unique_ptr<ControlServer>(new ControlServer(
      std::make_unique<Inside>(is_ours ? path : "", std::move(*bound), std::move(stop), desk, clock, guard)));
}

}  // namespace postrider::admin
