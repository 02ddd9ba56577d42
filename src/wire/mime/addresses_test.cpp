#include "wire/mime/addresses.hpp"

#include <gtest/gtest.h>

#include <ostream>

namespace postrider::wire::mime {

// Found by GoogleTest, which must see it beside the type.
static void PrintTo(const Mailbox& mailbox, std::ostream* out) {
  *out << "{name: '" << mailbox.name << "', address: '" << mailbox.address << "'}";
}

namespace {

std::vector<Mailbox> mailboxes(std::string_view raw) {
  const AddressList list = parse_addresses(raw);
  if (list.groups.size() != 1 || list.groups[0].name) return {};
  return list.groups[0].mailboxes;
}
Mailbox only(std::string_view raw) {
  const auto all = mailboxes(raw);
  return all.size() == 1 ? all[0] : Mailbox{"not one", "mailbox"};
}

TEST(Addresses, ReadsNamesAndAddresses) {
  EXPECT_EQ(only(" Mary Smith <mary@x.test>"), (Mailbox{"Mary Smith", "mary@x.test"}));
  EXPECT_EQ(only("mary@x.test"), (Mailbox{"", "mary@x.test"}));
  EXPECT_EQ(only("<mary@x.test>"), (Mailbox{"", "mary@x.test"}));
  EXPECT_TRUE(parse_addresses("").groups.empty());
  EXPECT_TRUE(parse_addresses(" , ,, ").groups.empty());
}

TEST(Addresses, KeepsAQuotedLocalPartAsWritten) {
  EXPECT_EQ(only("<\"a, > b\"@x.test>"), (Mailbox{"", "\"a, > b\"@x.test"}));
  EXPECT_EQ(only("\"a b\"@x.test"), (Mailbox{"", "\"a b\"@x.test"}));
}

TEST(Addresses, KeepsADomainLiteralWithColons) {
  EXPECT_EQ(only("a@[IPv6:::1]"), (Mailbox{"", "a@[IPv6:::1]"}));
  EXPECT_EQ(only("[LIST] a <a@[IPv6:::1]>"), (Mailbox{"[LIST] a", "a@[IPv6:::1]"}));
}

TEST(Addresses, ReadsGroupsBesideMailboxes) {
  const auto list = parse_addresses("x@a.test, Team: y@b.test, Z <z@c.test>; w@d.test, Empty:;");
  const std::vector<AddressGroup> expected = {{std::nullopt, {{"", "x@a.test"}}},
                                              {"Team", {{"", "y@b.test"}, {"Z", "z@c.test"}}},
                                              {std::nullopt, {{"", "w@d.test"}}},
                                              {"Empty", {}}};
  EXPECT_EQ(list.groups, expected);
  EXPECT_FALSE(list.truncated);
}

TEST(Addresses, PutsCommentsBehindTheName) {
  EXPECT_EQ(only("Pete(A \\) chap) <pete(his)@x.test>"), (Mailbox{"Pete (A ) chap his)", "pete@x.test"}));
  EXPECT_EQ(only("pete@x.test (Pete (the) man)"), (Mailbox{"Pete (the) man", "pete@x.test"}));
  EXPECT_EQ(only("(nobody)"), (Mailbox{"nobody", ""}));
}

TEST(Addresses, DecodesEncodedWordsInNamesButNeverIntoAddresses) {
  EXPECT_EQ(only("=?utf-8?Q?D=C3=B6e=2C_J?= <d@x.test>"), (Mailbox{"D\xC3\xB6"
                                                                   "e, J",
                                                                   "d@x.test"}));
  EXPECT_EQ(only("=?utf-8?Q?Doe,_J?= <d@x.test>"), (Mailbox{"Doe, J", "d@x.test"}));
  EXPECT_EQ(only("=?utf-8?Q?d=40x.test?="), (Mailbox{"d@x.test", ""}));
}

TEST(Addresses, PassesUtf8AndRepairsItInNames) {
  EXPECT_EQ(only("D\xC3\xB6"
                 "e <\xC3\xB6@\xC3\xA4.test>"),
            (Mailbox{"D\xC3\xB6"
                     "e",
                     "\xC3\xB6@\xC3\xA4.test"}));
  EXPECT_EQ(only("D\xF6"
                 "e <d@x.test>"),
            (Mailbox{"D\xEF\xBF\xBD"
                     "e",
                     "d@x.test"}));
}

TEST(Addresses, TakesSeveralWordsWithoutAnAtSignAsAName) {
  EXPECT_EQ(only("John Doe"), (Mailbox{"John Doe", ""}));
  EXPECT_EQ(only("\"John\""), (Mailbox{"John", ""}));
  EXPECT_EQ(only("\"j@x.test\""), (Mailbox{"j@x.test", ""}));
  EXPECT_EQ(only("john"), (Mailbox{"", "john"}));
}

TEST(Addresses, SurvivesWhatIsLeftOpen) {
  EXPECT_EQ(only("a <b@x.test"), (Mailbox{"a", "b@x.test"}));
  EXPECT_EQ(only("\"a <b@x.test>"), (Mailbox{"a <b@x.test>", ""}));
  EXPECT_EQ(only("(a <b@x.test>"), (Mailbox{"a <b@x.test>", ""}));
  EXPECT_EQ(only("a@[b"), (Mailbox{"", "a@[b"}));
}

TEST(Addresses, SeparatesMailboxesThatLackTheirComma) {
  const std::vector<Mailbox> expected = {{"", "a@x.test"}, {"", "b@x.test"}};
  EXPECT_EQ(mailboxes("<a@x.test> <b@x.test>"), expected);
}

TEST(Addresses, StopsAtTheLimit) {
  std::string raw;
  for (std::size_t i = 0; i < kMaxAddresses + 5; ++i) raw += "a@b,";
  const auto list = parse_addresses(raw);
  EXPECT_TRUE(list.truncated);
  EXPECT_EQ(list.groups[0].mailboxes.size(), kMaxAddresses - 1);  // their common entry counts too
}

TEST(Addresses, BearsDeepComments) {
  const std::string raw = std::string(100000, '(') + std::string(100000, ')') + " a@x.test";
  EXPECT_EQ(only(raw).address, "a@x.test");
}

TEST(Addresses, AddrSpecDropsRouteAndWhiteSpace) {
  EXPECT_EQ(addr_spec(only("Mary <@node.test,@b.test:mary@example.net>")), "mary@example.net");
  EXPECT_EQ(addr_spec(only("jdoe@test  . example")), "jdoe@test.example");
  EXPECT_EQ(addr_spec(only("<\"j  d\" @ test>")), "\"j  d\"@test");
}

}  // namespace
}  // namespace postrider::wire::mime
