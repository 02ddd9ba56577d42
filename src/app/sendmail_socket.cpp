// A message to the running server: a small SMTP client on its socket.
#include <cerrno>
#include <cstring>

#include "admin/unix_socket.hpp"
#include "app/sendmail.hpp"
#include "receive/submit_folder.hpp"
#include "wire/smtp/client_command.hpp"
#include "wire/smtp/extensions.hpp"
#include "wire/smtp/reply.hpp"

namespace postrider::app {
namespace {

using mail::Reply;

// A server that lives says hello at once; with one that is held still nobody should wait long, as there is another way.
constexpr base::Milliseconds kGreeting = std::chrono::seconds(20);
constexpr base::Milliseconds kCommand = std::chrono::minutes(2);
// More than the server's own patience with its disk.
constexpr base::Milliseconds kContent = std::chrono::minutes(3);
constexpr std::size_t kReplyLine = 2048;

// Thrown where the conversation can't go on; caught once, around it.
struct Broken {
  std::string why;
};

class Conversation {
 public:
  explicit Conversation(int socket) : lines_(socket, -1) {}

  Reply hear(base::Milliseconds patience) {
    for (std::string line;;) {
      const auto end = lines_.read(line, kReplyLine, patience);
      if (end == admin::LineEnd::late) throw Broken{"the server does not answer"};
      if (end != admin::LineEnd::line) throw Broken{"the server closed the connection"};
      if (line.ends_with('\r')) line.pop_back();
      const bool whole = parser_.feed(line);
      if (parser_.bad()) throw Broken{"what answers is no mail server"};
      if (whole) return parser_.take();
    }
  }

  void say(std::string_view octets) {
    if (lines_.write(octets, kContent) != admin::LineEnd::line)
      throw Broken{"the server closed the connection"};
  }

  Reply ask(std::string_view command) {
    say(command);
    return hear(kCommand);
  }

 private:
  admin::Lines lines_;
  wire::smtp::ReplyParser parser_;
};

std::string shown(const Reply& reply) {
  return std::to_string(reply.code) + (reply.enhanced ? ' ' + reply.enhanced->to_string() : std::string()) +
         ' ' + reply.text;
}

// RFC 3463 3: what it is about.
int exit_code(const Reply& reply) {
  if (!reply.permanent()) return EX_TEMPFAIL;
  const auto code = reply.enhanced.value_or(base::EnhancedCode{5, 0, 0});
  if (code.subject == 1) return EX_NOUSER;
  if (code.subject == 7) return EX_NOPERM;
  if (code.subject == 6 || (code.subject == 3 && code.detail == 4)) return EX_DATAERR;
  return EX_UNAVAILABLE;
}

Ending failed(const Reply& reply) { return {exit_code(reply), shown(reply)}; }

// The host that the server greets with, behind the code.
std::optional<mail::Domain> host_of(const Reply& greeting) {
  auto host = mail::Domain::parse(greeting.text.substr(0, greeting.text.find(' ')));
  if (!host) return {};
  return std::move(*host);
}

Ending transaction(Conversation& server, const wire::submit::Outgoing& message, const std::string& body) {
  auto mail = message.mail;
  mail.size = message.header.size() + 2 + body.size();
  std::string command;
  wire::smtp::encode(mail, command);
  if (const auto said = server.ask(command); !said.positive()) return failed(said);
  std::optional<Reply> refusal;
  std::size_t refused = 0;
  std::string reasons;
  for (const auto& rcpt : message.rcpts) {
    command.clear();
    wire::smtp::encode(rcpt, mail.smtputf8 ? wire::smtp::PathForm::utf8 : wire::smtp::PathForm::ascii,
                       command);
    const auto said = server.ask(command);
    if (said.temporary()) return failed(said);
    if (said.positive()) continue;
    ++refused;
    if (!refusal) refusal = said;
    reasons += (reasons.empty() ? "" : "; ") + shown(said);
  }
  if (refused == message.rcpts.size()) return {exit_code(*refusal), reasons};
  // Nothing has been sent yet, so that all goes the other way, on which the sender is told of those that are refused.
  if (refused > 0) return {EX_TEMPFAIL, reasons};
  server.say("BDAT " + std::to_string(*mail.size) + " LAST\r\n");
  server.say(message.header);
  server.say("\r\n");
  server.say(body);
  const auto said = server.hear(kContent);
  if (!said.positive()) return failed(said);
  return {EX_OK, shown(said)};
}

Ending converse(Conversation& server, const Prepared& message) {
  const auto greeting = server.hear(kGreeting);
  if (!greeting.positive()) return failed(greeting);
  const auto host = host_of(greeting);
  if (!host) throw Broken{"what answers is no mail server"};
  const auto outgoing = wire::submit::outgoing(message.submission, message.login, *host, message.header);
  if (!outgoing) return {EX_DATAERR, outgoing.error().text};
  const auto hello = server.ask("EHLO " + host->ascii() + "\r\n");
  if (!hello.positive()) return failed(hello);
  if (!wire::smtp::read_extensions(hello).chunking) throw Broken{"what answers is no server of ours"};
  Ending ending = transaction(server, *outgoing, message.body);
  try {
    server.ask("QUIT\r\n");
  } catch (const Broken&) {
    // What counts has been said.
  }
  return ending;
}

}  // namespace

Ending submit_by_socket(const SendmailPlace& place, const Prepared& message) {
  const auto path = receive::submit_socket_path(place.folder);
  const auto socket = admin::connect_unix(path);
  if (!socket) return {EX_TEMPFAIL, "no server at " + path.string() + ": " + std::strerror(socket.error())};
  Conversation server(socket->get());
  try {
    return converse(server, message);
  } catch (const Broken& broken) {
    return {EX_TEMPFAIL, broken.why};
  }
}

}  // namespace postrider::app
