// The is_email test set, as an SMTP path sees it: no comments, no folding, no obsolete forms.
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <pugixml.hpp>
#include <set>
#include <string>

#include "mail/address.hpp"

namespace postrider::mail {
namespace {

std::filesystem::path vectors() {
  const char* folder = std::getenv("POSTRIDER_VECTORS");
  return folder ? std::filesystem::path(folder)
                : std::filesystem::path(POSTRIDER_SOURCE_DIR) / "../shared/vectors";
}

// U+2400 to U+241F are written for the control characters 0 to 31.
std::string with_controls(std::string text) {
  constexpr std::string_view kPicture = "\xE2\x90";
  for (auto at = text.find(kPicture); at != std::string::npos; at = text.find(kPicture, at + 1)) {
    const auto control = static_cast<char>(static_cast<unsigned char>(text[at + 2]) - 0x80);
    text.replace(at, 3, 1, control);
  }
  return text;
}

TEST(AddressVectors, AgreeWithIsEmail) {
  const auto file = vectors() / "address-isemail/tests.xml";
  if (!std::filesystem::exists(file)) GTEST_SKIP() << "vectors missing: address-isemail";
  pugi::xml_document document;
  ASSERT_TRUE(document.load_file(file.c_str(), pugi::parse_default | pugi::parse_ws_pcdata_single));
  const std::set<std::string> good = {"ISEMAIL_VALID_CATEGORY", "ISEMAIL_DNSWARN", "ISEMAIL_RFC5321"};
  int cases = 0;
  for (const auto& test : document.child("tests").children("test")) {
    const auto text = with_controls(test.child_value("address"));
    const bool expected = good.contains(test.child_value("category"));
    const auto parsed = Address::parse(text);
    EXPECT_EQ(parsed.has_value(), expected)
        << "case " << test.attribute("id").value() << ": " << text << ", " << test.child_value("diagnosis");
    if (parsed) EXPECT_EQ(Address::parse(parsed->to_string()), *parsed) << text;
    ++cases;
  }
  EXPECT_EQ(cases, 164);
}

}  // namespace
}  // namespace postrider::mail
