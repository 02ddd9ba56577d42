#include "wire/srs/srs.hpp"

#include <gtest/gtest.h>

#include <functional>
#include <string>

#include "base/ascii.hpp"

namespace postrider::wire::srs {
namespace {

mail::Address address(std::string_view text) { return mail::Address::parse(text).value(); }
mail::Domain domain(std::string_view text) { return mail::Domain::parse(text).value(); }

// No hash for use: enough to tell keys and texts apart.
Mac with_key(std::string key) {
  return [key = std::move(key)](std::string_view text) {
    const auto bits = std::hash<std::string>()(key + std::string(text));
    return std::string(reinterpret_cast<const char*>(&bits), sizeof bits);
  };
}
const Mac kOurs = with_key("ours");
constexpr Day kToday = 700;

std::string forwarded(std::string_view sender, std::string_view forwarder) {
  const auto made = rewrite(address(sender), domain(forwarder), kToday, kOurs);
  return made ? made->to_string() : made.error().code.to_string() + ' ' + made.error().text;
}

// Without the hash, which is six characters behind the mark.
std::string without_hash(std::string text) { return text.erase(5, 6); }

std::string back(std::string_view text) {
  const auto rewritten = read(address(text));
  if (!rewritten) return "malformed";
  return is_made_by(*rewritten, kOurs) ? rewritten->leads_to.to_string() : "forged";
}

TEST(Srs, WritesTheSenderIntoAnAddressOfTheForwarder) {
  EXPECT_EQ(without_hash(forwarded("Alice@One.Test", "two.test")), "SRS0==V4=one.test=Alice@two.test");
  EXPECT_EQ(back(forwarded("Alice@one.test", "two.test")), "Alice@one.test");
}

TEST(Srs, BringsBackWhateverALocalPartMayHold) {
  for (const auto* sender :
       {"a=b=c@one.test", "\"a b\"@one.test", "josé@one.test", "bounces+7-bob=two.test@one.test",
        "x@xn--and-6ma2c.example", "\"\"@one.test", "SRS0@one.test", "SRS1=x@one.test", "SRS1=x=y=z@one.test",
        "\"a\\\"=\\\\\"@one.test"})
    EXPECT_EQ(back(forwarded(sender, "two.test")), sender);
}

TEST(Srs, LeadsToTheFirstForwarderWhereAnotherHasRewrittenBefore) {
  const std::string once = forwarded("alice@one.test", "two.test");
  const std::string twice = forwarded(once, "three.test");
  EXPECT_EQ(without_hash(twice), "SRS1=V4=two.test=" + once.substr(4, once.find('@') - 4) + "@three.test");
  EXPECT_EQ(back(twice), once);
  const std::string thrice = forwarded(twice, "four.test");
  EXPECT_EQ(back(thrice), once);
  EXPECT_EQ(thrice.size() - std::string("four.test").size(), twice.size() - std::string("three.test").size());
}

// As libsrs2, Mail::SRS and Exim write them.
TEST(Srs, TakesTheAddressesOfOtherForwardersForWhatTheyAre) {
  EXPECT_EQ(back(forwarded("SRS0+opaque+string@two.test", "three.test")), "SRS0+opaque+string@two.test");
  EXPECT_EQ(back(forwarded("srs0-2x+4-TT-one.test-a@two.test", "three.test")),
            "SRS0-2x+4-TT-one.test-a@two.test");
  EXPECT_EQ(back(forwarded("SRS1=tX9b=two.test==nZ3r=2Y=one.test=a@three.test", "four.test")),
            "SRS0=nZ3r=2Y=one.test=a@two.test");
  EXPECT_EQ(back(forwarded("SRS1+tX9b=two.test=+nZ3r=2Y=one.test=a@three.test", "four.test")),
            "SRS0+nZ3r=2Y=one.test=a@two.test");
}

TEST(Srs, KnowsItsOwnAddressInAnyCase) {
  const std::string made = forwarded("alice@one.test", "two.test");
  const auto lower = base::lower(made);
  const auto upper = base::upper(made.substr(0, made.find('@'))) + "@two.test";
  EXPECT_EQ(back(lower), "alice@one.test");
  EXPECT_EQ(back(upper), "ALICE@one.test");
}

TEST(Srs, SeesThatAnythingWasChanged) {
  const std::string made = forwarded("alice@one.test", "two.test");
  const auto changed = [&](std::string_view what, std::string_view by) {
    std::string text = made;
    return text.replace(text.find(what), what.size(), by);
  };
  EXPECT_EQ(back(changed("=alice", "=bob")), "forged");
  EXPECT_EQ(back(changed("one.test", "victim.test")), "forged");
  EXPECT_EQ(back(changed("=V4=", "=V5=")), "forged");
  EXPECT_EQ(back(changed(made.substr(5, 6), "AAAAAA")), "forged");
  const auto chained = forwarded(made, "three.test");
  EXPECT_EQ(back(chained.substr(0, 13) + "=victim.test=" + chained.substr(chained.find("==") + 1)), "forged");
  // An SRS0 address that says what an SRS1 address says.
  const auto first = *read(address(chained));
  EXPECT_FALSE(is_made_by({first.leads_to, false, first.day, first.hash}, kOurs));
  EXPECT_FALSE(is_made_by(*read(address(made)), with_key("another's")));
}

TEST(Srs, ReadsNothingElse) {
  for (const auto* bad :
       {"alice@two.test", "SRS0=@two.test", "SRS0=AAAAAA@two.test", "SRS0=AAAAAA=V4@two.test",
        "SRS0=AAAAAA=V4=one.test@two.test", "SRS0=AAAAA=V4=one.test=a@two.test",
        "SRS0=AAAAAA=V=one.test=a@two.test", "SRS0=AAAAA1=V4=one.test=a@two.test",
        "SRS0=AAAAAA=V1=one.test=a@two.test", "SRS0=AAAAAA=V4=-=a@two.test", "SRS0=AAAAAA=V4==a@two.test",
        "SRS0+AAAAAA=V4=one.test=a@two.test", "SRS1=AAAAAA=one.test==a@two.test",
        "SRS1=AAAAAAV4=one.test=a@two.test", "SRS1=AAAAAAV4==a@two.test", "SRS1=AAAAAAV4=one.test=@two.test"})
    EXPECT_EQ(back(bad), "malformed") << bad;
  EXPECT_EQ(back("SRS0=AAAAAA=V4=one.test=a@two.test"), "forged");
  EXPECT_EQ(back("SRS1=AAAAAAV4=one.test==a@two.test"), "forged");
}

TEST(Srs, CountsDaysRoundTheCorner) {
  using namespace std::chrono;
  const auto day = [](int days_of_1970) { return day_of(base::UtcTime(days(days_of_1970) + hours(23))); };
  EXPECT_EQ(day(0), 0);
  EXPECT_EQ(day(1023), 1023);
  EXPECT_EQ(day(1024), 0);
  EXPECT_EQ(days_since(5, 5), 0u);
  EXPECT_EQ(days_since(5, 26), 21u);
  EXPECT_EQ(days_since(1020, 3), 7u);
  EXPECT_EQ(days_since(6, 5), 0u);
  EXPECT_EQ(days_since(7, 5), 1022u);
}

TEST(Srs, LeavesWhatCanNotBeWritten) {
  EXPECT_EQ(forwarded("alice@[192.0.2.1]", "two.test"),
            "5.1.7 a sender at an address literal can't be rewritten");
  const std::string longest = "SRS0=" + std::string(225, 'a') + "@one.test";
  EXPECT_EQ(forwarded(longest, "two.test"), "5.1.7 the sender is too long to be rewritten");
  // Longer than a local part should be, as everybody's are.
  const std::string made = forwarded(std::string(64, 'a') + "@one.test", "two.test");
  EXPECT_EQ(made.find('@'), 16u + 8 + 64);
  EXPECT_EQ(back(made), std::string(64, 'a') + "@one.test");
}

}  // namespace
}  // namespace postrider::wire::srs
