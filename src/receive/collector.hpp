// Takes in what local programs dropped while no server answered: at the start, and while the server runs.
//
// A file goes when its mail is durable. Killed in between, the server takes it a second time: it may come twice, and is
// never lost. Recipients that are refused get their end in the same commit, and the sender a report.
#pragma once

#include <atomic>
#include <filesystem>
#include <memory>
#include <thread>

#include "base/result.hpp"
#include "receive/dialog.hpp"
#include "receive/drop_folder.hpp"
#include "receive/services.hpp"

namespace postrider::receive {

class Transfer;

// One thread of its own, which may block.
class Collector {
 public:
  // `folder` was prepared by prepare_submit_folder(). `services` outlives the collector.
  static base::Result<std::unique_ptr<Collector>> start(const std::filesystem::path& folder,
                                                        Services& services);
  // Waits for the message that it is at: as long as the store takes for it, 60 s at most.
  ~Collector();
  Collector(const Collector&) = delete;
  Collector& operator=(const Collector&) = delete;

 private:
  enum class Done { gone, later };
  Collector(DropFolder folder, Descriptor stop, Services& services);
  void run();
  // False: something has to be tried again.
  bool pass();
  Done collect(const std::string& name);
  Done bring(const std::string& name, const DropFile& file);
  Done commit(const std::string& name, const Dialog& dialog, Transfer& transfer,
              std::vector<mail::Recipient> refused);
  bool fill(const DropFile& file, const std::string& header, Transfer& transfer);
  void wait(base::Milliseconds at_most);

  DropFolder folder_;
  Descriptor stop_;
  Services& services_;
  std::atomic<bool> stopping_ = false;
  std::thread thread_;  // last: it uses the others
};

}  // namespace postrider::receive
