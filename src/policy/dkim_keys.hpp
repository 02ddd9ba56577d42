// What the DNS says of the keys that a message's signatures need, DKIM's and ARC's.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "policy/lookups.hpp"
#include "wire/dkim/key_choice.hpp"

namespace postrider::policy {

// One thread at a time.
class DkimKeys {
 public:
  // `name`: as Signature::key_name() gives it.
  void want(const std::string& name) { answers_.try_emplace(name); }
  // Asks for all of them at once. True when all are answered.
  bool go_on(Lookups& lookups);
  // What is known of `name`: unavailable, where no answer came. Lives as long as this.
  const wire::dkim::KeyAnswer& of(const std::string& name) const;

 private:
  std::map<std::string, std::optional<wire::dkim::KeyAnswer>> answers_;
};

}  // namespace postrider::policy
