#include "store/fresh.hpp"

#include <gtest/gtest.h>

namespace postrider::store {
namespace {

base::MessageId id(int number) { return {number}; }

TEST(Fresh, GivesWhatWasPutUntilItIsForgotten) {
  Fresh fresh;
  fresh.put(id(1), "body", {mail::PrependField{"A: b\r\n"}});
  const auto found = fresh.find(id(1));
  ASSERT_TRUE(found);
  EXPECT_EQ(found->body, "body");
  EXPECT_EQ(found->edits.size(), 1u);
  EXPECT_FALSE(fresh.find(id(2)));
  fresh.forget(id(1));
  fresh.forget(id(1));
  EXPECT_FALSE(fresh.find(id(1)));
  EXPECT_EQ(found->body, "body");
}

TEST(Fresh, LetsTheOldestGoAboveItsBound) {
  Fresh fresh;
  constexpr int kFit = Fresh::kBytes / Fresh::kLargest;
  for (int i = 1; i <= kFit; ++i) fresh.put(id(i), std::string(Fresh::kLargest, 'x'), {});
  EXPECT_TRUE(fresh.find(id(1)));
  fresh.put(id(kFit + 1), "x", {});
  EXPECT_FALSE(fresh.find(id(1)));
  EXPECT_TRUE(fresh.find(id(2)));
  EXPECT_TRUE(fresh.find(id(kFit + 1)));
}

TEST(Fresh, KeepsNoLargeMessage) {
  Fresh fresh;
  fresh.put(id(1), std::string(Fresh::kLargest + 1, 'x'), {});
  EXPECT_FALSE(fresh.find(id(1)));
}

}  // namespace
}  // namespace postrider::store
