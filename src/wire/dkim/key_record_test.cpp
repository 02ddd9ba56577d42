#include "wire/dkim/key_record.hpp"

#include <gtest/gtest.h>

namespace postrider::wire::dkim {
namespace {

std::string fault(std::string_view text) {
  const auto record = parse_key_record(text);
  return record ? "" : record.error();
}

TEST(DkimKeyRecord, HasDefaults) {
  EXPECT_EQ(parse_key_record("p=YWJj"), (KeyRecord{.public_key = "abc", .notes = {}}));
  EXPECT_EQ(parse_key_record("v=DKIM1;p=;"), (KeyRecord{.public_key = "", .notes = {}}));
}

// RFC 6376 3.6.1
TEST(DkimKeyRecord, IsReadWithAllItsTags) {
  const auto record = parse_key_record(
      " v = DKIM1 ; g=*; h=sha1 : SHA256; k=Ed25519; n=a=20note; p=Y W\tJj; s=other : email; t=y : s : x; "
      "z=1");
  ASSERT_TRUE(record) << record.error();
  EXPECT_EQ(record->type, KeyType::ed25519);
  EXPECT_EQ(record->public_key, "abc");
  EXPECT_EQ(record->notes, "a=20note");
  EXPECT_TRUE(record->allows_sha256 && record->allows_email && record->testing && record->strict);
}

TEST(DkimKeyRecord, MayRestrictItsUse) {
  EXPECT_FALSE(parse_key_record("h=sha1; p=")->allows_sha256);
  EXPECT_FALSE(parse_key_record("s=tlsrpt; p=")->allows_email);
  EXPECT_TRUE(parse_key_record("s=*; p=")->allows_email);
  EXPECT_FALSE(parse_key_record("t=s; p=")->testing);
  EXPECT_FALSE(parse_key_record("t=y; p=")->strict);
}

TEST(DkimKeyRecord, IsRefused) {
  EXPECT_EQ(fault(""), "a tag without \"=\"");
  EXPECT_EQ(fault("v=spf1 -all"), "v= is not DKIM1, or not the first");
  EXPECT_EQ(fault("v=dkim1; p="), "v= is not DKIM1, or not the first");
  EXPECT_EQ(fault("p=; v=DKIM1"), "v= is not DKIM1, or not the first");
  EXPECT_EQ(fault("v=DKIM1"), "p= is missing");
  EXPECT_EQ(fault("p=YWJj; p=YWJj"), "the tag p= stands twice");
  EXPECT_EQ(fault("p=YW*j"), "p= is no base64");
  EXPECT_EQ(fault("k=ed25519-sha256; p="), "k= is unknown");
}

TEST(DkimKeyRecord, IsReadAsItIsWritten) {
  EXPECT_EQ(write_key_record(KeyType::ed25519, "abc"), "v=DKIM1; k=ed25519; p=YWJj");
  EXPECT_EQ(parse_key_record(write_key_record(KeyType::rsa, "abc"))->public_key, "abc");
}

}  // namespace
}  // namespace postrider::wire::dkim
