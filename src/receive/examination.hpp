// Finds out who sent a message while its content streams in: begun when the header section is complete, waited for at the end of
// the data.
#pragma once

#include <memory>
#include <string_view>

#include "policy/authentication.hpp"
#include "policy/inquiry.hpp"
#include "policy/known_clients.hpp"

namespace postrider::receive {

// Lives and dies on one thread, to which `post` brings the answers. Gone before it is complete, it is silent for ever.
class Examination {
 public:
  struct Means {
    sys::Resolver& resolver;  // as the clock, it outlives the examination
    const sys::Clock& clock;
    policy::Inquiry::Post post;
    base::Milliseconds timeout;   // for the DNS: from the header on, and again from the end of the body
    policy::KnownClients& known;  // of the thread; outlives the examination, too
  };
  // Asks the DNS. `bodies` outlives it and is not finished; `header` may go when this returns.
  Examination(policy::AuthenticationFacts facts, std::string_view header, wire::dkim::BodyHasher& bodies,
              Means means);
  Examination(const Examination&) = delete;
  Examination& operator=(const Examination&) = delete;

  // `bodies` is finished. True: it is complete, as it is where the DNS has answered all.
  bool end_of_body();
  // Else `done` is called once, at the latest `timeout` after end_of_body().
  void when_complete(std::move_only_function<void()> done) { done_ = std::move(done); }

  const policy::AuthenticationFacts& facts() const { return check_.facts(); }
  // Where it is complete.
  const policy::AuthenticationFindings& findings() const { return check_.findings(); }

 private:
  policy::AuthenticationCheck check_;
  bool complete_ = false;
  std::move_only_function<void()> done_;
  const base::Milliseconds timeout_;
  std::shared_ptr<policy::Inquiry> inquiry_;
};

}  // namespace postrider::receive
