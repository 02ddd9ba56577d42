// MAIL and RCPT, and whether content may follow: the transaction. RFC 5321 3.3
#include <algorithm>

#include "receive/dialog.hpp"
#include "wire/submit/header.hpp"

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

// What the next server is told that the sender said, where an alias of ours gave the mail another address and the
// sender did not say. RFC 3461 5.2.1 (d), RFC 6533 3
std::optional<mail::OriginalRecipient> original_recipient(const wire::smtp::Rcpt& command,
                                                          const directory::Target& target) {
  if (command.orcpt || !target.alias) return command.orcpt;
  const auto* said = std::get_if<mail::Address>(&command.forward_path);
  if (!said) return {};
  if (said->is_ascii()) return mail::OriginalRecipient{"rfc822", said->to_ascii()};
  return mail::OriginalRecipient{"utf-8", said->to_string()};
}

// An alias with several targets: it is told that it was expanded, and its targets are not asked to tell of success.
// RFC 3461 5.2.7.3 (c)
mail::Notify of_a_target(mail::Notify notify, bool expanded) {
  if (expanded) notify.success = false;
  return notify;
}

// Of two RCPT that lead to one mailbox: what either wants. Without NOTIFY a failure is told, and perhaps a delay.
mail::Notify both(mail::Notify one, mail::Notify other) {
  if (!one.specified && !other.specified) return {};
  const auto in_full = [](mail::Notify notify) {
    return notify.specified ? notify : mail::Notify{.specified = true, .failure = true, .delay = true};
  };
  one = in_full(one);
  other = in_full(other);
  return {.specified = true,
          .success = one.success || other.success,
          .failure = one.failure || other.failure,
          .delay = one.delay || other.delay};
}

}  // namespace

// A local program can't be told to bring the rest later.
std::size_t Dialog::most_recipients() const {
  const std::size_t set = setting_.config->limits.recipients;
  return peer_.user ? std::max(set, wire::submit::kMaxRecipients) : set;
}

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
  if (auto refusal = refuse_submitter(command.reverse_path)) return *std::move(refusal);
  auto wishes = judge_wishes(command, setting_.config->extensions, services_.clock.utc(),
                             policy::may_relay(*setting_.config, facts()));
  if (!wishes) return wishes.error();
  transaction_ = command;
  wishes_ = *wishes;
  decisions_ = told(wishes_);
  if (const auto& user = peer_.user)
    decisions_.push_back("submitted by a program of " + user->name + " (uid " + std::to_string(user->uid) +
                         ")");
  if (wishes_.lowered()) return reply(250, 3, 6, lowered_text(wishes_));  // RFC 6710
  return reply(250, 1, 0, '<' + command.reverse_path.to_string() + "> sender ok");
}

std::variant<Reply, ProbeNeeded> Dialog::rcpt(const wire::smtp::Rcpt& command) {
  if (!transaction_) return reply(503, 5, 1, "say MAIL first");
  if (chunks_begun_) return reply(503, 5, 1, "the content has begun");
  // RFC 5321 4.5.3.1.10
  if (by_rcpt_.size() >= most_recipients()) {
    return reply(452, 5, 3, "too many recipients; send the rest in another transaction");
  }
  if (const auto who = account())
    if (auto refusal = refuse_more(*who, by_rcpt_.size() + 1, policy::SendingCounts::Count::no))
      return *std::move(refusal);
  auto verdict = policy::judge_recipient(*setting_.config, *setting_.directory, facts(), command.forward_path,
                                         setting_.forwarding.get());
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
  const std::size_t most = kExpansion * most_recipients();
  if (recipients_.size() + accept.targets.size() > most) {
    return reply(452, 5, 3, "too many recipients; send the rest in another transaction");
  }
  const bool expanded = accept.targets.size() > 1;
  std::vector<std::uint32_t> indexes;
  for (const auto& target : accept.targets) {
    // Two ways to one mailbox are one delivery. Looked for one by one, large aliases would hold the thread for seconds.
    const auto next = static_cast<std::uint32_t>(recipients_.size());
    const auto [place, is_new] =
        indexes_.emplace(target.address.local() + '@' + mail::to_ascii(target.address.host()), next);
    indexes.push_back(place->second);
    const mail::Notify notify = of_a_target(command.notify, expanded);
    if (!is_new) {
      auto& known = recipients_[place->second].notify;
      known = both(known, notify);
      continue;
    }
    const auto* said = std::get_if<mail::Address>(&command.forward_path);
    recipients_.push_back({.original = said ? *said : target.alias.value_or(target.address),
                           .alias = target.alias,
                           .final = target.address,
                           .orcpt = original_recipient(command, target),
                           .notify = notify,
                           .reverse_path = sender_for(target),
                           .last = {}});
  }
  if (expanded && command.notify.success) note_expanded(command, accept.targets.front());
  by_rcpt_.push_back(std::move(indexes));
  note_decision(accept.why);
  return reply(250, 1, 5, name_of(command.forward_path) + " recipient ok");
}

// Nothing: the envelope's.
std::optional<mail::Address> Dialog::sender_for(const directory::Target& target) {
  if (!setting_.forwarding) return {};
  auto sender = setting_.forwarding->sender_for(transaction_->reverse_path, target, *setting_.directory);
  if (!sender.why.empty()) note_decision(sender.why);
  return std::move(sender.address);
}

void Dialog::note_decision(std::string_view why) {
  if (std::ranges::find(decisions_, why) == decisions_.end()) decisions_.emplace_back(why);
}

void Dialog::note_expanded(const wire::smtp::Rcpt& command, const directory::Target& first) {
  const auto* said = std::get_if<mail::Address>(&command.forward_path);
  const mail::Address name = said ? *said : first.alias.value_or(first.address);
  if (std::ranges::any_of(expanded_, [&](const auto& one) { return one.recipient.original == name; })) return;
  mail::Recipient alias{.original = name,
                        .alias = {},
                        .final = name,
                        .orcpt = command.orcpt,
                        .notify = command.notify,
                        .state = mail::RecipientState::untold,
                        .last = {}};
  alias.last = mail::Outcome{.action = mail::Action::expanded,
                             .reply = reply(250, 1, 5, "an alias: passed on to the addresses behind it"),
                             .relay = "local",
                             .detail = {},
                             .at = services_.clock.utc()};
  expanded_.push_back({by_rcpt_.size(), std::move(alias)});
}

std::optional<policy::AuthenticationFacts> Dialog::unproven() const {
  const auto& config = *setting_.config;
  // In the public DNS no domain says who may send from an address that each machine has.
  const bool unknowable = peer_.address.is_loopback() && config.dns.servers.empty();
  if (!config.authentication.check || listener_.mode != config::ListenerMode::mx || unknowable ||
      policy::may_relay(config, facts()))
    return {};
  return policy::AuthenticationFacts{.client = peer_.address,
                                     .helo = helo_,
                                     .reverse_path = transaction_->reverse_path,
                                     .receiver = config.hostname,
                                     .now = services_.clock.utc()};
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
