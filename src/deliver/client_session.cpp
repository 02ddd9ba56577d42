#include "deliver/client_session.hpp"

#include <boost/asio/error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/system/system_error.hpp>
#include <exception>
#include <utility>

namespace postrider::deliver {

using boost::asio::awaitable;
using boost::system::system_error;

namespace {

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

}  // namespace

ClientSession::ClientSession(std::unique_ptr<net::Stream> stream, ClientTerms terms)
    : connection_(std::move(stream)), terms_(std::move(terms)), relay_(terms_.hop.to_string()) {}

awaitable<std::optional<mail::Reply>> ClientSession::open(const config::Delivery& times) {
  std::optional<mail::Reply> refusal;
  try {
    refusal = co_await greet(times);
  } catch (const system_error& broken) {
    co_return reply_for(broken.code());
  } catch (const Left& left) {
    refusal = left.reply();
  }
  clean_ = !refusal;
  co_return refusal;
}

awaitable<std::optional<mail::Reply>> ClientSession::greet(const config::Delivery& times) {
  const auto greeting = co_await answer(times.greeting);
  if (greeting.code != 220) co_return turned_away(greeting);
  const bool lmtp = terms_.protocol == ClientProtocol::lmtp;
  stage_ = lmtp ? "the reply to LHLO" : "the reply to EHLO";
  say((lmtp ? "LHLO " : "EHLO ") + terms_.helo + "\r\n");
  auto hello = co_await answer(times.command);
  if (hello.positive()) {
    offered_ = wire::smtp::read_extensions(hello);
    // Who delivers by LMTP tells the sender himself: were NOTIFY passed on, both would. RFC 2033 4.2
    if (lmtp) offered_.dsn = false;
    co_return std::nullopt;
  }
  if (lmtp || !hello.permanent()) co_return turned_away(hello);
  stage_ = "the reply to HELO";
  say("HELO " + terms_.helo + "\r\n");  // RFC 5321 3.2
  hello = co_await answer(times.command);
  if (!hello.positive()) co_return turned_away(hello);
  co_return std::nullopt;
}

awaitable<void> ClientSession::carry(Work work) {
  const auto speaks = terms_.protocol == ClientProtocol::lmtp ? ClientResults::Speaks::lmtp
                      : offered_.dsn                          ? ClientResults::Speaks::smtp_with_dsn
                                                              : ClientResults::Speaks::smtp;
  work.results.set_relay(relay_, speaks);
  answered_ = false;
  do {
    accepted_.clear();
    ended_ = false;
    try {
      co_await transact(work);
    } catch (const system_error& broken) {
      end_of_the_line(reply_for(broken.code()), work.results);
    } catch (const Left& left) {
      end_of_the_line(left.reply(), work.results);
    }
    connection_.rest();
  } while (work.results.take_again() && clean_);
}

// Once the server has everything, we can't know whether it took it: to give it to the next host at once would make two of
// it. Before that the next host may have it.
void ClientSession::end_of_the_line(mail::Reply reply, ClientResults& results) {
  clean_ = false;
  if (was_dead()) return;
  if (ended_) {
    for (const std::size_t place : accepted_)
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
  try {
    stage_ = "the reply to QUIT";
    out_.clear();
    say("QUIT\r\n");
    connection_.set_end(std::chrono::steady_clock::now() + patience);
    // Replies to what was said before may still come.
    while ((co_await answer(patience)).code != 221) {
    }
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
  connection_.allow(within);
  if (!out_.empty()) co_await connection_.send(std::exchange(out_, {}));
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

}  // namespace postrider::deliver
