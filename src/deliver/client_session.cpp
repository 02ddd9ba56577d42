#include "deliver/client_session.hpp"

#include <algorithm>
#include <boost/asio/error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/system/system_error.hpp>
#include <exception>
#include <string_view>
#include <utility>

namespace postrider::deliver {

using boost::asio::awaitable;
using boost::system::system_error;

namespace {

// A reply that nobody asked for is read to its end, to see whether it is 421.
constexpr base::Milliseconds kUnasked = std::chrono::seconds(1);
// For the last words of a server that broke off while we wrote.
constexpr base::Milliseconds kLastWords = std::chrono::seconds(1);
// Replies to what was said before QUIT.
constexpr int kRepliesToQuit = 10;

// The server ends the session in the middle: by 421, or by a reply that can't be one to what was said.
class Left : public std::exception {
 public:
  explicit Left(mail::Reply reply) : reply_(std::move(reply)) {}
  const mail::Reply& reply() const { return reply_; }

 private:
  mail::Reply reply_;
};

// A host that does not want us now says nothing of the message, though it may say it with 5yz: another host, or the same
// one later, may want us. RFC 5321 3.1
mail::Reply turned_away(const mail::Reply& said) {
  if (said.temporary()) return said;
  auto reply = mail::reply(451, 3, 2, "the server turned us away: " + one_line(said));
  if (said.enhanced) reply.enhanced = mail::EnhancedCode{4, said.enhanced->subject, said.enhanced->detail};
  return reply;
}

mail::Reply unasked(const mail::Reply& said) {
  return mail::reply(451, 5, 0, "replies that nobody asked for: " + one_line(said));
}

// Not so a timeout: a server that is slow is no connection that was kept too long.
bool has_gone(const boost::system::error_code& error) {
  return error == boost::asio::error::eof || error == boost::asio::error::connection_reset ||
         error == boost::asio::error::broken_pipe;
}

}  // namespace

ClientSession::ClientSession(std::unique_ptr<net::Stream> stream, ClientTerms terms)
    : connection_(std::move(stream)), terms_(std::move(terms)), relay_(terms_.hop.to_string()) {}

awaitable<std::optional<mail::Reply>> ClientSession::open(const config::Delivery& times) {
  std::optional<mail::Reply> refusal;
  try {
    refusal = co_await greet(times);
  } catch (const system_error& broken) {
    may_quit_ = false;
    co_return reply_for(broken.code());
  } catch (const Left& left) {
    may_quit_ = false;
    refusal = left.reply();
  }
  clean_ = !refusal;
  co_return refusal;
}

awaitable<std::optional<mail::Reply>> ClientSession::greet(const config::Delivery& times) {
  const auto greeting = co_await answer(times.greeting);
  if (greeting.code != 220) co_return turned_away(greeting);
  auto refusal = co_await hello(times);
  if (!refusal) refusal = co_await secure(times);
  co_return refusal;
}

awaitable<std::optional<mail::Reply>> ClientSession::hello(const config::Delivery& times) {
  offered_ = {};
  const bool lmtp = terms_.protocol == ClientProtocol::lmtp;
  stage_ = lmtp ? "the reply to LHLO" : "the reply to EHLO";
  say((lmtp ? "LHLO " : "EHLO ") + terms_.helo + "\r\n");
  auto said = co_await answer(times.command);
  if (said.positive()) {
    offered_ = wire::smtp::read_extensions(said);
    // Who delivers by LMTP tells the sender himself: were NOTIFY passed on, both would. RFC 2033 4.2
    if (lmtp) offered_.dsn = false;
    co_return std::nullopt;
  }
  if (lmtp || !said.permanent()) co_return turned_away(said);
  stage_ = "the reply to HELO";
  say("HELO " + terms_.helo + "\r\n");  // RFC 5321 3.2
  said = co_await answer(times.command);
  if (!said.positive()) co_return turned_away(said);
  co_return std::nullopt;
}

awaitable<ClientSession::Asked> ClientSession::ask(mail::Address recipient, const config::Delivery& times) {
  clean_ = false;
  try {
    co_return co_await ask_recipient(std::move(recipient), times);
  } catch (const system_error& broken) {
    may_quit_ = false;
    co_return Asked{false, reply_for(broken.code())};
  } catch (const Left& left) {
    may_quit_ = false;
    co_return Asked{false, left.reply()};
  }
}

awaitable<ClientSession::Asked> ClientSession::ask_recipient(mail::Address recipient,
                                                             const config::Delivery& times) {
  const bool ascii = recipient.is_ascii();
  // RFC 6531 3.5
  if (!ascii && !offered_.smtputf8)
    co_return Asked{true, mail::reply(553, 6, 7, "the next hop takes no non-ASCII addresses")};
  stage_ = "the reply to MAIL";
  say(ascii ? "MAIL FROM:<>\r\n" : "MAIL FROM:<> SMTPUTF8\r\n");
  auto reply = co_await answer(times.command);
  if (!reply.positive()) co_return Asked{false, std::move(reply)};
  stage_ = "the reply to RCPT";
  say("RCPT TO:<" + recipient.to_ascii() + ">\r\n");
  reply = co_await answer(times.command);
  // 503 is about the order of commands, 530 wants a login or TLS first. RFC 4954 6, RFC 3207 4
  const bool about_recipient = reply.code != 503 && reply.code != 530;
  co_return Asked{about_recipient, std::move(reply)};
}

awaitable<void> ClientSession::carry(Work work) {
  const auto speaks = terms_.protocol == ClientProtocol::lmtp ? ClientResults::Speaks::lmtp
                      : offered_.dsn                          ? ClientResults::Speaks::smtp_with_dsn
                                                              : ClientResults::Speaks::smtp;
  work.results.set_relay(relay_, speaks);
  answered_ = dead_ = false;
  do {
    accepted_.clear();
    unanswered_.clear();
    ended_ = out_ends_ = deciding_ = false;
    try {
      co_await transact(work);
    } catch (const system_error& broken) {
      end_of_the_line(reply_for(broken.code()), has_gone(broken.code()), work.results);
    } catch (const Left& left) {
      const bool leaves = left.reply().code == 421;
      // Replies come in order: who leaves instead of the reply to MAIL has not taken what was said behind it.
      if (leaves && !deciding_) ended_ = false;
      end_of_the_line(left.reply(), leaves, work.results);
    }
    connection_.rest();
  } while (work.results.take_again() && clean_);
}

// Once the server has everything, we can't know whether it took it: to give it to the next host at once would make two of
// it. Before that the next host may have it.
void ClientSession::end_of_the_line(mail::Reply reply, bool gone, ClientResults& results) {
  clean_ = may_quit_ = false;
  dead_ = gone && !ended_ && !answered_ && transactions_ > 1;
  if (dead_) return;
  if (ended_) {
    for (const auto* places : {&accepted_, &unanswered_})
      for (const std::size_t place : *places)
        if (results.is_open(place)) results.decide(place, mail::Action::deferred, reply);
  }
  results.blame(std::move(reply), ClientResults::Weight::broken);
}

mail::Reply ClientSession::reply_for(const boost::system::error_code& error) const {
  const std::string where = std::string(" while waiting for ") + stage_;
  if (error == boost::asio::error::operation_aborted) return mail::reply(451, 3, 2, "shutting down");
  if (error == boost::system::errc::bad_message)
    return mail::reply(451, 5, 0, "the server sent what is no reply" + where);
  if (error == boost::asio::error::timed_out) return mail::reply(451, 4, 2, "time ran out" + where);
  if (error == boost::asio::error::eof)
    return mail::reply(451, 4, 2, "the server closed the connection" + where);
  return mail::reply(451, 4, 2, error.message() + where);
}

awaitable<void> ClientSession::quit(base::Milliseconds patience) {
  if (!may_quit_) co_return;
  try {
    stage_ = "the reply to QUIT";
    out_.clear();
    connection_.set_end(std::chrono::steady_clock::now() + patience);
    connection_.allow(patience);
    connection_.transcript.sent("QUIT\r\n");
    co_await connection_.send("QUIT\r\n");
    // Replies to what was said before may still come.
    for (int i = 0; i < kRepliesToQuit; ++i)
      if ((co_await answer(patience)).code == 221) break;
    if (connection_.tls()) connection_.finish();  // close_notify: nobody has cut it off. RFC 8446 6.1
  } catch (const system_error&) {
    // It has gone already, or is too slow to be waited for.
  } catch (const Left&) {
    // 421 is as good as 221.
  }
}

void ClientSession::say(std::string_view command) {
  out_ += command;
  connection_.transcript.sent(command);
}

// Sends what was said, then reads one reply.
awaitable<mail::Reply> ClientSession::answer(base::Milliseconds within, Wanted wanted) {
  if (!out_.empty()) {
    co_await expect_quiet();
    connection_.allow(within);
    // Where this breaks, some of it was never handed over, and the server can't have all.
    co_await connection_.send(std::exchange(out_, {}));
    ended_ |= std::exchange(out_ends_, false);
  }
  connection_.allow(within);
  auto reply = co_await connection_.reply();
  if (reply.code == 421) throw Left(std::move(reply));  // RFC 5321 3.8
  answered_ = true;
  const bool negative = reply.temporary() || reply.permanent();
  if (!negative && (reply.code >= 300) != (wanted == Wanted::go_on)) {
    const std::string where = std::string(" as ") + stage_;
    throw Left(mail::reply(451, 5, 0, "the server said " + one_line(reply) + where));
  }
  co_return reply;
}

// Before a command: a reply that is there already would be taken for the reply to it, and every later one for that to
// the command before.
awaitable<void> ClientSession::expect_quiet() {
  if (const auto refusal = co_await early_refusal()) throw Left(unasked(*refusal));
}

// Behind 354 a refusal can only be one of the content.
awaitable<std::optional<mail::Reply>> ClientSession::early_refusal() {
  if (connection_.is_quiet()) co_return std::nullopt;
  connection_.allow(kUnasked);
  auto reply = co_await connection_.reply();
  if (reply.code == 421) throw Left(std::move(reply));  // RFC 5321 3.8
  if (!reply.temporary() && !reply.permanent()) throw Left(unasked(reply));
  co_return reply;
}

// Why the server broke off, or read no more, while we wrote content behind `open` chunks without their reply. Throws `broken`
// where it did not say.
awaitable<mail::Reply> ClientSession::last_words(system_error broken, std::size_t open) {
  const bool stuck = broken.code() == boost::asio::error::timed_out;
  if (!stuck && broken.code() != boost::asio::error::broken_pipe &&
      broken.code() != boost::asio::error::connection_reset)
    throw system_error(broken);
  std::optional<mail::Reply> reply;
  try {
    // After a time-out only what is there is read, as no stream waits that was cancelled.
    if (!stuck) connection_.allow(kLastWords);
    do reply = co_await connection_.reply();
    while (reply->positive() && open-- > 0);
  } catch (const system_error&) {
    throw system_error(broken);
  }
  if (reply->code == 421) throw Left(*std::move(reply));  // RFC 5321 3.8
  if (!reply->temporary() && !reply->permanent()) throw system_error(broken);
  co_return *std::move(reply);
}

// Behind the last reply of a transaction: the reply that was taken for the verdict was perhaps another one's. A refusal
// that comes too late means that the message may not have been taken. 421 is a farewell.
void ClientSession::expect_no_late_refusal() {
  std::string_view late = connection_.unread();
  while (!late.empty()) {
    const bool refusal = (late[0] == '4' || late[0] == '5') && !late.starts_with("421");
    if (refusal)
      throw Left(mail::reply(451, 5, 0, "replies that nobody asked for, and a refusal among them"));
    late.remove_prefix(std::min(late.find('\n'), late.size() - 1) + 1);
  }
}

void ClientSession::come_to_rest(bool wants_reset) {
  clean_ = connection_.is_quiet();
  wants_reset_ = wants_reset;
}

}  // namespace postrider::deliver
