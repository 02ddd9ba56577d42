#include "queue/content.hpp"

#include <gtest/gtest.h>

namespace postrider::queue {
namespace {

using mail::ChangeField;
using mail::PrependField;
using mail::RemoveField;
using mail::ReplaceBody;

std::string edited(const mail::Edits& edits, const std::vector<std::string_view>& pieces) {
  EditApplier applier(edits);
  std::string out;
  for (const auto piece : pieces) out += applier.feed(piece);
  return out + applier.finish();
}

// At once, byte by byte, and cut at every one and at every two places: always the same.
std::string everywhere(const mail::Edits& edits, std::string_view message) {
  const std::string whole = edited(edits, {message});
  std::vector<std::string_view> bytes;
  for (std::size_t i = 0; i < message.size(); ++i) bytes.push_back(message.substr(i, 1));
  EXPECT_EQ(edited(edits, bytes), whole);
  for (std::size_t i = 0; i <= message.size(); ++i) {
    for (std::size_t j = i; j <= message.size(); ++j) {
      EXPECT_EQ(edited(edits, {message.substr(0, i), message.substr(i, j - i), message.substr(j)}), whole)
          << "cut at " << i << " and " << j;
    }
  }
  return whole;
}

constexpr std::string_view kMessage = "A: 1\r\nB: 2\r\n\tmore\r\nC: 3\r\n\r\nbody\r\n\r\nD: 4\r\n";

TEST(EditApplier, WithoutEditsChangesNothing) {
  EXPECT_EQ(everywhere({}, kMessage), kMessage);
  EXPECT_EQ(everywhere({}, ""), "");
  EXPECT_EQ(everywhere({}, "\r\r\n\n\r"), "\r\r\n\n\r");
}

TEST(EditApplier, PutsALaterPrependedFieldAboveAnEarlierOne) {
  EXPECT_EQ(everywhere({PrependField{"X: 1\r\n"}, PrependField{"Y: 2\r\n"}}, kMessage),
            "Y: 2\r\nX: 1\r\n" + std::string(kMessage));
  EXPECT_EQ(everywhere({PrependField{"X: 1\r\n"}}, ""), "X: 1\r\n");
}

TEST(EditApplier, ChangesAFieldWithItsFolds) {
  EXPECT_EQ(everywhere({ChangeField{1, "B: two\r\n lines\r\n"}}, kMessage),
            "A: 1\r\nB: two\r\n lines\r\nC: 3\r\n\r\nbody\r\n\r\nD: 4\r\n");
}

TEST(EditApplier, RemovesTheFirstAndTheLastField) {
  EXPECT_EQ(everywhere({RemoveField{0}, RemoveField{2}}, kMessage),
            "B: 2\r\n\tmore\r\n\r\nbody\r\n\r\nD: 4\r\n");
}

TEST(EditApplier, CountsFieldsAsReceivedWhateverIsPrepended) {
  EXPECT_EQ(everywhere({PrependField{"X: 1\r\n"}, RemoveField{0}}, "A: 1\r\nB: 2\r\n\r\n"),
            "X: 1\r\nB: 2\r\n\r\n");
}

TEST(EditApplier, TouchesNothingInTheBody) {
  EXPECT_EQ(everywhere({RemoveField{3}, ChangeField{4, "E: 5\r\n"}}, kMessage), kMessage);
}

TEST(EditApplier, OfAHeaderSectionAloneLeavesTheBodyOut) {
  const std::string_view header = "A: 1\r\nB: 2\r\n\tmore\r\n";
  EXPECT_EQ(edited_header(header, {PrependField{"X: 1\r\n"}, RemoveField{0}, ReplaceBody{"new"}}),
            "X: 1\r\nB: 2\r\n\tmore\r\n");
  EXPECT_EQ(edited_header("", {PrependField{"X: 1\r\n"}}), "X: 1\r\n");
  EXPECT_EQ(edited_header(header, {}), header);
}

TEST(EditApplier, TakesTheLastOfSeveralEditsOfOneField) {
  EXPECT_EQ(everywhere({ChangeField{0, "A: x\r\n"}, RemoveField{0}}, "A: 1\r\n\r\n"), "\r\n");
  EXPECT_EQ(everywhere({RemoveField{0}, ChangeField{0, "A: x\r\n"}}, "A: 1\r\n\r\n"), "A: x\r\n\r\n");
}

TEST(EditApplier, ReplacesTheBody) {
  EXPECT_EQ(everywhere({ReplaceBody{"new\r\n"}}, kMessage), "A: 1\r\nB: 2\r\n\tmore\r\nC: 3\r\n\r\nnew\r\n");
  EXPECT_EQ(everywhere({ReplaceBody{""}}, "A: 1\r\n\r\nold"), "A: 1\r\n\r\n");
  EXPECT_EQ(everywhere({ReplaceBody{"one"}, ReplaceBody{"two"}}, "\r\nold"), "\r\ntwo");
}

TEST(EditApplier, GivesAMessageThatIsAllHeaderANewBody) {
  EXPECT_EQ(everywhere({ReplaceBody{"new\r\n"}}, "A: 1\r\n"), "A: 1\r\n\r\nnew\r\n");
  EXPECT_EQ(everywhere({ReplaceBody{"new\r\n"}}, "A: 1"), "A: 1\r\n\r\nnew\r\n");
  EXPECT_EQ(everywhere({ReplaceBody{"new\r\n"}}, ""), "\r\nnew\r\n");
}

TEST(EditApplier, TakesTheFirstLineForAFieldWhateverItHolds) {
  EXPECT_EQ(everywhere({RemoveField{0}}, " folded\r\n more\r\nA: 1\r\n\r\n"), "A: 1\r\n\r\n");
  EXPECT_EQ(everywhere({RemoveField{0}}, "no colon\r\nA: 1\r\n\r\n"), "A: 1\r\n\r\n");
}

TEST(EditApplier, EndsALineOnlyAtCrlf) {
  EXPECT_EQ(everywhere({RemoveField{1}}, "A: 1\nB: 2\rC: 3\r\r\nD: 4\r\n\r\n"), "A: 1\nB: 2\rC: 3\r\r\n\r\n");
  EXPECT_EQ(everywhere({RemoveField{0}}, "\rA: 1\r\nB: 2\r\n\r\n"), "B: 2\r\n\r\n");
  EXPECT_EQ(everywhere({RemoveField{1}}, "A: 1\r\n\r"), "A: 1\r\n");
}

TEST(EditApplier, GivesNoMoreThanThePieceAndTheEdits) {
  EditApplier applier({PrependField{"X: 1\r\n"}});
  EXPECT_EQ(applier.feed(std::string(100'000, 'a')).size(), 100'006u);
  EXPECT_EQ(applier.feed(std::string(100'000, 'a')).size(), 100'000u);
}

}  // namespace
}  // namespace postrider::queue
