#include "wire/dkim/key_record.hpp"

#include <algorithm>
#include <optional>

#include "base/ascii.hpp"
#include "wire/base64.hpp"
#include "wire/dkim/tag_list.hpp"

namespace postrider::wire::dkim {
namespace {

using Error = std::unexpected<std::string>;

bool lists(std::string_view value, std::string_view item) {
  return std::ranges::any_of(colon_list(value),
                             [item](std::string_view one) { return base::iequals(one, item); });
}

std::optional<KeyType> type_of(const TagList& tags) {
  if (!tags.find("k") || base::iequals(tags.value("k"), "rsa")) return KeyType::rsa;
  if (base::iequals(tags.value("k"), "ed25519")) return KeyType::ed25519;
  return {};
}

}  // namespace

std::string_view to_string(KeyType type) { return type == KeyType::rsa ? "rsa" : "ed25519"; }

std::expected<KeyRecord, std::string> parse_key_record(std::string_view text) {
  const auto tags = TagList::parse(text);
  if (!tags) return Error(tags.error());
  // RFC 6376 3.6.1: the first, if it is there, and of this value exactly
  if (const Tag* version = tags->find("v");
      version && (version != tags->tags().data() || version->value != "DKIM1"))
    return Error("v= is not DKIM1, or not the first");
  if (!tags->find("p")) return Error("p= is missing");
  const auto type = type_of(*tags);
  if (!type) return Error("k= is unknown");
  auto key = folded_base64(tags->value("p"));
  if (!key) return Error("p= is no base64");
  KeyRecord record{.type = *type, .public_key = std::move(*key), .notes = std::string(tags->value("n"))};
  if (const Tag* hashes = tags->find("h")) record.allows_sha256 = lists(hashes->value, "sha256");
  if (const Tag* services = tags->find("s"))
    record.allows_email = lists(services->value, "*") || lists(services->value, "email");
  record.testing = lists(tags->value("t"), "y");
  record.strict = lists(tags->value("t"), "s");
  return record;
}

std::string write_key_record(KeyType type, std::string_view public_key) {
  return "v=DKIM1; k=" + std::string(to_string(type)) + "; p=" + to_base64(public_key);
}

}  // namespace postrider::wire::dkim
