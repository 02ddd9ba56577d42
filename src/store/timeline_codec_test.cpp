#include "store/timeline_codec.hpp"

#include <gtest/gtest.h>

#include <set>

namespace postrider::store {
namespace {

const base::UtcTime kStart{std::chrono::seconds(1'800'000'000)};
const base::MessageId kMessage = base::MessageId::first(kStart, 3);

Event event(EventKind kind, base::Milliseconds after) {
  return {
      .message = kMessage, .recipient = {}, .at = kStart + after, .kind = kind, .facts = {}, .addresses = {}};
}

TEST(TimelineCodec, GivesBackWhatItWasGiven) {
  Event attempt = event(EventKind::attempt, base::Milliseconds(1500));
  attempt.recipient = 7;
  attempt.facts = {
      {"host", "mx.example.net"}, {"unheard-of", "x"}, {"reply", std::string("4\0\n", 3)}, {"tls", ""}};
  Event ended = event(EventKind::ended, -base::Milliseconds(5));
  ended.last = true;
  std::string bytes;
  append_event(bytes, attempt);
  append_event(bytes, ended);

  const auto events = decode_events(kMessage, bytes);
  ASSERT_TRUE(events);
  ASSERT_EQ(events->size(), 2u);
  const ReadEvent& first = events->front();
  EXPECT_EQ(first.message, kMessage);
  EXPECT_EQ(first.recipient, 7u);
  EXPECT_EQ(first.at, kStart + base::Milliseconds(1500));
  EXPECT_EQ(first.kind, EventKind::attempt);
  EXPECT_FALSE(first.last);
  const std::vector<std::pair<std::string, std::string>> facts = {
      {"host", "mx.example.net"}, {"unheard-of", "x"}, {"reply", std::string("4\0\n", 3)}, {"tls", ""}};
  EXPECT_EQ(first.facts, facts);
  const ReadEvent& second = events->back();
  EXPECT_EQ(second.recipient, std::nullopt);
  EXPECT_EQ(second.at, kStart - base::Milliseconds(5));
  EXPECT_EQ(second.kind, EventKind::ended);
  EXPECT_TRUE(second.last);
}

TEST(TimelineCodec, WritesAKnownNameInOneOctet) {
  Event known = event(EventKind::ended, base::Milliseconds(0));
  known.facts = {{"transcript", "a"}};
  std::string bytes;
  append_event(bytes, known);
  // Length, kind, time, name, length, "a".
  EXPECT_EQ(bytes, std::string("\x05\x14\x00\x07\x01"
                               "a",
                               6));
}

TEST(TimelineCodec, KnowsEachNameOnceAndByItsNumber) {
  std::set<std::string_view> names;
  for (std::uint64_t number = 1; !fact_name(number).empty(); ++number) {
    EXPECT_EQ(fact_number(fact_name(number)), number);
    EXPECT_TRUE(names.insert(fact_name(number)).second);
  }
  EXPECT_GT(names.size(), 30u);
  EXPECT_EQ(fact_number("hosts"), 0u);
  EXPECT_EQ(fact_number(""), 0u);
  EXPECT_EQ(fact_number("a name longer than any"), 0u);
}

TEST(TimelineCodec, CutsALongValueAndLeavesOutWhatIsTooMuch) {
  Event large = event(EventKind::attempt, base::Milliseconds(0));
  for (int i = 0; i < 20; ++i) large.facts.emplace_back("reply", std::string(kMaxFactBytes + 1, 'x'));
  std::string bytes;
  append_event(bytes, large);
  EXPECT_LE(bytes.size(), kMaxEventBytes + 10);
  const auto events = decode_events(kMessage, bytes);
  ASSERT_TRUE(events);
  ASSERT_EQ(events->front().facts.size(), 7u);
  EXPECT_EQ(events->front().facts.front().second.size(), kMaxFactBytes);
}

TEST(TimelineCodec, RefusesWhatEndsTooEarly) {
  Event one = event(EventKind::ended, base::Milliseconds(0));
  one.facts = {{"reply", "250 ok"}};
  std::string bytes;
  append_event(bytes, one);
  for (std::size_t size = 1; size < bytes.size(); ++size)
    EXPECT_FALSE(decode_events(kMessage, std::string_view(bytes).substr(0, size)));
  EXPECT_FALSE(decode_events(kMessage, std::string_view("\x02\x00\x00", 3)));  // no kind
}

TEST(TimelineCodec, CountsTheAgeFromTheEndElseFromTheLatest) {
  std::string bytes;
  append_event(bytes, event(EventKind::accepted, base::Milliseconds(10)));
  append_event(bytes, event(EventKind::deferred, base::Milliseconds(30)));
  append_event(bytes, event(EventKind::attempt, base::Milliseconds(20)));
  TimelineAge age;
  ASSERT_TRUE(add_age(kMessage, bytes, age));
  EXPECT_EQ(age.counts_from(), kStart + base::Milliseconds(30));
  bytes.clear();
  Event ended = event(EventKind::ended, base::Milliseconds(25));
  ended.last = true;
  append_event(bytes, ended);
  ASSERT_TRUE(add_age(kMessage, bytes, age));
  EXPECT_EQ(age.counts_from(), kStart + base::Milliseconds(25));
  EXPECT_FALSE(add_age(kMessage, "\x05", age));
}

}  // namespace
}  // namespace postrider::store
