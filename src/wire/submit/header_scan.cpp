#include <algorithm>
#include <set>

#include "base/ascii.hpp"
#include "wire/mime/addresses.hpp"
#include "wire/mime/header_fields.hpp"
#include "wire/submit/header.hpp"

namespace postrider::wire::submit {
namespace {

using base::iequals;

bool is_resent(std::string_view name) { return base::istarts_with(name, "Resent-"); }

bool names_recipients(std::string_view name, bool resent) {
  const std::string_view plain = resent ? name.substr(7) : name;
  return iequals(plain, "To") || iequals(plain, "Cc") || iequals(plain, "Bcc");
}

bool is_dropped(std::string_view name) {
  return iequals(name, "Bcc") || iequals(name, "Resent-Bcc") || iequals(name, "Return-Path") ||
         iequals(name, "Content-Length");
}

// "From bob Thu Nov 26 ...", and not "From : bob", which is a field in its obsolete form. RFC 5322 4.5
bool is_mailbox_line(std::string_view text) {
  if (text.starts_with(">From ")) return true;
  // Each line has its CRLF, so that something is found.
  return text.starts_with("From ") && text[text.find_first_not_of(" \t", 4)] != ':';
}

std::string_view without_mailbox_line(std::string_view text) {
  while (is_mailbox_line(text)) text.remove_prefix(text.find('\n') + 1);
  return text;
}

// The last address that a field's list has, and no more than are wanted.
void add_addresses(std::string_view value, Scanned& into) {
  const auto list = mime::parse_addresses(value);
  into.too_many = into.too_many || list.truncated;
  for (const auto& group : list.groups) {
    for (const auto& mailbox : group.mailboxes) {
      if (into.recipients.size() == kMaxRecipients) {
        into.too_many = true;
        return;
      }
      std::string address = mime::addr_spec(mailbox);
      into.recipients.push_back(address.empty() ? mailbox.name : std::move(address));
    }
  }
}

bool has_resent_recipients(std::string_view text) {
  for (mime::FieldScanner fields(text); const auto field = fields.next();)
    if (is_resent(field->name) && names_recipients(field->name, true)) return true;
  return false;
}

}  // namespace

Scanned scan(const CrlfText& text) {
  Scanned found;
  const std::string_view all = without_mailbox_line(text.bytes());
  found.resent = has_resent_recipients(all);
  std::set<std::string> seen;
  bool newest = true;  // a second field of one name begins the set of one who sent it on before
  mime::FieldScanner fields(all);
  while (const auto field = fields.next()) {
    const bool resent = is_resent(field->name);
    if (resent) newest = newest && seen.insert(base::lower(field->name)).second;
    if (resent == found.resent && (!resent || newest) && names_recipients(field->name, resent))
      add_addresses(field->value, found);
    if (!is_dropped(field->name)) found.header += all.substr(field->begin, field->end - field->begin);
  }
  found.body = all.substr(std::min(fields.body_offset(), all.size()));
  return found;
}

std::vector<std::string> read_recipients(std::string_view word) {
  Scanned found;
  add_addresses(word, found);
  return std::move(found.recipients);
}

base::Result<mail::Address> qualified(std::string_view said, const mail::Domain& host) {
  if (auto whole = mail::Address::parse(said)) return whole;
  if (auto local = mail::Address::parse(std::string(said) + '@' + host.ascii())) return local;
  return base::permanent({5, 1, 3}, std::string(said) + ": no address");
}

}  // namespace postrider::wire::submit
