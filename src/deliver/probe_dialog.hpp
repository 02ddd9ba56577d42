// The few commands that find out whether a server would take a recipient.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <string>
#include <string_view>

#include "mail/address.hpp"
#include "mail/reply.hpp"

namespace postrider::deliver {

// One connection, one recipient. On the socket's thread; whoever owns the socket closes it when time is up
// (nothing here has a deadline) and must not let it go while a coroutine of ours runs. A broken connection and
// a reply that is none (longer than 100 lines of 2,048 octets, for one) are boost::system::system_error.
class ProbeDialog {
 public:
  struct Verdict {
    bool about_recipient = false;  // false: the reply is about something else; another server may know more
    mail::Reply reply;
  };

  // `helo` is what EHLO says. Requires a connected socket.
  ProbeDialog(boost::asio::ip::tcp::socket& socket, std::string helo)
      : socket_(socket), helo_(std::move(helo)) {}

  // Greeting, EHLO (HELO where that is refused), MAIL FROM:<>, RCPT.
  boost::asio::awaitable<Verdict> ask(mail::Address recipient);
  // RSET and QUIT, and the replies. RFC 5321 4.1.1.10
  boost::asio::awaitable<void> leave();

 private:
  boost::asio::awaitable<mail::Reply> command(std::string line);
  boost::asio::awaitable<mail::Reply> read_reply();
  boost::asio::awaitable<std::string> read_line();

  boost::asio::ip::tcp::socket& socket_;
  const std::string helo_;
  std::string buffer_;  // what came and is not yet used; at most kBuffer octets
};

}  // namespace postrider::deliver
