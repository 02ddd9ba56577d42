// The DNS, asynchronous, behind an interface so that a test can be the DNS.
#pragma once

#include <chrono>
#include <cstdint>
#include <expected>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/ip.hpp"
#include "base/time.hpp"

namespace postrider::sys {

namespace dns {

enum class Error : std::uint8_t {
  nxdomain,   // the name does not exist
  nodata,     // the name exists, without records of this type
  servfail,   // temporary: the servers failed, or we have too many questions open
  timeout,    // temporary: no answer within the time that was given
  bogus,      // temporary: DNSSEC says that the answer is forged, or its signatures are broken
  malformed,  // the name can't be asked for, or the answer's records can't be read
};
std::string_view to_string(Error error);
// Worth another try later. The others are what the DNS says.
constexpr bool is_temporary(Error error) {
  return error == Error::servfail || error == Error::timeout || error == Error::bogus;
}

struct Failure {
  Error error = Error::servfail;
  bool secure = false;  // DNSSEC proves it (nxdomain, nodata)
  std::string text;     // for the log
};

// Names: lower case, without the dot at the end; the root is "."; octets in a label that a host name can't
// have (a dot, a space, a control character) are written "\DDD". RFC 1035 5.1
struct Mx {
  std::uint16_t preference = 0;
  std::string exchange;  // "." alone: the domain takes no mail. RFC 7505 3
  auto operator<=>(const Mx&) const = default;
};

template <class T>
struct Answer {
  std::vector<T> records;       // at least one; in the order of the answer, which means nothing
  std::chrono::seconds ttl{0};  // the least of the records and the aliases on the way
  bool secure = false;          // DNSSEC vouches for it
  bool operator==(const Answer&) const = default;
};

template <class T>
using Result = std::expected<Answer<T>, Failure>;
template <class T>
using Done = std::move_only_function<void(Result<T>)>;

// What the way to the name servers does to DNSSEC.
enum class DnssecPath : std::uint8_t {
  unused,    // nothing is validated
  works,     // the zones of the trust anchors can be validated
  stripped,  // their keys come without signatures, or forged: then every answer of theirs is bogus
  unknown,   // no answer
};

}  // namespace dns

// Aliases (CNAME) are followed. `name` is in A-labels, always taken as complete, with or without its last dot.
//
// Any thread may ask. `done` is called exactly once, within `within` of the call (steady clock) or, at the
// latest, in the destructor: on the resolver's own thread, or by a fake before the call returns. So hold no
// lock that `done` takes; and `done` must neither block nor throw: post the answer home.
class Resolver {
 public:
  virtual ~Resolver() = default;
  virtual void a(std::string name, base::Milliseconds within, dns::Done<base::IpAddress> done) = 0;
  virtual void aaaa(std::string name, base::Milliseconds within, dns::Done<base::IpAddress> done) = 0;
  virtual void mx(std::string name, base::Milliseconds within, dns::Done<dns::Mx> done) = 0;
  // Host names of an address; see reverse_name().
  virtual void ptr(base::IpAddress address, base::Milliseconds within, dns::Done<std::string> done) = 0;
  // The character-strings of one record are joined without anything between. RFC 7208 3.3
  virtual void txt(std::string name, base::Milliseconds within, dns::Done<std::string> done) = 0;
  // Asks for the keys of the zones that are trust anchors, at most 4.
  virtual void check_dnssec(base::Milliseconds within, std::move_only_function<void(dns::DnssecPath)> done) {
    static_cast<void>(within);
    done(dns::DnssecPath::unused);
  }
};

// Checks at once, and logs event=dns_strips_dnssec where mail to everybody would wait for that. Returns at once; the
// resolver's answer may come up to 30 s later.
void report_dnssec(Resolver& resolver);

// "1.2.0.192.in-addr.arpa" (RFC 1035 3.5), "1.0.…8.b.d.0.1.0.0.2.ip6.arpa" (RFC 3596 2.5).
std::string reverse_name(const base::IpAddress& address);

struct ResolverOptions {
  std::vector<std::string> servers;  // "192.0.2.53" or "127.0.0.1@5353"; empty: the system's /etc/resolv.conf
  std::string trust_anchors;         // a file of DS or DNSKEY records; empty: nothing is validated
};

// libunbound: validates by itself, caches (16 MiB of messages, 32 MiB of records), at most 500 questions open;
// the next one gets servfail. Starts two threads, "resolver" and libunbound's own. The error is for the
// operator: a server or an anchor file that can't be used.
std::expected<std::unique_ptr<Resolver>, std::string> make_unbound_resolver(const ResolverOptions& options);

}  // namespace postrider::sys
