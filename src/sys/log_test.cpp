#include "sys/log.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <sstream>
#include <thread>
#include <vector>

namespace postrider::sys::log {
namespace {

constexpr std::string_view kTime = "2026-11-22T01:49:27.123Z";

std::string logfmt(std::string_view value) {
  const auto line = render(Format::logfmt, kTime, Level::info, "e", {{"k", value}});
  const std::string head = "ts=2026-11-22T01:49:27.123Z level=info event=e k=";
  EXPECT_EQ(line.substr(0, head.size()), head);
  return line.substr(head.size());
}

nlohmann::json json(std::string_view value) {
  return nlohmann::json::parse(render(Format::json, kTime, Level::info, "e", {{"k", value}}))["k"];
}

TEST(Log, WritesTimeLevelEventThenFieldsInOrder) {
  EXPECT_EQ(
      render(Format::logfmt, kTime, Level::warning, "queue_full", {{"to", "bob@example.com"}, {"n", 42}}),
      "ts=2026-11-22T01:49:27.123Z level=warning event=queue_full to=bob@example.com n=42");
  EXPECT_EQ(
      render(Format::json, kTime, Level::error, "queue_full", {{"to", "bob@example.com"}, {"n", -42}}),
      R"({"ts":"2026-11-22T01:49:27.123Z","level":"error","event":"queue_full","to":"bob@example.com","n":-42})");
}

TEST(Log, QuotesAValueOnlyWhereItNeedsToBe) {
  EXPECT_EQ(logfmt("[127.0.0.1]:25"), "[127.0.0.1]:25");
  EXPECT_EQ(logfmt(""), R"("")");
  EXPECT_EQ(logfmt("two words"), R"("two words")");
  EXPECT_EQ(logfmt("a=b"), R"("a=b")");
  EXPECT_EQ(logfmt("say \"hi\" \\o/"), R"("say \"hi\" \\o/")");
  EXPECT_EQ(logfmt("gr\xC3\xBC\xC3\x9F"), "\"gr\xC3\xBC\xC3\x9F\"");
}

TEST(Log, AStrangersBytesCantForgeALine) {
  EXPECT_EQ(logfmt("x\r\nts=1 level=info\t\x1B[2J\x7F"), R"("x\r\nts=1 level=info\t\x1b[2J\x7f")");
  EXPECT_EQ(logfmt(std::string_view("a\0b", 3)), R"("a\x00b")");
  EXPECT_EQ(logfmt("a\xFFz\xC3"), R"("a\xffz\xc3")");
  EXPECT_EQ(logfmt("\xC2\x9B"
                   "31m"),
            R"("\u009b31m")");
  EXPECT_EQ(logfmt("\xE2\x80\xAE"
                   "cod.exe\xE2\x80\xA8"),
            R"("\u202ecod.exe\u2028")");
}

TEST(Log, JsonGivesBackTheValue) {
  for (const std::string value : {"plain", "", "q\" b\\ n\n r\r t\t e\x1B d\x7F",
                                  "gr\xC3\xBC\xC3\x9F \xF0\x9F\x93\xAC", "c1 \xC2\x9B rtl \xE2\x80\xAE"}) {
    EXPECT_EQ(json(value), value);
  }
  EXPECT_EQ(json("a\xFFz"), "a\xEF\xBF\xBDz");
}

TEST(Log, CutsALongValueAtACharacter) {
  EXPECT_EQ(logfmt(std::string(1024, 'x')), std::string(1024, 'x'));
  EXPECT_EQ(logfmt(std::string(1025, 'x')), '"' + std::string(1021, 'x') + "...\"");
  std::string umlauts;
  while (umlauts.size() < 1026) umlauts += "\xC3\xBC";
  EXPECT_EQ(json(umlauts), umlauts.substr(0, 1020) + "...");
  EXPECT_EQ(json(std::string(2000, '\x80')).get<std::string>().size(), 1018u * 3 + 3);
}

TEST(Log, WritesWholeLinesFromManyThreadsAndOnlyFromTheLowestLevel) {
  configure(Format::json, Level::info);
  testing::internal::CaptureStderr();
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < 4; ++t) {
      threads.emplace_back([t] {
        for (int i = 0; i < 50; ++i) info("tick", {{"thread", t}, {"i", i}});
      });
    }
    write(Level::debug, "unseen", {});
  }
  std::istringstream lines(testing::internal::GetCapturedStderr());
  configure(Format::logfmt, Level::info);
  std::vector<int> next(4);
  int count = 0;
  for (std::string line; std::getline(lines, line); ++count) {
    const auto object = nlohmann::json::parse(line);
    EXPECT_EQ(object["event"], "tick");
    EXPECT_EQ(object["i"], next.at(object["thread"])++);
  }
  EXPECT_EQ(count, 200);
}

}  // namespace
}  // namespace postrider::sys::log
