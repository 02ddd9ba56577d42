// One connection: reads command lines, lets the Dialog answer, carries content to the queue, keeps the deadlines.
//
// Thread rule: lives and dies on its stream's thread. run() is the connection's one coroutine.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <expected>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "net/stream.hpp"
#include "net/tls_context.hpp"
#include "net/watchdog.hpp"
#include "policy/content.hpp"
#include "receive/admission.hpp"
#include "receive/buffers.hpp"
#include "receive/dialog.hpp"
#include "receive/examination.hpp"
#include "receive/transfer.hpp"
#include "wire/proxy/proxy_header.hpp"
#include "wire/smtp/line_splitter.hpp"

namespace postrider::receive {

class Session {
 public:
  // `services`, `listener` and `admission` outlive the session. `place` is the peer's.
  Session(Services& services, const config::Listener& listener, std::unique_ptr<net::Stream> stream,
          Peer peer, Admission& admission, Admission::Place place);
  ~Session();

  // Until the connection is closed. Broken connections end it quietly.
  boost::asio::awaitable<void> run();
  // Answers with 421 at the next command and closes; what is under way is finished first. On the session's thread.
  void shut_down();

 private:
  enum class Next { go_on, close };
  // Replies to pipelined commands leave together, but not more than this waits.
  static constexpr std::size_t kReplyBytes = 16 * 1024;

  // session.cpp: the loop
  boost::asio::awaitable<void> converse();
  boost::asio::awaitable<Next> greet();
  boost::asio::awaitable<Next> read_proxy_header();
  boost::asio::awaitable<Next> admit_proxied(wire::proxy::Endpoint client);
  boost::asio::awaitable<Next> refuse_early_talk();
  boost::asio::awaitable<Next> next_command();
  boost::asio::awaitable<Next> obey(wire::smtp::Line line);
  boost::asio::awaitable<mail::Reply> handle_rcpt(wire::smtp::Rcpt command);
  boost::asio::awaitable<Next> answer(mail::Reply said);
  bool must_be_last(const wire::smtp::Command& command) const;

  // session_auth.cpp
  boost::asio::awaitable<Next> handle_auth(wire::smtp::Auth command);
  boost::asio::awaitable<Next> end_auth(mail::Reply said);
  // What the client answers to a challenge; else the reply that ends the AUTH.
  boost::asio::awaitable<std::expected<std::string, mail::Reply>> ask_client(std::string challenge);
  // session_tls.cpp
  boost::asio::awaitable<Next> handle_starttls();
  std::optional<net::TlsServer::Pass> may_begin_tls() const;
  boost::asio::awaitable<void> begin_tls(net::TlsServer::Pass pass);
  void log_client_certificate() const;

  // session_data.cpp: content
  boost::asio::awaitable<Next> handle_data();
  boost::asio::awaitable<Next> handle_bdat(wire::smtp::Bdat command);
  boost::asio::awaitable<Next> abandon_hopeless();
  boost::asio::awaitable<void> flush_draft();
  boost::asio::awaitable<Next> end_of_content();
  boost::asio::awaitable<std::vector<mail::Reply>> commit(Transfer& transfer, Examination* examination);
  boost::asio::awaitable<mail::Reply> accept(queue::Incoming incoming, std::uint64_t octets);
  void note_refused_recipients(mail::Envelope& envelope, const policy::ContentVerdict& verdict) const;
  std::optional<mail::Reply> open_transfer();
  void drop_transfer();

  // session_origin.cpp: who sent it
  void examine(std::string_view header);
  // What it is refused with; else `incoming` says what was found. `header` is that of the message.
  boost::asio::awaitable<std::optional<mail::Reply>> judge_origin(Examination& examination,
                                                                  std::string_view header,
                                                                  queue::Incoming& incoming);

  // input and output
  std::string_view input() const { return {buffer_.get() + begin_, end_ - begin_}; }
  std::size_t line_limit() const;
  void consume(std::size_t octets);
  boost::asio::awaitable<bool> fill();  // false at the client's end of stream
  boost::asio::awaitable<void> send_replies();
  void give_back_buffer();
  void set_deadline(base::Milliseconds from_now);
  void log_refusal(const mail::Reply& reply, std::string_view command) const;

  Services& services_;
  Admission& admission_;
  Admission::Place place_;
  std::unique_ptr<net::Stream> stream_;
  Dialog dialog_;
  bool quit_ = false;  // the client's last word
  BufferPool::Buffer buffer_;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
  bool drained_ = false;  // the last read had room for more
  std::string replies_;   // not yet sent; kReplyBytes and one reply more at most
  std::unique_ptr<Transfer> transfer_;
  std::unique_ptr<Examination> examination_;  // of the transfer's content; behind it, since it uses it
  base::SteadyTime session_ends_;
  base::SteadyTime transaction_ends_;
  std::uint32_t reads_ = 0;
  bool shutting_down_ = false;
  bool waiting_for_command_ = false;
  net::Watchdog watchdog_;
};

}  // namespace postrider::receive
