// Delivery status notifications as other servers write them: $POSTRIDER_VECTORS/dsn-sisimai/bounces/*.eml.
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <string>

#include "mail/address.hpp"
#include "wire/dsn/delivery_status.hpp"

namespace postrider::wire::dsn {
namespace {

namespace fs = std::filesystem;

fs::path bounces() {
  const char* folder = std::getenv("POSTRIDER_VECTORS");
  return (folder ? fs::path(folder) : fs::path(POSTRIDER_SOURCE_DIR) / "../shared/vectors") /
         "dsn-sisimai/bounces";
}

// Of the 36 files, 7 have no such part: older forms, or a delimiter that is missing.
TEST(DsnVectors, AreReadButForAnActionThatTheRfcHasNot) {
  if (!fs::exists(bounces())) GTEST_SKIP() << "vectors missing: dsn-sisimai";
  std::map<std::string, int> count;
  for (const auto& file : fs::directory_iterator(bounces())) {
    ++count["files"];
    std::ifstream in(file.path(), std::ios::binary);
    const std::string message{std::istreambuf_iterator<char>(in), {}};
    const auto part = find_delivery_status(message);
    if (!part) continue;
    ++count["parts"];
    const auto status = parse_delivery_status(*part);
    if (!status) {
      EXPECT_NE(part->find("Action: deliverable"), std::string_view::npos) << file.path();
      continue;
    }
    for (const Recipient& recipient : status->recipients) {
      ++count[std::string(to_string(recipient.action))];
      EXPECT_TRUE(mail::Address::parse(recipient.final.text)) << recipient.final.text;
      EXPECT_NE(recipient.status.cls, 0) << file.path();
    }
    EXPECT_EQ(parse_delivery_status(encode(*status, Form::global)), status) << file.path();
  }
  const std::map<std::string, int> expected = {{"files", 36}, {"parts", 29}, {"failed", 25}, {"delayed", 3}};
  EXPECT_EQ(count, expected);
}

}  // namespace
}  // namespace postrider::wire::dsn
