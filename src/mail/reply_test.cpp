#include "mail/reply.hpp"

#include <gtest/gtest.h>

namespace postrider::mail {
namespace {

TEST(Reply, TakesTheClassOfTheEnhancedCodeFromTheCode) {
  const auto refusal = reply(550, 1, 1, "no such user");
  EXPECT_EQ(refusal.enhanced, (EnhancedCode{5, 1, 1}));
  EXPECT_TRUE(refusal.permanent());
  EXPECT_EQ(reply(250, 1, 5, "fine").enhanced, (EnhancedCode{2, 1, 5}));
  EXPECT_FALSE(plain_reply(354, "go on").enhanced);
  EXPECT_TRUE(plain_reply(354, "go on").positive());
}

TEST(Reply, TellsAFailureToTheClient) {
  const base::Failure permanent{{5, 1, 1}, "no such user", "for the log"};
  EXPECT_EQ(reply_for(permanent, 550), (Reply{550, EnhancedCode{5, 1, 1}, "no such user"}));
  const base::Failure temporary{{4, 3, 1}, "disk full", ""};
  EXPECT_EQ(reply_for(temporary, 550), (Reply{451, EnhancedCode{4, 3, 1}, "disk full"}));
  EXPECT_TRUE(reply_for(temporary, 550).temporary());
}

}  // namespace
}  // namespace postrider::mail
