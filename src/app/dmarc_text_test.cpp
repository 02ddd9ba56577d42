#include "app/dmarc_text.hpp"

#include <gtest/gtest.h>

#include <boost/json/serialize.hpp>

namespace postrider::app {
namespace {

base::UtcTime at(int day) { return base::UtcTime(std::chrono::days(20'833 + day)); }

reports::StoredReport report(std::string domain, std::string org, std::uint64_t messages,
                             std::uint64_t passed) {
  return {.domain = std::move(domain),
          .org = std::move(org),
          .email = {},
          .report_id = "1",
          .first = at(0),
          .last = at(1),
          .received = at(1),
          .records = 1,
          .messages = messages,
          .passed = passed};
}

TEST(DmarcText, RoundsNeitherToAllNorToNone) {
  EXPECT_EQ(percent(0, 0), "-");
  EXPECT_EQ(percent(0, 5), "0 %");
  EXPECT_EQ(percent(1, 1000), "1 %");
  EXPECT_EQ(percent(999, 1000), "99 %");
  EXPECT_EQ(percent(2, 3), "67 %");
  EXPECT_EQ(percent(7, 7), "100 %");
}

TEST(DmarcText, SumsUpEachDomain) {
  EXPECT_EQ(dmarc_summary({report("a.test", "x", 3, 2), report("a.test", "y", 1000, 1000),
                           report("b\x1b.test", "x", 1, 0)}),
            "a.test: 1,003 messages, 99 % passed DMARC (2027-01-15 to 2027-01-16, 2 reports of 2 receivers)\n"
            "b?.test: 1 message, 0 % passed DMARC (2027-01-15 to 2027-01-16, 1 report of 1 receiver)\n\n");
  EXPECT_EQ(dmarc_summary({}), "");
}

TEST(DmarcText, SaysWhatIsUnproven) {
  auto forged = report("a.test", "x", 3, 2), known = report("a.test", "x", 4, 4),
       old = report("a.test", "x", 1, 1);
  forged.origin.proof = reports::Proof::unproven;
  known.origin = {.proof = reports::Proof::passed, .author = "x.test"};
  EXPECT_EQ(dmarc_summary({forged, known, old}),
            "a.test: 8 messages, 88 % passed DMARC (2027-01-15 to 2027-01-16, 3 reports of 1 receiver, 1 "
            "unproven)\n\n");
  const auto json = boost::json::serialize(dmarc_json({forged, known, old}, {}, {}));
  EXPECT_NE(json.find("\"proof\":\"unproven\",\"proven_by\":\"\""), json.npos) << json;
  EXPECT_NE(json.find("\"proof\":\"passed\",\"proven_by\":\"x.test\""), json.npos) << json;
  EXPECT_NE(json.find("\"proof\":\"unknown\""), json.npos) << json;
}

}  // namespace
}  // namespace postrider::app
