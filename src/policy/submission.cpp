#include "policy/submission.hpp"

#include <algorithm>

#include "base/ascii.hpp"
#include "base/time.hpp"
#include "wire/mime/addresses.hpp"
#include "wire/mime/header_fields.hpp"

namespace postrider::policy {
namespace {

using mail::reply;
using wire::mime::HeaderField;

// Addresses that a refusal names.
constexpr std::size_t kNamed = 10;

// The words that tell what to use instead.
std::string allowed(const Submitter& submitter) {
  const auto names = submitter.directory.addresses_of(submitter.account);
  std::string out = base::printable(submitter.account.to_ascii()) + " may send as ";
  for (std::size_t i = 0; i < std::min(names.size(), kNamed); ++i)
    out += (i > 0 ? ", " : "") + base::printable(names[i]);
  if (names.size() > kNamed) out += " and " + std::to_string(names.size() - kNamed) + " more";
  return names.empty() ? base::printable(submitter.account.to_ascii()) + " may send nothing" : out;
}

struct Fields {
  std::vector<std::pair<std::uint32_t, HeaderField>> from, sender;  // and their places
  std::vector<std::uint32_t> hidden;                                // Bcc
  bool has_date = false;
  bool has_message_id = false;
};

Fields survey(std::string_view header) {
  Fields fields;
  std::uint32_t index = 0;
  for (wire::mime::FieldScanner scan(header); const auto field = scan.next(); ++index) {
    if (base::iequals(field->name, "From")) fields.from.emplace_back(index, *field);
    if (base::iequals(field->name, "Sender")) fields.sender.emplace_back(index, *field);
    if (base::iequals(field->name, "Date")) fields.has_date = true;
    if (base::iequals(field->name, "Message-ID")) fields.has_message_id = true;
    if (base::iequals(field->name, "Bcc") || base::iequals(field->name, "Resent-Bcc"))
      fields.hidden.push_back(index);
  }
  return fields;
}

// Every address of the field; nothing where one of them is none, or there is none.
std::optional<std::vector<mail::Address>> addresses_of(std::string_view raw_value) {
  std::vector<mail::Address> out;
  const auto list = wire::mime::parse_addresses(raw_value);
  if (list.truncated) return {};
  for (const auto& group : list.groups) {
    for (const auto& mailbox : group.mailboxes) {
      auto address = mail::Address::parse(wire::mime::addr_spec(mailbox));
      if (!address) return {};
      out.push_back(std::move(*address));
    }
  }
  if (out.empty()) return {};
  return out;
}

directory::SendAs right(const Submitter& submitter, const mail::Address& address) {
  return submitter.directory.may_send_as(submitter.account, address);
}
bool is_own(const Submitter& submitter, const mail::Address& address) {
  return right(submitter, address) == directory::SendAs::own;
}

// Who wrote it must be who may; and who sent it is said where that is another. RFC 6409 8.1
std::optional<mail::Reply> judge_from(const Submitter& submitter, const Fields& fields, mail::Edits& edits) {
  if (fields.from.empty()) return {};
  const auto from = addresses_of(fields.from.front().second.value);
  if (!from) return reply(550, 7, 1, "From: has no valid address; " + allowed(submitter));
  for (const auto& address : *from)
    if (right(submitter, address) == directory::SendAs::no)
      return reply(550, 7, 1,
                   "From: " + base::printable(address.to_ascii()) + " is not allowed; " + allowed(submitter));
  const bool needs_sender = from->size() > 1 || !is_own(submitter, from->front());
  bool has_sender = false;
  for (const auto& [index, field] : fields.sender) {
    const auto sender = addresses_of(field.value);
    const bool is_good = !has_sender && sender && sender->size() == 1 && is_own(submitter, sender->front());
    if (!is_good) edits.emplace_back(mail::RemoveField{index});
    has_sender |= is_good;
  }
  if (needs_sender && !has_sender)
    edits.emplace_back(mail::PrependField{"Sender: " + submitter.account.to_ascii() + "\r\n"});
  return {};
}

std::string author(const Submitter* submitter, const mail::Envelope& envelope) {
  if (!envelope.reverse_path.is_null()) return envelope.reverse_path.to_string();
  return submitter ? submitter->account.to_string() : "MAILER-DAEMON";
}

}  // namespace

std::optional<mail::Reply> judge_submitted_sender(const Submitter& submitter,
                                                  const mail::ReversePath& reverse_path) {
  if (reverse_path.is_null() || right(submitter, reverse_path.address()) != directory::SendAs::no) return {};
  return reply(
      553, 7, 1,
      '<' + base::printable(reverse_path.address().to_ascii()) + "> is not allowed; " + allowed(submitter));
}

SubmittedContent judge_submission(const Submitter* submitter, const mail::Envelope& envelope,
                                  base::MessageId id, const mail::Domain& hostname, std::string_view header) {
  SubmittedContent verdict;
  // RFC 6531 3.7.4.2
  if (!envelope.smtputf8 &&
      std::ranges::any_of(header, [](char c) { return static_cast<unsigned char>(c) > 127; })) {
    verdict.refusal = reply(554, 6, 9, "the header has octets above 127, and SMTPUTF8 was not asked for");
    return verdict;
  }
  const Fields fields = survey(header);
  // RFC 5322 3.6: one. What shows one and obeys another would be a disguise.
  if (fields.from.size() > 1) {
    verdict.refusal = reply(550, 7, 1, "there are " + std::to_string(fields.from.size()) + " From: fields");
    return verdict;
  }
  for (const std::uint32_t index : fields.hidden) verdict.edits.emplace_back(mail::RemoveField{index});
  if (submitter) verdict.refusal = judge_from(*submitter, fields, verdict.edits);
  if (verdict.refusal) return verdict;
  // RFC 6409 8.2, 8.3
  if (!fields.has_message_id)
    verdict.edits.emplace_back(
        mail::PrependField{"Message-ID: <" + id.to_string() + '@' + hostname.ascii() + ">\r\n"});
  if (fields.from.empty())
    verdict.edits.emplace_back(mail::PrependField{"From: " + author(submitter, envelope) + "\r\n"});
  if (!fields.has_date)
    verdict.edits.emplace_back(mail::PrependField{"Date: " + base::to_rfc5322(envelope.received) + "\r\n"});
  return verdict;
}

}  // namespace postrider::policy
