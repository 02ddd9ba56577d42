// DATA and BDAT: content, from the wire to a durable commit.
#include <boost/asio/use_awaitable.hpp>

#include "net/await_posted.hpp"
#include "policy/content.hpp"
#include "receive/counts.hpp"
#include "receive/session.hpp"
#include "sys/log.hpp"
#include "wire/authres/authres.hpp"
#include "wire/smtp/reply.hpp"

namespace postrider::receive {

using boost::asio::awaitable;
using mail::reply;
using mail::Reply;

namespace {

// A sync that takes longer than this is a disk in trouble: the client is told to come again. What was handed over may
// still be committed, so that it may come twice, and is never lost.
constexpr base::Milliseconds kDiskPatience = std::chrono::seconds(60);

}  // namespace

std::optional<Reply> Session::open_transfer() {
  drop_transfer();
  auto draft = services_.queue.open_draft();
  if (!draft) return store_refusal(draft.error());
  transfer_ =
      std::make_unique<Transfer>(dialog_.setting().config->limits, std::move(*draft), dialog_.line_ends());
  if (services_.queue.wants_body_hash(dialog_.origin())) transfer_->want_signatures();
  transfer_->when_header([this](std::string_view header) { examine(header); });
  return {};
}

void Session::drop_transfer() {
  examination_.reset();
  transfer_.reset();
}

awaitable<Session::Next> Session::handle_data() {
  auto refusal = dialog_.refuse_data();
  if (!refusal) refusal = open_transfer();
  if (refusal) {
    log_refusal(*refusal, "DATA");
    co_return co_await answer(std::move(*refusal));
  }
  co_await answer(
      mail::plain_reply(354, "go on; end with <CRLF>.<CRLF>"));  // never the last word: see Dialog::count
  co_await send_replies();
  for (bool ended = false; !ended;) {
    if (begin_ == end_) {
      set_deadline(dialog_.setting().config->timeouts.data_block);
      if (!co_await fill()) co_return Next::close;
    }
    const auto taken = transfer_->take_data(input());
    consume(taken.consumed);
    ended = taken.ended;
    if (transfer_->hopeless()) co_return co_await abandon_hopeless();
    if (!ended && transfer_->wants_flush()) co_await flush_draft();
  }
  co_return co_await end_of_content();
}

awaitable<Session::Next> Session::handle_bdat(wire::smtp::Bdat command) {
  auto refusal = dialog_.refuse_bdat();
  if (!refusal && !transfer_) refusal = open_transfer();
  if (refusal) {
    log_refusal(*refusal, "BDAT");
  } else {
    dialog_.begin_chunks();
  }
  // A refused chunk must be read all the same: its octets are not commands. RFC 3030 2
  const std::uint64_t most = 2 * dialog_.setting().config->limits.message_size;
  if (command.size > most) {
    co_await answer(reply(552, 3, 4, "message too big, closing the connection"));
    co_return Next::close;
  }
  for (std::uint64_t left = command.size; left > 0;) {
    if (begin_ == end_) {
      set_deadline(dialog_.setting().config->timeouts.data_block);
      if (!co_await fill()) co_return Next::close;
    }
    const auto piece = input().substr(0, left);
    if (!refusal) transfer_->take_chunk(piece);
    left -= piece.size();
    consume(piece.size());
    if (!refusal && transfer_->hopeless()) co_return co_await abandon_hopeless();
    if (!refusal && transfer_->wants_flush()) co_await flush_draft();
  }
  // What is known to be wrong is said at once, and the chunks that are under way are refused. RFC 3030 2
  if (!refusal && !command.last && (refusal = transfer_->refusal())) log_refusal(*refusal, "BDAT");
  if (refusal) {
    dialog_.fail_chunks();
    co_return co_await answer(std::move(*refusal));
  }
  if (command.last) {
    transfer_->finish_chunks();
    co_return co_await end_of_content();
  }
  co_return co_await answer(reply(250, 0, 0, std::to_string(command.size) + " octets taken"));
}

awaitable<Session::Next> Session::abandon_hopeless() {
  const auto refusal = reply(552, 3, 4, "message too big, closing the connection");
  log_refusal(refusal, "content");
  co_await answer(refusal);
  co_return Next::close;
}

awaitable<void> Session::flush_draft() {
  auto& draft = transfer_->draft();
  const auto done = co_await net::await_posted<base::Result<void>>(
      kDiskPatience, [&](auto completion) { services_.queue.flush(draft, std::move(completion)); });
  // The store may still be at work on the chunk, which is its own: the draft can only be dropped.
  if (!done) throw boost::system::system_error(boost::asio::error::timed_out);
  if (!*done) transfer_->give_up(store_refusal(done->error()));
}

awaitable<Session::Next> Session::end_of_content() {
  const auto transfer = std::move(transfer_);
  const auto examination = std::move(examination_);
  const std::size_t rcpts = dialog_.rcpt_count();
  std::vector<Reply> by_rcpt;
  if (auto refusal = transfer->refusal()) {
    by_rcpt.assign(rcpts, std::move(*refusal));
  } else {
    by_rcpt = co_await commit(*transfer, examination.get());
  }
  const bool each = dialog_.lmtp();
  if (!by_rcpt.front().positive()) log_refusal(by_rcpt.front(), "content");
  dialog_.end_transaction();
  // SMTP has one reply for all, LMTP one for each. RFC 2033 4.2
  if (!each) by_rcpt.resize(1);
  // One command, and counted as one: a 421 among these replies would be taken for a recipient's.
  for (std::size_t i = 0; i + 1 < by_rcpt.size(); ++i) {
    counts::refused(by_rcpt[i]);
    wire::smtp::encode(by_rcpt[i], replies_);
    if (replies_.size() > kReplyBytes) co_await send_replies();
  }
  co_return co_await answer(std::move(by_rcpt.back()));
}

awaitable<std::vector<Reply>> Session::commit(Transfer& transfer, Examination* examination) {
  queue::Incoming incoming{.envelope = dialog_.envelope(transfer.size()), .draft = transfer.release()};
  auto& envelope = incoming.envelope;
  const auto& by_rcpt = dialog_.recipients_by_rcpt();
  const auto verdict = policy::judge_content(*dialog_.setting().config, envelope, transfer.header());
  std::vector<Reply> replies;
  if (verdict.refusal) co_return std::vector<Reply>(by_rcpt.size(), *verdict.refusal);

  // A recipient that is refused alone: LMTP says so in its reply, SMTP has to note it in the envelope.
  std::vector<std::optional<Reply>> refused(by_rcpt.size());
  bool any_left = false;
  for (std::size_t i = 0; i < by_rcpt.size(); ++i) {
    bool open = false;
    for (const auto index : by_rcpt[i]) {
      open = open || !verdict.recipients[index];
      if (verdict.recipients[index]) refused[i] = verdict.recipients[index];
    }
    if (open) refused[i].reset();
    any_left = any_left || open;
  }
  for (std::size_t i = 0; i < by_rcpt.size(); ++i) replies.push_back(refused[i].value_or(Reply{}));
  if (!any_left) co_return replies;
  note_refused_recipients(envelope, verdict);
  for (const auto& alias : dialog_.expanded())
    if (!refused[alias.rcpt]) envelope.recipients.push_back(alias.recipient);

  auto edits = dialog_.submit(envelope, incoming.draft.id(), transfer.header());
  if (!edits) co_return std::vector<Reply>(by_rcpt.size(), std::move(edits.error()));
  incoming.edits = *std::move(edits);
  incoming.decisions = dialog_.decisions();
  incoming.content = transfer.facts();
  // What claims to be found out by us, and did not come from us. RFC 8601 5
  std::ranges::move(wire::authres::removal(transfer.header(), dialog_.setting().config->hostname.ascii()),
                    std::back_inserter(incoming.edits));
  if (examination) {
    if (auto refusal = co_await judge_origin(*examination, transfer.header(), incoming))
      co_return std::vector<Reply>(by_rcpt.size(), *refusal);
  }
  const Reply said = co_await accept(std::move(incoming), transfer.size());
  for (auto& each : replies) {
    // SMTP's one reply is about what was accepted, though some recipients were refused alone.
    if (each.code == 0 || !dialog_.lmtp()) each = said;
  }
  co_return replies;
}

void Session::note_refused_recipients(mail::Envelope& envelope, const policy::ContentVerdict& verdict) const {
  std::vector<mail::Recipient> kept;
  for (std::size_t i = 0; i < envelope.recipients.size(); ++i) {
    auto recipient = std::move(envelope.recipients[i]);
    if (const auto& refusal = verdict.recipients[i]) {
      if (dialog_.lmtp()) continue;
      recipient.state = mail::RecipientState::untold;
      recipient.last = mail::Outcome{.action = mail::Action::failed,
                                     .reply = *refusal,
                                     .relay = "local",
                                     .detail = {},
                                     .at = envelope.received};
    }
    kept.push_back(std::move(recipient));
  }
  envelope.recipients = std::move(kept);
}

awaitable<Reply> Session::accept(queue::Incoming incoming, std::uint64_t octets) {
  const auto& envelope = incoming.envelope;
  const std::string from = envelope.reverse_path.to_string();
  const std::size_t recipients = envelope.recipients.size();
  const std::string protocol = envelope.origin.protocol;
  const std::string tls = envelope.origin.tls;
  const auto id = co_await net::await_posted<base::Result<base::MessageId>>(
      kDiskPatience,
      [&](auto completion) { services_.queue.accept(std::move(incoming), std::move(completion)); });
  if (!id) co_return reply(451, 3, 0, "the disk is too slow just now, try again later");
  if (!*id) co_return store_refusal(id->error());
  counts::accepted(dialog_.listener().mode, octets, recipients);
  const std::string name = (*id)->to_string();
  sys::log::info("accepted", {{"id", name},
                              {"from", from},
                              {"recipients", recipients},
                              {"size", octets},
                              {"client", dialog_.peer().name()},
                              {"helo", dialog_.helo()},
                              {"proto", protocol},
                              {"tls", tls},
                              {"listener", dialog_.listener().name()}});
  co_return dialog_.accepted(name);
}

}  // namespace postrider::receive
