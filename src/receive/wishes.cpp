#include "receive/wishes.hpp"

#include <algorithm>
#include <utility>

namespace postrider::receive {
namespace {

using mail::reply;
using std::chrono::seconds;

std::int64_t in_seconds(base::Milliseconds time) { return std::chrono::ceil<seconds>(time).count(); }

// To the second, as the wire has it.
std::string second_of(base::UtcTime time) {
  std::string text = base::to_rfc3339(std::chrono::floor<seconds>(time));
  text.erase(text.rfind('.'), 4);
  return text;
}

std::string_view name_of(config::PriorityPolicy policy) {
  switch (policy) {
    case config::PriorityPolicy::mixer:
      return " MIXER";
    case config::PriorityPolicy::stanag4406:
      return " STANAG4406";
    case config::PriorityPolicy::nsep:
      return " NSEP";
    case config::PriorityPolicy::none:
      break;
  }
  return "";
}

std::optional<mail::Reply> take_hold(const wire::smtp::Hold& hold, base::Milliseconds most, base::UtcTime now,
                                     Wishes& wishes) {
  const auto* interval = std::get_if<seconds>(&hold);
  const base::UtcTime until = interval ? now + *interval : std::get<base::UtcTime>(hold);
  if (until < now) return reply(501, 5, 4, "HOLDUNTIL is past");
  if (until > now + most)
    return reply(501, 5, 4,
                 "mail is held here for at most " + std::to_string(in_seconds(most)) + " seconds, until " +
                     second_of(now + most));
  wishes.hold_until = until;
  return {};
}

std::optional<mail::Reply> take_by(const wire::smtp::DeliverBy& by, base::Milliseconds least,
                                   base::UtcTime now, Wishes& wishes) {
  if (!by.notify && by.within < least)
    return reply(555, 5, 4,
                 "BY with R can't be less than " + std::to_string(in_seconds(least)) + " seconds here");
  wishes.deliver_by = now + by.within;
  wishes.notify = by.notify;
  wishes.trace = by.trace;
  wishes.late_already = by.within.count() <= 0;
  return {};
}

}  // namespace

std::expected<Wishes, mail::Reply> judge_wishes(const wire::smtp::Mail& command,
                                                const config::Extensions& extensions, base::UtcTime now,
                                                bool trusted) {
  Wishes wishes;
  if (command.hold)
    if (auto refusal = take_hold(*command.hold, extensions.max_hold, now, wishes))
      return std::unexpected(std::move(*refusal));
  if (command.by)
    if (auto refusal = take_by(*command.by, extensions.min_deliver_by, now, wishes))
      return std::unexpected(std::move(*refusal));
  if (wishes.hold_until && wishes.deliver_by && *wishes.hold_until >= *wishes.deliver_by)
    return std::unexpected(reply(501, 5, 4, "BY is over before it may be sent (HOLDFOR, HOLDUNTIL)"));
  wishes.requested = command.priority.value_or(0);
  wishes.priority = trusted ? wishes.requested : std::min<std::int8_t>(wishes.requested, 0);
  return wishes;
}

void apply(const Wishes& wishes, mail::Envelope& envelope) {
  envelope.hold_until = wishes.hold_until;
  envelope.deliver_by = wishes.deliver_by;
  envelope.deliver_by_notify = wishes.notify;
  envelope.deliver_by_trace = wishes.trace;
  envelope.priority = wishes.priority;
  if (!wishes.late_already) return;
  for (auto& recipient : envelope.recipients) recipient.warned = true;
}

std::vector<std::string> told(const Wishes& wishes) {
  std::vector<std::string> all;
  if (wishes.hold_until)
    all.push_back("hold: its sender asked that it is not sent before " +
                  base::to_rfc3339(*wishes.hold_until));
  if (wishes.deliver_by)
    all.push_back("deadline: its sender asked to " + std::string(wishes.notify ? "be told" : "have it back") +
                  " when it is not delivered by " + base::to_rfc3339(*wishes.deliver_by));
  if (wishes.lowered())
    all.push_back("priority: " + std::to_string(wishes.requested) +
                  " was asked for, and is only for those who may relay");
  else if (wishes.priority != 0)
    all.push_back("priority: " + std::to_string(wishes.priority));
  return all;
}

std::string lowered_text(const Wishes& wishes) {
  return std::to_string(wishes.priority) + " is the new priority: more is only for users of this server";
}

std::string announce(const config::Offers& offers, const config::Extensions& extensions, base::UtcTime now) {
  std::string lines;
  // RFC 4865 3
  if (offers.future_release)
    lines += "FUTURERELEASE " + std::to_string(in_seconds(extensions.max_hold)) + ' ' +
             second_of(now + extensions.max_hold) + '\n';
  // RFC 2852 4
  if (offers.deliver_by) lines += "DELIVERBY " + std::to_string(in_seconds(extensions.min_deliver_by)) + '\n';
  // RFC 6710 3
  if (offers.mt_priority) lines += "MT-PRIORITY" + std::string(name_of(extensions.priority_policy)) + '\n';
  return lines;
}

}  // namespace postrider::receive
