// A client's session: greeting, EHLO or LHLO, transactions, QUIT. SMTP and LMTP differ by data, not by code.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/system/system_error.hpp>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/config.hpp"
#include "deliver/client_connection.hpp"
#include "deliver/client_content.hpp"
#include "deliver/client_plan.hpp"
#include "deliver/client_results.hpp"
#include "deliver/hosts.hpp"
#include "deliver/tls_memory.hpp"
#include "net/stream.hpp"
#include "policy/tls_policy.hpp"
#include "wire/smtp/extensions.hpp"

namespace postrider::deliver {

enum class ClientProtocol : std::uint8_t { smtp, lmtp };

// Who we are, and who the other is.
struct ClientTerms {
  ClientProtocol protocol = ClientProtocol::smtp;
  std::string helo;  // what EHLO and LHLO say
  NextHop hop;       // its to_string() is the relay of outcomes
  policy::TlsPolicy policy = {};
  net::TlsClient* tls = nullptr;  // null: there is no TLS here
  TlsMemory* memory = nullptr;    // null: no session is resumed
};

// Thread rule: the stream's thread; one coroutine at a time. Broken connections never come out as exceptions: they are
// replies (451 4.4.2, or 451 4.5.0 for what is not SMTP) and make is_usable() false.
class ClientSession {
 public:
  ClientSession(std::unique_ptr<net::Stream> stream, ClientTerms terms);

  // No step goes on after `end`, whatever its own time is.
  void set_end(base::SteadyTime end) { connection_.set_end(end); }

  // Waits for the greeting and says EHLO, or HELO where that is refused (RFC 5321 3.2), or LHLO (RFC 2033 4.1). The
  // reply is why nothing can be done here: another host may be tried. RFC 5321 3.1 In between, as the policy wants it,
  // STARTTLS, the handshake, and EHLO again: what was said before is forgotten. RFC 3207 4.2
  //   451 4.7.4  the policy wants TLS, and the server does not offer it
  //   451 4.7.5  the handshake failed, or the certificate is not what the policy wants
  boost::asio::awaitable<std::optional<mail::Reply>> open(const config::Delivery& times);

  struct Work {
    ClientResults& results;  // has open recipients
    sys::Pool& readers;
    const config::Delivery& times;
  };
  // One transaction for the recipients that are open, and more of them while the server says that they are too many for
  // one. Who is still open afterwards may be tried at the next host. Requires is_usable().
  boost::asio::awaitable<void> carry(Work work);

  // Whether the server would take mail of the null sender for this recipient: MAIL and RCPT, instead of carry(), behind open().
  // Then only quit() follows, which ends the transaction. RFC 5321 4.1.1.10
  struct Asked {
    bool about_recipient = false;  // false: the reply is about something else; another server may know more
    mail::Reply reply;
  };
  boost::asio::awaitable<Asked> ask(mail::Address recipient, const config::Delivery& times);

  // QUIT, and the reply, within `patience`; nothing where the line broke, or in the middle of the content.
  // RFC 5321 4.1.1.10
  boost::asio::awaitable<void> quit(base::Milliseconds patience);

  // The handshake failed: without TLS this server may be reached.
  bool tls_failed() const { return tls_failed_; }
  // What was negotiated; empty: the connection is in clear.
  const std::string& tls() const { return tls_words_; }
  // Another transaction may follow: the last one came to its end.
  bool is_usable() const { return clean_; }
  // The same, and the server has said nothing since.
  bool is_alive() { return clean_ && connection_.is_quiet(); }
  // A later carry() to whom the server closed, or said 421, before any reply and before it had the message: the
  // connection was kept too long. Nothing is noted of it.
  bool was_dead() const { return dead_; }
  std::uint32_t transactions() const { return transactions_; }
  base::SteadyTime since() const { return since_; }
  const ClientTerms& terms() const { return terms_; }
  // Since the last call of forget_transcript().
  const std::string& transcript() const { return connection_.transcript.text(); }
  void forget_transcript() { connection_.transcript.clear(); }

  void cancel() noexcept { connection_.cancel(); }

 private:
  enum class Wanted : std::uint8_t { done, go_on };  // 2yz, 3yz
  // A small message goes out with MAIL and RCPT in one write, where the server takes chunks.
  static constexpr std::size_t kOneGroup = 64 * 1024;
  // Chunks that may be under way without their reply.
  static constexpr std::size_t kChunks = 2;

  boost::asio::awaitable<std::optional<mail::Reply>> greet(const config::Delivery& times);
  boost::asio::awaitable<Asked> ask_recipient(mail::Address recipient, const config::Delivery& times);
  boost::asio::awaitable<std::optional<mail::Reply>> hello(const config::Delivery& times);

  // client_tls.cpp
  boost::asio::awaitable<std::optional<mail::Reply>> secure(const config::Delivery& times);
  boost::asio::awaitable<std::optional<mail::Reply>> shake_hands(const config::Delivery& times);
  std::optional<mail::Reply> without_tls(const std::string& why);
  std::optional<mail::Reply> judge_certificate();

  boost::asio::awaitable<void> transact(Work work);
  boost::asio::awaitable<bool> envelope(const ClientPlan& plan, std::string_view command,
                                        std::string_view content, Work work);
  boost::asio::awaitable<void> by_data(ClientContent& content, ContentPiece piece, bool asked, Work work);
  boost::asio::awaitable<void> by_chunks(ClientContent& content, ContentPiece piece, Work work);
  boost::asio::awaitable<bool> take_chunk_reply(Work work);
  boost::asio::awaitable<std::optional<bool>> holds_eight_bit(const ContentPiece& first, Work work);
  boost::asio::awaitable<std::optional<ContentPiece>> next_piece(ClientContent& content, Work work);
  boost::asio::awaitable<bool> push(std::string_view octets, std::size_t open, Work work);
  boost::asio::awaitable<void> finish(Work work);

  void say(std::string_view command);
  boost::asio::awaitable<mail::Reply> answer(base::Milliseconds within, Wanted wanted = Wanted::done);
  void judge_accepted(const mail::Reply& reply, std::string_view in_reply_to, ClientResults& results);
  boost::asio::awaitable<void> expect_quiet();
  boost::asio::awaitable<std::optional<mail::Reply>> early_refusal();
  boost::asio::awaitable<mail::Reply> last_words(boost::system::system_error broken, std::size_t open);
  void expect_no_late_refusal();
  void come_to_rest(bool wants_reset);
  void end_of_the_line(mail::Reply reply, bool gone, ClientResults& results);
  mail::Reply reply_for(const boost::system::error_code& error) const;

  ClientConnection connection_;
  const ClientTerms terms_;
  const std::string relay_;
  wire::smtp::Extensions offered_;
  std::string out_;                    // said, and not yet sent
  bool out_ends_ = false;              // with the end of the content
  std::vector<std::size_t> accepted_;  // places of this transaction
  // Places whose RCPT went out with all of the content, and whose reply is still to come.
  std::vector<std::size_t> unanswered_;
  std::string tls_words_;
  bool tls_failed_ = false;
  const char* stage_ = "the greeting";  // what is waited for, for people
  bool clean_ = false;                  // between two transactions
  bool wants_reset_ = false;            // MAIL stands, without a recipient
  bool may_quit_ = true;                // the server waits for a command
  bool ended_ = false;                  // all of the content is on its way
  bool deciding_ = false;               // the next reply is that to the end of the content
  bool answered_ = false;
  bool dead_ = false;
  std::uint32_t transactions_ = 0;
  const base::SteadyTime since_ = std::chrono::steady_clock::now();
};

}  // namespace postrider::deliver
