#include "queue/acceptance.hpp"

#include <algorithm>
#include <map>
#include <utility>

#include "queue/counts.hpp"
#include "queue/notice.hpp"
#include "queue/outcome_log.hpp"

namespace postrider::queue {
namespace {

bool has_ended(const mail::Recipient& recipient) {
  return recipient.state == mail::RecipientState::untold && recipient.last;
}

// By its route, from the start.
bool is_held(const mail::Recipient& recipient) {
  return recipient.state == mail::RecipientState::held && recipient.last;
}

bool is_told_of(const mail::Recipient& recipient) { return has_ended(recipient) || is_held(recipient); }

bool told_nobody(const mail::Envelope& envelope, const mail::Recipient& recipient) {
  return recipient.last->action == mail::Action::failed &&
         !wants_notice(envelope, recipient, *recipient.last);
}

store::Event make(base::MessageId id, const mail::Envelope& envelope, store::EventKind kind) {
  return {
      .message = id, .recipient = {}, .at = envelope.received, .kind = kind, .facts = {}, .addresses = {}};
}

store::Event accepted(base::MessageId id, const mail::Envelope& envelope,
                      std::vector<std::string> decisions) {
  store::Event event = make(id, envelope, store::EventKind::accepted);
  const mail::Origin& origin = envelope.origin;
  const auto add = [&event](std::string_view name, std::string value) {
    if (!value.empty()) event.facts.emplace_back(name, std::move(value));
  };
  event.facts.reserve(10 + decisions.size());
  event.facts.emplace_back("from", envelope.reverse_path.to_string());
  add("client", origin.client ? origin.client->to_string() : std::string());
  add("name", origin.client_name);
  add("helo", origin.helo);
  add("identity", origin.identity);
  add("protocol", origin.protocol);
  add("tls", origin.tls);
  add("listener", origin.listener);
  add("size", std::to_string(envelope.size));
  for (std::string& decision : decisions) add("decision", std::move(decision));
  event.addresses.reserve(1 + envelope.recipients.size());
  if (!envelope.reverse_path.is_null()) event.addresses.push_back(envelope.reverse_path.to_string());
  const mail::Address* sent_on_as = nullptr;
  for (const mail::Recipient& recipient : envelope.recipients) {
    event.addresses.push_back(recipient.original.to_string());
    if (recipient.original != recipient.final) event.addresses.push_back(recipient.final.to_string());
    if (!recipient.reverse_path || (sent_on_as && *sent_on_as == *recipient.reverse_path)) continue;
    sent_on_as = &*recipient.reverse_path;
    event.addresses.push_back(sent_on_as->to_string());
  }
  return event;
}

// One event for each alias, with all that it became.
void note_expansions(base::MessageId id, const mail::Envelope& envelope, std::vector<store::Event>& events) {
  std::map<std::string, std::size_t> places;
  for (const mail::Recipient& recipient : envelope.recipients) {
    if (!recipient.alias || recipient.state == mail::RecipientState::untold) continue;
    const std::string alias = recipient.alias->to_string();
    const auto [place, is_new] = places.emplace(alias, events.size());
    if (is_new) {
      events.push_back(make(id, envelope, store::EventKind::expanded));
      events.back().facts.emplace_back("alias", alias);
    }
    auto& facts = events[place->second].facts;
    facts.emplace_back("to", recipient.final.to_string());
    // The same for all whom one alias sends it on to.
    const auto is_sender = [](const auto& fact) { return fact.first == "sender"; };
    if (recipient.reverse_path && std::ranges::none_of(facts, is_sender))
      facts.emplace_back("sender", recipient.reverse_path->to_string());
  }
}

}  // namespace

Acceptance::Acceptance(base::MessageId id, mail::Envelope& envelope, std::vector<std::string> decisions)
    : id_(id) {
  events_.push_back(accepted(id, envelope, std::move(decisions)));
  note_expansions(id, envelope, events_);
  if (std::ranges::none_of(envelope.recipients, is_told_of)) return;
  before_ = std::make_shared<const mail::Envelope>(envelope);
  std::erase_if(envelope.recipients, [this](const mail::Recipient& recipient) {
    return has_ended(recipient) && !wants_notice(*before_, recipient, *recipient.last);
  });
  note_outcomes(envelope);
}

// By their places in what is left of the envelope; those that are not in it have none.
void Acceptance::note_outcomes(const mail::Envelope& envelope) {
  std::uint32_t index = 0;
  for (const mail::Recipient& recipient : before_->recipients) {
    const bool stays = index < envelope.recipients.size() && envelope.recipients[index] == recipient;
    if (is_told_of(recipient)) {
      const bool held = is_held(recipient);
      store::Event event = make(id_, envelope, held ? store::EventKind::deferred : store::EventKind::ended);
      if (stays) event.recipient = index;
      event.facts = {{"to", recipient.final.to_string()},
                     {"state", held ? "held" : std::string(mail::to_string(recipient.last->action))},
                     {"reply", reply_text(recipient.last->reply)}};
      if (told_nobody(*before_, recipient)) event.facts.emplace_back("told", "nobody");
      events_.push_back(std::move(event));
    }
    if (stays) ++index;
  }
}

void Acceptance::tell(store::Timeline& timeline) {
  for (store::Event& event : events_) timeline.note(std::move(event));
  if (!before_) return;
  for (const mail::Recipient& recipient : before_->recipients) {
    if (!is_told_of(recipient)) continue;
    counts::outcomes.count(is_held(recipient) ? counts::kHeld : counts::place_of(recipient.last->action));
    log_outcome({.id = id_,
                 .envelope = *before_,
                 .recipient = recipient,
                 .outcome = *recipient.last,
                 .held = is_held(recipient),
                 .told_nobody = told_nobody(*before_, recipient)});
  }
}

}  // namespace postrider::queue
