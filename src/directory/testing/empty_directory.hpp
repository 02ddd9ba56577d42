// A directory that knows nobody, for tests to override what they ask.
#pragma once

#include "directory/directory.hpp"

namespace postrider::directory::testing {

class EmptyDirectory : public Directory {
 public:
  base::Result<Resolution> resolve(const mail::Address&) const override { return {}; }
  base::Result<Resolution> postmaster() const override { return {}; }
  std::optional<Mailbox> mailbox(const mail::Address&) const override { return {}; }
  bool is_local(const mail::Domain&) const override { return false; }
  const Account* account(const mail::Address&) const override { return nullptr; }
  SendAs may_send_as(const mail::Address&, const mail::Address&) const override { return SendAs::no; }
  std::vector<std::string> addresses_of(const mail::Address&) const override { return {}; }
};

}  // namespace postrider::directory::testing
