// Follows one address to its ends.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <unordered_set>
#include <vector>

#include "directory/directory.hpp"

namespace postrider::directory {

// Where an address leads by one step.
struct Step {
  enum class Kind : std::uint8_t { mailbox, elsewhere, alias, disabled, nobody };
  Kind kind = Kind::nobody;
  std::vector<mail::Address> next;     // of an alias
  std::optional<mail::Address> alias;  // its own name
};

// What an expansion asks.
class Steps {
 public:
  virtual ~Steps() = default;
  virtual Step step(const mail::Address& address) const = 0;
  virtual bool is_ours(const mail::Domain& domain) const = 0;
};

// In the order of the lists. Used once.
class Expansion {
 public:
  explicit Expansion(const Steps& steps) : steps_(steps) {}
  base::Result<Resolution> run(const mail::Address& start, std::optional<mail::Address> alias = {});

 private:
  struct Waiting {
    mail::Address address;
    std::optional<mail::Address> alias;
    std::size_t depth = 0;
  };
  std::string key(const mail::Address& address) const;
  base::Result<void> take(Waiting one, Step step);

  const Steps& steps_;
  std::vector<Waiting> waiting_;
  std::unordered_set<std::string> seen_;
  std::vector<Target> targets_;
  bool disabled_ = false;  // somebody was left out
};

}  // namespace postrider::directory
