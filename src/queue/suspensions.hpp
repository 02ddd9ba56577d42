// What an operator does not want to be tried for a while. Pure.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "base/time.hpp"
#include "mail/path.hpp"
#include "store/backlog.hpp"

namespace postrider::queue {

// Some dozens; asked for each message only where there is one of that kind. One thread.
class Suspensions {
 public:
  void set(std::vector<store::Suspension> all);
  void add(store::Suspension one);
  bool remove(std::uint64_t id);
  const std::vector<store::Suspension>& all() const { return all_; }

  // The one that covers it, null: none. The pointer lives until the next change.
  const store::Suspension* everything() const;
  const store::Suspension* of_destination(std::string_view name) const;
  const store::Suspension* of_site(std::string_view name) const;
  const store::Suspension* of_sender(const mail::ReversePath& sender) const;
  bool has_senders() const { return has(store::Suspension::What::sender); }

  // When the first of them is over.
  base::UtcTime next_end() const { return next_end_; }
  // Of those whose time is over.
  std::vector<std::uint64_t> over(base::UtcTime now) const;

 private:
  bool has(store::Suspension::What what) const { return (kinds_ & (1u << static_cast<unsigned>(what))) != 0; }
  void count();
  std::vector<store::Suspension> all_;
  unsigned kinds_ = 0;
  base::UtcTime next_end_ = base::UtcTime::max();
};

}  // namespace postrider::queue
