#include "receive/admission.hpp"

#include <gtest/gtest.h>

namespace postrider::receive {
namespace {

base::IpAddress ip(std::string_view text) { return *base::IpAddress::parse(text); }

TEST(Admission, RefusesAboveTheLimitInAll) {
  Admission admission;
  EXPECT_EQ(admission.enter(ip("192.0.2.1"), 2, 10), Admission::Answer::admitted);
  EXPECT_EQ(admission.enter(ip("192.0.2.2"), 2, 10), Admission::Answer::admitted);
  EXPECT_EQ(admission.enter(ip("192.0.2.3"), 2, 10), Admission::Answer::server_full);
  admission.leave(ip("192.0.2.1"));
  EXPECT_EQ(admission.enter(ip("192.0.2.3"), 2, 10), Admission::Answer::admitted);
}

TEST(Admission, RefusesAboveTheLimitOfOneClientAlone) {
  Admission admission;
  EXPECT_EQ(admission.enter(ip("192.0.2.1"), 100, 1), Admission::Answer::admitted);
  EXPECT_EQ(admission.enter(ip("192.0.2.1"), 100, 1), Admission::Answer::client_full);
  EXPECT_EQ(admission.enter(ip("192.0.2.2"), 100, 1), Admission::Answer::admitted);
  EXPECT_EQ(admission.connections(), 2u);
}

TEST(Admission, CountsAnIpv6ClientByItsSlash64) {
  Admission admission;
  EXPECT_EQ(admission.enter(ip("2001:db8:0:1::1"), 100, 1), Admission::Answer::admitted);
  EXPECT_EQ(admission.enter(ip("2001:db8:0:1:ffff::2"), 100, 1), Admission::Answer::client_full);
  EXPECT_EQ(admission.enter(ip("2001:db8:0:2::1"), 100, 1), Admission::Answer::admitted);
}

TEST(Admission, CountsUsersOfThisMachineApart) {
  Admission admission;
  {
    ASSERT_EQ(admission.enter_user(1000, 3, 1), Admission::Answer::admitted);
    const Admission::Place place(admission, std::uint32_t{1000});
    EXPECT_EQ(admission.enter_user(1000, 3, 1), Admission::Answer::client_full);
    EXPECT_EQ(admission.enter_user(1001, 3, 1), Admission::Answer::admitted);
    EXPECT_EQ(admission.enter(ip("192.0.2.1"), 3, 1), Admission::Answer::admitted);
    EXPECT_EQ(admission.enter_user(1002, 3, 1), Admission::Answer::server_full);
  }
  EXPECT_EQ(admission.connections(), 2u);
  EXPECT_EQ(admission.enter_user(1000, 3, 1), Admission::Answer::admitted);
}

TEST(Admission, APlaceIsGivenBackOnceHoweverOftenItMoved) {
  Admission admission;
  ASSERT_EQ(admission.enter(ip("192.0.2.1"), 100, 1), Admission::Answer::admitted);
  {
    Admission::Place first(admission, ip("192.0.2.1"));
    Admission::Place second(std::move(first));
    Admission::Place third;
    third = std::move(second);
    EXPECT_EQ(admission.connections(), 1u);
  }
  EXPECT_EQ(admission.connections(), 0u);
  EXPECT_EQ(admission.enter(ip("192.0.2.1"), 100, 1), Admission::Answer::admitted);
}

}  // namespace
}  // namespace postrider::receive
