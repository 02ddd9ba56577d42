// The world that the simulated queue serves: sites good and bad, destinations that lead there, and who writes to whom.
// Everything follows from the seed, whatever the scheduler does.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/time.hpp"
#include "config/config.hpp"
#include "mail/envelope.hpp"

namespace postrider::queue::testing {

// Numbers that depend on nothing but the seed (splitmix64).
class Dice {
 public:
  explicit Dice(std::uint64_t seed) : state_(seed) {}
  std::uint64_t bits();
  // 0 to bound - 1. Requires bound > 0.
  std::uint64_t below(std::uint64_t bound) { return bits() % bound; }
  // low to high, both included.
  std::int64_t between(std::int64_t low, std::int64_t high) {
    return low + static_cast<std::int64_t>(below(static_cast<std::uint64_t>(high - low + 1)));
  }
  double unit() { return static_cast<double>(bits() >> 11) * 0x1p-53; }
  bool chance(double likelihood) { return unit() < likelihood; }

 private:
  std::uint64_t state_;
};
// One number out of several.
std::uint64_t mix(std::uint64_t a, std::uint64_t b);

// A time since the simulation began, by the steady clock.
using Moment = base::Milliseconds;
struct Period {
  Moment from{}, to{};
  bool has(Moment at) const { return from <= at && at < to; }
};

enum class Temper : std::uint8_t {
  healthy,
  slow,         // 5 s to 40 s
  dead,         // never answers
  down,         // dead for hours or days, once or twice
  flapping,     // minutes up, minutes down
  refusing,     // 5 % of the recipients for good
  greylisting,  // 451 at the first attempt, and until five minutes after it
  limited,      // so many a minute
  late,         // 3 to 20 minutes
};

struct SimulatedSite {
  std::string name;
  Temper temper = Temper::healthy;
  std::uint32_t concurrency = 20;
  std::uint32_t max_per_minute = 0;
  std::int64_t fastest = 50, slowest = 800;  // of an attempt, in milliseconds
  std::vector<Period> down;
  bool is_up(Moment at) const;
};

struct SimulatedDestination {
  std::string name;
  std::size_t site = 0;
  // From then on it is at another site.
  Moment moves{base::Milliseconds::max()};
  std::size_t moved_to = 0;
  bool no_such_domain = false;
  std::vector<Period> no_answer;  // of the name servers
  bool discards = false;          // by its route
  Period holds;                   // by its route
  std::size_t site_at(Moment at) const { return at < moves ? site : moved_to; }
};

// A message that comes at a time.
struct Arrival {
  Moment at{};
  std::uint32_t number = 0;
  std::int32_t flood = -1;    // which one it is of; -1: none
  bool beside_flood = false;  // another's, to the flood's destination
};

class SimulatedWorld {
 public:
  SimulatedWorld(std::uint64_t seed, std::uint32_t messages, Moment length);

  std::vector<SimulatedSite> sites;
  std::vector<SimulatedDestination> destinations;  // the first has most of the mail
  std::vector<Arrival> arrivals;                   // in the order of time

  // The envelope of that arrival, without the time.
  mail::Envelope envelope(const Arrival& arrival) const;
  // What its sender asks for; when it was received is known.
  void wish(const Arrival& arrival, mail::Envelope& envelope) const;
  std::size_t destination(std::string_view name) const;  // by the number in its name

  static constexpr std::string_view kFlooder = "offers@flood.example";

 private:
  void make_sites();
  void temper_site(SimulatedSite& site);
  void make_destinations();
  void make_arrivals(std::uint32_t messages);
  std::size_t pick_destination(Dice& dice) const;
  mail::Recipient recipient(Dice& dice, std::size_t destination) const;

  std::uint64_t seed_;
  Moment length_;
  Dice dice_;
  std::vector<double> share_;        // of the mail, summed up
  std::vector<std::size_t> floods_;  // their destinations
};

}  // namespace postrider::queue::testing
