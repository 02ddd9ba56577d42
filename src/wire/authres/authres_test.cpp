#include "wire/authres/authres.hpp"

#include <gtest/gtest.h>

namespace postrider::wire::authres {
namespace {

std::string fault(std::string_view value) {
  const auto results = parse(value);
  return results ? "" : results.error();
}

// RFC 8601 Appendix B
TEST(AuthRes, ReadsTheExamplesOfTheRfc) {
  EXPECT_EQ(parse(" example.org 1; none"), (AuthenticationResults{"example.org", 1, {}}));
  EXPECT_EQ(parse(" example.com;\r\n         spf=pass smtp.mailfrom=example.net"),
            (AuthenticationResults{
                "example.com", 1, {{"spf", 1, "pass", "", "", {{"smtp", "mailfrom", "example.net"}}}}}));
  EXPECT_EQ(
      parse(" example.com;\r\n    auth=pass (cleartext) smtp.auth=sender@example.net;\r\n"
            "    spf=pass smtp.mailfrom=example.net"),
      (AuthenticationResults{"example.com",
                             1,
                             {{"auth", 1, "pass", "cleartext", "", {{"smtp", "auth", "sender@example.net"}}},
                              {"spf", 1, "pass", "", "", {{"smtp", "mailfrom", "example.net"}}}}}));
  EXPECT_EQ(parse(" foo.example.net (foobar) 1 (baz);\r\n    dkim (Because I like it) / 1 (One yay) = (wait "
                  "for it) fail\r\n"
                  "      policy (A dot can go here) . (like that) expired\r\n"
                  "      (this surprised me) = (as I wasn't expecting it) 1362471462"),
            (AuthenticationResults{
                "foo.example.net", 1, {{"dkim", 1, "fail", "", "", {{"policy", "expired", "1362471462"}}}}}));
  const auto two = parse(
      " example.com;\r\n      dkim=pass reason=\"good signature\"\r\n        "
      "header.i=@mail-router.example.net;\r\n"
      "      dkim=fail reason=\"bad signature\"\r\n        header.i=@newyork.example.com");
  ASSERT_TRUE(two) << two.error();
  EXPECT_EQ(
      two->results[1],
      (MethodResult{"dkim", 1, "fail", "", "bad signature", {{"header", "i", "@newyork.example.com"}}}));
}

// RFC 8601 2.2
TEST(AuthRes, ReadsQuotedValuesAndVersions) {
  const auto results = parse(
      "\"mx 1\" ; X-Other/2=Pass reason=\"a \\\"b\\\"\" smtp.MailFrom=\"x y\"@example.com header.s = a/b ;");
  ASSERT_TRUE(results) << results.error();
  EXPECT_EQ(results->authserv_id, "mx 1");
  EXPECT_EQ(
      results->results,
      (std::vector<MethodResult>{{"x-other",
                                  2,
                                  "pass",
                                  "",
                                  "a \"b\"",
                                  {{"smtp", "mailfrom", "\"x y\"@example.com"}, {"header", "s", "a/b"}}}}));
  EXPECT_EQ(parse("a; iprev=pass policy.iprev=2001:db8::1")->results[0].properties[0].value, "2001:db8::1");
}

TEST(AuthRes, RefusesWhatIsNoResult) {
  EXPECT_EQ(fault(""), "no authserv-id");
  EXPECT_EQ(fault("(only a comment)"), "no authserv-id");
  EXPECT_EQ(fault("spf=pass; dkim=pass"), "something else than a result");
  EXPECT_EQ(fault("a 2; spf=pass"), "a version that is not 1");
  EXPECT_EQ(fault("a; none spf=pass"), "a method without a result");
  EXPECT_EQ(fault("a; spf"), "a method without a result");
  EXPECT_EQ(fault("a; spf="), "a method without a result");
  EXPECT_EQ(fault("a; spf/x=pass"), "a method with a bad version");
  EXPECT_EQ(fault("a; spf=pass smtp"), "a property without \".\"");
  EXPECT_EQ(fault("a; spf=pass smtp.mailfrom"), "a property without a value");
  EXPECT_EQ(fault("a; spf=pass smtp.mailfrom=;"), "a property without a value");
  EXPECT_EQ(fault("a; spf=pass reason=;"), "a reason without a value");
  EXPECT_EQ(fault("a; spf=pass reason=\"open"), "a comment or quoted string without an end");
  EXPECT_EQ(fault("a; spf=pass (open \\)"), "a comment or quoted string without an end");
  EXPECT_EQ(fault("a; spf=pass @"), "something else than a result");
  std::string many = "a", long_one = "a; spf=pass";
  for (std::size_t i = 0; i < kMaxResults + 1; ++i) many += "; spf=pass";
  for (std::size_t i = 0; i < kMaxProperties + 1; ++i) long_one += " a.b=c";
  EXPECT_EQ(fault(many), "too many results");
  EXPECT_EQ(fault(long_one), "too many properties");
}

TEST(AuthRes, IsWrittenInLinesThatFold) {
  const AuthenticationResults results{"mx.example.com",
                                      1,
                                      {{"dkim",
                                        1,
                                        "fail",
                                        "2048 bit (rsa)",
                                        "the \"body\" has changed",
                                        {{"header", "d", "example.org"},
                                         {"header", "i", "@example.org"},
                                         {"header", "s", "mail"},
                                         {"header", "b", "ab+/cd=="}}},
                                       {"spf", 1, "pass", "", "", {{"smtp", "mailfrom", "joe@example.org"}}},
                                       {"iprev", 1, "pass", "", "", {{"policy", "iprev", "2001:db8::1"}}}}};
  const std::string field = write(results);
  EXPECT_EQ(field,
            "Authentication-Results: mx.example.com;\r\n"
            "\tdkim=fail (2048 bit \\(rsa\\)) reason=\"the \\\"body\\\" has changed\"\r\n"
            "\theader.d=example.org header.i=@example.org header.s=mail header.b=\"ab+/cd==\";\r\n"
            "\tspf=pass smtp.mailfrom=joe@example.org;\r\n"
            "\tiprev=pass policy.iprev=\"2001:db8::1\"\r\n");
  const auto read = parse(field.substr(field.find(' ')));
  ASSERT_TRUE(read) << read.error();
  EXPECT_EQ(*read, results);
  EXPECT_EQ(write({"mx.example.com", 1, {}}), "Authentication-Results: mx.example.com; none\r\n");
  EXPECT_EQ(write_value({"mx.example.com", 1, {{"arc", 1, "none", "", "", {}}}}),
            "mx.example.com;\r\n\tarc=none");
}

TEST(AuthRes, LetsNoTextOfAStrangerOut) {
  const auto of = [](std::string value) {
    const std::string field =
        write({"a", 1, {{"spf", 1, "pass", "", "", {{"smtp", "helo", std::move(value)}}}}});
    return field.substr(field.find("helo=") + 5);
  };
  EXPECT_EQ(of("x\r\nBcc: y"), "\"x??Bcc: y\"\r\n");
  EXPECT_EQ(of("x; dkim=pass"), "\"x; dkim=pass\"\r\n");
  EXPECT_EQ(of("x (y"), "\"x (y\"\r\n");
  EXPECT_EQ(of("x\"y\\"), "\"x\\\"y\\\\\"\r\n");
  EXPECT_EQ(of(""), "\"\"\r\n");
  EXPECT_EQ(of("\xff"), "\"?\"\r\n");
  EXPECT_EQ(of("\xc3\xa4@example.com"), "\xc3\xa4@example.com\r\n");
  EXPECT_EQ(of("a b@example.com"), "\"a b@example.com\"\r\n");
  EXPECT_EQ(of("@exa mple"), "\"@exa mple\"\r\n");
  EXPECT_EQ(of(std::string(300, 'x')), std::string(255, 'x') + "\r\n");
  EXPECT_EQ(of(std::string(254, 'x') + "\xc3\xa4"), std::string(254, 'x') + "\r\n");
}

// RFC 8601 5
TEST(AuthRes, IsTakenForOursHoweverItIsWritten) {
  for (const std::string_view value :
       {"mx.example.com; spf=pass", " MX.Example.COM ; none", "(hello) mx.example.com (x) 1; none",
        "\"mx.example.com\"; none", "\"mx.example\\.com\"; none", "mx.example.com 7; spf=pass",
        "mx.example.com", "mx.example.com; what is this", "broken (mx.example.com; spf=pass",
        "\"mx.example.com; spf=pass"})
    EXPECT_TRUE(claims(value, "mx.example.com")) << value;
  for (const std::string_view value : {"mx.example.net; spf=pass", "mx.example.com.example.net; none",
                                       "other; spf=pass smtp.helo=mx.example.com", "", "x y"})
    EXPECT_FALSE(claims(value, "mx.example.com")) << value;
  EXPECT_TRUE(
      claims("b\xc3\xbc"
             "cher.example; none",
             "xn--bcher-kva.example"));
}

TEST(AuthRes, IsRemovedByTheIndexOfItsField) {
  const std::string header =
      "Received: x\r\nAuthentication-Results: mx.example.com; none\r\nFrom: a\r\n"
      "authentication-results:\r\n mx.example.com; spf=pass\r\nAuthentication-Results: other; none\r\n"
      "X-Authentication-Results: mx.example.com; none\r\n";
  EXPECT_EQ(removal(header, "mx.example.com"), (mail::Edits{mail::RemoveField{1}, mail::RemoveField{3}}));
}

}  // namespace
}  // namespace postrider::wire::authres
