#include "admin/handler.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json/parse.hpp>

#include "admin/answer.hpp"
#include "admin/testing/fake_desk.hpp"
#include "sys/fake/clock.hpp"
#include "sys/metrics.hpp"

namespace postrider::admin {
namespace {

using boost::json::parse;
using testing::FakeDesk;
using testing::id;
using testing::row;

class Handler : public ::testing::Test {
 protected:
  boost::json::value ask(std::string_view line) {
    const auto said = answer(line, desk, clock);
    EXPECT_EQ(said.find('\n'), said.size() - 1);
    return parse(said);
  }
  FakeDesk desk;
  sys::fake::Clock clock;
};

TEST_F(Handler, TellsWhoIsLockedOutAndLetsThemTryAgain) {
  directory::LoginGuard guard(clock);
  const auto client = *base::IpAddress::parse("192.0.2.1");
  guard.begin(client, "alice@example.test", {.account = 1, .trusted = {}})->failed();
  const auto said = [&](std::string_view line) { return parse(answer(line, desk, clock, &guard)); };
  EXPECT_EQ(said(R"({"do":"bans"})"), parse(R"({"bans":[{"what":"alice@example.test","failures":1,)"
                                            R"("until":"2027-01-15T08:15:00.000Z"}]})"));
  EXPECT_EQ(said(R"({"do":"unban","what":"bob@example.test"})"), parse(R"({"cleared":0})"));
  EXPECT_EQ(said(R"({"do":"unban","what":"alice@example.test"})"), parse(R"({"cleared":1})"));
  EXPECT_EQ(said(R"({"do":"bans"})"), parse(R"({"bans":[]})"));
  EXPECT_EQ(said(R"({"do":"unban","everything":true})"), parse(R"({"cleared":1})"));  // its network
  EXPECT_TRUE(said(R"({"do":"unban"})").as_object().contains("error"));
  EXPECT_TRUE(said(R"({"do":"unban","what":"x","everything":true})").as_object().contains("error"));
}

TEST_F(Handler, PrintsTheMetrics) {
  sys::Counters counters("postrider_test_total", "Counted by a test.");
  counters.count();
  EXPECT_THAT(std::string(ask(R"({"do":"metrics"})").at("text").as_string()),
              ::testing::HasSubstr("# TYPE postrider_test_total counter\npostrider_test_total 1\n"));
}

TEST_F(Handler, ListsPageByPage) {
  desk.rows = {row(1, 0), row(1, 1), row(2, 0)};
  desk.rows[1].quarantined = true;
  const auto first = ask(R"({"do":"list","limit":2})");
  EXPECT_EQ(first.at("rows").as_array().size(), 2u);
  EXPECT_EQ(first.at("next"), "0000000000001/1");
  EXPECT_EQ(first.at("rows").at(0).at("state"), "waiting");
  EXPECT_EQ(first.at("rows").at(1).at("state"), "quarantined");
  const auto second = ask(R"({"do":"list","limit":2,"after":"0000000000001/1"})");
  EXPECT_EQ(second, parse(R"({"rows":[{"id":"0000000000002","recipient":0,"sender":"a@client.test",
      "to":"b@example.test","destination":"example.test","state":"waiting","due":"1970-01-01T00:00:00.000Z",
      "attempts":0,"received":"1970-01-01T00:00:00.000Z","size":1234}],"next":null})"));
}

TEST_F(Handler, ChangesWhatFitsAndCountsTheRest) {
  using enum mail::RecipientState;
  desk.rows = {row(1, 0), row(1, 1, held), row(2, 0), row(3, 0, untold), row(4, 0)};
  desk.rows[4].quarantined = true;
  EXPECT_EQ(ask(R"({"do":"change","change":"hold","selection":{"everything":true},"reason":"why not"})"),
            parse(R"({"changed":1,"unfit":3,"busy":1,"before":"00000000031n0","next":null})"));
  ASSERT_EQ(desk.changes.size(), 1u);
  EXPECT_EQ(desk.changes[0].recipients,
            (std::vector<store::RecipientId>{{testing::id(1), 0}, {testing::id(2), 0}}));
  EXPECT_EQ(desk.changes[0].change, queue::Change::hold);
  EXPECT_EQ(desk.changes[0].reason, "why not");
}

TEST_F(Handler, ADryRunChangesNothingAndShowsTheFirst) {
  for (int i = 1; i <= 30; ++i) desk.rows.push_back(row(i, 0));
  const auto said =
      ask(R"({"do":"change","change":"remove","selection":{"sender":"<>"},"limit":25,"dry_run":true})");
  EXPECT_EQ(said.at("changed"), 25);
  EXPECT_EQ(said.at("sample").as_array().size(), 20u);
  EXPECT_EQ(said.at("sample").at(19).at("id"), "000000000000m");
  EXPECT_EQ(said.at("next"), "000000000000s/0");
  EXPECT_TRUE(desk.changes.empty());
  EXPECT_EQ(desk.selection.sender, "<>");
}

TEST_F(Handler, LeavesAloneWhatCameAfterTheFirstPage) {
  desk.rows = {row(1, 0), row(2, 0), row(3, 0), row(4, 0)};
  desk.end = id(3);
  const auto first = ask(R"({"do":"change","change":"hold","selection":{"everything":true},"limit":1})");
  EXPECT_EQ(first.at("before"), "0000000000003");
  EXPECT_EQ(first.at("next"), "0000000000001/0");
  desk.end = id(9);
  const auto last =
      ask(R"({"do":"change","change":"hold","selection":{"everything":true},"after":"0000000000001/0",)"
          R"("before":"0000000000003"})");
  EXPECT_EQ(last.at("before"), "0000000000003");
  EXPECT_EQ(last.at("next"), nullptr);
  ASSERT_EQ(desk.changes.size(), 2u);
  EXPECT_EQ(desk.changes[1].recipients, (std::vector<store::RecipientId>{{id(2), 0}}));
}

TEST_F(Handler, ShowsAMessageWithWhyEachRecipientWaits) {
  EXPECT_EQ(ask(R"({"do":"show","message":"0000000000007"})"), parse(R"({"id":"0000000000007",
      "sender":"a@client.test","received":"1970-01-01T00:00:00.000Z","size":0,"origin":{},
      "recipients":[{"recipient":0,"to":"b@example.test","original":"info@example.test","notify":"delay",
        "state":"waiting","attempts":2,"due":"1970-01-01T00:00:00.000Z",
        "last":{"action":"deferred","reply":"451 4.4.1 no answer","relay":"mx.test","at":"1970-01-01T00:00:00.000Z"},
        "why":"its site is given up","until":"1970-01-01T00:00:00.000Z"},
        {"recipient":1,"to":"c@example.test","state":"gone"}],
      "edits":[{"edit":"prepend","field":"X-Id: 1\r\n"},{"edit":"remove","index":3}],
      "header":"Subject: caf\ufffd\r\n"})"));
  EXPECT_EQ(ask(R"({"do":"show","message":"0000000000008"})"),
            parse(R"({"error":{"code":"5.1.0","permanent":true,"text":"there is no such message"}})"));
}

TEST_F(Handler, SuspendsByItsOwnClockAndResumes) {
  const auto said =
      ask(R"({"do":"suspend","what":"destination","pattern":".Example.NET","for_ms":60000,"reason":"r"})");
  ASSERT_EQ(desk.suspended.size(), 1u);
  EXPECT_EQ(desk.suspended[0].pattern, ".example.net");
  EXPECT_EQ(desk.suspended[0].until, clock.utc() + std::chrono::minutes(1));
  EXPECT_EQ(said.at("until").as_string(), base::to_rfc3339(clock.utc() + std::chrono::minutes(1)));
  EXPECT_EQ(said.at("suspension"), 1);
  EXPECT_EQ(ask(R"({"do":"suspend","what":"sender","pattern":"<>"})").at("until"), nullptr);
  const auto all = ask(R"({"do":"suspensions"})").at("suspensions");
  EXPECT_EQ(all.at(0).at("pattern"), ".example.net");
  EXPECT_EQ(all.at(1).at("pattern"), "<>");
  EXPECT_EQ(desk.suspended[1].pattern, "");
  EXPECT_EQ(ask(R"({"do":"resume","suspension":1})"), parse(R"({"resumed":1})"));
  EXPECT_EQ(desk.suspended.size(), 1u);
}

TEST_F(Handler, TellsOfSites) {
  EXPECT_EQ(ask(R"({"do":"sites"})"),
            parse(R"({"sites":[{"site":"mx.example.test","destinations":["example.test"],
      "running":3,"concurrency":0,"max_concurrency":0,"max_per_minute":0,"in_memory":0,"given_up_until":null,
      "last_failure":""}]})"));
  EXPECT_EQ(ask(R"({"do":"destinations","site":"mx.example.test"})"),
            parse(R"({"destinations":["example.test","other.test"],"not_told":3})"));
}

TEST_F(Handler, AnswersWhatItDoesNotUnderstand) {
  EXPECT_EQ(ask(R"({"do":"list","x":1})"),
            parse(R"({"error":{"code":"5.5.4","permanent":true,"text":"unknown member \"x\""}})"));
}

TEST(CleanUtf8, ReplacesOnlyTheBytesThatBelongToNoCharacter) {
  EXPECT_EQ(clean_utf8("a\xC3\xA9z"), "a\u00e9z");
  EXPECT_EQ(clean_utf8("a\xC3\xA9\xE9z\xF0\x9F\x92"), "a\u00e9\ufffdz\ufffd\ufffd\ufffd");
}

}  // namespace
}  // namespace postrider::admin
