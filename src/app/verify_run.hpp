// The work of `postrider verify`: reads a message, asks the DNS, and tells what the checks found.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "app/verify_report.hpp"
#include "config/config.hpp"

namespace postrider::app {

struct VerifyOptions {
  std::string file;  // "-": standard input
  std::string id;    // of a message in the queue, instead
  std::optional<std::string> ip, helo, from, config;
  bool json = false;
};

// `config`: null takes the system's name servers; not null where options.id is said. Blocking: as long as reading the message
// takes, and 20 seconds for the DNS. Throws Stop where the message can't be read or an option is wrong.
VerifyReport run_verify(const VerifyOptions& options, std::shared_ptr<const config::Config> config);

}  // namespace postrider::app
