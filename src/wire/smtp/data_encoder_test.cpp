#include "wire/smtp/data_encoder.hpp"

#include <gtest/gtest.h>

#include <vector>

#include "wire/smtp/data_decoder.hpp"

namespace postrider::wire::smtp {
namespace {

std::string encode(const std::vector<std::string>& pieces) {
  DataEncoder encoder;
  std::string out;
  for (const auto& piece : pieces) out += encoder.feed(piece);
  return out.append(encoder.finish());
}

TEST(DataEncoder, AddsADotBeforeADotAtTheStartOfALine) {
  EXPECT_EQ(encode({".a\r\n..\r\nb.c\r\n.\r\n"}), "..a\r\n...\r\nb.c\r\n..\r\n.\r\n");
  EXPECT_EQ(encode({"\r\n.\r\n"}), "\r\n..\r\n.\r\n");
}

TEST(DataEncoder, EndsTheLastLineWhereItHasNoEnd) {
  EXPECT_EQ(encode({"a: b\r\n\r\nx"}), "a: b\r\n\r\nx\r\n.\r\n");
  EXPECT_EQ(encode({"x\r"}), "x\r\r\n.\r\n");
  EXPECT_EQ(encode({"."}), "..\r\n.\r\n");
  EXPECT_EQ(encode({}), ".\r\n");
}

TEST(DataEncoder, AnUnchangedPieceIsNotCopied) {
  DataEncoder encoder;
  std::string piece(1000, 'x');
  const char* octets = piece.data();
  EXPECT_EQ(encoder.feed(std::move(piece)).data(), octets);
}

TEST(DataEncoder, DoesNotCareWhereAPieceEnds) {
  const std::string message = ".x\r\n.\r\n..\r\r\n.\n.\r\n\r\n.";
  const std::string whole = encode({message});
  for (std::size_t i = 0; i <= message.size(); ++i) {
    EXPECT_EQ(encode({message.substr(0, i), message.substr(i)}), whole) << i;
  }
  std::vector<std::string> octets;
  for (const char c : message) octets.emplace_back(1, c);
  EXPECT_EQ(encode(octets), whole);
}

TEST(DataEncoder, OurDecoderGivesTheMessageBack) {
  const std::string message = ".x\r\n.\r\n..\r\ny.\r\n\r\n.\r\n";
  const std::string wire = encode({message});
  DataDecoder decoder;
  std::string got;
  std::string_view rest = wire;
  for (Step step; !step.ended; rest.remove_prefix(step.consumed)) {
    ASSERT_FALSE(rest.empty());
    step = decoder.step(rest);
    got += step.content;
  }
  EXPECT_EQ(got, message);
  EXPECT_TRUE(rest.empty());
}

}  // namespace
}  // namespace postrider::wire::smtp
