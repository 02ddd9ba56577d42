// The job that moves a bad record aside.
#include "store/jobs.hpp"
#include "sys/log.hpp"

namespace postrider::store {
namespace {

class QuarantineJob final : public Job {
 public:
  QuarantineJob(State& state, BadRecord bad) : state_(state), bad_(std::move(bad)) {}

  void write(Tables& tables) override { taken_ = quarantine(tables.database(), bad_, state_.clock.utc()); }

  void finish(base::Result<void> result) override {
    const auto what = to_string(bad_.what);
    if (!result) {
      // It stays owned, so that no claim of this run meets it again.
      sys::log::error("quarantine_failed", {{"id", bad_.id.message.to_string()},
                                            {"what", what},
                                            {"why", bad_.why},
                                            {"reason", result.error().log_text()}});
      return;
    }
    if (taken_.recipients == 0) return;
    ByState change{};
    for (std::size_t place = 0; place < change.size(); ++place) change[place] = -taken_.by_state[place];
    state_.recipients.add(change);
    state_.messages -= taken_.message;
    ++state_.quarantined;
    sys::log::error("quarantined", {{"id", bad_.id.message.to_string()},
                                    {"what", what},
                                    {"recipient", bad_.id.index},
                                    {"why", bad_.why}});
  }

 private:
  State& state_;
  const BadRecord bad_;
  Taken taken_;
};

}  // namespace

std::unique_ptr<Job> quarantine_job(State& state, BadRecord bad) {
  return std::make_unique<QuarantineJob>(state, std::move(bad));
}

}  // namespace postrider::store
