// The DKIM keys in force: read at the start, and again when `postrider dkim` changes their files.
#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "policy/signing_keys.hpp"

namespace postrider::app {

// A thread of its own looks twice a second at one time stamp. What is at fault is logged once, counted, and tried again.
class SigningWatch {
 public:
  // Reads them; nothing that is wrong with them keeps a server from starting.
  explicit SigningWatch(const std::filesystem::path& data_dir);
  ~SigningWatch();
  SigningWatch(const SigningWatch&) = delete;
  SigningWatch& operator=(const SigningWatch&) = delete;

  // Never null. Any thread.
  std::shared_ptr<const policy::SigningKeys> keys() const;
  // Has all of them read anew, soon, whatever their time stamps say. Any thread.
  void reload();

 private:
  void run();
  void look();
  void read(policy::SigningKeys::Read what);
  void tell(const policy::SigningKeys& next, std::vector<std::string> faults);

  const directory::DkimFolder folder_;
  // Of the thread:
  std::string state_;
  bool again_ =
      true;  // what was changed within the same tick of the file system's clock is seen at the next look
  int looks_ = 0;  // while something is at fault
  std::vector<std::string> faults_;

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::shared_ptr<const policy::SigningKeys> keys_ = std::make_shared<policy::SigningKeys>();
  bool reload_ = false;
  bool stop_ = false;
  std::jthread thread_;  // last: it uses all that stands above
};

}  // namespace postrider::app
