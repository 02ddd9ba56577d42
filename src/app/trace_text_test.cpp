#include "app/trace_text.hpp"

#include <gtest/gtest.h>

namespace postrider::app {
namespace {

using store::EventKind;
using store::ReadEvent;

constexpr base::UtcTime kStart{std::chrono::sys_days(std::chrono::year(2026) / 11 / 22) +
                               std::chrono::hours(1)};
const base::MessageId kId = base::MessageId::first(kStart, 0);

ReadEvent event(EventKind kind, base::Milliseconds after,
                std::vector<std::pair<std::string, std::string>> facts) {
  return {.message = kId, .recipient = {}, .at = kStart + after, .kind = kind, .facts = std::move(facts)};
}

TEST(TraceText, AnAliasSaysWhereItLeadsAndAsWhoseItIsSentOn) {
  const auto one = event(EventKind::expanded, base::Milliseconds(0),
                         {{"alias", "info@us.test"}, {"to", "bob@far.test"}, {"sender", "SRS0=x@us.test"}});
  EXPECT_EQ(event_text(one, kStart),
            "2026-11-22T01:00:00.000Z       +0ms  info@us.test is an alias of bob@far.test\n"
            "                                     sent on as from <SRS0=x@us.test>\n");
}

TEST(TraceText, AnAcceptanceSaysFromWhomAndWhy) {
  const auto one = event(EventKind::accepted, base::Milliseconds(0),
                         {{"from", "alice@example.com"},
                          {"client", "192.0.2.1"},
                          {"name", "mail.example.com"},
                          {"helo", "mail"},
                          {"protocol", "ESMTPS"},
                          {"size", "412"},
                          {"decision", "the client may relay"},
                          {"decision", "bob is here"}});
  EXPECT_EQ(event_text(one, kStart),
            "2026-11-22T01:00:00.000Z       +0ms  accepted from <alice@example.com>\n"
            "                                     client 192.0.2.1 (mail.example.com, HELO mail), ESMTPS, "
            "412 octets\n"
            "                                     decided: the client may relay\n"
            "                                     decided: bob is here\n");
}

TEST(TraceText, AnAttemptShowsItsTranscriptAndNothingHarmful) {
  auto one = event(EventKind::attempt, base::Milliseconds(1250),
                   {{"site", "mx.example.net"},
                    {"host", "mx.example.net"},
                    {"address", "192.0.2.7:25"},
                    {"took", "0.500"},
                    {"result", "451 4.7.1 later\x1b[2J"},
                    {"transcript", "S: 220 hi\r\nC: EHLO me\nS: 451\x07\n"},
                    {"new", "thing"}});
  one.recipient = 2;
  EXPECT_EQ(
      event_text(one, kStart),
      "2026-11-22T01:00:01.250Z     +1.25s  attempt at mx.example.net [192.0.2.7:25]: 451 4.7.1 later?[2J\n"
      "                                     recipient 2, took 0.500 s\n"
      "                                     | S: 220 hi\n"
      "                                     | C: EHLO me\n"
      "                                     | S: 451?\n"
      "                                     new: thing\n");
}

TEST(TraceText, AnOutcomeSaysWhatThen) {
  const auto deferred =
      event(EventKind::deferred, std::chrono::minutes(62),
            {{"to", "bob@example.net"}, {"state", "deferred"}, {"reply", "451 no"}, {"next", "T"}});
  EXPECT_EQ(event_text(deferred, kStart),
            "2026-11-22T02:02:00.000Z     +1h 2m  bob@example.net deferred: 451 no\n"
            "                                     next try at T\n");
  const auto failed =
      event(EventKind::ended, -base::Milliseconds(3),
            {{"state", "failed"}, {"relay", "mx.example.net"}, {"detail", "x"}, {"told", "nobody"}});
  EXPECT_EQ(event_text(failed, kStart),
            "2026-11-22T00:59:59.997Z       -3ms  all recipients failed\n"
            "                                     by mx.example.net, x\n"
            "                                     nobody is told\n");
}

TEST(TraceText, SpansAreShort) {
  EXPECT_EQ(elapsed_text(base::Milliseconds(999)), "+999ms");
  EXPECT_EQ(elapsed_text(base::Milliseconds(59'999)), "+59.99s");
  EXPECT_EQ(elapsed_text(base::Milliseconds(60'000)), "+1m 0s");
  EXPECT_EQ(elapsed_text(std::chrono::hours(3)), "+3h");
  EXPECT_EQ(elapsed_text(std::chrono::hours(50)), "+2d 2h");
}

TEST(TraceText, JsonHasListsWhereSeveralMayBe) {
  auto one = event(EventKind::expanded, base::Milliseconds(7),
                   {{"alias", "info@x.test"}, {"to", "a@x.test"}, {"to", "b"}});
  one.recipient = 0;
  one.last = true;
  EXPECT_EQ(event_json(one),
            "{\"id\":\"" + kId.to_string() +
                "\",\"at\":\"2026-11-22T01:00:00.007Z\",\"event\":\"expanded\",\"recipient\":0,"
                "\"last\":true,\"facts\":{\"alias\":\"info@x.test\",\"to\":[\"a@x.test\",\"b\"]}}");
  const auto two = event(EventKind::ended, base::Milliseconds(7), {{"to", "a\xff"}});
  EXPECT_EQ(event_json(two), "{\"id\":\"" + kId.to_string() +
                                 "\",\"at\":\"2026-11-22T01:00:00.007Z\",\"event\":\"ended\","
                                 "\"facts\":{\"to\":\"a\xef\xbf\xbd\"}}");
  EXPECT_EQ(
      loss_json({.after = kStart, .noticed = kStart + std::chrono::minutes(1)}),
      "{\"at\":\"2026-11-22T01:01:00.000Z\",\"event\":\"lost\",\"since\":\"2026-11-22T01:00:00.000Z\"}");
}

}  // namespace
}  // namespace postrider::app
