#include "queue/notice.hpp"

namespace postrider::queue {
namespace {

bool deliver_by_tells(const mail::Envelope& envelope, const mail::Outcome& outcome) {
  if (!envelope.deliver_by || outcome.action != mail::Action::relayed) return false;
  // RFC 2852 4.1.4, 4.1.4.2
  return envelope.deliver_by_trace || (envelope.deliver_by_notify && !outcome.deliver_by_passed_on);
}

}  // namespace

std::string_view to_string(Notice notice) {
  switch (notice) {
    case Notice::failure:
      return "failure";
    case Notice::success:
      return "success";
    case Notice::delay:
      break;
  }
  return "delay";
}

bool wants_failure_notice(const mail::Envelope& envelope, const mail::Recipient& recipient) {
  return !envelope.reverse_path.is_null() && (!recipient.notify.specified || recipient.notify.failure);
}

bool wants_success_notice(const mail::Envelope& envelope, const mail::Recipient& recipient,
                          const mail::Outcome& outcome) {
  if (envelope.reverse_path.is_null() || recipient.notify.never()) return false;
  if (deliver_by_tells(envelope, outcome)) return true;
  if (!recipient.notify.specified || !recipient.notify.success) return false;
  switch (outcome.action) {
    case mail::Action::delivered:
    case mail::Action::expanded:
      return true;
    case mail::Action::relayed:
      return !outcome.dsn_passed_on;
    case mail::Action::deferred:
    case mail::Action::failed:
    case mail::Action::discarded:
      break;
  }
  return false;
}

bool wants_delay_notice(const mail::Envelope& envelope, const mail::Recipient& recipient) {
  if (envelope.reverse_path.is_null() || recipient.warned || recipient.notify.never()) return false;
  return !recipient.notify.specified || recipient.notify.delay || envelope.deliver_by_notify;
}

bool wants_notice(const mail::Envelope& envelope, const mail::Recipient& recipient,
                  const mail::Outcome& outcome) {
  if (outcome.action == mail::Action::failed) return wants_failure_notice(envelope, recipient);
  return wants_success_notice(envelope, recipient, outcome);
}

bool is_held_end(const mail::Recipient& recipient) {
  return recipient.state == mail::RecipientState::held && recipient.last &&
         recipient.last->action != mail::Action::deferred;
}

}  // namespace postrider::queue
