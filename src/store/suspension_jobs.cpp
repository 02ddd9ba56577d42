// The jobs that write what an operator wants not to be tried.
#include "store/jobs.hpp"

namespace postrider::store {
namespace {

class SuspendJob final : public Job {
 public:
  SuspendJob(Suspension suspension, std::move_only_function<void(base::Result<std::uint64_t>)> done)
      : suspension_(std::move(suspension)), done_(std::move(done)) {}

  void write(Tables& tables) override { id_ = tables.insert_suspension(suspension_); }
  void finish(base::Result<void> result) override {
    if (result)
      done_(id_);
    else
      done_(std::unexpected(std::move(result.error())));
  }
  std::size_t bytes() const override { return suspension_.pattern.size() + suspension_.reason.size(); }

 private:
  const Suspension suspension_;
  std::move_only_function<void(base::Result<std::uint64_t>)> done_;
  std::uint64_t id_ = 0;
};

class ResumeJob final : public Job {
 public:
  ResumeJob(std::uint64_t id, Done done) : id_(id), done_(std::move(done)) {}
  void write(Tables& tables) override { tables.delete_suspension(id_); }
  void finish(base::Result<void> result) override { done_(std::move(result)); }

 private:
  const std::uint64_t id_;
  Done done_;
};

}  // namespace

std::unique_ptr<Job> suspend_job(Suspension suspension,
                                 std::move_only_function<void(base::Result<std::uint64_t>)> done) {
  return std::make_unique<SuspendJob>(std::move(suspension), std::move(done));
}

std::unique_ptr<Job> resume_job(std::uint64_t id, Done done) {
  return std::make_unique<ResumeJob>(id, std::move(done));
}

}  // namespace postrider::store
