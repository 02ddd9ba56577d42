// The outcome of mail business is a value: Result<T> is either a T or a Failure.
// A broken connection is an exception instead, and a bug of ours an abort.
#pragma once

#include <expected>
#include <string>
#include <utility>

#include "base/enhanced_code.hpp"

namespace postrider::base {

// Why something could not be done. `code.cls` is 4 (temporary: worth another try) or 5 (permanent).
struct Failure {
  EnhancedCode code;
  std::string text;  // for the client: no secrets, no paths, one line
  std::string log;   // for the operator; empty means "the same as text"

  bool permanent() const { return code.cls == 5; }
  const std::string& log_text() const { return log.empty() ? text : log; }
};

template <class T>
using Result = std::expected<T, Failure>;

// RFC 3463 2: class 5 is a permanent failure, class 4 a persistent transient one.
inline std::unexpected<Failure> permanent(EnhancedCode code, std::string text, std::string log = {}) {
  code.cls = 5;
  return std::unexpected(Failure{code, std::move(text), std::move(log)});
}
inline std::unexpected<Failure> temporary(EnhancedCode code, std::string text, std::string log = {}) {
  code.cls = 4;
  return std::unexpected(Failure{code, std::move(text), std::move(log)});
}

}  // namespace postrider::base
