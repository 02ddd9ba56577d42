#include "app/verify_message.hpp"

#include <gtest/gtest.h>

namespace postrider::app {
namespace {

struct Split {
  std::string header, body;
  bool good = true;
  std::uint64_t size = 0;
  bool operator==(const Split&) const = default;
};

Split split(std::string_view message, std::size_t piece) {
  Split out;
  MessageSplitter splitter([&out](std::string_view text) { out.header += text; },
                           [&out](std::string_view text) { out.body += text; });
  for (std::size_t at = 0; out.good && at < message.size(); at += piece)
    out.good = splitter.feed(message.substr(at, piece));
  out.good = out.good && splitter.finish();
  out.size = splitter.size();
  return out;
}

// However the file is cut, and whatever its lines end in.
TEST(VerifyMessage, TellsHeaderAndBodyApart) {
  const Split expected{"A: 1\r\nB: 2\r\n x\r\n", "Hi.\r\n\r\nJoe.\r\n", true, 31};
  for (const std::string text :
       {"A: 1\nB: 2\n x\n\nHi.\n\nJoe.\n", "A: 1\r\nB: 2\r\n x\r\n\r\nHi.\r\n\r\nJoe.\r\n"})
    for (std::size_t piece = 1; piece < 40; ++piece) {
      EXPECT_EQ(split(text, piece), expected) << piece;
      EXPECT_EQ(split("From joe Thu Nov 26 13:26:53 2026\n" + text, piece), expected) << piece;
    }
}

TEST(VerifyMessage, MayEndAnywhere) {
  for (std::size_t piece = 1; piece < 4; ++piece) {
    EXPECT_EQ(split("", piece), (Split{"", "", true, 0}));
    EXPECT_EQ(split("Fro", piece), (Split{"", "Fro", true, 3}));
    EXPECT_EQ(split("From: a", piece), (Split{"From: a", "", true, 7}));
    EXPECT_EQ(split("A: 1\nno field\n\nx", piece), (Split{"A: 1\r\n", "no field\r\n\r\nx", true, 19}));
  }
}

TEST(VerifyMessage, BoundsTheHeader) {
  const std::string large = "A: " + std::string(MessageSplitter::kMostHeader, 'x') + "\n\nHi.\n";
  EXPECT_FALSE(split(large, 65536).good);
  EXPECT_TRUE(split("A: 1\n\n" + large, 65536).good);
}

}  // namespace
}  // namespace postrider::app
