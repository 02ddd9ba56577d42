// MAIL and RCPT, and whether content may follow: the transaction. RFC 5321 3.3
#include <algorithm>

#include "receive/dialog.hpp"

namespace postrider::receive {

using mail::reply;
using mail::Reply;

namespace {

// One RCPT may become many recipients; a message has at most this many times [limits] recipients in all.
constexpr std::size_t kExpansion = 10;

std::string name_of(const mail::ForwardPath& path) {
  const auto* address = std::get_if<mail::Address>(&path);
  return address ? '<' + address->to_string() + '>' : std::string("<postmaster>");
}

}  // namespace

Reply Dialog::mail(const wire::smtp::Mail& command) {
  if (greeted_ == Greeted::no) return reply(503, 5, 1, "say HELO or EHLO first");
  if (transaction_) return reply(503, 5, 1, "a transaction is open: one sender a message");
  setting_ = services_.setting();
  const auto& limits = setting_.config->limits;
  // RFC 1870 6.1
  if (command.size.value_or(0) > limits.message_size) {
    return reply(552, 3, 4,
                 "message too big: this server takes " + std::to_string(limits.message_size) + " octets");
  }
  if (const auto space = services_.queue.has_space(command.size.value_or(0)); !space) {
    return store_refusal(space.error());
  }
  if (const auto refusal = policy::judge_sender(*setting_.config, facts(), command.reverse_path)) {
    return refuse(*refusal);
  }
  transaction_ = command;
  return reply(250, 1, 0, '<' + command.reverse_path.to_string() + "> sender ok");
}

std::variant<Reply, ProbeNeeded> Dialog::rcpt(const wire::smtp::Rcpt& command) {
  if (!transaction_) return reply(503, 5, 1, "say MAIL first");
  if (chunks_begun_) return reply(503, 5, 1, "the content has begun");
  // RFC 5321 4.5.3.1.10
  if (by_rcpt_.size() >= setting_.config->limits.recipients) {
    return reply(452, 5, 3, "too many recipients; send the rest in another transaction");
  }
  auto verdict =
      policy::judge_recipient(*setting_.config, *setting_.directory, facts(), command.forward_path);
  if (const auto* refusal = std::get_if<policy::Refuse>(&verdict)) return refuse(*refusal);
  if (const auto* question = std::get_if<policy::AskNextHop>(&verdict))
    return ProbeNeeded{question->recipient};
  return add(command, std::get<policy::Accept>(verdict));
}

Reply Dialog::probed(const wire::smtp::Rcpt& command, const ProbeNeeded& question, const Reply& answer) {
  auto verdict = policy::judge_probe(question.recipient, answer);
  if (const auto* accept = std::get_if<policy::Accept>(&verdict)) return add(command, *accept);
  if (const auto* refusal = std::get_if<policy::Refuse>(&verdict)) return refuse(*refusal);
  return reply(451, 3, 0, "the next hop gave no answer");
}

Reply Dialog::add(const wire::smtp::Rcpt& command, const policy::Accept& accept) {
  const std::size_t most = kExpansion * setting_.config->limits.recipients;
  if (recipients_.size() + accept.targets.size() > most) {
    return reply(452, 5, 3, "too many recipients; send the rest in another transaction");
  }
  std::vector<std::uint32_t> indexes;
  for (const auto& target : accept.targets) {
    // Two ways to one mailbox are one delivery. Looked for one by one, large aliases would hold the thread for seconds.
    const auto next = static_cast<std::uint32_t>(recipients_.size());
    const auto [place, is_new] =
        indexes_.emplace(target.address.local() + '@' + mail::to_ascii(target.address.host()), next);
    indexes.push_back(place->second);
    if (!is_new) continue;
    const auto* said = std::get_if<mail::Address>(&command.forward_path);
    recipients_.push_back({.original = said ? *said : target.alias.value_or(target.address),
                           .alias = target.alias,
                           .final = target.address,
                           .orcpt = command.orcpt,
                           .notify = command.notify,
                           .last = {}});
  }
  by_rcpt_.push_back(std::move(indexes));
  if (std::ranges::find(decisions_, accept.why) == decisions_.end()) decisions_.emplace_back(accept.why);
  return reply(250, 1, 5, name_of(command.forward_path) + " recipient ok");
}

std::optional<Reply> Dialog::refuse_data() const {
  if (!transaction_) return reply(503, 5, 1, "say MAIL first");
  // DATA and BDAT can't be mixed in one transaction. RFC 3030 2
  if (chunks_begun_) return reply(503, 5, 1, "BDAT has begun: DATA is not allowed");
  if (by_rcpt_.empty()) return reply(503, 5, 1, "no valid recipients");
  return {};
}

std::optional<Reply> Dialog::refuse_bdat() const {
  if (!transaction_) return reply(503, 5, 1, "say MAIL first");
  // After a failed chunk the transaction must be reset. RFC 3030 2
  if (chunks_failed_) return reply(503, 5, 1, "a chunk failed: RSET");
  if (by_rcpt_.empty()) return reply(503, 5, 1, "no valid recipients");
  return {};
}

}  // namespace postrider::receive
