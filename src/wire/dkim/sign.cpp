#include "wire/dkim/sign.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "base/ascii.hpp"
#include "wire/base64.hpp"
#include "wire/dkim/tag_writer.hpp"

namespace postrider::wire::dkim {
namespace {

constexpr std::size_t kMostRepeats = 16;

constexpr std::array<std::string_view, 12> kOversigned = {
    "From",       "To",          "Cc",         "Subject",      "Date",         "Reply-To",
    "Message-ID", "In-Reply-To", "References", "MIME-Version", "Content-Type", "Content-Transfer-Encoding"};
// List-Unsubscribe-Post: RFC 8058 4
constexpr std::array<std::string_view, 15> kSigned = {
    "Resent-Date",           "Resent-From", "Resent-Sender", "Resent-To",      "Resent-Cc",
    "Resent-Message-ID",     "List-Id",     "List-Help",     "List-Subscribe", "List-Unsubscribe",
    "List-Unsubscribe-Post", "List-Post",   "List-Owner",    "List-Archive",   "Sender"};

std::string joined(const std::vector<std::string>& names) {
  std::string list;
  for (const std::string& name : names) {
    if (!list.empty()) list += ':';
    list += name;
  }
  return list;
}

std::string seconds_of(base::UtcTime time) {
  return std::to_string(std::chrono::floor<std::chrono::seconds>(time).time_since_epoch().count());
}

// Up to b=, which is the last.
TagWriter unsigned_field(const SigningKey& key, const Signing& signing, std::string_view names,
                         const Digest& body_hash) {
  TagWriter field("DKIM-Signature");
  field.tag("v", "1");
  field.tag("a", to_string(key.key.algorithm()));
  field.tag("c", std::string(to_string(signing.header)) + '/' + std::string(to_string(signing.body)));
  field.tag("d", key.domain.ascii());
  field.tag("s", key.selector);
  field.tag("t", seconds_of(signing.now));
  if (signing.good_for) field.tag("x", seconds_of(signing.now + *signing.good_for));
  field.colon_tag("h", names);
  field.tag("bh", to_base64(octets(body_hash)));
  field.base64_tag("b", {});
  return field;
}

}  // namespace

std::vector<std::string> fields_to_sign(const HeaderIndex& header, std::span<const std::string> also) {
  std::vector<std::string> names;
  const auto add = [&names](std::string_view name, std::size_t times) {
    const std::size_t room = kMaxSignedFields - names.size();
    names.insert(names.end(), std::min({times, kMostRepeats, room}), std::string(name));
  };
  for (const std::string_view name : kOversigned) add(name, header.count(name) + 1);
  for (const std::string_view name : kSigned) add(name, header.count(name));
  const auto is_there = [&names](const std::string& name) {
    return std::ranges::any_of(names, [&](const auto& one) { return base::iequals(one, name); });
  };
  for (const std::string& name : also)
    if (!is_there(name)) add(name, header.count(name));
  return names;
}

std::vector<std::string> sign(const HeaderIndex& header, const Digest& body_hash,
                              std::span<const SigningKey> keys, const Signing& signing) {
  const auto names = fields_to_sign(header, signing.also);
  const std::string list = joined(names);
  const std::string chosen = header.chosen(names, signing.header);
  std::vector<std::string> fields;
  for (const SigningKey& key : keys) {
    TagWriter field = unsigned_field(key, signing, list, body_hash);
    std::string text = chosen;
    append_unsigned(signing.header, field.text(), text);
    field.more_base64(to_base64(key.key.sign(sha256(text))));
    fields.push_back(std::move(field).finish());
  }
  return fields;
}

}  // namespace postrider::wire::dkim
