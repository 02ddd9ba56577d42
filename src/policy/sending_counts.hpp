// How much each account has sent lately, against what it may.
#pragma once

#include <array>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/time.hpp"
#include "directory/directory.hpp"

namespace postrider::policy {

// "100 messages within an hour", and how long until that many may be sent again.
struct SendingRefusal {
  std::string limit;
  base::Milliseconds again{};
};

// Sliding windows of an hour and a day, kept in twelfths: what was sent counts for the window and a twelfth of it at most.
// In memory only: a restart forgets. Any thread.
class SendingCounts {
 public:
  enum class Count : bool { no, yes };
  // Whether the account may send one message more, to so many recipients. They are counted where it may, and only with
  // Count::yes.
  std::optional<SendingRefusal> judge(std::string_view account, const directory::Limits& limits,
                                      std::uint32_t recipients, base::SteadyTime now, Count count);

  // Accounts in memory; those that have sent nothing for a day are forgotten when there are twice as many as the last time.
  std::size_t accounts() const;

 private:
  class Window {
   public:
    explicit Window(base::Milliseconds length) : twelfth_(length / kParts) {}
    std::uint64_t sum(base::SteadyTime now);
    void add(std::uint32_t count, base::SteadyTime now);
    // Until at most `left` of what is counted counts.
    base::Milliseconds until(std::uint64_t left, base::SteadyTime now);

   private:
    static constexpr std::int64_t kParts = 12;
    std::int64_t part_at(base::SteadyTime now) const;
    void pass_to(std::int64_t part);
    base::Milliseconds twelfth_;
    std::int64_t newest_ = 0;
    std::array<std::uint32_t, kParts + 1> counts_{};  // by part, modulo
  };
  struct Account {
    Window messages_hour{std::chrono::hours(1)}, messages_day{std::chrono::hours(24)};
    Window recipients_hour{std::chrono::hours(1)}, recipients_day{std::chrono::hours(24)};
  };
  struct Hash : std::hash<std::string_view> {
    using is_transparent = void;
  };
  void forget_idle(base::SteadyTime now);

  mutable std::mutex mutex_;
  std::unordered_map<std::string, Account, Hash, std::equal_to<>> accounts_;
  std::size_t forget_above_ = 1000;
};

}  // namespace postrider::policy
