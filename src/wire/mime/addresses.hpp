// Address lists of header fields (From, To, Cc, Reply-To …): RFC 5322 3.4 with groups and comments, the
// obsolete forms of RFC 5322 4.4, names in encoded words (RFC 2047 5), UTF-8 (RFC 6532 3.2). Pure.
//
// The reader is tolerant: every value gives some list, and what it finds is not checked to be an address.
// Whoever wants to use one asks addr_spec() for it and gives that to the mail address grammar.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace postrider::wire::mime {

// Mailboxes and groups together, per list; what is behind is not read (AddressList::truncated).
inline constexpr std::size_t kMaxAddresses = 10000;

struct Mailbox {
  // The display name in UTF-8, folds and encoded words undone, with the comments behind it: `Name (comment)`,
  // or `comment` alone where there is no name. Empty: none.
  std::string name;
  // As written between the angle brackets, or bare, without comments and folds; a source route and the white
  // space of obsolete forms are still there. Octets are not changed, so it may be no UTF-8. Empty: a name or
  // comment without an address.
  std::string address;

  bool operator==(const Mailbox&) const = default;
};

struct AddressGroup {
  std::optional<std::string> name;  // nothing: mailboxes that stand outside of any group
  std::vector<Mailbox> mailboxes;

  bool operator==(const AddressGroup&) const = default;
};

struct AddressList {
  std::vector<AddressGroup>
      groups;              // in the order of the field; neighbours outside of groups share one entry
  bool truncated = false;  // kMaxAddresses was reached
};

// `raw`: a field's value with its folds. Nesting of comments is counted, not recursed.
AddressList parse_addresses(std::string_view raw);

// The address as RFC 5322 3.4.1 writes it today: no white space outside of quotation marks, no source route
// (RFC 5322 4.4: to be ignored).
std::string addr_spec(const Mailbox& mailbox);

}  // namespace postrider::wire::mime
