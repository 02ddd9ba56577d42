#include "queue/testing/simulation_world.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "queue/failure.hpp"

namespace postrider::queue::testing {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kSites = 60;
constexpr std::size_t kDestinations = 200;
constexpr std::size_t kFloods = 10;

mail::Address address(const std::string& text) { return *mail::Address::parse(text); }

}  // namespace

std::uint64_t Dice::bits() {
  state_ += 0x9E3779B97F4A7C15u;
  std::uint64_t z = state_;
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
  return z ^ (z >> 31);
}

std::uint64_t mix(std::uint64_t a, std::uint64_t b) { return Dice(a ^ (b * 0xD6E8FEB86659FD93u)).bits(); }

bool SimulatedSite::is_up(Moment at) const {
  const auto next = std::ranges::upper_bound(down, at, {}, &Period::from);
  return temper != Temper::dead && (next == down.begin() || !std::prev(next)->has(at));
}

SimulatedWorld::SimulatedWorld(std::uint64_t seed, std::uint32_t messages, Moment length)
    : seed_(seed), length_(length), dice_(mix(seed, 1)) {
  make_sites();
  make_destinations();
  make_arrivals(messages);
}

void SimulatedWorld::make_sites() {
  // So that each seed has some of each, and which of them is great is chance.
  const std::vector<std::pair<Temper, std::size_t>> tempers = {
      {Temper::slow, 6},     {Temper::dead, 3},        {Temper::down, 7},    {Temper::flapping, 4},
      {Temper::refusing, 4}, {Temper::greylisting, 4}, {Temper::limited, 4}, {Temper::late, 4}};
  for (std::size_t number = 0; number < kSites; ++number) {
    SimulatedSite site;
    site.name = "mx" + std::to_string(number) + ".sites.test";
    sites.push_back(std::move(site));
  }
  for (const auto& [temper, count] : tempers) {
    for (std::size_t made = 0; made < count;) {
      // The first is the local one.
      SimulatedSite& site = sites[static_cast<std::size_t>(dice_.between(1, kSites - 1))];
      if (site.temper != Temper::healthy) continue;
      site.temper = temper;
      ++made;
    }
  }
  sites.front().name = "local";
  sites.front().concurrency = 2000;
  sites.front().slowest = 100;
  for (SimulatedSite& site : sites) temper_site(site);
}

void SimulatedWorld::temper_site(SimulatedSite& site) {
  if (site.name != "local" && site.temper != Temper::late && dice_.chance(0.2))
    site.concurrency = static_cast<std::uint32_t>(dice_.between(1, 8));
  switch (site.temper) {
    case Temper::slow:
      site.fastest = 5'000, site.slowest = 40'000;
      break;
    case Temper::late:
      site.fastest = 180'000, site.slowest = 1'200'000;
      break;
    case Temper::limited:
      site.max_per_minute = static_cast<std::uint32_t>(dice_.between(10, 120));
      break;
    case Temper::down:
      for (Moment at(dice_.between(0, length_.count() / 2)); at < length_;) {
        const Moment end = at + Moment(dice_.between(Moment(1h).count(), Moment(60h).count()));
        site.down.push_back({at, end});
        at = end + Moment(dice_.between(Moment(12h).count(), length_.count()));
      }
      break;
    case Temper::flapping:
      for (Moment at(0); at < length_;) {
        const Moment end = at + Moment(dice_.between(30'000, 900'000));
        site.down.push_back({at, end});
        at = end + Moment(dice_.between(30'000, 900'000));
      }
      break;
    default:
      break;
  }
}

void SimulatedWorld::make_destinations() {
  double sum = 0;
  for (std::size_t number = 0; number < kDestinations; ++number) {
    SimulatedDestination made;
    made.name = "d" + std::to_string(number) + ".example";
    // As many again as there are sites have one of their own, the rest share them.
    made.site = number % 7 == 3 ? 0 : static_cast<std::size_t>(dice_.below(kSites));
    // What a late site can't take within the time must not go there.
    while (number < 20 && sites[made.site].temper == Temper::late)
      made.site = static_cast<std::size_t>(dice_.below(kSites));
    if (number >= 20 && dice_.chance(0.03)) {
      made.moves = Moment(dice_.between(0, length_.count()));
      made.moved_to = static_cast<std::size_t>(dice_.below(kSites));
    }
    if (number > 5) {
      made.no_such_domain = dice_.chance(0.03);
      made.discards = dice_.chance(0.02);
      const Moment from(dice_.between(0, length_.count() / 2));
      if (dice_.chance(0.02)) made.holds = {from, from + Moment(dice_.between(60'000, length_.count() / 3))};
      if (dice_.chance(0.05))
        made.no_answer.push_back({from, from + Moment(dice_.between(60'000, length_.count() / 4))});
    }
    destinations.push_back(std::move(made));
    // Zipf's law.
    sum += 1.0 / static_cast<double>(number + 1);
    share_.push_back(sum);
  }
  for (std::size_t flood = 0; flood < kFloods; ++flood) {
    std::size_t to = flood;
    while (flood >= 2 && (to == flood || sites[destinations[to].site].temper == Temper::late))
      to = static_cast<std::size_t>(dice_.below(kDestinations));
    floods_.push_back(to);
  }
}

void SimulatedWorld::make_arrivals(std::uint32_t messages) {
  const auto end = length_.count() * 9 / 14;  // so that what nobody takes expires within the time
  std::vector<Moment> begin;
  for (std::size_t flood = 0; flood < kFloods; ++flood) begin.emplace_back(dice_.between(0, end));
  while (arrivals.size() < messages) {
    Arrival one;
    one.number = static_cast<std::uint32_t>(arrivals.size());
    if (dice_.chance(0.3)) {
      one.flood = static_cast<std::int32_t>(dice_.below(kFloods));
      one.beside_flood = dice_.chance(0.01);
      one.at = begin[static_cast<std::size_t>(one.flood)] + Moment(dice_.between(0, 60'000));
    } else {
      one.at = Moment(dice_.between(0, end));
      // More by day than by night.
      const double hour = static_cast<double>(one.at.count()) / 3'600'000.0;
      if (!dice_.chance(0.55 + 0.45 * std::sin(hour * 2 * M_PI / 24))) continue;
    }
    arrivals.push_back(one);
  }
  std::ranges::sort(arrivals, {}, [](const Arrival& one) { return std::pair(one.at, one.number); });
}

std::size_t SimulatedWorld::pick_destination(Dice& dice) const {
  const double point = dice.unit() * share_.back();
  const auto found = std::ranges::lower_bound(share_, point);
  return std::min(static_cast<std::size_t>(found - share_.begin()), share_.size() - 1);
}

std::size_t SimulatedWorld::destination(std::string_view name) const {
  std::size_t number = 0;
  std::from_chars(name.data() + 1, name.data() + name.size(), number);
  return number;
}

mail::Recipient SimulatedWorld::recipient(Dice& dice, std::size_t where) const {
  const auto who = address("u" + std::to_string(dice.below(100'000)) + "@" + destinations[where].name);
  mail::Recipient made{.original = who, .alias = {}, .final = who, .orcpt = {}, .notify = {}, .last = {}};
  switch (dice.below(20)) {
    case 0:
      made.notify = {.specified = true};
      break;
    case 1:
      made.notify = {.specified = true, .success = true};
      break;
    case 2:
      made.notify = {.specified = true, .success = true, .failure = true, .delay = true};
      break;
    case 3:
      made.notify = {.specified = true, .failure = true};
      break;
    case 4:
      made.notify = {.specified = true, .delay = true};
      break;
    default:
      break;
  }
  return made;
}

void SimulatedWorld::wish(const Arrival& arrival, mail::Envelope& envelope) const {
  Dice dice(mix(seed_, 10'000'000 + arrival.number));
  if (arrival.flood >= 0) return;
  if (dice.chance(0.1)) envelope.priority = static_cast<std::int8_t>(dice.between(-9, 9));
  if (dice.chance(0.03))
    envelope.hold_until = envelope.received + Moment(dice.between(1'000, Moment(6h).count()));
  if (!dice.chance(0.03)) return;
  envelope.deliver_by = released(envelope) + Moment(dice.between(60'000, Moment(12h).count()));
  envelope.deliver_by_notify = dice.chance(0.5);
}

mail::Envelope SimulatedWorld::envelope(const Arrival& arrival) const {
  Dice dice(mix(seed_, 1000 + arrival.number));
  mail::Envelope made;
  made.size = static_cast<std::uint64_t>(1000.0 * std::exp(dice.unit() * 4));
  if (dice.chance(0.002)) made.size = 20'000'000;
  const auto flood = static_cast<std::size_t>(std::max(arrival.flood, 0));
  if (arrival.flood >= 0) {
    made.reverse_path = mail::ReversePath(
        address(arrival.beside_flood ? "beside" + std::to_string(arrival.number) + "@small.example"
                                     : std::string(kFlooder)));
    made.recipients.push_back(recipient(dice, floods_[flood]));
    return made;
  }
  if (!dice.chance(0.05))
    made.reverse_path = mail::ReversePath(address("s" + std::to_string(dice.below(500)) + "@small.example"));
  const double many = dice.unit();
  std::int64_t count = 1;
  if (many < 0.001) {
    count = dice.between(100, 250);
  } else if (many < 0.02) {
    count = dice.between(6, 20);
  } else if (many < 0.1) {
    count = dice.between(2, 5);
  }
  const std::size_t most = pick_destination(dice);
  for (std::int64_t index = 0; index < count; ++index) {
    const bool elsewhere = count < 100 || dice.chance(0.1);
    made.recipients.push_back(recipient(dice, index > 0 && elsewhere ? pick_destination(dice) : most));
  }
  // An alias whose sender wanted to hear of it.
  if (dice.chance(0.005) && !made.reverse_path.is_null()) {
    made.recipients[0].state = mail::RecipientState::untold;
    made.recipients[0].notify = {.specified = true, .success = true};
    mail::Outcome& expanded = made.recipients[0].last.emplace();
    expanded.action = mail::Action::expanded;
    expanded.reply = mail::reply(250, 1, 5, "expanded");
  }
  return made;
}

}  // namespace postrider::queue::testing
