// Asks a running server, over its control socket. Blocking.
#pragma once

#include <boost/json/object.hpp>
#include <filesystem>

#include "admin/request.hpp"
#include "base/result.hpp"

namespace postrider::admin {

// One thread at a time. Connects anew for each request, so that a person may think in between.
class ControlClient {
 public:
  explicit ControlClient(const std::filesystem::path& runtime_dir);
  // The answer's object, which has no member "error": that becomes the failure. Others: no server answers (5.3.2), it
  // may not be asked by this user (5.7.0), it does not answer within 90 s (4.3.2).
  base::Result<boost::json::object> ask(const Request& request) const;

 private:
  std::filesystem::path path_;
};

}  // namespace postrider::admin
