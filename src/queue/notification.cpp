#include "queue/notification.hpp"

#include <algorithm>

#include "base/ascii.hpp"
#include "queue/outcome_log.hpp"

namespace postrider::queue {
namespace {

namespace dsn = wire::dsn;

dsn::Action action_of(Notice notice, mail::Action last) {
  if (notice == Notice::delay) return dsn::Action::delayed;
  switch (last) {
    case mail::Action::delivered:
      return dsn::Action::delivered;
    case mail::Action::relayed:
      return dsn::Action::relayed;
    case mail::Action::expanded:
      return dsn::Action::expanded;
    case mail::Action::deferred:
    case mail::Action::failed:
    case mail::Action::discarded:
      break;
  }
  return dsn::Action::failed;
}

// RFC 3461 6.3 (g); a delay is temporary and a success a success, whatever was said.
base::EnhancedCode status_of(Notice notice, const mail::Reply& reply) {
  const auto said = reply.enhanced.value_or(base::EnhancedCode{});
  switch (notice) {
    case Notice::success:
      return said.cls == 2 ? said : base::EnhancedCode{2, 0, 0};
    case Notice::delay:
      return said.cls == 4 ? said : base::EnhancedCode{4, 0, 0};
    case Notice::failure:
      break;
  }
  // 4.4.7, an expired message's, is of class 4 and yet the end. RFC 3463 3.5
  if (said.cls == 4 || said.cls == 5) return said;
  return {static_cast<std::uint8_t>(reply.temporary() ? 4 : 5), 0, 0};
}

// The server whose words the reply is; empty: they are ours. RFC 3464 2.3.5, 2.3.6
std::string speaker_of(const mail::Outcome& last) {
  return last.said_by_relay ? remote_name(last.relay) : std::string();
}

std::string address_text(const mail::Address& address) {
  return address.is_ascii() ? address.to_ascii() : address.to_string();
}

// RFC 6533 3: one that ASCII can't write has another type.
dsn::Typed typed(const mail::Address& address) {
  return {address.is_ascii() ? "rfc822" : "utf-8", address_text(address)};
}

dsn::Recipient recipient_of(const Notification& notification, const mail::Recipient& recipient,
                            const mail::Outcome& last) {
  dsn::Recipient out;
  // Only what the sender said: RFC 3461 6.3 (d)
  if (recipient.orcpt)
    out.original = dsn::Typed{base::lower(recipient.orcpt->type), recipient.orcpt->address};
  out.final = typed(recipient.final);
  out.action = action_of(notification.notice, last.action);
  out.status = status_of(notification.notice, last.reply);
  // RFC 2852, RFC 3463 3.5
  if (notification.notice == Notice::delay && notification.envelope.deliver_by_notify)
    out.status = base::EnhancedCode{4, 4, 7};
  const std::string remote = speaker_of(last);
  // RFC 3461 6.3 (h), (i)
  if (!remote.empty()) out.remote_mta = dsn::Typed{"dns", remote};
  const std::string words = reply_text(last.reply);
  const bool ours = last.action == mail::Action::delivered || last.action == mail::Action::expanded;
  if (!words.empty() && !ours) out.diagnostic = dsn::Typed{remote.empty() ? "x-postrider" : "smtp", words};
  if (last.at != base::UtcTime{}) out.last_attempt = last.at;
  out.final_log_id = notification.about.to_string();
  if (notification.notice == Notice::delay) out.will_retry_until = notification.retried_until;
  return out;
}

dsn::Kind kind_of(Notice notice) {
  switch (notice) {
    case Notice::failure:
      return dsn::Kind::failure;
    case Notice::delay:
      return dsn::Kind::delay;
    case Notice::success:
      break;
  }
  return dsn::Kind::success;
}

}  // namespace

std::string remote_name(std::string_view relay) {
  const auto open = relay.find('[');
  const auto close = relay.find(']');
  if (open == std::string_view::npos || close == std::string_view::npos || close < open) return {};
  return std::string(open > 0 ? relay.substr(0, open) : relay.substr(0, close + 1));
}

dsn::OriginalReader::Wanted wanted(const Notification& notification) {
  using Wanted = dsn::OriginalReader::Wanted;
  if (notification.notice != Notice::failure) return Wanted::headers;
  return notification.envelope.ret == mail::DsnReturn::headers ? Wanted::headers : Wanted::full;
}

dsn::Report report_of(const Notification& notification, base::MessageId id, const std::string& hostname,
                      base::UtcTime now) {
  const mail::Envelope& about = notification.envelope;
  dsn::Report out;
  out.kind = kind_of(notification.notice);
  out.hostname = hostname;
  out.sender = address_text(about.reverse_path.address());
  out.id = id.to_string();
  out.date = now;
  out.smtputf8 = about.smtputf8;
  out.status.original_envelope_id = about.envid;  // RFC 3461 6.3 (a)
  out.status.reporting_mta = {"dns", hostname};   // RFC 3461 6.3 (b)
  if (!about.origin.helo.empty()) out.status.received_from_mta = dsn::Typed{"dns", about.origin.helo};
  if (about.received != base::UtcTime{}) out.status.arrival = about.received;
  out.status.deliver_by = about.deliver_by;
  out.status.future_release = about.hold_until;
  for (const std::uint32_t index : notification.recipients) {
    const mail::Recipient& recipient = about.recipients[index];
    const mail::Outcome last = recipient.last.value_or(mail::Outcome{});
    out.status.recipients.push_back(recipient_of(notification, recipient, last));
    out.words.push_back(
        {.name = recipient.original.to_string(), .server = speaker_of(last), .said = reply_text(last.reply)});
  }
  return out;
}

mail::Envelope envelope_of(const Notification& notification, base::UtcTime now) {
  mail::Envelope out;
  // What the header says of its recipient; the returned original is a part, and needs no SMTPUTF8. RFC 6533 4
  out.smtputf8 = !notification.envelope.reverse_path.address().is_ascii();
  out.received = now;
  out.priority = notification.envelope.priority;  // RFC 6710
  return out;
}

mail::Recipient notice_recipient(const mail::Address& sender) {
  return {.original = sender,
          .alias = {},
          .final = sender,
          .orcpt = {},
          .notify = {.specified = true},
          .last = {}};
}

}  // namespace postrider::queue
