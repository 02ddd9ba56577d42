// What is asked on the control socket: one JSON object a line, read into types here and nowhere else.
//
//   {"do":"list","selection":{"sender":"<>","state":"held"},"after":"01hx3v5t0c001/2","limit":100}
//   {"do":"change","change":"hold","selection":{"destinations":["example.net"]},"reason":"...","dry_run":true}
//   {"do":"show","message":"01hx3v5t0c001"}
//   {"do":"suspend","what":"site","pattern":"smtp://192.0.2.1:25","for_ms":7200000,"reason":"..."}
//   {"do":"bans"}   {"do":"unban","what":"alice@example.com"}   {"do":"unban","everything":true}
//   {"do":"resume","suspension":3}   {"do":"suspensions"}   {"do":"sites"}   {"do":"destinations","site":"..."}
//   {"do":"metrics"}
//
// A selection has any of: message, sender, recipient, destinations, older_than_ms, younger_than_ms, state. A change of
// everything must say so: "selection":{"everything":true}. docs/queue.md tells it to people.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "base/id.hpp"
#include "base/result.hpp"
#include "base/time.hpp"
#include "queue/operator.hpp"

namespace postrider::admin {

inline constexpr std::size_t kPage = 1000;                // rows of one answer
inline constexpr std::size_t kMostDestinations = 10'000;  // of one selection
inline constexpr std::size_t kRequestLine = 1024 * 1024;  // bytes, the line end included
inline constexpr std::size_t kReasonBytes = 500;
// A name of a queue::Site: a route's target, or some MX hosts.
inline constexpr std::size_t kSiteBytes = 4000;
inline constexpr std::size_t kBannedBytes = 255;

// A place in the queue's order; the next page begins behind it.
using Place = std::optional<store::RecipientId>;

struct ListRequest {
  store::Selection selection;
  Place after;
  std::size_t limit = 100;  // 1 to kPage
};
// One page of a change: the first `limit` rows of the selection behind `after`, of messages with ids below `before`.
// Without `before`: of the mail that is there now; the answer has the id, for the pages that follow. dry_run: what it
// would change.
struct ChangeRequest {
  queue::Change change = queue::Change::retry;
  store::Selection selection;
  Place after;
  std::optional<base::MessageId> before = {};
  std::size_t limit = kPage;
  std::string reason;
  bool dry_run = false;
};
struct ShowRequest {
  base::MessageId message;
};
struct SuspendRequest {
  store::Suspension suspension;               // without id and times
  std::optional<base::Milliseconds> lasting;  // nothing: until it is resumed
};
struct SuspensionsRequest {};
struct ResumeRequest {
  std::uint64_t suspension = 0;
};
struct SitesRequest {};
// "not_told" of the answer: so many that may go there too, and could not be located in time.
struct DestinationsRequest {
  std::string site;
};

// Who is locked out because somebody guessed passwords.
struct BansRequest {};
struct UnbanRequest {
  std::string what;  // an account, a network, an address; empty: all
};

// The metrics, as GET /metrics gives them.
struct MetricsRequest {};

using Request =
    std::variant<ListRequest, ChangeRequest, ShowRequest, SuspendRequest, SuspensionsRequest, ResumeRequest,
                 SitesRequest, DestinationsRequest, BansRequest, UnbanRequest, MetricsRequest>;

// Without the line end. Failure: permanent, 5.5.4 (5.5.2 where it is no JSON object); text says what is wrong.
base::Result<Request> parse_request(std::string_view line);
// One line with its end, which parse_request() reads as the same request.
std::string encode(const Request& request);

// "01hx3v5t0c001/2": message and index.
std::string to_string(store::RecipientId place);
std::string_view to_string(queue::Change change);
std::string_view to_string(mail::RecipientState state);
// "all", "destination", "site", "sender".
std::string_view to_string(store::Suspension::What what);

// The texts of people, checked and in the form in which they are compared. Failures: permanent, with what is wrong.
// An address, "example.com" or ".example.com"; "<>".
base::Result<std::string> parse_pattern(std::string_view text);
// A domain, or an address literal in brackets.
base::Result<std::string> parse_destination(std::string_view text);
// Gives Suspension::pattern.
base::Result<std::string> parse_suspended(store::Suspension::What what, std::string_view text);

}  // namespace postrider::admin
