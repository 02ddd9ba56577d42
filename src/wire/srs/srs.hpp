// The Sender Rewriting Scheme: under which address a forwarder sends on what another has written. Its own domain then answers
// for the mail (SPF), and what comes back comes to it, which knows from the address alone whose it is. No RFC; the scheme of
// Meng Weng Wong and Shevek, 2003, as forwarders speak it. Pure: whoever has the secret gives the keyed hash.
//
//   alice@one.test                          sent on by two.test    SRS0=HHHHHH=TT=one.test=alice@two.test
//   SRS0=HHHHHH=TT=one.test=alice@two.test  sent on by three.test  SRS1=HHHHHHTT=two.test==HHHHHH=TT=one.test=alice@three.test
//   SRS1=...=two.test==...@three.test       sent on by four.test   the same with four's hash: three is left out, so that it
//                                                                  grows no more
//
// TT is the day, HHHHHH the hash; both in base32, since a mailer on the way may change upper to lower case.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "base/time.hpp"
#include "mail/address.hpp"

namespace postrider::wire::srs {

// A keyed hash (HMAC) of a text: 4 octets at least.
using Mac = std::function<std::string(std::string_view)>;

// Days since 1970, modulo kDays.
using Day = std::uint16_t;
inline constexpr unsigned kDays = 1024;
Day day_of(base::UtcTime time);
// How many days `today` is behind `day`, 0 to kDays - 1. A day of tomorrow is of another clock, and counts as today.
unsigned days_since(Day day, Day today);

// What an address of the scheme says, which is true only where is_made_by().
struct Rewritten {
  mail::Address leads_to;  // the sender; of SRS1 the first forwarder's own address for him
  bool chained = false;    // SRS1
  Day day = 0;
  std::string hash;  // lower case
};

// Under which address of `forwarder` mail from `sender` is sent on. Permanent 5.1.7: `sender` has an address literal, or the
// address would have more than the 254 octets that any may have.
base::Result<mail::Address> rewrite(const mail::Address& sender, const mail::Domain& forwarder, Day day,
                                    const Mac& mac);

// Nothing: rewrite() makes no such address.
std::optional<Rewritten> read(const mail::Address& address);
// Whether rewrite() made it, with this `mac`. Upper and lower case make no difference. The same time for each hash.
bool is_made_by(const Rewritten& rewritten, const Mac& mac);

}  // namespace postrider::wire::srs
