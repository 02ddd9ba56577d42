#include "policy/lookups.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace postrider::policy {
namespace {

using sys::dns::Error;
using ::testing::ElementsAre;
using enum QuestionType;

TEST(Lookups, WantEachQuestionOnce) {
  Lookups lookups;
  EXPECT_EQ(lookups.txt("Example.COM."), nullptr);
  EXPECT_EQ(lookups.txt("example.com"), nullptr);
  EXPECT_EQ(lookups.mx("example.com"), nullptr);
  EXPECT_EQ(lookups.ptr(base::IpAddress::parse("192.0.2.1").value()), nullptr);
  EXPECT_THAT(lookups.take_wanted(), ElementsAre(Question{txt, "example.com"}, Question{mx, "example.com"},
                                                 Question{ptr, "192.0.2.1"}));
  EXPECT_EQ(lookups.txt("example.com"), nullptr);
  EXPECT_TRUE(lookups.take_wanted().empty());
}

TEST(Lookups, KeepTheFirstAnswer) {
  Lookups lookups;
  lookups.txt("example.com");
  const Question question = lookups.take_wanted().at(0);
  lookups.answer(question, TextAnswer({{"one"}, {}, false}));
  const TextAnswer* answer = lookups.txt("example.com");
  ASSERT_NE(answer, nullptr);
  lookups.answer(question, TextAnswer({{"two"}, {}, false}));
  for (int i = 0; i < 100; ++i) lookups.a("n" + std::to_string(i) + ".example");
  EXPECT_EQ((*answer)->records, std::vector<std::string>{"one"});
}

TEST(Lookups, AnswerForWhatIsNoName) {
  Lookups lookups;
  for (const char* name : {"", ".", "a..b", "a\\b.com"}) {
    const AddressAnswer* answer = lookups.a(name);
    ASSERT_NE(answer, nullptr) << name;
    EXPECT_EQ(answer->error().error, Error::malformed);
    EXPECT_FALSE(is_void(*answer));
  }
  EXPECT_TRUE(lookups.take_wanted().empty());
}

TEST(Lookups, StopAskingAtTheirLimit) {
  Lookups lookups;
  for (std::size_t i = 0; i < Lookups::kMostQuestions; ++i)
    EXPECT_EQ(lookups.aaaa("n" + std::to_string(i) + ".example"), nullptr);
  EXPECT_EQ(lookups.take_wanted().size(), Lookups::kMostQuestions);
  const AddressAnswer* answer = lookups.aaaa("one.more.example");
  ASSERT_NE(answer, nullptr);
  EXPECT_EQ(answer->error().error, Error::servfail);
  EXPECT_EQ(lookups.aaaa("n1.example"), nullptr) << "it was asked before";
}

}  // namespace
}  // namespace postrider::policy
