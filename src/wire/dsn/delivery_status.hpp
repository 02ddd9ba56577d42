// The part of a delivery status notification that machines read: message/delivery-status (RFC 3464 2.1), and
// message/global-delivery-status with UTF-8 in it (RFC 6533 4). Pure; any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/enhanced_code.hpp"
#include "base/time.hpp"

namespace postrider::wire::dsn {

// "rfc822; bob@example.com", "dns; mx.example.com", "smtp; 550 5.1.1 no such user". RFC 3464 2.1.2
struct Typed {
  std::string type;  // lower case when read
  std::string text;  // decoded: UTF-8 for addresses of type "utf-8"
  bool operator==(const Typed&) const = default;
};

enum class Action : std::uint8_t { failed, delayed, delivered, relayed, expanded };  // RFC 3464 2.3.3
std::string_view to_string(Action action);

// RFC 3464 2.3. Times are written to the second.
struct Recipient {
  std::optional<Typed> original;  // what the sender said: ORCPT
  Typed final;
  Action action = Action::failed;
  base::EnhancedCode status;        // cls 0: none was found; never written so
  std::optional<Typed> remote_mta;  // who said `diagnostic`
  std::optional<Typed> diagnostic;  // the words of the transport
  std::optional<base::UtcTime> last_attempt;
  std::string final_log_id;
  std::optional<base::UtcTime> will_retry_until;
  bool operator==(const Recipient&) const = default;
};

// RFC 3464 2.2
struct DeliveryStatus {
  std::string original_envelope_id;  // decoded; empty: none
  Typed reporting_mta;
  std::optional<Typed> received_from_mta;
  std::optional<base::UtcTime> arrival;
  std::optional<base::UtcTime> deliver_by = {};      // RFC 2852
  std::optional<base::UtcTime> future_release = {};  // "until; ..."; RFC 4865. Of another form: not read
  std::vector<Recipient> recipients;
  bool operator==(const DeliveryStatus&) const = default;
};

enum class Form : std::uint8_t {
  ascii,   // addresses of type "utf-8" are written with \x{...}; what else is not ASCII becomes "?"
  global,  // UTF-8
};

// Longer values are cut. With its name, a line then has less than 998 octets even where no fold can help.
inline constexpr std::size_t kMaxValue = 900;

// Fields with CRLF line ends, a blank line between the blocks. What can't stand in a field (control characters, octets
// that are no UTF-8) is replaced, so that nothing of what a stranger said can add a line.
std::string encode(const DeliveryStatus& status, Form form);
// `form` global is needed to write it without loss: an address is not ASCII.
bool needs_global(const DeliveryStatus& status);

// Reads what others write: any line end, comments behind a value, missing types, missing fields. A block without a
// Final-Recipient or Original-Recipient is passed over; one without an Action that is known, too. Nothing where no
// block is left. Looks at the first kMaxStatusSize octets, kMaxRecipients recipients.
inline constexpr std::size_t kMaxStatusSize = 8u << 20;
inline constexpr std::size_t kMaxRecipients = 10'000;
std::optional<DeliveryStatus> parse_delivery_status(std::string_view text);

// The first part of a message that is a delivery status, however deep in it (at most kMaxDepth parts inside each
// other); a view into `message`. Any line end. The part is taken as it is: encodings other than 7bit and 8bit are not
// undone.
inline constexpr std::size_t kMaxDepth = 5;
std::optional<std::string_view> find_delivery_status(std::string_view message);

}  // namespace postrider::wire::dsn
