// One transaction of a ClientSession: MAIL, RCPT, and the content by DATA or BDAT.
#include <boost/asio/use_awaitable.hpp>
#include <boost/system/system_error.hpp>
#include <utility>

#include "base/ascii.hpp"
#include "deliver/client_session.hpp"
#include "wire/smtp/data_encoder.hpp"

namespace postrider::deliver {

using boost::asio::awaitable;
using boost::system::system_error;

namespace {

std::string bdat_line(const ContentPiece& piece) {
  return "BDAT " + std::to_string(piece.octets.size()) + (piece.last ? " LAST\r\n" : "\r\n");  // RFC 3030 2
}

std::string content_note(std::size_t octets) { return "content, " + std::to_string(octets) + " octets"; }

}  // namespace

awaitable<void> ClientSession::transact(Work work) {
  ClientContent content(work.results.job().open, work.readers);
  auto piece = co_await next_piece(content, work);
  if (!piece) co_return;
  const auto eight_bit = co_await holds_eight_bit(*piece, work);
  if (!eight_bit) co_return;
  const auto plan = plan_transaction(offered_, *piece, *eight_bit, work.results);
  if (plan.recipients.empty()) {
    answered_ = true;  // by what it offers
    co_return;
  }
  ++transactions_;
  clean_ = false;
  const bool one_group =
      plan.chunks && offered_.pipelining && piece->last && piece->octets.size() <= kOneGroup;
  const std::string command = !plan.chunks ? "DATA\r\n" : one_group ? bdat_line(*piece) : "";
  if (one_group) {
    out_ends_ = true;
    for (const auto& recipient : plan.recipients) unanswered_.push_back(recipient.place);
  }
  if (!co_await envelope(plan, command, one_group ? piece->octets : std::string_view(), work)) co_return;
  if (one_group) co_return co_await finish(work);
  if (plan.chunks) co_return co_await by_chunks(content, *std::move(piece), work);
  co_await by_data(content, *std::move(piece), offered_.pipelining, work);
}

// MAIL and RCPT. With PIPELINING all of them, `command` and `content` are in one write, and each reply is read whatever the
// others said. RFC 2920 3.1 True: a recipient was accepted, or the reply to `command` is still to be read.
awaitable<bool> ClientSession::envelope(const ClientPlan& plan, std::string_view command,
                                        std::string_view content, Work work) {
  const bool pipelined = offered_.pipelining;
  const bool reset = std::exchange(wants_reset_, false);
  // A server may read the content before it answers MAIL.
  const auto patience = out_ends_ ? work.times.data_end : work.times.command;
  stage_ = "the reply to RSET";
  if (reset) say("RSET\r\n");
  if (reset && !pipelined) co_await answer(work.times.command);
  say(plan.mail);
  if (pipelined) {
    for (const auto& recipient : plan.recipients) say(recipient.line);
    say(command);
    if (!content.empty()) connection_.transcript.note(content_note(content.size()));
    out_ += content;
    if (reset) co_await answer(patience);
  }
  stage_ = "the reply to MAIL";
  const auto mail = co_await answer(patience);
  work.results.on_mail(mail);
  if (!mail.positive()) co_return false;  // and what else was said stays unread: this session is over
  for (const auto& recipient : plan.recipients) {
    stage_ = "the reply to RCPT";
    if (!pipelined) say(recipient.line);
    const auto reply = co_await answer(patience);
    std::erase(unanswered_, recipient.place);
    if (work.results.on_rcpt(recipient.place, reply)) accepted_.push_back(recipient.place);
  }
  if (!accepted_.empty() || (pipelined && !command.empty())) co_return true;
  come_to_rest(true);
  co_return false;
}

// `asked`: DATA has been said, and its reply is still to be read.
awaitable<void> ClientSession::by_data(ClientContent& content, ContentPiece piece, bool asked, Work work) {
  stage_ = "the reply to DATA";
  if (!asked) say("DATA\r\n");
  const auto go_on = co_await answer(work.times.data_start, Wanted::go_on);
  if (go_on.code >= 400) {
    judge_accepted(go_on, "DATA", work.results);
    come_to_rest(true);
    co_return;
  }
  may_quit_ = false;  // QUIT would be a line of the content
  // Where nobody was accepted the server is sent a message without a line, which it has to refuse. RFC 2920 3.1 What an
  // LMTP server would say to that is nowhere written, and 354 itself was wrong. RFC 2033 4.2
  if (accepted_.empty() && terms_.protocol == ClientProtocol::lmtp) co_return;
  wire::smtp::DataEncoder encoder;
  std::size_t octets = 0;
  bool last = accepted_.empty();
  while (!last) {
    last = piece.last;
    octets += piece.octets.size();
    std::string out = encoder.feed(std::move(piece.octets));
    if (last) out += encoder.finish();
    stage_ = "the content to be taken";
    if (const auto refusal = co_await early_refusal())
      co_return judge_accepted(*refusal, "the content", work.results);
    if (!co_await push(out, 0, work)) co_return;
    if (last) break;
    auto next = co_await next_piece(content, work);
    if (!next) co_return;  // never the dot: what it has is not the message
    piece = *std::move(next);
  }
  if (accepted_.empty())
    say(".\r\n");
  else
    connection_.transcript.note(content_note(octets));
  co_await finish(work);
}

awaitable<void> ClientSession::by_chunks(ClientContent& content, ContentPiece piece, Work work) {
  const std::size_t window = offered_.pipelining ? kChunks : 1;
  std::size_t open = 0;  // chunks without their reply
  for (;;) {
    // Nothing may stand before the reply to the last one, which is the verdict: this costs a large message a round trip.
    for (; piece.last && open > 0; --open)
      if (!co_await take_chunk_reply(work)) co_return;
    stage_ = "the content to be taken";
    if (open == 0) co_await expect_quiet();
    say(bdat_line(piece));
    connection_.transcript.note(content_note(piece.octets.size()));
    may_quit_ = false;  // and QUIT would be octets of the chunk
    if (!co_await push(std::exchange(out_, {}), open, work)) co_return;
    if (!co_await push(piece.octets, open, work)) co_return;
    may_quit_ = true;
    ended_ = piece.last;
    ++open;
    if (piece.last) co_return co_await finish(work);
    if (open == window) {
      if (!co_await take_chunk_reply(work)) co_return;
      --open;
    }
    auto next = co_await next_piece(content, work);
    if (!next) co_return;  // never LAST
    piece = *std::move(next);
  }
}

// The reply to a chunk that is not the last. A refusal is about the whole message. RFC 3030 2
awaitable<bool> ClientSession::take_chunk_reply(Work work) {
  stage_ = "the reply to BDAT";
  const auto reply = co_await answer(work.times.data_end);
  if (reply.positive()) co_return true;
  judge_accepted(reply, "BDAT", work.results);
  co_return false;
}

// The end of the data is on its way: one reply for all, or by LMTP one for each that was accepted. RFC 2033 4.2
awaitable<void> ClientSession::finish(Work work) {
  stage_ = "the reply to the end of the data";
  ended_ = deciding_ = may_quit_ = true;
  const bool each = terms_.protocol == ClientProtocol::lmtp && !accepted_.empty();
  for (std::size_t i = 0; i < (each ? accepted_.size() : 1); ++i) {
    const auto reply = co_await answer(work.times.data_end);
    if (!each || i + 1 == accepted_.size()) expect_no_late_refusal();
    if (each) {
      work.results.on_data(accepted_[i], reply, "end of data");
    } else {
      judge_accepted(reply, "end of data", work.results);
    }
  }
  come_to_rest(accepted_.empty());
}

void ClientSession::judge_accepted(const mail::Reply& reply, std::string_view in_reply_to,
                                   ClientResults& results) {
  for (const std::size_t place : accepted_) results.on_data(place, reply, in_reply_to);
}

// Octets above 127, in the header or the body: looked for, by a reader of its own, only where the plan depends on it.
// Nothing: as next_piece().
awaitable<std::optional<bool>> ClientSession::holds_eight_bit(const ContentPiece& first, Work work) {
  const bool matters =
      !offered_.eight_bit_mime && work.results.job().envelope->body == mail::BodyType::eight_bit_mime;
  if (!matters) co_return false;
  if (!base::is_ascii(first.octets)) co_return true;
  if (first.last) co_return false;
  ClientContent content(work.results.job().open, work.readers);
  for (;;) {
    const auto piece = co_await next_piece(content, work);
    if (!piece) co_return std::nullopt;
    if (!base::is_ascii(piece->octets)) co_return true;
    if (piece->last) co_return false;
  }
}

// Nothing: the message could not be read, and that is decided.
awaitable<std::optional<ContentPiece>> ClientSession::next_piece(ClientContent& content, Work work) {
  connection_.rest();
  auto piece = co_await content.next();
  if (piece) co_return *std::move(piece);
  answered_ = true;
  work.results.decide_open(mail::Action::deferred,
                           mail::reply(451, 3, 0, "the message could not be read: " + piece.error().text));
  co_return std::nullopt;
}

// Content, behind `open` chunks without their reply. False: the server refused it before it had all of it.
awaitable<bool> ClientSession::push(std::string_view octets, std::size_t open, Work work) {
  connection_.allow(work.times.data_block);
  std::optional<system_error> broken;
  try {
    co_await connection_.send(octets);
    co_return true;
  } catch (const system_error& error) {
    broken = error;
  }
  judge_accepted(co_await last_words(*broken, open), "the content", work.results);
  co_return false;
}

}  // namespace postrider::deliver
