// Mail from our own users: under which names it may go, how much of it, and what it lacks. RFC 6409
#include "policy/submission.hpp"
#include "receive/dialog.hpp"

namespace postrider::receive {

using mail::reply;
using mail::Reply;
using Count = policy::SendingCounts::Count;

bool Dialog::is_submission() const {
  return listener_.mode == config::ListenerMode::submission || !identity_.empty();
}

// Who has logged in; nothing: nobody, or somebody whom XCLIENT names and who has no account here.
std::optional<mail::Address> Dialog::account() const {
  if (identity_.empty()) return {};
  auto address = mail::Address::parse(identity_);
  if (!address || !setting_.directory->account(*address)) return {};
  return *std::move(address);
}

std::optional<Reply> Dialog::refuse_submitter(const mail::ReversePath& reverse_path) const {
  const auto who = account();
  // It may have gone, or been disabled, since it logged in.
  if (by_auth_ && (!who || setting_.directory->account(*who)->state != directory::State::enabled))
    return reply(550, 7, 1, identity_ + " may not send any more");
  if (!who) return {};
  if (auto refusal = policy::judge_submitted_sender({*who, *setting_.directory}, reverse_path))
    return refusal;
  return refuse_more(*who, 1, Count::no);
}

std::optional<Reply> Dialog::refuse_more(const mail::Address& who, std::size_t recipients,
                                         Count count) const {
  if (!services_.sending) return {};
  const auto& clock = services_.clock;
  const auto refusal =
      services_.sending->judge(identity_, setting_.directory->account(who)->limits,
                               static_cast<std::uint32_t>(recipients), clock.steady(), count);
  if (!refusal) return {};
  const auto until = std::chrono::ceil<std::chrono::seconds>(clock.utc() + refusal->again);
  return reply(
      450, 7, 1,
      who.to_ascii() + " may send " + refusal->limit + ", and has; again at " + base::to_rfc5322(until));
}

LineEnds Dialog::line_ends() const {
  const bool repaired = is_submission() && setting_.config->submission.repair_line_ends;
  return repaired ? LineEnds::repaired : LineEnds::strict;
}

std::expected<mail::Edits, Reply> Dialog::submit(const mail::Envelope& envelope, base::MessageId id,
                                                 std::string_view header) {
  if (!is_submission()) return {};
  const auto who = account();
  std::optional<policy::Submitter> submitter;
  if (who) submitter.emplace(policy::Submitter{*who, *setting_.directory});
  auto verdict = policy::judge_submission(submitter ? &*submitter : nullptr, envelope, id,
                                          setting_.config->hostname, header);
  if (who && !verdict.refusal) verdict.refusal = refuse_more(*who, by_rcpt_.size(), Count::yes);
  if (verdict.refusal) return std::unexpected(*std::move(verdict.refusal));
  return std::move(verdict.edits);
}

}  // namespace postrider::receive
