// What another parser makes of 251 header fields: $POSTRIDER_VECTORS/headers-mail-parser/*.json.
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <functional>
#include <nlohmann/json.hpp>

#include "wire/mime/addresses.hpp"
#include "wire/mime/content_type.hpp"
#include "wire/mime/date.hpp"
#include "wire/mime/header_fields.hpp"
#include "wire/mime/message_ids.hpp"
#include "wire/mime/text.hpp"

namespace postrider::wire::mime {
namespace {

using nlohmann::json;

// The vectors hold values as they stand in a file, with LF, and some go on behind their field: SMTP's line
// ends and the field scanner make of each what a server would see.
std::string field_value(const std::string& header) {
  std::string text = "X:";
  for (std::size_t i = 0; i < header.size(); ++i) {
    if (header[i] == '\n' && (i == 0 || header[i - 1] != '\r')) text += '\r';
    text += header[i];
  }
  FieldScanner scan(text);
  return std::string(scan.next()->value);
}

json or_null(const std::string& text) { return text.empty() ? json() : json(text); }

json list_or_null(const std::vector<std::string>& list) { return list.empty() ? json() : json(list); }

json mailboxes_json(const std::vector<Mailbox>& mailboxes) {
  json out = json::array();
  for (const auto& m : mailboxes) out.push_back({{"name", or_null(m.name)}, {"address", or_null(m.address)}});
  return out;
}

json addresses_json(const std::string& raw) {
  const AddressList list = parse_addresses(raw);
  if (list.groups.size() == 1 && !list.groups[0].name)
    return {{"List", mailboxes_json(list.groups[0].mailboxes)}};
  json groups = json::array();
  for (const auto& g : list.groups) {
    groups.push_back({{"name", g.name ? json(*g.name) : json()}, {"addresses", mailboxes_json(g.mailboxes)}});
  }
  return {{"Group", groups}};
}

json date_json(const std::string& raw) {
  const auto d = parse_date(raw);
  if (!d) return nullptr;
  return {{"year", d->year},
          {"month", d->month},
          {"day", d->day},
          {"hour", d->hour},
          {"minute", d->minute},
          {"second", d->second},
          {"tz_before_gmt", d->zone_minutes < 0},
          {"tz_hour", std::abs(d->zone_minutes) / 60},
          {"tz_minute", std::abs(d->zone_minutes) % 60}};
}

// The vectors show a language as an attribute of its own.
json content_type_json(const std::string& raw) {
  const auto type = parse_content_type(raw);
  if (!type) return nullptr;
  json attributes = json::array();
  for (const auto& p : type->parameters) {
    if (!p.language.empty()) attributes.push_back({p.name + "-language", p.language});
    attributes.push_back({p.name, p.value});
  }
  json out{{"c_type", type->type}, {"c_subtype", or_null(type->subtype)}};
  if (!attributes.empty()) out["attributes"] = attributes;
  return out;
}

// An absent member and a null one are the same.
json without_nulls(json value) {
  if (value.is_object()) {
    for (auto it = value.begin(); it != value.end();) it = it->is_null() ? value.erase(it) : std::next(it);
  }
  return value;
}

void compare_all(const std::string& name, const std::function<json(const std::string&)>& parse) {
  const char* given = std::getenv("POSTRIDER_VECTORS");
  const std::string root = given ? given : POSTRIDER_SOURCE_DIR "/../shared/vectors";
  std::ifstream file(root + "/headers-mail-parser/" + name);
  if (!file) GTEST_SKIP() << "vectors missing: headers-mail-parser/" << name;
  const json cases = json::parse(file);
  ASSERT_FALSE(cases.empty());
  for (std::size_t i = 0; i < cases.size(); ++i) {
    const std::string header = cases[i]["header"];
    EXPECT_EQ(without_nulls(parse(field_value(header))), without_nulls(cases[i]["expected"]))
        << "case " << i << ": " << cases[i]["header"];
  }
  ::testing::Test::RecordProperty("cases", static_cast<int>(cases.size()));
}

TEST(MimeVectors, AddressesMatch) { compare_all("address.json", addresses_json); }
TEST(MimeVectors, DatesMatch) { compare_all("date.json", date_json); }
TEST(MimeVectors, ContentTypesMatch) { compare_all("content_type.json", content_type_json); }
TEST(MimeVectors, MessageIdsMatch) {
  compare_all("id.json", [](const std::string& raw) { return list_or_null(parse_message_ids(raw)); });
}
TEST(MimeVectors, ListsMatch) {
  compare_all("list.json", [](const std::string& raw) { return list_or_null(decode_list(raw)); });
}
TEST(MimeVectors, UnstructuredTextMatches) {
  compare_all("unstructured.json", [](const std::string& raw) { return json(decode_unstructured(raw)); });
}

}  // namespace
}  // namespace postrider::wire::mime
