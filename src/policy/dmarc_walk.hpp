// DMARC Policy Records and the DNS Tree Walk. RFC 9989 4.10.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "policy/lookups.hpp"
#include "wire/dmarc/record.hpp"

namespace postrider::policy {

// The record at one domain.
struct DmarcRecordAt {
  enum class State : unsigned char { pending, trouble, none, found };
  State state = State::pending;
  std::optional<wire::dmarc::Record> record{};  // found
  std::string outcome{};  // the record's text, or why there is none; empty while pending
  bool nxdomain = false;  // "_dmarc.DOMAIN" does not exist
};
// Several records at one name are none. RFC 9989 4.10
DmarcRecordAt dmarc_record_at(std::string_view domain, Lookups& lookups);
std::string dmarc_name(std::string_view domain);  // "_dmarc.example.com"

// The domains of a walk from this one, itself first, at most 8: behind it go on those of 7 labels and less.
std::vector<std::string> dmarc_targets(std::string_view domain);

struct DmarcWalk {
  bool pending = false;
  std::string trouble{};       // why it can't be known: which name, and what the DNS says
  std::string organization{};  // the organizational domain
  // That domain's record, or else that of the public suffix above it, and where it stands.
  std::optional<wire::dmarc::Record> record{};
  std::string record_domain{};
};
// RFC 9989 4.10.2. All names are asked for at once: they are few, and mostly in the cache.
DmarcWalk dmarc_walk(std::string_view domain, Lookups& lookups);

}  // namespace postrider::policy
