#include "wire/mime/header_fields.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace postrider::wire::mime {
namespace {

struct Scanned {
  std::vector<HeaderField> fields;
  HeaderEnd end = HeaderEnd::end_of_text;
  std::size_t header_size = 0;
  std::size_t body_offset = 0;
};

Scanned scan(std::string_view text) {
  Scanned out;
  FieldScanner scanner(text);
  while (auto field = scanner.next()) out.fields.push_back(*field);
  out.end = scanner.end();
  out.header_size = scanner.header_size();
  out.body_offset = scanner.body_offset();
  return out;
}

TEST(FieldScanner, GivesNameValueAndOffsetsOfEachField) {
  const std::string_view text = "From: a@b.test\r\nSubject:x\r\n\r\nbody\r\n";
  const Scanned got = scan(text);
  ASSERT_EQ(got.fields.size(), 2u);
  EXPECT_EQ(got.fields[0].name, "From");
  EXPECT_EQ(got.fields[0].value, " a@b.test");
  EXPECT_EQ(got.fields[0].begin, 0u);
  EXPECT_EQ(got.fields[0].end, 16u);
  EXPECT_EQ(got.fields[1].name, "Subject");
  EXPECT_EQ(got.fields[1].value, "x");
  EXPECT_EQ(got.fields[1].begin, 16u);
  EXPECT_EQ(got.fields[1].end, 27u);
  EXPECT_EQ(got.end, HeaderEnd::blank_line);
  EXPECT_EQ(got.header_size, 27u);
  EXPECT_EQ(text.substr(got.body_offset), "body\r\n");
}

TEST(FieldScanner, KeepsFoldsInTheValue) {
  const Scanned got = scan("To: a,\r\n b,\r\n\tc\r\nX: y\r\n");
  ASSERT_EQ(got.fields.size(), 2u);
  EXPECT_EQ(got.fields[0].value, " a,\r\n b,\r\n\tc");
  EXPECT_EQ(got.end, HeaderEnd::end_of_text);
  EXPECT_EQ(got.body_offset, 23u);
}

TEST(FieldScanner, TakesAFoldOfOnlyWhiteSpaceIntoItsField) {
  const Scanned got = scan("To: a\r\n  \r\n b\r\n\r\n");
  ASSERT_EQ(got.fields.size(), 1u);
  EXPECT_EQ(got.fields[0].value, " a\r\n  \r\n b");
  EXPECT_EQ(got.end, HeaderEnd::blank_line);
}

TEST(FieldScanner, AcceptsWhiteSpaceBeforeTheColon) {
  const Scanned got = scan("Subject \t : x\r\n\r\n");
  ASSERT_EQ(got.fields.size(), 1u);
  EXPECT_EQ(got.fields[0].name, "Subject");
  EXPECT_EQ(got.fields[0].value, " x");
}

TEST(FieldScanner, StartsTheBodyAtALineThatIsNoField) {
  const std::string_view text = "A: 1\r\nthis is text\r\nB: 2\r\n\r\n";
  const Scanned got = scan(text);
  EXPECT_EQ(got.fields.size(), 1u);
  EXPECT_EQ(got.end, HeaderEnd::malformed_line);
  EXPECT_EQ(got.header_size, 6u);
  EXPECT_EQ(got.body_offset, 6u);
}

TEST(FieldScanner, RefusesLinesThatAreNoFields) {
  for (std::string_view line :
       {"no colon\r\n", ": no name\r\n", " fold of nothing\r\n", "n\xC3\xA4me: x\r\n", "a\rb: x\r\n",
        "From you: x\r\n", "\rx\r\n", "\n\r\n", "Partial", "Partial \t", "\r"}) {
    const Scanned got = scan(line);
    EXPECT_EQ(got.fields.size(), 0u) << line;
    EXPECT_EQ(got.end, HeaderEnd::malformed_line) << line;
    EXPECT_EQ(got.body_offset, 0u) << line;
  }
}

TEST(FieldScanner, ReadsAMessageWithoutHeaderOrWithoutAnything) {
  EXPECT_EQ(scan("\r\nbody").end, HeaderEnd::blank_line);
  EXPECT_EQ(scan("\r\nbody").body_offset, 2u);
  EXPECT_EQ(scan("").end, HeaderEnd::end_of_text);
}

TEST(FieldScanner, TakesALastFieldWithoutItsLineEnd) {
  const Scanned got = scan("A: 1\r\nB: 2");
  ASSERT_EQ(got.fields.size(), 2u);
  EXPECT_EQ(got.fields[1].value, " 2");
  EXPECT_EQ(got.fields[1].end, 10u);
  EXPECT_EQ(got.end, HeaderEnd::end_of_text);
}

TEST(FieldScanner, DoesNotEndALineAtABareCrOrLf) {
  const Scanned got = scan("A: 1\nB: 2\rC: 3\r\n\r\n");
  ASSERT_EQ(got.fields.size(), 1u);
  EXPECT_EQ(got.fields[0].value, " 1\nB: 2\rC: 3");
}

TEST(FieldScanner, RefusesANameThatNoLineCanHold) {
  const std::string longest(998, 'n');
  EXPECT_EQ(scan(longest + ":x\r\n").fields.size(), 1u);
  EXPECT_EQ(scan("n" + longest + ":x\r\n").end, HeaderEnd::malformed_line);
}

TEST(FieldScanner, GivesNothingAgainAfterTheEnd) {
  FieldScanner scanner("A: 1\r\n\r\nB: 2\r\n");
  EXPECT_TRUE(scanner.next());
  EXPECT_FALSE(scanner.next());
  EXPECT_FALSE(scanner.next());
}

TEST(HeaderFields, KnowsWhatAFieldNameIs) {
  EXPECT_TRUE(is_field_name("X-Any!thing_33"));
  EXPECT_FALSE(is_field_name(""));
  EXPECT_FALSE(is_field_name("a:b"));
  EXPECT_FALSE(is_field_name("a b"));
  EXPECT_FALSE(is_field_name("\xC3\xA4"));
  EXPECT_FALSE(is_field_name(std::string(999, 'a')));
}

TEST(HeaderFields, AreFoundAndCountedInAnyCase) {
  const std::string_view text = "received: 1\r\nTo: x\r\nRECEIVED: 2\r\n\r\nReceived: body\r\n";
  EXPECT_EQ(count_fields(text, "Received"), 2u);
  EXPECT_EQ(find_field(text, "Received")->value, " 1");
  EXPECT_EQ(count_fields(text, "Rec"), 0u);
  EXPECT_FALSE(find_field(text, "Date"));
}

TEST(HeaderFields, UnfoldRemovesOnlyTheCrlfBeforeWhiteSpace) {
  EXPECT_EQ(unfold(" a\r\n b\r\n\tc"), " a b\tc");
  EXPECT_EQ(unfold("a\r\n"), "a\r\n");
  EXPECT_EQ(unfold("a\r\nb\n c\r d"), "a\r\nb\n c\r d");
}

HeaderCollector collect(std::string_view text, std::size_t piece, std::size_t limit = 1000) {
  HeaderCollector collector(limit);
  for (std::size_t at = 0; at < text.size(); at += piece) collector.feed(text.substr(at, piece));
  collector.finish();
  return collector;
}

TEST(HeaderCollector, FindsTheSameInPiecesOfAnySize) {
  for (std::string_view text :
       {"A: 1\r\n b\r\nB: 2\r\n\r\nbody\r\n\r\n", "A: 1\r\nnot a field\r\n", "A: 1", "\r\nx", "", "A",
        "A: 1\r\n \r\n\r\n", "A: 1\r", "A: 1\r\n\r", "A: \r\r\n\r\n", " x\r\n", "A: 1\r\n\rB"}) {
    const Scanned whole = scan(text);
    for (std::size_t piece = 1; piece <= text.size() + 1; ++piece) {
      const HeaderCollector got = collect(text, piece);
      EXPECT_EQ(got.state(), HeaderCollector::State::complete);
      EXPECT_EQ(got.header(), text.substr(0, whole.header_size)) << text << " by " << piece;
      EXPECT_EQ(got.body_offset(), whole.body_offset) << text << " by " << piece;
      EXPECT_EQ(got.end(), whole.end) << text << " by " << piece;
    }
  }
}

TEST(HeaderCollector, IsCompleteAsSoonAsTheBlankLineIsThere) {
  HeaderCollector collector(100);
  EXPECT_EQ(collector.feed("A: 1\r\n"), HeaderCollector::State::need_more);
  EXPECT_EQ(collector.feed("\r"), HeaderCollector::State::need_more);
  EXPECT_EQ(collector.feed("\nbody"), HeaderCollector::State::complete);
  EXPECT_EQ(collector.feed(std::string(1000, 'x')), HeaderCollector::State::complete);
  EXPECT_EQ(collector.header(), "A: 1\r\n");
  EXPECT_EQ(collector.body_offset(), 8u);
  EXPECT_EQ(collector.fields().next()->name, "A");
}

TEST(HeaderCollector, SeesAMessageWithoutHeaderAtItsFirstWrongOctet) {
  HeaderCollector collector(100);
  EXPECT_EQ(collector.feed("Dear"), HeaderCollector::State::need_more);
  EXPECT_EQ(collector.feed(" B"), HeaderCollector::State::complete);
  EXPECT_EQ(collector.end(), HeaderEnd::malformed_line);
  EXPECT_EQ(collector.body_offset(), 0u);
}

TEST(HeaderCollector, WaitsForNoColonBeyondTheLongestName) {
  HeaderCollector collector(5000);
  EXPECT_EQ(collector.feed(std::string(998, 'n')), HeaderCollector::State::need_more);
  EXPECT_EQ(collector.feed("n"), HeaderCollector::State::complete);
  EXPECT_EQ(collector.end(), HeaderEnd::malformed_line);
}

TEST(HeaderCollector, IsTooLargeBeyondItsLimitAndNotAtIt) {
  const std::string_view text = "A: 12\r\n\r\nbody";  // nine octets with the blank line
  for (std::size_t piece : {1, 3, 100}) {
    EXPECT_EQ(collect(text, piece, 9).state(), HeaderCollector::State::complete);
    EXPECT_EQ(collect(text, piece, 8).state(), HeaderCollector::State::too_large);
    EXPECT_EQ(collect("A: 12\r\n", piece, 7).state(), HeaderCollector::State::complete);
    EXPECT_EQ(collect("A: 12\r\n", piece, 6).state(), HeaderCollector::State::too_large);
  }
}

TEST(HeaderCollector, StaysTooLarge) {
  HeaderCollector collector(3);
  EXPECT_EQ(collector.feed("A: 12"), HeaderCollector::State::too_large);
  EXPECT_EQ(collector.feed("\r\n\r\n"), HeaderCollector::State::too_large);
  EXPECT_EQ(collector.finish(), HeaderCollector::State::too_large);
}

}  // namespace
}  // namespace postrider::wire::mime
