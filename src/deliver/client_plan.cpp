#include "deliver/client_plan.hpp"

#include <algorithm>
#include <string_view>

#include "base/ascii.hpp"
#include "wire/smtp/client_command.hpp"

namespace postrider::deliver {
namespace {

using wire::smtp::Extensions;
using wire::smtp::PathForm;

// Octets that go out. Of a message in several pieces it is not known what its edits make of it: they add some fields.
std::uint64_t size_of(const ContentPiece& first, const mail::Envelope& envelope) {
  return first.last ? first.octets.size() : std::max<std::uint64_t>(envelope.size, first.octets.size());
}

bool has_ascii_header(const ContentPiece& first) {
  const std::string_view text = first.octets;
  const auto end = text.find("\r\n\r\n");
  if (end == text.npos && !first.last) return false;  // not all of it is here: who knows
  return base::is_ascii(text.substr(0, end));
}

// The sender's address, or the message itself, can't go without SMTPUTF8. RFC 6531 3.2
bool needs_smtputf8(const ContentPiece& first, const mail::Envelope& envelope) {
  if (!envelope.reverse_path.is_null() && !envelope.reverse_path.address().is_ascii()) return true;
  return envelope.smtputf8 && !has_ascii_header(first);
}

mail::Reply no_smtputf8() { return mail::reply(553, 6, 7, "the server does not take non-ASCII addresses"); }

// Whether the message as a whole can go there.
std::optional<mail::Reply> refusal(const Extensions& offered, const ContentPiece& first, bool eight_bit,
                                   const mail::Envelope& envelope) {
  // RFC 1870 7
  if (const auto size = size_of(first, envelope); offered.most && size > *offered.most) {
    return mail::reply(552, 3, 4,
                       "the message has " + std::to_string(size) + " octets, the server takes at most " +
                           std::to_string(*offered.most));
  }
  const bool binary = envelope.body == mail::BodyType::binary_mime;
  // RFC 3030 3
  if (binary && !(offered.binary_mime && offered.chunking))
    return mail::reply(554, 6, 3, "the server does not take BINARYMIME");
  // RFC 6152 3 But nobody would hear that a notification failed.
  const bool refusable = eight_bit && !envelope.reverse_path.is_null();
  if (refusable && envelope.body == mail::BodyType::eight_bit_mime && !offered.eight_bit_mime)
    return mail::reply(554, 6, 3, "the server does not take 8BITMIME");
  if (!offered.smtputf8 && needs_smtputf8(first, envelope)) return no_smtputf8();
  return {};
}

// What is left of the time to deliver by, in whole seconds.
std::chrono::seconds time_left(const mail::Envelope& envelope, base::UtcTime now) {
  return std::chrono::floor<std::chrono::seconds>(*envelope.deliver_by - now);
}

// What is to come back when it is late goes only to a server that can see to it. RFC 2852 4.1.4
std::optional<mail::Reply> too_late_for(const Extensions& offered, const ClientResults& results) {
  const mail::Envelope& envelope = *results.job().envelope;
  if (!envelope.deliver_by || envelope.deliver_by_notify || !results.is_relay()) return {};
  const auto refused = [](std::string text) {
    return mail::reply(554, 4, 7, std::move(text));
  };  // RFC 3463 3.5
  if (!offered.deliver_by) return refused("the server can't see to it that the message is delivered in time");
  const auto left = time_left(envelope, results.now()).count();
  if (left >= std::max<std::int64_t>(1, static_cast<std::int64_t>(offered.least_by))) return {};
  return refused("the message is to be delivered within " + std::to_string(std::max<std::int64_t>(left, 0)) +
                 " seconds, the server wants more");
}

// Where the message came without one, the address that RCPT had. RFC 3461 5.2.1
mail::OriginalRecipient original_recipient(const mail::Recipient& recipient) {
  if (recipient.orcpt) return *recipient.orcpt;
  if (!recipient.original.is_ascii()) return {"utf-8", recipient.original.to_string()};
  return {"rfc822", recipient.original.to_ascii()};
}

std::string mail_line(const Extensions& offered, const ContentPiece& first, const ClientResults& results,
                      PathForm form) {
  const mail::Envelope& envelope = *results.job().envelope;
  wire::smtp::Mail command;
  command.reverse_path = results.job().reverse_path();
  command.smtputf8 = form == PathForm::utf8;
  if (offered.size) command.size = size_of(first, envelope);
  if (offered.eight_bit_mime || envelope.body == mail::BodyType::binary_mime) command.body = envelope.body;
  if (offered.dsn) {
    command.ret = envelope.ret;
    command.envid = envelope.envid;
  }
  if (offered.deliver_by && envelope.deliver_by)
    command.by = wire::smtp::DeliverBy{time_left(envelope, results.now()), envelope.deliver_by_notify,
                                       envelope.deliver_by_trace};
  if (offered.mt_priority && envelope.priority != 0) command.priority = envelope.priority;  // RFC 6710
  std::string line;
  encode(command, line);
  return line;
}

std::string rcpt_line(const Extensions& offered, const mail::Recipient& recipient, PathForm form) {
  wire::smtp::Rcpt command{.forward_path = recipient.final, .notify = {}, .orcpt = {}};
  if (offered.dsn) {
    command.notify = recipient.notify;
    command.orcpt = original_recipient(recipient);
  }
  std::string line;
  encode(command, form, line);
  return line;
}

}  // namespace

ClientPlan plan_transaction(const Extensions& offered, const ContentPiece& first, bool eight_bit,
                            ClientResults& results) {
  const mail::Envelope& envelope = *results.job().envelope;
  auto refused = refusal(offered, first, eight_bit, envelope);
  if (!refused) refused = too_late_for(offered, results);
  if (refused) {
    results.decide_open(mail::Action::failed, *refused);
    return {};
  }
  bool utf8 = envelope.smtputf8 || needs_smtputf8(first, envelope);
  ClientPlan plan;
  for (const std::size_t place : results.open()) {
    const bool ascii = results.recipient(place).final.is_ascii();
    utf8 = utf8 || !ascii;
    if (ascii || offered.smtputf8) {
      plan.recipients.push_back({place, {}});
    } else {
      results.decide(place, mail::Action::failed, no_smtputf8());  // RFC 6531 3.5
    }
  }
  if (plan.recipients.empty()) return plan;
  const auto form = utf8 && offered.smtputf8 ? PathForm::utf8 : PathForm::ascii;
  plan.chunks = offered.chunking;
  plan.mail = mail_line(offered, first, results, form);
  results.pass_deliver_by(offered.deliver_by);
  for (auto& [place, line] : plan.recipients) line = rcpt_line(offered, results.recipient(place), form);
  return plan;
}

}  // namespace postrider::deliver
