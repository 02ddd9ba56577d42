#include <gmock/gmock.h>

#include "config/config.hpp"

namespace postrider::config {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

Loaded with(const std::string& text) {
  return parse(
      "hostname = \"mx.example.com\"\ndata_dir = \"/d\"\n[[listener]]\naddress = \"127.0.0.1:25\"\n" + text,
      "t");
}

std::vector<std::string> faults(const std::string& text) {
  std::vector<std::string> lines;
  if (const auto loaded = with(text); !loaded)
    for (const Fault& fault : loaded.error()) lines.push_back(fault.to_string());
  return lines;
}

TEST(DkimSettings, AreRead) {
  EXPECT_EQ(with("").value()->dkim, Dkim{});
  const auto config = with(R"([dkim]
sign = false
except = ["Bücher.example"]
headers = ["Feedback-ID", "X-Mine"]
expire = "14d"
)");
  ASSERT_TRUE(config) << config.error().front().to_string();
  const Dkim& dkim = (*config)->dkim;
  EXPECT_FALSE(dkim.sign);
  ASSERT_EQ(dkim.except.size(), 1u);
  EXPECT_EQ(dkim.except[0].ascii(), "xn--bcher-kva.example");
  EXPECT_THAT(dkim.headers, ElementsAre("Feedback-ID", "X-Mine"));
  EXPECT_EQ(dkim.expire, std::chrono::days(14));
}

TEST(DkimSettings, RefuseFieldsThatBreakASignature) {
  EXPECT_THAT(faults("[dkim]\nheaders = [\"received\"]\n"),
              ElementsAre("t:6:12: received changes on the way, and would break the signature; take it out"));
  EXPECT_THAT(faults("[dkim]\nheaders = [\"ARC-Seal\", \"A:\", \"\", \"a b\"]\n"),
              ElementsAre(HasSubstr("changes on the way"), HasSubstr("no name of a header field"),
                          HasSubstr("no name of a header field"), HasSubstr("no name of a header field")));
  std::string many = "[dkim]\nheaders = [";
  for (int i = 0; i < 21; ++i) many += "\"X-" + std::to_string(i) + "\",";
  EXPECT_THAT(faults(many + "]\n"), ElementsAre(HasSubstr("more than 20 names")));
}

TEST(DkimSettings, LetSignaturesLiveLongerThanMailMayWait) {
  EXPECT_THAT(
      faults("[dkim]\nexpire = \"5d\"\n"),
      ElementsAre("t:6:10: a signature is over (5d) no later than mail expires (5d); make it longer than "
                  "queue.expire, or \"0s\" for no end"));
  EXPECT_THAT(faults("[queue]\nexpire = \"4d\"\n[dkim]\nexpire = \"5d\"\n"), ElementsAre());
}

}  // namespace
}  // namespace postrider::config
