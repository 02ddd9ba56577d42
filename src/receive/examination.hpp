// Finds out who sent a message while its content streams in: begun when the header section is complete, waited for at the end of
// the data.
#pragma once

#include <memory>
#include <string_view>

#include "policy/authentication.hpp"
#include "policy/inquiry.hpp"

namespace postrider::receive {

// Lives and dies on one thread, to which `post` brings the answers. Gone before it is complete, it is silent for ever.
class Examination {
 public:
  struct Means {
    sys::Resolver& resolver;  // as the clock, it outlives the examination
    const sys::Clock& clock;
    policy::Inquiry::Post post;
    base::Milliseconds timeout;  // for the DNS: from the header on, and again from the end of the body
  };
  // Asks the DNS. `bodies` outlives it and is not finished; `header` may go when this returns.
  Examination(policy::AuthenticationFacts facts, std::string_view header, wire::dkim::BodyHasher& bodies,
              Means means);
  Examination(const Examination&) = delete;
  Examination& operator=(const Examination&) = delete;

  // `bodies` is finished. `done` is called once, perhaps before this returns, and at the latest `timeout` from now.
  void end_of_body(std::move_only_function<void()> done);

  const policy::AuthenticationFacts& facts() const { return check_.facts(); }
  // After `done`.
  const policy::AuthenticationFindings& findings() const { return check_.findings(); }

 private:
  policy::AuthenticationCheck check_;
  std::move_only_function<void()> done_;
  const base::Milliseconds timeout_;
  std::shared_ptr<policy::Inquiry> inquiry_;
};

}  // namespace postrider::receive
