#include "deliver/client_transcript.hpp"

#include <gtest/gtest.h>

namespace postrider::deliver {
namespace {

TEST(Transcript, TellsWhoSaidWhat) {
  Transcript transcript;
  transcript.heard("220 hi");
  transcript.sent("MAIL FROM:<>\r\nRCPT TO:<a@b.test>\r\n");
  transcript.note("content, 12 octets");
  transcript.heard("250 \x1B[2Jok\r\n999");
  EXPECT_EQ(transcript.text(),
            "S: 220 hi\nC: MAIL FROM:<>\nC: RCPT TO:<a@b.test>\n[content, 12 octets]\nS: 250 ?[2Jok??999\n");
  transcript.clear();
  EXPECT_EQ(transcript.text(), "");
}

TEST(Transcript, KeepsTheBeginningAndTheEndOfALongOne) {
  Transcript transcript;
  for (int i = 0; i < 10000; ++i) {
    transcript.heard("250 " + std::to_string(i));
    ASSERT_LT(transcript.text().size(), Transcript::kMost);
  }
  EXPECT_TRUE(transcript.text().starts_with("S: 250 0\nS: 250 1\n"));
  EXPECT_TRUE(transcript.text().ends_with("S: 250 9998\nS: 250 9999\n"));
  const auto gap = transcript.text().find("\n[...]\n");
  ASSERT_NE(gap, std::string::npos);
  EXPECT_EQ(transcript.text().find("[...]", gap + 7), std::string::npos);
  for (int i = 0; i < 100; ++i) {
    transcript.heard(std::string(100000, 'x'));
    ASSERT_LT(transcript.text().size(), Transcript::kMost);
  }
}

}  // namespace
}  // namespace postrider::deliver
