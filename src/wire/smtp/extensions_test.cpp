#include "wire/smtp/extensions.hpp"

#include <gtest/gtest.h>

namespace postrider::wire::smtp {
namespace {

Extensions read(std::string text) { return read_extensions(mail::plain_reply(250, std::move(text))); }

TEST(Extensions, AreReadInAnyCaseFromTheSecondLineOn) {
  EXPECT_EQ(
      read("mx.test hello\nPIPELINING\nSize 10240000\nVRFY\n8bitmime\nDSN\nSMTPUTF8\nCHUNKING\nBINARYMIME"),
      (Extensions{.pipelining = true,
                  .chunking = true,
                  .binary_mime = true,
                  .eight_bit_mime = true,
                  .smtputf8 = true,
                  .dsn = true,
                  .size = true,
                  .most = 10240000}));
  EXPECT_EQ(read("PIPELINING"), Extensions{});
  EXPECT_EQ(read("PIPELINING\nPIPELININGS\nX-DSN\nDSN8"), Extensions{});
}

TEST(Extensions, ATimeToDeliverByMayHaveALeast) {
  EXPECT_EQ(read("mx\nDELIVERBY 240\nMT-PRIORITY MIXER"),
            (Extensions{.most = {}, .deliver_by = true, .least_by = 240, .mt_priority = true}));
  EXPECT_EQ(read("mx\ndeliverby\nmt-priority"),
            (Extensions{.most = {}, .deliver_by = true, .least_by = 0, .mt_priority = true}));
  EXPECT_EQ(read("mx\nDELIVERBY soon").least_by, 0u);
}

TEST(Extensions, ASizeThatIsNoneIsNoLimit) {
  const Extensions unlimited{.size = true, .most = {}};
  EXPECT_EQ(read("mx\nSIZE"), unlimited);
  EXPECT_EQ(read("mx\nSIZE 0"), unlimited);
  EXPECT_EQ(read("mx\nSIZE many"), unlimited);
  EXPECT_EQ(read("mx\nSIZE 99999999999999999999999"), unlimited);
  EXPECT_EQ(read("mx\nSIZE 18446744073709551615").most, 18446744073709551615u);
}

}  // namespace
}  // namespace postrider::wire::smtp
