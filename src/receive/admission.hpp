// How many connections there may be: in all, and from one client.
#pragma once

#include <cstddef>
#include <cstdint>
#include <mutex>
#include <optional>
#include <unordered_map>
#include <utility>

#include "base/ip.hpp"
#include "config/config.hpp"
#include "mail/reply.hpp"

namespace postrider::receive {

// Any thread. Holds one entry for each network with a connection, so it is bounded by their number.
class Admission {
 public:
  enum class Answer : std::uint8_t { admitted, server_full, client_full };

  // IPv6 clients count per /64: that is what one customer gets. An admitted connection must be left.
  Answer enter(const base::IpAddress& client, std::size_t limit, std::size_t limit_per_client);
  void leave(const base::IpAddress& client);
  // The same for a user of this machine. One entry for each user with a connection.
  Answer enter_user(std::uint32_t uid, std::size_t limit, std::size_t limit_per_user);
  void leave_user(std::uint32_t uid);
  std::size_t connections() const;

  // Releases a place when it goes.
  class Place {
   public:
    Place() = default;
    Place(Admission& admission, const base::IpAddress& client) : admission_(&admission), client_(client) {}
    Place(Admission& admission, std::uint32_t uid) : admission_(&admission), uid_(uid) {}
    Place(Place&& other) noexcept : admission_(other.admission_), client_(other.client_), uid_(other.uid_) {
      other.admission_ = nullptr;
    }
    Place& operator=(Place&& other) noexcept {
      std::swap(admission_, other.admission_);
      std::swap(client_, other.client_);
      std::swap(uid_, other.uid_);
      return *this;
    }
    ~Place() {
      if (!admission_) return;
      if (uid_) {
        admission_->leave_user(*uid_);
      } else {
        admission_->leave(client_);
      }
    }

   private:
    Admission* admission_ = nullptr;
    base::IpAddress client_;
    std::optional<std::uint32_t> uid_;  // instead of `client_`
  };

 private:
  struct Hash {
    std::size_t operator()(const base::Network& network) const;
  };
  mutable std::mutex mutex_;
  std::size_t connections_ = 0;
  std::unordered_map<base::Network, std::size_t, Hash> by_client_;
  std::unordered_map<std::uint32_t, std::size_t> by_user_;
};

// What a client without a place is told: 421. RFC 5321 3.8
mail::Reply no_place(const config::Config& config, Admission::Answer answer);

}  // namespace postrider::receive
