// A circuit breaker for the DNS: where no name server answers anything, nobody has to find that out for himself by waiting.
//
//   closed      every question is asked
//   in doubt    kInVain questions were waited for in vain, and no server answered another one meanwhile. All are still asked; the next
//               takes with it a control question, which nobody outside can make fail: for a new name below our own. Its answer closes
//   open        the control question was waited for in vain, too: for kRest no question is asked, then the next is in doubt again
//
// So what strangers make us ask (names whose servers are dead, be they thousands) never opens it by itself.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "base/time.hpp"

namespace postrider::sys {

// One thread at a time. Logs event=dns_silent and event=dns_answers when it opens first and when it closes.
class DnsBreaker {
 public:
  static constexpr std::size_t kInVain = 3;
  // What fails sooner has kept nobody waiting: too many questions were open, or a server said that it can't tell.
  static constexpr std::chrono::seconds kWait{1};
  // What is answered sooner may be known to the resolver below, which asked nobody.
  static constexpr std::chrono::milliseconds kRoundTrip{5};
  // The longest that a control question may take.
  static constexpr std::chrono::seconds kControl{2};
  static constexpr std::chrono::seconds kRest{5};

  enum class Ruling : std::uint8_t {
    ask,
    ask_with_control,  // the control question, too
    fail,              // at once
  };
  Ruling question(base::SteadyTime now);

  struct Ended {
    bool answered = false;  // a server said something, be it that there is nothing
    base::SteadyTime asked{}, now{};
  };
  void ended(const Ended& question);
  // Of the control question that question() wanted at `asked`. True: it is open, and who waits for an answer waits in vain.
  bool control_ended(const Ended& control);

 private:
  enum class State : std::uint8_t { closed, doubtful, under_control, open };
  void close(base::SteadyTime now);

  State state_ = State::closed;
  std::size_t in_vain_ = 0;  // where closed: since the last answer
  base::SteadyTime control_asked_{}, rest_until_{};
  std::optional<base::SteadyTime> silent_since_;  // has been open, and not closed since
};

}  // namespace postrider::sys
