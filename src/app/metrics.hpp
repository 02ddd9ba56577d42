// What the metrics ask the server's parts for. docs/metrics.md
#pragma once

#include "directory/login_guard.hpp"
#include "store/spool.hpp"
#include "sys/metrics.hpp"

namespace postrider::app {

// Known to the metrics as long as it lives.
class Metrics {
 public:
  // Both outlive it.
  Metrics(const store::Spool& spool, const directory::LoginGuard& guard);

 private:
  sys::Sampled messages_, recipients_, quarantined_, bans_, started_, build_;
};

}  // namespace postrider::app
