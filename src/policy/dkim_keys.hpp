// The DNS questions of a message's signatures, DKIM's and ARC's: which there are, what was answered.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/time.hpp"
#include "sys/resolver.hpp"
#include "wire/dkim/key_choice.hpp"

namespace postrider::policy {

// One for a message. Each name is asked for once, however many signatures need it. Used by one thread at a time.
class DkimKeys {
 public:
  // `name`: Signature::key_name().
  void want(const std::string& name) { answers_.try_emplace(name); }
  // The names whose TXT records are wanted and were not answered yet.
  std::vector<std::string> questions() const;
  // A name that nobody wanted is passed over.
  void answer(const std::string& name, const sys::dns::Result<std::string>& result);
  // What is known of `name`: unavailable, where no answer came.
  wire::dkim::KeyAnswer of(const std::string& name) const;

 private:
  std::map<std::string, std::optional<wire::dkim::KeyAnswer>> answers_;
};

// Asks all questions of `keys` at once, and calls done(keys) once with the answers, as a Resolver calls: before this
// returns, or on the resolver's thread `within` at the latest. The resolver outlives all that.
void look_up(sys::Resolver& resolver, DkimKeys keys, base::Milliseconds within,
             std::move_only_function<void(DkimKeys)> done);

}  // namespace postrider::policy
