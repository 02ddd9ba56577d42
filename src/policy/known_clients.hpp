// What iprev and SPF found out about clients, for the next message of each: both stand on nothing but the client, its HELO, the
// reverse-path and the DNS, and who brings one message mostly brings another.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <optional>
#include <string>

#include "policy/authentication.hpp"

namespace postrider::policy {

// One thread at a time. Holds kClients clients, each where its address falls, so that a client may push out another.
class KnownClients {
 public:
  static constexpr std::size_t kClients = 64;

  struct Client {
    IprevFinding iprev;
    SpfFinding helo;                        // as `mail_from` without its trace, which nobody asks for
    std::optional<SpfFinding> mail_from{};  // nothing: not known for this reverse-path
    base::UtcTime until{};                  // the DNS is to be asked again
  };
  // What still holds at facts.now; nothing of who was not seen, or said something else at HELO.
  std::optional<Client> find(const AuthenticationFacts& facts) const;

  // In the place of what was known of the client. `good_for`, from facts.now: no longer than each of the answers that it stands on.
  struct Scope {
    std::chrono::seconds good_for{0};
    bool any_sender = false;  // mail_from is that of every reverse-path with its domain; else it is not kept
  };
  void keep(const AuthenticationFacts& facts, const AuthenticationFindings& findings, Scope scope);

 private:
  struct Kept {
    base::IpAddress address;
    std::string helo, receiver;
    std::string sender_domain;  // of client.mail_from
    base::UtcTime since{};      // a clock that was set back makes no answer last longer
    Client client;
  };
  static std::size_t place_of(const base::IpAddress& address);

  std::array<std::optional<Kept>, kClients> kept_;
};

}  // namespace postrider::policy
