// What TLS was agreed upon, for the metrics.
#pragma once

#include <string>

#include "net/tls_facts.hpp"
#include "sys/metrics.hpp"

namespace postrider::net {

// Of one side: "postrider_tls_in" gives postrider_tls_in_total, _ciphers_total, _resumed_total and _failed_total. A cipher that
// is not in the list of those that are usual today counts as "other". Any thread.
class TlsCounts {
 public:
  explicit TlsCounts(const std::string& prefix);
  void established(const TlsFacts& facts);
  void failed() { failed_.count(); }

 private:
  sys::Counters sessions_, ciphers_, resumed_, failed_;
};

}  // namespace postrider::net
