// Mail from our own users: whose addresses it may bear, and what it lacks. RFC 6409
#pragma once

#include <optional>
#include <string_view>

#include "base/id.hpp"
#include "directory/directory.hpp"
#include "mail/domain.hpp"
#include "mail/edit.hpp"
#include "mail/envelope.hpp"
#include "mail/reply.hpp"

namespace postrider::policy {

// The account that has logged in, and where it stands. Lives for one call.
struct Submitter {
  const mail::Address& account;
  const directory::Directory& directory;
};

// 553 5.7.1 where the reverse-path is not an address of the submitter's. The null sender is everybody's: a message
// disposition notification has it (RFC 8098 3).
std::optional<mail::Reply> judge_submitted_sender(const Submitter& submitter,
                                                  const mail::ReversePath& reverse_path);

struct SubmittedContent {
  std::optional<mail::Reply> refusal;
  mail::Edits edits;
};

// At the end of the data. `header` is the header section as received; `submitter` is null for a program on this
// machine, which may use any address.
// Refused: a From that names another's address, several From fields, or one without an address (550 5.7.1); octets
// above 127 without SMTPUTF8 (554 5.6.9, RFC 6531 3.7.4.2).
// Edits: Date, Message-ID and From where they are missing (RFC 6409 8.2, 8.3); Bcc and Resent-Bcc go; Sender becomes
// the submitter's address where From is another's or has several addresses (RFC 6409 8.1, RFC 5322 3.6.2).
SubmittedContent judge_submission(const Submitter* submitter, const mail::Envelope& envelope,
                                  base::MessageId id, const mail::Domain& hostname, std::string_view header);

}  // namespace postrider::policy
