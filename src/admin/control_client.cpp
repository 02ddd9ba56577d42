#include "admin/control_client.hpp"

#include <boost/json/parse.hpp>
#include <cerrno>
#include <cstring>

#include "admin/control_server.hpp"
#include "admin/unix_socket.hpp"

namespace postrider::admin {
namespace {

// A page of 1,000 rows has some MiB at the very most; a message's header and recipients too.
constexpr std::size_t kAnswerLine = 256u << 20;
// The desk's 30 s for each of the two or three things that an answer takes.
constexpr base::Milliseconds kPatience = std::chrono::seconds(90);

std::unexpected<base::Failure> not_connected(const std::filesystem::path& path, int error) {
  const std::string at = path.string();
  if (error == ENOENT || error == ECONNREFUSED || error == ENOTDIR)
    return base::permanent({5, 3, 2},
                           "no server answers at " + at +
                               ": is it running? queue list --offline reads a stopped server's spool");
  if (error == EACCES || error == EPERM)
    return base::permanent({5, 7, 0}, "may not use " + at + ": be root or the server's own user");
  if (error == EAGAIN)
    return base::temporary({4, 3, 2}, "the server at " + at + " is busy with others; try again");
  return base::permanent({5, 3, 0}, "can't connect to " + at + ": " + std::strerror(error));
}

base::Result<boost::json::object> read_answer(const std::string& line) {
  boost::system::error_code error;
  const auto value = boost::json::parse({line.data(), line.size()}, error);
  if (error || !value.is_object()) return base::permanent({5, 3, 0}, "what the server answered is no answer");
  const auto* failure = value.get_object().if_contains("error");
  if (!failure) return value.get_object();
  base::Failure read{{5, 3, 0}, "the server refused, and did not say why", {}};
  if (const auto* members = failure->if_object()) {
    if (const auto* text = members->if_contains("text"); text && text->is_string())
      read.text = std::string(text->get_string());
    if (const auto* code = members->if_contains("code"); code && code->is_string())
      read.code = base::EnhancedCode::parse(std::string(code->get_string())).value_or(read.code);
  }
  return std::unexpected(std::move(read));
}

}  // namespace

ControlClient::ControlClient(const std::filesystem::path& runtime_dir) : path_(control_path(runtime_dir)) {}

base::Result<boost::json::object> ControlClient::ask(const Request& request) const {
  const auto socket = connect_unix(path_);
  if (!socket) return not_connected(path_, socket.error());
  Lines lines(socket->get(), -1);
  std::string answer;
  // A server that refuses the connection says so without reading, and closes.
  lines.write(encode(request), kPatience);
  const LineEnd end = lines.read(answer, kAnswerLine, kPatience);
  if (end == LineEnd::line) return read_answer(answer);
  if (end == LineEnd::late) return base::temporary({4, 3, 2}, "the server did not answer within 90 seconds");
  return base::temporary({4, 3, 2}, "the server closed the connection: it is stopping, or has crashed");
}

}  // namespace postrider::admin
