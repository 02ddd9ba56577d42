// Whose is a bearer token? Asked of the keys of who signed it (JWKS), or of who gave it out (introspection, RFC 7662).
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "base/result.hpp"
#include "config/config.hpp"
#include "sys/clock.hpp"
#include "tokens/http.hpp"
#include "tokens/jwt.hpp"

namespace postrider::tokens {

// Has a thread of its own, named "tokens". Any thread may call.
//
// Keys are kept for 10 minutes, or as long as their server says (1 minute to 1 day); a token that names a key which we don't have
// has them fetched anew, once in 30 s at most. When they can't be had the old ones hold for a day. What introspection says is kept until the token
// expires, 60 s at most, of at most 10,000 tokens, as their hash.
class Verifier {
 public:
  static constexpr std::size_t kMostWaiting = 1000;
  static constexpr std::size_t kMostRemembered = 10'000;

  Verifier(std::function<config::OAuth()> settings, HttpParts parts, sys::Clock& clock);
  // What waits is dropped without an answer.
  ~Verifier();

  // `done` is called once, on a thread of ours or at once: Owner; permanent 5.7.8, refused; temporary 4.7.0, can't be told now.
  void check(std::string token, std::function<void(base::Result<Owner>)> done);

 private:
  struct Inside;
  std::unique_ptr<Inside> inside_;
};

}  // namespace postrider::tokens
