// Inside the scheduler: all that the strand knows, and what it does, by subject. Private to scheduler.cpp and the
// strand_*.cpp beside it; only whoever is in Scheduler::step() calls anything here.
#pragma once

#include <array>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "queue/failure.hpp"
#include "queue/lane.hpp"
#include "queue/scheduler.hpp"
#include "queue/summaries.hpp"
#include "queue/suspensions.hpp"

namespace postrider::queue {

// Recipients that one claim takes at most: some milliseconds of reading.
inline constexpr std::size_t kPage = 1000;
// However little a site takes, a claim is for so many: a message with many recipients there goes in one piece.
inline constexpr std::size_t kSmallPage = kRecipientsPerJob;
// Destinations that are asked for at a time.
inline constexpr std::size_t kDestinations = 10'000;
// Messages that the teller has at a time, of either kind.
inline constexpr std::size_t kTells = 10;
// After a failure of the store, and after a claim that gave nothing although something was due.
inline constexpr base::Milliseconds kStorePause = std::chrono::seconds(1);

struct RecipientIdHash {
  std::size_t operator()(store::RecipientId id) const noexcept {
    return std::hash<base::MessageId>{}(id.message) ^ (id.index * 0x9E3779B97F4A7C15u);
  }
};

struct FlowName {
  const Lane* lane;
  const mail::ReversePath& sender;
  std::int8_t priority;
};
struct FlowHash {
  using is_transparent = void;
  std::size_t operator()(const FlowName& name) const noexcept;
  std::size_t operator()(const std::unique_ptr<Flow>& flow) const noexcept {
    return (*this)(FlowName{flow->lane, flow->sender, flow->priority});
  }
};
struct FlowEqual {
  using is_transparent = void;
  bool operator()(const std::unique_ptr<Flow>& a, const std::unique_ptr<Flow>& b) const { return a == b; }
  bool operator()(const std::unique_ptr<Flow>& a, const FlowName& b) const {
    return a->lane == b.lane && a->priority == b.priority && a->sender == b.sender;
  }
  bool operator()(const FlowName& a, const std::unique_ptr<Flow>& b) const { return (*this)(b, a); }
};

struct Scheduler::Strand {
  explicit Strand(Parts parts, std::shared_ptr<Mailbox> mailbox);
  ~Strand();
  Strand(const Strand&) = delete;
  Strand& operator=(const Strand&) = delete;

  bool step(base::Milliseconds longest);
  base::Milliseconds wait_time() const;
  Load load() const;

  // Where it comes from, and who carries it on: what concludes a recipient needs of its message.
  struct Carried {
    base::MessageId id;
    std::shared_ptr<const mail::Envelope> envelope;
    Slot slot = kNoSlot;
    bool from_disk = false;
    bool attempted = true;
    Now begun;
  };
  // The outcome is known, the disk has not got it.
  struct Decided {
    std::shared_ptr<const mail::Envelope> envelope;
    store::RecipientUpdate update;
    mail::Outcome outcome{};
    Slot slot = kNoSlot;
    bool from_disk = false;
    bool told_nobody = false;
    bool quiet = false;    // nothing happened that the log or the timeline should tell
    bool on_disk = false;  // an operator's change of what nobody had claimed
  };
  struct Batch {
    std::vector<Decided> all;
    std::vector<store::Event> events;  // of attempts; told before what became of the recipients
    std::vector<std::move_only_function<void(const base::Result<void>&)>> then;
    bool empty() const { return all.empty() && then.empty(); }
  };
  struct Claim {
    Slot slot = kNoSlot;
    std::size_t limit = 0;
    base::UtcTime lowered = kNever;  // what became due while it was under way
    std::uint32_t dock = kNoSite;
  };
  struct Operation {
    Change change = Change::retry;
    std::string reason;
  };

  // strand.cpp: the step
  void tick();
  void work();
  bool finished() const;
  void stop();
  bool may_start() const { return !stop_by_ && !recording_fails_ && suspensions_known_; }
  void configured(std::shared_ptr<const config::Config> config);
  void load_destinations(std::string after);
  void loaded(base::Result<std::vector<store::DestinationDue>> page);
  void show_load(std::size_t window, std::size_t running);
  void tell_idle();
  bool is_idle() const;
  double chance();  // 0 to 1
  void note(store::Event event) { parts_.note(std::move(event)); }

  // strand_admit.cpp: into memory, and out of it untouched
  void fresh(store::Claimed message, bool untold);
  bool has_room_for(const store::Claimed& message) const;
  bool lets_in(Slot slot, const mail::Envelope& envelope, bool& passes_others);
  std::size_t admit(store::Claimed message, bool from_disk, bool let_in);
  void route(const Carried& from, std::uint32_t index, bool let_in);
  void enqueue(std::unique_ptr<Parcel> parcel);
  std::unique_ptr<Parcel> take_out(Parcel& parcel);
  void leave_flow(Parcel& parcel);
  void give_back(std::unique_ptr<Parcel> parcel);
  void give_back_lane(Lane& lane);
  void give_back_all();
  void postpone(const Carried& from, std::uint32_t index, base::UtcTime due);
  void disown(Slot slot, std::uint32_t recipients, bool from_disk);
  bool may_not_yet(const Carried& from, std::uint32_t index);
  void flush_unclaims();

  // strand_claim.cpp: from the disk
  static std::string_view name_of(const mail::Host& host, std::string& scratch);
  void due_at(Slot slot, base::UtcTime due);
  void consider(Slot slot);
  void forget_if_done(Slot slot);
  std::size_t wanted(const Summary& summary) const;
  std::size_t share() const;
  std::size_t room_for_claims(bool has_some) const;
  bool may_claim() const;
  void claim_due();
  void issue(Slot slot, Dock* dock, std::size_t limit);
  void claimed(Slot slot, base::Result<store::ClaimedPage> page);
  Claim end_claim(Slot slot);
  bool wants_more(const Dock& dock) const;
  void park(Slot slot, std::uint32_t at);
  void unpark(Slot slot);
  void call_parked(Dock& dock);
  void uncall(Slot slot);
  void unpark_suspended();

  // strand_lanes.cpp: lanes, their sites, and how long each is kept
  Lane& lane_for(Slot slot, const Router::Choice& choice, const mail::Host& host);
  Carrier& carrier_for(Courier* courier);
  Flow& flow_for(Lane& lane, const mail::Envelope& envelope);
  Dock* dock_by_id(std::uint32_t id) const;
  Dock* dock_of(const Summary& summary) const { return dock_by_id(summary.site); }
  Dock& dock_for(Carrier& carrier, const Site& site);
  void locate_if_needed(Lane& lane);
  void send_locates();
  void located(Lane& lane, Located answer);
  void attach(Lane& lane, Dock& dock);
  void detach(Lane& lane);
  bool is_blocked(const Dock& dock) const;
  bool is_stale(const Lane& lane) const;
  void conclude_lane(Lane& lane);
  void rest(Lane& lane);
  void rest(Dock& dock);
  void evict();
  void drop(Lane& lane);
  void drop(Dock& dock);

  // strand_start.cpp: attempts
  void ready(Dock& dock);
  void wake_at(Dock& dock, base::SteadyTime time);
  void wake_for_parked(Dock& dock);
  void ring_timers();
  void start_jobs();
  bool start_one(Carrier& carrier, std::uint8_t ring);
  void start(std::unique_ptr<Parcel> parcel, Dock& dock);
  void attempted(std::unique_ptr<Parcel> parcel, Report report);
  void judge_site(Dock& dock, const Parcel& parcel, const Report& report);
  void give_up(Dock& dock);

  // strand_record.cpp: what became of it
  void conclude(const Carried& from, std::uint32_t index, mail::Outcome outcome);
  void hold(const Carried& from, std::uint32_t index, const mail::Outcome& why);
  void decided(Decided one);
  void record_decided();
  void recorded(Batch batch, const base::Result<void>& result);
  void tell_of(const Decided& one);
  void note_attempts(const Parcel& parcel, const std::vector<Trial>& trials);

  // strand_tell.cpp: senders
  void untold_appeared();
  void start_telling();
  void untold_page(base::Result<std::vector<store::Claimed>> page);
  void told(const base::Result<void>& result);
  void end_telling();

  // strand_overdue.cpp: what waits for long, and destinations that may have moved
  // Over all that waits, oldest first, a page at a time.
  struct Sweep {
    bool expires = false;     // what can't be tried; else its sender is warned
    bool ahead = false;       // only ids of a clock that was ahead: their time says nothing
    store::RecipientId at{};  // it goes on behind it
    std::optional<store::RecipientId>
        back{};  // where the next pass begins, where some are to be looked at again
    base::SteadyTime next{};
    base::Milliseconds pause{};  // after the last failure
    bool under_way = false;
    store::AgedPage page{};
    std::deque<Delayed> late{};  // senders to be warned
    std::size_t warning = 0;     // under way
    bool fails = false;
  };
  void watch(Slot slot);
  void look_for_moved();
  void ask_for_site(Slot slot);
  void put_off_warnings();
  base::Milliseconds age_of(const Sweep& sweep) const;
  bool is_sweeping() const;
  std::size_t warnings() const;
  void sweep_all();
  void begin(Sweep& sweep);
  void take_page(Sweep& sweep, base::Result<store::AgedPage> page);
  void end_page(Sweep& sweep);
  void try_later(Sweep& sweep);
  void warn_page(Sweep& sweep);
  void warn_next(Sweep& sweep);
  void warned(Sweep& sweep, base::MessageId id, const base::Result<bool>& result);
  bool can_expire(Slot slot) const;
  void expire_page(Sweep& sweep);
  void expire(Sweep& sweep, base::Result<store::ClaimedPage> page);
  void unclaim(Slot slot, store::RecipientId id, base::UtcTime due);
  bool own(const Carried& from, std::uint32_t index);

  // strand_deadline.cpp: what is to be delivered by a time (RFC 2852)
  using Deadline = std::pair<base::UtcTime, store::RecipientId>;
  void note_deadline(const Carried& from, std::uint32_t index);
  void recorded_deadline(const Decided& one);
  void meet_deadlines();
  void return_late();
  void late_claimed(const std::vector<Deadline>& asked, base::Result<store::ClaimedPage> page);
  void conclude_late(Carried from, std::uint32_t index);
  void tell_late();
  void look_for_deadlines();
  void deadlines_found(base::Result<store::AgedPage> page);

  // strand_far.cpp: due times of a clock that was ahead
  base::UtcTime furthest() const;
  void ask_for_far(std::string after);
  void far_known(base::Result<std::vector<store::DestinationDue>> page);
  void is_far(Slot slot);
  void pull_far();
  void far_claimed(Slot slot, base::Result<store::ClaimedPage> page);

  // strand_change.cpp: what an operator wants
  void change(std::vector<store::Claimed> messages, Change change, std::string reason,
              std::move_only_function<void(base::Result<Changed>)> done);
  bool waits_for_claim(const std::vector<store::Claimed>& messages) const;
  void change_in_memory(store::RecipientId id, Parcel* parcel, const Operation& operation, Changed& count);
  void take_recipient(Parcel& parcel, std::uint32_t index);
  bool change_on_disk(const store::Claimed& message, std::uint32_t index, const Operation& operation);
  void apply_change(Decided& one, const Operation& operation);
  void note_change(store::RecipientId id, const Operation& operation);
  void apply_wish(Decided& one);
  void wish_after_record(const Decided& recorded);
  void rerun_changes();
  void try_site_again(Slot slot);
  void load_suspensions();
  void suspend(store::Suspension suspension, std::move_only_function<void(base::Result<std::uint64_t>)> done);
  void resume(std::uint64_t id, std::move_only_function<void(base::Result<void>)> done);
  void end_suspensions();
  void remove_ended();
  void suspension_ended();
  void suspensions_changed();
  void postpone_suspended(Lane& lane);
  std::vector<Dock*> docks_in_order() const;
  std::vector<Lane*> lanes_in_order();

  // strand_explain.cpp: what it looks like from outside
  std::vector<SiteState> sites();
  std::vector<std::string> destinations_of(const std::string& site);
  std::vector<std::string> without_site(std::vector<std::string> names) const;
  std::vector<Whereto> whereto(const std::vector<store::Claimed>& samples);
  std::vector<Waiting> explain(const store::Claimed& message);
  Waiting explain_in_memory(const Parcel* parcel);
  Waiting explain_on_disk(const store::Claimed& message, std::uint32_t index);
  base::UtcTime in_utc(base::SteadyTime time) const;

  template <class F>
  auto post(F f) {  // a completion that brings its answer home
    return [mailbox = mailbox_, f = std::move(f)](auto... answer) mutable {
      mailbox->post(
          [f = std::move(f), ... answer = std::move(answer)]() mutable { f(std::move(answer)...); });
    };
  }

  Parts parts_;
  std::shared_ptr<Mailbox> mailbox_;
  std::shared_ptr<const config::Config> settings_;
  std::uint32_t configuration_ = 0;  // which it is
  Now now_;
  // Since we began, the wall clock was set, or a suspension ended: only attempts since then make anything expire.
  base::SteadyTime counts_from_;
  std::optional<base::SteadyTime> stop_by_;
  bool loading_ = true;
  std::optional<base::SteadyTime> load_again_;
  std::string loaded_to_;

  Summaries summaries_;
  std::unordered_map<store::RecipientId, Parcel*, RecipientIdHash> window_;  // null: being recorded
  std::size_t most_window_ = 0;
  std::size_t shown_window_ = 0;  // by the metrics
  std::size_t shown_running_ = 0;
  std::size_t from_disk_ = 0;  // of the window
  std::unordered_set<std::unique_ptr<Flow>, FlowHash, FlowEqual> flows_;
  std::uint32_t lane_ids_ = 0;
  std::vector<std::unique_ptr<Carrier>> carriers_;
  std::unordered_map<std::uint32_t, std::unique_ptr<Dock>> docks_;
  std::map<std::pair<Carrier*, std::string>, Dock*> docks_by_name_;  // looked up, never walked
  std::uint32_t dock_ids_ = 0;
  std::set<std::pair<base::SteadyTime, std::uint32_t>> timers_;  // and docks
  std::deque<Lane*> to_locate_, to_locate_again_;
  std::size_t locating_ = 0;
  std::size_t locating_again_ = 0;                             // of these
  std::deque<std::pair<base::SteadyTime, Lane*>> idle_lanes_;  // by when they were looked at last
  std::deque<std::pair<base::SteadyTime, Dock*>> idle_docks_;
  std::vector<Lane*> touched_;  // by the message that is being sorted
  std::size_t running_ = 0;

  std::vector<Claim> claims_;
  base::SteadyTime ask_after_{};
  std::vector<store::RecipientId> unclaims_;
  SlotList suspended_;

  Batch decided_;
  std::size_t recording_ = 0;
  bool recording_fails_ = false;
  base::SteadyTime record_after_{};

  bool untold_pending_ = true;  // what an earlier run has left
  base::SteadyTime tell_at_{};
  base::SteadyTime tell_after_{};
  base::Milliseconds tell_pause_{};
  bool telling_ = false;
  bool tell_failed_ = false;
  std::size_t tells_ = 0;
  bool tell_more_ = false;
  base::MessageId told_to_;

  std::deque<std::pair<base::SteadyTime, Slot>> overdue_;
  std::array<Sweep, 4> sweeps_{{{.expires = false, .ahead = false},
                                {.expires = false, .ahead = true},
                                {.expires = true, .ahead = false},
                                {.expires = true, .ahead = true}}};
  std::unordered_set<store::RecipientId, RecipientIdHash> expiring_;  // being claimed
  std::set<Deadline> deadlines_;                                      // what comes back then
  std::set<std::pair<base::UtcTime, base::MessageId>> tell_late_;     // whose sender hears of it then
  std::set<base::MessageId> telling_late_;                            // under way
  base::SteadyTime deadlines_after_{};
  // What an earlier run has left is gone through once, from there on, not before then; nothing: that is done.
  std::optional<store::RecipientId> deadlines_to_ = store::RecipientId{};
  base::SteadyTime look_after_{};
  bool looking_ = false;
  std::deque<Slot> far_;
  std::string far_to_;
  std::optional<base::SteadyTime> far_again_;

  std::unordered_map<store::RecipientId, Operation, RecipientIdHash> wishes_;
  std::vector<std::move_only_function<void()>> postponed_;
  // Changes of what is on the disk that are not recorded yet. Nothing is claimed meanwhile: a claim could bring a row as it
  // was before, and what was held or removed would be sent.
  std::size_t changing_ = 0;
  Suspensions suspensions_;
  std::vector<std::uint64_t> ended_;  // whose time is over, and which are to be removed from the disk
  base::SteadyTime end_again_{};
  bool suspensions_known_ = false;
  bool asking_suspensions_ = false;
  base::SteadyTime ask_suspensions_{};

  std::vector<std::move_only_function<void()>> idle_;
};

}  // namespace postrider::queue
