#include "queue/suspensions.hpp"

#include <gtest/gtest.h>

namespace postrider::queue {
namespace {

using What = store::Suspension::What;

Suspensions with(What what, std::string pattern) {
  Suspensions all;
  all.add({.id = 1, .what = what, .pattern = std::move(pattern), .until = {}, .reason = {}});
  return all;
}
mail::ReversePath sender(std::string_view address) {
  return mail::ReversePath(*mail::Address::parse(address));
}

TEST(Suspensions, OfADestinationCoverItAloneOrWhatIsBelowIt) {
  const Suspensions one = with(What::destination, "Example.net");
  EXPECT_TRUE(one.of_destination("example.net"));
  EXPECT_FALSE(one.of_destination("a.example.net"));
  EXPECT_FALSE(one.of_site("example.net"));
  const Suspensions below = with(What::destination, ".example.net");
  EXPECT_FALSE(below.of_destination("example.net"));
  EXPECT_TRUE(below.of_destination("a.b.example.net"));
  EXPECT_FALSE(below.of_destination("badexample.net"));
}

TEST(Suspensions, OfASenderCoverAnAddressADomainOrTheNullSender) {
  const Suspensions address = with(What::sender, "Bob@example.net");
  EXPECT_TRUE(address.of_sender(sender("bob@EXAMPLE.net")));
  EXPECT_FALSE(address.of_sender(sender("alice@example.net")));
  EXPECT_FALSE(address.of_sender({}));
  const Suspensions domain = with(What::sender, "example.net");
  EXPECT_TRUE(domain.of_sender(sender("alice@example.net")));
  EXPECT_FALSE(domain.of_sender(sender("alice@a.example.net")));
  const Suspensions null = with(What::sender, "");
  EXPECT_TRUE(null.of_sender({}));
  EXPECT_FALSE(null.of_sender(sender("alice@example.net")));
}

TEST(Suspensions, OfASiteCoverItsNameAndOfAllEverything) {
  const Suspensions site = with(What::site, "mx1.example.net,mx2.example.net");
  EXPECT_TRUE(site.of_site("mx1.example.net,mx2.example.net"));
  EXPECT_FALSE(site.of_site("mx1.example.net"));
  EXPECT_FALSE(site.everything());
  EXPECT_TRUE(with(What::all, "").everything());
}

TEST(Suspensions, EndWhenTheyAreRemovedOrTheirTimeIsOver) {
  Suspensions all = with(What::all, "");
  const base::UtcTime end{std::chrono::seconds(100)};
  all.add({.id = 2, .what = What::sender, .pattern = "a.test", .until = end, .reason = {}});
  EXPECT_EQ(all.next_end(), end);
  EXPECT_TRUE(all.over(end - std::chrono::milliseconds(1)).empty());
  EXPECT_EQ(all.over(end), std::vector<std::uint64_t>{2});
  EXPECT_TRUE(all.remove(1));
  EXPECT_FALSE(all.remove(1));
  EXPECT_FALSE(all.everything());
  EXPECT_TRUE(all.remove(2));
  EXPECT_EQ(all.next_end(), base::UtcTime::max());
}

}  // namespace
}  // namespace postrider::queue
