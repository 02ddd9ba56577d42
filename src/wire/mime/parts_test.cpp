#include "wire/mime/parts.hpp"

#include <gtest/gtest.h>

namespace postrider::wire::mime {
namespace {

TEST(MimeParts, AreTheLeavesInTheirOrder) {
  const auto parts = leaf_parts(
      "Subject: x\r\nContent-Type: multipart/mixed;\r\n boundary=\"a\"\r\n\r\npreamble\r\n"
      "--a\r\n\r\none\r\n"
      "--a\r\nContent-Type: multipart/alternative; boundary=b\r\n\r\n--b\r\nContent-Type: text/html\r\n\r\n"
      "two\r\n--b--\r\n"
      "--a  \r\nContent-Type: application/gzip; name=n\r\nContent-Disposition: attachment;\r\n"
      " filename=\"f.gz\"\r\nContent-Transfer-Encoding: BASE64 "
      "\r\n\r\naGVs\r\nbG8=\r\n--a--\r\nepilogue\r\n");
  ASSERT_EQ(parts.size(), 3u);
  EXPECT_TRUE(parts[0].is("text", "plain"));
  EXPECT_EQ(parts[0].body, "one");
  EXPECT_TRUE(parts[1].is("text", "html"));
  EXPECT_EQ(parts[1].body, "two");
  EXPECT_TRUE(parts[2].is("application", "gzip"));
  EXPECT_EQ(parts[2].filename, "f.gz");
  EXPECT_EQ(decoded_body(parts[2]), "hello");
}

TEST(MimeParts, EndWithTheMessageWhereADelimiterIsMissing) {
  const auto parts = leaf_parts("Content-Type: multipart/mixed; boundary=a\n\n--a\n\none\n--ab\ntwo\n");
  ASSERT_EQ(parts.size(), 1u);
  EXPECT_EQ(parts[0].body, "one\n--ab\ntwo\n");
}

TEST(MimeParts, AreNotLookedForBeyondADepthAndANumber) {
  std::string deep;
  for (int i = 0; i < 100; ++i) {
    const std::string name = "b" + std::to_string(i) + "x";
    deep += "Content-Type: multipart/mixed; boundary=" + name + "\r\n\r\n--" + name + "\r\n";
  }
  EXPECT_TRUE(leaf_parts(deep + "\r\nhello\r\n").empty());
  std::string many = "Content-Type: multipart/mixed; boundary=a\r\n\r\n";
  for (int i = 0; i < 1000; ++i) many += "--a\r\n\r\nx\r\n";
  EXPECT_EQ(leaf_parts(many).size(), kMostParts);
}

Part encoded(std::string encoding, std::string_view body) {
  return {.type = {}, .encoding = std::move(encoding), .filename = {}, .body = body};
}

TEST(MimeParts, HaveTheirTransferEncodingUndone) {
  EXPECT_EQ(decoded_body(encoded("base64", "aG\r\n!Vs bG8")), "hello");
  EXPECT_EQ(decoded_body(encoded("base64", "aGVsbG8=junk")), "hello");
  EXPECT_EQ(decoded_body(encoded("base64", "")), "");
  EXPECT_EQ(decoded_body(encoded("quoted-printable", "a=3Db=  \r\nc \t\r\nd=XY=4")), "a=bc\r\nd=XY=4");
  EXPECT_EQ(decoded_body(encoded("quoted-printable", "a\nb=\nc\n\n")), "a\nbc\n\n");
  EXPECT_EQ(decoded_body(encoded("8bit", "a=3D")), "a=3D");
}

}  // namespace
}  // namespace postrider::wire::mime
