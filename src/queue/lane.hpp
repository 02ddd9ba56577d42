// What waits in memory, and for whom: parcels of one message each, in a flow for each sender, in a lane for each
// destination and route, at a dock for each site, before a carrier for each courier. Only data; the strand moves it.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/id.hpp"
#include "base/time.hpp"
#include "mail/envelope.hpp"
#include "mail/outcome.hpp"
#include "queue/bands.hpp"
#include "queue/courier.hpp"
#include "queue/site.hpp"
#include "queue/summaries.hpp"
#include "queue/turns.hpp"

namespace postrider::queue {

struct Carrier;
struct Dock;
struct Flow;
struct Lane;

struct Now {
  base::UtcTime utc{};
  base::SteadyTime steady{};
};

// What becomes one job: some recipients of one message.
struct Parcel {
  base::MessageId id;
  std::shared_ptr<const mail::Envelope> envelope{};
  std::vector<std::uint32_t> recipients{};
  Lane* lane = nullptr;
  Flow* flow = nullptr;
  Parcel* before = nullptr;  // in its flow
  Parcel* behind = nullptr;
  Dock* dock = nullptr;  // while it is under attempt
  Now begun{};
  Health::Ticket ticket = 0;
  bool from_disk = false;
  bool let_in = false;  // although others were before it on the disk
  bool running = false;
  bool was_proven = false;  // its site, when the attempt began
  std::uint32_t size() const { return static_cast<std::uint32_t>(recipients.size()); }
};

// Of one sender and one priority in one lane. Lives while it has parcels in memory.
struct Flow : Turn<Flow> {
  Lane* lane = nullptr;
  std::int8_t priority = 0;
  mail::ReversePath sender;
  Parcel* first = nullptr;  // of those that wait; the flow owns them
  Parcel* last = nullptr;
  std::uint32_t parcels = 0;  // that wait or are under attempt
};

// Of one destination over one route. Lives a while longer than what was in it, since it knows its site.
struct Lane : Turn<Lane> {
  explicit Lane(Destination its_destination) : destination(std::move(its_destination)) {}

  Slot slot = kNoSlot;
  Lane* next = nullptr;  // of the same destination
  std::uint32_t id = 0;
  Carrier* carrier = nullptr;
  Destination destination;
  Dock* dock = nullptr;  // null: its site is not known yet
  Now asked{};           // for its site, the last time
  base::SteadyTime located{};
  std::uint32_t located_with = 0;          // the number of the configuration
  std::unique_ptr<mail::Outcome> trouble;  // it could not be located
  Bands<Flow> flows;                       // with parcels that wait
  std::uint32_t waiting = 0;               // recipients
  std::uint32_t running = 0;               // parcels
  Parcel* filling = nullptr;               // takes more recipients of the message that is being sorted
  base::SteadyTime idle{};                 // since
  bool locating = false;
  bool in_idle = false;  // has its place in the line of those that may be idle
};

// First in, first out; through Summary::next_parked.
struct SlotList {
  Slot head = kNoSlot;
  Slot tail = kNoSlot;
  std::uint32_t count = 0;
};

// One site, with all lanes that lead there.
struct Dock : Turn<Dock> {
  std::uint32_t id = 0;
  std::string name;
  Carrier* carrier = nullptr;
  Health health;
  Rate rate;
  std::uint32_t lanes = 0;    // that lead here
  std::uint32_t waiting = 0;  // recipients in memory
  std::uint32_t running = 0;  // attempts
  std::uint32_t claims = 0;   // under way, for destinations that led here last
  std::uint32_t called = 0;   // destinations that were parked, and whose claim has not ended
  Turns<Lane> waits;          // with something that waits
  SlotList parked;            // destinations that wait on the disk for room or for better times
  base::SteadyTime wake = base::SteadyTime::max();  // its timer; max: none
  base::SteadyTime failed{};                        // when the attempt began by which it was last given up
  std::unique_ptr<mail::Outcome> failure;           // the last
  base::SteadyTime idle{};
  std::uint8_t ring = 0;  // of its carrier, while it is ready
  bool suspended = false;
  bool in_idle = false;
};

// One courier, with the sites at which an attempt may begin now: those that were reached the last time, and others.
struct Carrier {
  Courier* courier = nullptr;
  std::uint32_t running = 0;
  std::uint32_t unproven = 0;  // of these, to sites that were not reached the last time
  std::uint8_t turn = 0;
  Turns<Dock> ready[2];
};

}  // namespace postrider::queue
