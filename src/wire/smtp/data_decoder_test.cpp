#include "wire/smtp/data_decoder.hpp"

#include <gtest/gtest.h>

#include <ostream>
#include <random>
#include <string>
#include <utility>
#include <vector>

namespace postrider::wire::smtp {
namespace {

using namespace std::string_literals;

struct Decoded {
  std::string content;
  std::size_t consumed = 0;
  ContentFault fault = ContentFault::none;
  bool ended = false;
  bool operator==(const Decoded&) const = default;
};

std::ostream& operator<<(std::ostream& out, const Decoded& decoded) {
  return out << testing::PrintToString(decoded.content) << " of " << decoded.consumed << ", fault "
             << static_cast<int>(decoded.fault) << (decoded.ended ? ", ended" : "");
}

// `next_size` says how long the next piece of the input is to be.
template <class NextSize>
Decoded decode(std::string_view input, NextSize next_size, DecoderLimits limits = {}) {
  DataDecoder decoder(limits);
  Decoded result;
  while (result.consumed < input.size() && !result.ended) {
    auto piece = input.substr(result.consumed, next_size());
    while (!piece.empty() && !result.ended) {
      const auto step = decoder.step(piece);
      result.content += step.content;
      result.consumed += step.consumed;
      result.ended = step.ended;
      piece.remove_prefix(step.consumed);
    }
  }
  result.fault = decoder.fault();
  return result;
}

Decoded decode(std::string_view input) {
  return decode(input, [] { return std::string_view::npos; });
}

constexpr auto kNone = ContentFault::none;
constexpr auto kBareCr = ContentFault::bare_cr;
constexpr auto kBareLf = ContentFault::bare_lf;

TEST(DataDecoder, EndsOnlyAtCrlfDotCrlf) {
  EXPECT_EQ(decode("a\r\n.\r\nQUIT\r\n"), (Decoded{"a\r\n", 6, kNone, true}));
  EXPECT_EQ(decode("a\r\nb"), (Decoded{"a\r\nb", 4, kNone, false}));
  EXPECT_EQ(decode("a.\r\n"), (Decoded{"a.\r\n", 4, kNone, false}));
}

TEST(DataDecoder, EndsAtADotInTheVeryFirstLine) {
  EXPECT_EQ(decode(".\r\nX"), (Decoded{"", 3, kNone, true}));
}

TEST(DataDecoder, TakesAwayTheDotOfTransparency) {
  EXPECT_EQ(decode("..\r\n.a\r\n...\r\nb.\r\n.\r\n"), (Decoded{".\r\na\r\n..\r\nb.\r\n", 20, kNone, true}));
  EXPECT_EQ(decode("..."), (Decoded{"..", 3, kNone, false}));
}

TEST(DataDecoder, TakesNulLikeAnyOctet) {
  EXPECT_EQ(decode("\r\n\0.\r\n"s), (Decoded{"\r\n\0.\r\n"s, 6, kNone, false}));
  EXPECT_EQ(decode("\r\n.\0\r\n"s), (Decoded{"\r\n\0\r\n"s, 6, kNone, false}));
  EXPECT_EQ(decode("\r\0\n.\r\n"s), (Decoded{"\r\0\n.\r\n"s, 6, kBareCr, false}));
}

struct Smuggled {
  std::string input;
  std::string content;
  ContentFault fault;
};

// What servers in the field have taken for an end of data, or might. Each is followed by the true end.
TEST(DataDecoder, RefusesEverySmugglingVariant) {
  const Smuggled kVariants[] = {
      {"a\n.\nb", "a\n.\nb", kBareLf},
      {"a\n.\r\nb", "a\n.\r\nb", kBareLf},
      {"a\r.\rb", "a\r.\rb", kBareCr},
      {"a\r.\r\nb", "a\r.\r\nb", kBareCr},
      {"a\r.\nb", "a\r.\nb", kBareCr},
      {"a\n.\rb", "a\n.\rb", kBareLf},
      {"a\r\n.\nb", "a\r\n\nb", kBareLf},
      {"a\r\n.\rb", "a\r\n\rb", kBareCr},
      {"a\n\r.\n\rb", "a\n\r.\n\rb", kBareLf},
      {"a\n\r.\r\nb", "a\n\r.\r\nb", kBareLf},
      {"a\r\n.\r\rb", "a\r\n\r\rb", kBareCr},
      {"a\r\n.\r\r\nb", "a\r\n\r\r\nb", kBareCr},
      {"a\r\n.\n\r\nb", "a\r\n\n\r\nb", kBareLf},
      {"a\r\n..\nb", "a\r\n.\nb", kBareLf},
      {"a\r\r\nb", "a\r\r\nb", kBareCr},
      {"\n.\r\nb", "\n.\r\nb", kBareLf},
      {"\rb", "\rb", kBareCr},
      {".\nb", "\nb", kBareLf},
      {".\rb", "\rb", kBareCr},
      {"a\r\n\0.\nb"s, "a\r\n\0.\nb"s, kBareLf},
      {"a\r\0\n.\r\0\nb"s, "a\r\0\n.\r\0\nb"s, kBareCr},
  };
  for (const auto& variant : kVariants) {
    // Alone, and behind more than a block of good lines, and before as many.
    std::string lines;
    while (lines.size() < 300) lines += "a line of some octets\r\n";
    for (const auto& [before, after] : {std::pair{""s, ""s}, std::pair{lines, ""s}, std::pair{""s, lines}}) {
      const auto input = before + variant.input + after + "\r\n.\r\n";
      EXPECT_EQ(decode(input),
                (Decoded{before + variant.content + after + "\r\n", input.size(), variant.fault, true}))
          << testing::PrintToString(variant.input);
    }
  }
}

TEST(DataDecoder, KeepsTheFirstFault) {
  EXPECT_EQ(decode("\nx\r.\r\n").fault, kBareLf);
  EXPECT_EQ(decode("\rx\n.\r\n").fault, kBareCr);
}

TEST(DataDecoder, HoldsBackACrAtTheEndOfAPiece) {
  DataDecoder decoder;
  EXPECT_EQ(decoder.step("ab\r").content, "ab");
  EXPECT_EQ(decoder.fault(), kNone);
  const auto step = decoder.step("\ncd");
  EXPECT_EQ(step.content, "\r\n");
  EXPECT_EQ(step.consumed, 1u);
}

TEST(DataDecoder, HandsOutOneViewUpToAStuffedDot) {
  const auto input = "first\r\nsecond\r\n..third\r\n"s;
  DataDecoder decoder;
  const auto step = decoder.step(input);
  EXPECT_EQ(step.content, "first\r\nsecond\r\n");
  EXPECT_EQ(step.content.data(), input.data());
  EXPECT_EQ(decoder.step(std::string_view(input).substr(step.consumed)).content, ".third\r\n");
}

TEST(DataDecoder, CountsALineWithoutItsCrlfAndStuffedDot) {
  const DecoderLimits limits{.line = 1000};
  const auto fault = [&](const std::string& input) {
    return decode(input, [] { return std::string_view::npos; }, limits).fault;
  };
  const std::string longest(1000, 'x');
  EXPECT_EQ(fault(longest + "\r\n"), kNone);
  EXPECT_EQ(fault("a\r\n." + longest + "\r\n"), kNone);
  EXPECT_EQ(fault(longest + "\r"), kNone);
  EXPECT_EQ(fault(longest + "x"), ContentFault::line_too_long);
  EXPECT_EQ(fault("a\r\n" + longest + "x\r\n"), ContentFault::line_too_long);
  EXPECT_EQ(fault(longest + "\n"), kBareLf);
  EXPECT_EQ(fault(longest + "x\n"), ContentFault::line_too_long);
  EXPECT_EQ(
      decode(std::string(998, 'x') + "\r\n.\r\n", [] { return std::string_view::npos; }, {.line = 1}).fault,
      kNone);
}

TEST(DataDecoder, CountsALineWhereverItLies) {
  const DecoderLimits limits{.line = 1000};
  const auto fault = [&](const std::string& input) {
    return decode(input, [] { return std::string_view::npos; }, limits).fault;
  };
  const std::string after(200, 'y');
  for (std::size_t before = 2; before < 70; ++before) {
    const auto start = std::string(before - 2, 'z') + "\r\n";
    EXPECT_EQ(fault(start + std::string(1000, 'x') + "\r\n" + after), kNone) << before;
    EXPECT_EQ(fault(start + std::string(1001, 'x') + "\r\n" + after), ContentFault::line_too_long) << before;
    EXPECT_EQ(fault(start + std::string(1064, 'x') + "\r\n" + after), ContentFault::line_too_long) << before;
  }
  // In pieces that end with the line's text.
  EXPECT_EQ(
      decode(std::string(1024, 'x') + "\r\n", [] { return 64; }, limits).fault, ContentFault::line_too_long);
}

TEST(DataDecoder, FindsADotAtTheStartOfALineWhereverItLies) {
  const std::string after = std::string(200, 'y') + "\r\n";
  for (std::size_t before = 2; before < 200; ++before) {
    const auto start = std::string(before - 2, 'z') + "\r\n";
    const auto input = start + "..x\r\n" + after + ".\r\n";
    EXPECT_EQ(decode(input), (Decoded{start + ".x\r\n" + after, input.size(), kNone, true})) << before;
  }
}

// Texts of the octets that matter, cut at random, against the same text one octet at a time.
TEST(DataDecoder, GivesTheSameForEverySplit) {
  std::mt19937 random(20261122);
  const auto below = [&](std::size_t n) { return random() % n; };
  for (int round = 0; round < 3000; ++round) {
    std::string input;
    const std::size_t size = below(400);
    const bool good = below(2);
    while (input.size() < size) {
      const char* const pieces[] = {"\r\n", "\r\n.", ".",      "x", "a line of text, longer than others \r\n",
                                    "\r",   "\n",    "\r\n.\r"};
      input += pieces[below(good ? 5 : 8)];
    }
    if (below(2)) input += "\r\n.\r\nQUIT\r\n";
    const auto expected = decode(input, [] { return 1; });
    EXPECT_EQ(decode(input), expected) << testing::PrintToString(input);
    EXPECT_EQ(decode(input, [&] { return 1 + below(100); }), expected) << testing::PrintToString(input);
  }
}

ContentFault chunks(const std::vector<std::string>& pieces, DecoderLimits limits = {}) {
  ChunkDecoder decoder(limits);
  for (const auto& piece : pieces) decoder.feed(piece);
  decoder.finish();
  return decoder.fault();
}

TEST(ChunkDecoder, WantsCrlfButKnowsNoDots) {
  EXPECT_EQ(chunks({"a\r\n.\r\n..\r\nb"}), kNone);
  EXPECT_EQ(chunks({""}), kNone);
  EXPECT_EQ(chunks({"a\nb"}), kBareLf);
  EXPECT_EQ(chunks({"a\rb"}), kBareCr);
  EXPECT_EQ(chunks({"a\r\r\n"}), kBareCr);
}

TEST(ChunkDecoder, JoinsACrWithTheLfOfTheNextChunk) {
  EXPECT_EQ(chunks({"a\r", "\nb"}), kNone);
  EXPECT_EQ(chunks({"a\r", "", "\nb"}), kNone);
  EXPECT_EQ(chunks({"a\r", "b"}), kBareCr);
  EXPECT_EQ(chunks({"a\r", "\r\n"}), kBareCr);
  EXPECT_EQ(chunks({"a\r"}), kBareCr);
  EXPECT_EQ(chunks({"a\r\n", "\nb"}), kBareLf);
}

TEST(ChunkDecoder, CountsALineOverChunks) {
  const DecoderLimits limits{.line = 1000};
  EXPECT_EQ(chunks({std::string(600, 'x'), std::string(400, 'x'), "\r\n"}, limits), kNone);
  EXPECT_EQ(chunks({std::string(600, 'x'), std::string(401, 'x')}, limits), ContentFault::line_too_long);
}

TEST(ChunkDecoder, FindsAFaultWhereverItStands) {
  std::string lines;
  while (lines.size() < 400) lines += "twenty-two octets....\r\n";
  EXPECT_EQ(chunks({lines}), kNone);
  for (std::size_t i = 0; i < lines.size(); ++i) {
    auto bad = lines;
    const bool cr = bad[i] == '\r';
    const bool lf = bad[i] == '\n';
    bad[i] = cr ? 'x' : '\r';
    EXPECT_EQ(chunks({bad}), cr ? kBareLf : kBareCr) << i;
    if (lf) continue;
    bad[i] = '\n';
    EXPECT_EQ(chunks({bad}), kBareLf) << i;
  }
}

}  // namespace
}  // namespace postrider::wire::smtp
