#include "deliver/probe_dialog.hpp"

#include <array>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

#include "base/ascii.hpp"
#include "wire/smtp/reply.hpp"

namespace postrider::deliver {
namespace {

namespace asio = boost::asio;

constexpr std::size_t kBuffer = 4096;  // more than the longest line that ReplyParser bears

[[noreturn]] void not_a_reply() {
  throw boost::system::system_error(make_error_code(boost::system::errc::bad_message));
}

bool announces(const mail::Reply& ehlo, std::string_view keyword) {
  std::string_view text = ehlo.text;
  // The first line is the server's greeting. RFC 5321 4.1.1.1
  for (auto end = text.find('\n'); end != text.npos; end = text.find('\n')) {
    text.remove_prefix(end + 1);
    if (base::iequals(text.substr(0, text.find_first_of(" \n")), keyword)) return true;
  }
  return false;
}

// Codes that a server gives to RCPT when it is unhappy with us and not with the recipient: 421 closes, 503 is
// about the order of commands, 530 wants a login or TLS first (RFC 4954 6, RFC 3207 4).
bool is_about_recipient(std::uint16_t code) {
  return code != 421 && code != 503 && code != 530 && (code < 300 || code >= 400);
}

}  // namespace

asio::awaitable<ProbeDialog::Verdict> ProbeDialog::ask(mail::Address recipient) {
  mail::Reply reply = co_await read_reply();
  if (reply.code != 220) co_return Verdict{false, std::move(reply)};
  reply = co_await command("EHLO " + helo_);
  const bool smtputf8 = reply.positive() && announces(reply, "SMTPUTF8");
  // RFC 5321 3.2: a server that refuses EHLO may know HELO.
  if (reply.permanent()) reply = co_await command("HELO " + helo_);
  if (reply.code != 250) co_return Verdict{false, std::move(reply)};
  if (!recipient.is_ascii() && !smtputf8) {
    // RFC 6531 3.5
    co_return Verdict{true, mail::reply(553, 6, 7, "the next hop takes no non-ASCII addresses")};
  }
  reply = co_await command(recipient.is_ascii() ? "MAIL FROM:<>" : "MAIL FROM:<> SMTPUTF8");
  if (reply.code != 250) co_return Verdict{false, std::move(reply)};
  reply = co_await command("RCPT TO:<" + recipient.to_ascii() + '>');
  const bool about_recipient = is_about_recipient(reply.code);
  co_return Verdict{about_recipient, std::move(reply)};
}

asio::awaitable<void> ProbeDialog::leave() {
  co_await command("RSET");
  co_await command("QUIT");
}

asio::awaitable<mail::Reply> ProbeDialog::command(std::string line) {
  line += "\r\n";
  co_await asio::async_write(socket_, asio::buffer(line), asio::use_awaitable);
  co_return co_await read_reply();
}

asio::awaitable<mail::Reply> ProbeDialog::read_reply() {
  wire::smtp::ReplyParser parser;
  while (true) {
    const std::string line = co_await read_line();
    if (parser.feed(line)) co_return parser.take();
    if (parser.bad()) not_a_reply();
  }
}

asio::awaitable<std::string> ProbeDialog::read_line() {
  std::size_t end = buffer_.find('\n');
  while (end == std::string::npos) {
    if (buffer_.size() >= kBuffer) not_a_reply();
    std::array<char, kBuffer> chunk;
    const auto room = asio::buffer(chunk.data(), kBuffer - buffer_.size());
    const std::size_t got = co_await socket_.async_read_some(room, asio::use_awaitable);
    buffer_.append(chunk.data(), got);
    end = buffer_.find('\n');
  }
  std::string line = buffer_.substr(0, end);
  buffer_.erase(0, end + 1);
  if (line.ends_with('\r')) line.pop_back();
  co_return line;
}

}  // namespace postrider::deliver
