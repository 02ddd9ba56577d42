#include "wire/dkim/signature.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

namespace postrider::wire::dkim {
namespace {

using ::testing::ElementsAre;

constexpr std::string_view kGood = "v=1; a=rsa-sha256; d=example.net; s=brisbane; h=From; bh=YWJj; b=ZGVm";

// "" where it is read, else the result and why not.
std::string fault(const std::string& value) {
  const auto signature = parse_signature(value);
  return signature ? "" : std::string(to_string(signature.error().result)) + ": " + signature.error().why;
}
std::string without(std::string_view tag) {
  std::string value(kGood);
  const auto at = value.find(tag);
  value.erase(at, std::min(value.find(';', at) - at + 1, value.size() - at));
  return value;
}
std::string with(std::string_view more) { return std::string(kGood) + "; " + std::string(more); }

TEST(DkimSignature, HasDefaults) {
  const auto signature = parse_signature(kGood);
  ASSERT_TRUE(signature);
  EXPECT_EQ(signature->algorithm, Algorithm::rsa_sha256);
  EXPECT_EQ(signature->header, Canonicalization::simple);
  EXPECT_EQ(signature->body, Canonicalization::simple);
  EXPECT_EQ(signature->key_name(), "brisbane._domainkey.example.net");
  EXPECT_EQ(signature->local, "");
  EXPECT_EQ(signature->identity, signature->domain);
  EXPECT_THAT(signature->fields, ElementsAre("From"));
  EXPECT_EQ(signature->body_hash, "abc");
  EXPECT_EQ(signature->signature, "def");
  EXPECT_EQ(signature->signature_start, "ZGVm");
  EXPECT_FALSE(signature->length || signature->signed_at || signature->expires);
}

// RFC 6376 3.5
TEST(DkimSignature, IsReadWithAllItsTags) {
  const auto signature = parse_signature(
      " v=1; a=ED25519-SHA256; d=Example.NET; s=Brisbane.x_1;\r\n\tc=Relaxed/simple; q=other:dns/txt;"
      " t=1117574938; x=1118006938; l=0123; h=from : to\r\n :subject: date:\tFrom;\r\n"
      " z=From:foo@eng.example.net|To:joe@example.com; future=\xc3\xa4;\r\n"
      " i=j=6Fe=3B\r\n x@sub.example.net; bh=Y\r\n WJ j; b = dzdVyOfA\r\n\tKCdLXdJOc9G2q8LoXSlEniSb ; ");
  ASSERT_TRUE(signature) << signature.error().why;
  EXPECT_EQ(signature->algorithm, Algorithm::ed25519_sha256);
  EXPECT_EQ(signature->header, Canonicalization::relaxed);
  EXPECT_EQ(signature->body, Canonicalization::simple);
  EXPECT_EQ(signature->key_name(), "brisbane.x_1._domainkey.example.net");
  EXPECT_EQ(signature->local, "joe;x");
  EXPECT_EQ(signature->identity.ascii(), "sub.example.net");
  EXPECT_THAT(signature->fields, ElementsAre("from", "to", "subject", "date", "From"));
  EXPECT_EQ(signature->body_hash, "abc");
  EXPECT_EQ(signature->signature_start, "dzdVyOfA");
  EXPECT_EQ(signature->length, 123u);
  EXPECT_EQ(signature->signed_at, 1117574938u);
  EXPECT_EQ(signature->expires, 1118006938u);
}

// RFC 6376 6.1.1; a syntax error is neutral by RFC 8601 2.7.1.
TEST(DkimSignature, IsRefusedWithoutARequiredTag) {
  for (const std::string tag : {"v", "a", "d", "s", "h", "bh", "b"})
    EXPECT_EQ(fault(without(tag + "=")), "neutral: " + tag + "= is missing");
  EXPECT_EQ(fault(""), "neutral: a tag without \"=\"");
  EXPECT_EQ(fault(with(";")), "neutral: a tag without \"=\"");
}

TEST(DkimSignature, IsRefusedWithABadTag) {
  EXPECT_EQ(fault(with("v=1")), "neutral: the tag v= stands twice");
  EXPECT_EQ(fault(without("v=") + "; v=2"), "neutral: v= is not 1");
  EXPECT_EQ(fault(without("a=") + "; a=rsa-sha512"), "neutral: a= is unknown");
  EXPECT_EQ(fault(with("c=nofws")), "neutral: c= is unknown");
  EXPECT_EQ(fault(with("c=simple/")), "neutral: c= is unknown");
  EXPECT_EQ(fault(without("d=") + "; d=legitimate.com(.attacker.com"), "neutral: d= is no domain");
  EXPECT_EQ(fault(without("s=") + "; s=a..b"), "neutral: s= is no selector");
  EXPECT_EQ(fault(without("s=") + "; s="), "neutral: s= is no selector");
  EXPECT_EQ(fault(without("h=") + "; h=From:a b"), "neutral: h= has a bad name");
  EXPECT_EQ(fault(without("b=Z") + "b=Z"), "neutral: b= is no base64");
  EXPECT_EQ(fault(without("b=Z") + "b="), "neutral: b= is no base64");
  EXPECT_EQ(fault(without("bh=") + "; bh=="), "neutral: bh= is no base64");
  EXPECT_EQ(fault(with("q=dns")), "neutral: q= is unknown");
  EXPECT_EQ(fault(with("l=-1")), "neutral: l= is no number");
  EXPECT_EQ(fault(with("t=1.5")), "neutral: t= is no time");
  EXPECT_EQ(fault(with("x=1234567890123")), "neutral: x= is no time");
  EXPECT_EQ(fault(with("t=10; x=10")), "neutral: x= is not after t=");
  EXPECT_EQ(fault(with("n=\x01")), "neutral: a value with a control character");
  EXPECT_EQ(fault(with("n=\x7f")), "neutral: a value with a control character");
  EXPECT_EQ(fault(with("1n=x")), "neutral: a tag with a bad name");
  std::string many(kGood), long_list = without("h=") + "; h=From";
  for (int i = 0; i < 64; ++i) many += "; x" + std::to_string(i) + "=";
  for (int i = 0; i < 500; ++i) long_list += ":To";
  EXPECT_EQ(fault(many), "neutral: too many tags");
  EXPECT_EQ(fault(long_list), "neutral: h= is too long");
}

TEST(DkimSignature, OfAnIdentityOutsideOfItsDomainIsRefused) {
  EXPECT_EQ(fault(with("i=joe@sub.example.net")), "");
  EXPECT_EQ(fault(with("i=@Example.Net")), "");
  EXPECT_EQ(fault(with("i=joe@badexample.net")), "neutral: the domain of i= is not within that of d=");
  EXPECT_EQ(fault(with("i=joe@net")), "neutral: the domain of i= is not within that of d=");
  EXPECT_EQ(fault(with("i=example.net")), "neutral: i= without \"@\"");
  EXPECT_EQ(fault(with("i=a=3@example.net")), "neutral: i= is no address");
}

// RFC 6376 5.4, RFC 8301 3.1
TEST(DkimSignature, WithoutFromOrBySha1IsAPermanentError) {
  EXPECT_EQ(fault(without("h=") + "; h=To:Subject"), "permerror: From is not signed");
  EXPECT_EQ(fault(without("h=") + "; h="), "permerror: From is not signed");
  EXPECT_EQ(fault(without("h=") + "; h=:From::"), "");
  EXPECT_EQ(fault(without("a=") + "; a=rsa-sha1"), "permerror: rsa-sha1 proves nothing any more");
}

TEST(DkimSignature, ThatIsRefusedShowsWhoseItSaysToBe) {
  const auto signature =
      parse_signature("v=1; a=rsa-sha1; d=example.net; s=sel\xc3\xa4; h=From; bh=YWJj; b=ZGV mZGVmZGVm");
  ASSERT_FALSE(signature);
  EXPECT_EQ(signature.error().domain, "example.net");
  EXPECT_EQ(signature.error().signature_start, "ZGVmZGVm");
}

// RFC 8616 5
TEST(DkimSignature, MayHaveItsNamesInUtf8) {
  const auto signature = parse_signature(without("d=") +
                                         "; d=b\xc3\xbc"
                                         "cher.example; i=\xc3\xa4@b\xc3\xbc"
                                         "cher.example");
  ASSERT_TRUE(signature) << signature.error().why;
  EXPECT_EQ(signature->key_name(), "brisbane._domainkey.xn--bcher-kva.example");
  EXPECT_EQ(signature->local, "\xc3\xa4");
  EXPECT_EQ(parse_selector("b\xc3\xbc"
                           "cher"),
            "xn--bcher-kva");
}

TEST(DkimSignature, TakesNumbersThatAreTooLargeAsTheLargest) {
  const auto signature = parse_signature(with("l=" + std::string(76, '9')));
  ASSERT_TRUE(signature);
  EXPECT_EQ(signature->length, std::numeric_limits<std::uint64_t>::max());
  EXPECT_EQ(fault(with("l=" + std::string(77, '9'))), "neutral: l= is no number");
}

TEST(DkimSignature, NeedsNoPadding) {
  EXPECT_EQ(parse_signature(without("bh=") + "; bh=YQ")->body_hash, "a");
  EXPECT_EQ(parse_signature(without("bh=") + "; bh=YQ==")->body_hash, "a");
}

}  // namespace
}  // namespace postrider::wire::dkim
