// How the running server is confined, by its configuration at the start; docs/security.md says why so.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "app/access.hpp"
#include "base/result.hpp"
#include "config/config.hpp"
#include "sys/confine.hpp"

namespace postrider::app {

// Any thread, once it is made.
class Confinement {
 public:
  // For good. Requires one thread, and that privileges are dropped. Failure: a part that is wanted and that the kernel
  // has can't be had. A part that the kernel has not is left out, and tell() says so.
  static base::Result<Confinement> enter(const config::Config& config);

  // One line in the log: what holds.
  void tell() const;
  // What `next` wants and this process can't do any more: each needs a restart. Empty: it fits.
  std::vector<config::Fault> beyond(const config::Config& next) const;
  // The same for one file or folder, as links lead there now. `file` is the configuration's.
  std::optional<config::Fault> beyond(const Needed& one, const std::string& file) const;

 private:
  Confinement() = default;
  base::Result<void> enter_landlock(const config::Config& config);
  base::Result<void> enter_seccomp(const config::Config& config);
  sys::Programs programs_ = sys::Programs::none;
  bool no_programs_ = false;  // they can't be started
  bool files_ = false;        // only what is in `rules_`
  sys::FileRules rules_;      // without links on the way
  std::string seccomp_, landlock_;
};

}  // namespace postrider::app
