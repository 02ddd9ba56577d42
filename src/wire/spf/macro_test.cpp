#include "wire/spf/macro.hpp"

#include <gtest/gtest.h>

#include <utility>

namespace postrider::wire::spf {
namespace {

// The message of RFC 7208 7.4.
MacroValues values() {
  return {.client = base::IpAddress::parse("192.0.2.3").value(),
          .local = "strong-bad",
          .sender_domain = "email.example.com",
          .domain = "email.example.com",
          .helo = "mail.example.org",
          .validated = "mx.example.org",
          .receiver = "mx.example.net",
          .seconds = 1700000000};
}

std::string expanded(std::string_view text, const MacroValues& values = spf::values()) {
  const auto parsed = parse_macro_string(text, MacroPlace::explanation);
  return parsed ? expand(*parsed, values).value_or("too long") : "error: " + parsed.error();
}

TEST(SpfMacro, ExpandsTheExamplesOfTheRfc) {
  const std::pair<const char*, const char*> examples[] = {
      {"%{s}", "strong-bad@email.example.com"},
      {"%{o}", "email.example.com"},
      {"%{d}", "email.example.com"},
      {"%{d4}", "email.example.com"},
      {"%{d3}", "email.example.com"},
      {"%{d2}", "example.com"},
      {"%{d1}", "com"},
      {"%{dr}", "com.example.email"},
      {"%{d2r}", "example.email"},
      {"%{l}", "strong-bad"},
      {"%{l-}", "strong.bad"},
      {"%{lr}", "strong-bad"},
      {"%{lr-}", "bad.strong"},
      {"%{l1r-}", "strong"},
      {"%{ir}.%{v}._spf.%{d2}", "3.2.0.192.in-addr._spf.example.com"},
      {"%{lr-}.lp._spf.%{d2}", "bad.strong.lp._spf.example.com"},
      {"%{lr-}.lp.%{ir}.%{v}._spf.%{d2}", "bad.strong.lp.3.2.0.192.in-addr._spf.example.com"},
      {"%{ir}.%{v}.%{l1r-}.lp._spf.%{d2}", "3.2.0.192.in-addr.strong.lp._spf.example.com"},
      {"%{d2}.trusted-domains.example.net", "example.com.trusted-domains.example.net"},
  };
  for (const auto& [text, expected] : examples) EXPECT_EQ(expanded(text), expected) << text;
  MacroValues six = values();
  six.client = base::IpAddress::parse("2001:db8::cb01").value();
  EXPECT_EQ(expanded("%{ir}.%{v}._spf.%{d2}", six),
            "1.0.b.c.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6._spf.example.com");
}

TEST(SpfMacro, KnowsWhatOnlyAnExplanationMayHave) {
  EXPECT_EQ(expanded("%{c} is no host of %{h}, says %{r} at %{t}: %{p}"),
            "192.0.2.3 is no host of mail.example.org, says mx.example.net at 1700000000: mx.example.org");
  for (const char* text : {"%{c}", "%{r}", "%{t}", "a b", "%{C2r-}"})
    EXPECT_FALSE(parse_macro_string(text, MacroPlace::record)) << text;
}

TEST(SpfMacro, EscapesTheValueOfAnUpperCaseLetter) {
  MacroValues odd = values();
  odd.local = "~a b&c/\xC3\xA9.d";
  EXPECT_EQ(expanded("%{L}|%{l}", odd), "~a%20b%26c%2F%C3%A9.d|~a b&c/\xC3\xA9.d");
}

TEST(SpfMacro, ResolvesPercentSpaceAndUrlSpace) { EXPECT_EQ(expanded("a%%b%_c%-d"), "a%b c%20d"); }

TEST(SpfMacro, SplitsAtAnyOfTheDelimiters) {
  MacroValues odd = values();
  odd.local = "a-b+c,d/e_f=g.h";
  EXPECT_EQ(expanded("%{l-+,/_=}", odd), "a.b.c.d.e.f.g.h");
  EXPECT_EQ(expanded("%{l3r-+,/_=.}", odd), "c.b.a");
  EXPECT_EQ(expanded("%{l99999999999999999999-}", odd), "a.b+c,d/e_f=g.h");
}

TEST(SpfMacro, RefusesWhatIsNoMacro) {
  for (const char* text : {"%", "%a", "%(d)", "%{", "%{}", "%{d", "%{d0}", "%{d00}", "%{dx}", "%{d2rr}",
                           "%{dr2}", "%{d.2}", "%{a}", "\x01", "\x7f", "\xC3\xA9", "% ", "%{ d}"})
    EXPECT_FALSE(parse_macro_string(text, MacroPlace::explanation)) << text;
  EXPECT_FALSE(parse_macro_string(std::string_view("a\0b", 3), MacroPlace::explanation));
  EXPECT_FALSE(parse_macro_string(std::string_view("%{\0}", 4), MacroPlace::explanation));
}

TEST(SpfMacro, TellsWhichMacrosAreThere) {
  const auto text = parse_macro_string("%{P2}.example.com", MacroPlace::record).value();
  EXPECT_TRUE(text.uses('p'));
  EXPECT_FALSE(text.uses('e'));
}

TEST(SpfMacro, StopsAnExpansionThatGrows) {
  const std::string local(64, 'a');
  MacroValues odd = values();
  odd.local = local;
  std::string text;
  for (int i = 0; i < 128; ++i) text += "%{l}";
  EXPECT_EQ(expanded(text, odd).size(), kMaxExpansion);
  EXPECT_EQ(expanded(text + "a", odd), "too long");
}

TEST(SpfDomainSpec, EndsInAMacroOrATopLevelLabel) {
  for (const char* text :
       {"example.com", "example.com.", "%{d}", "%{d}.com", "_spf.%{d2}", "a%%", "foo:bar/baz.example.com",
        "foo.xn--zckzah", "a.1-2", ".com", "a..com", "%{d2}.a-b"})
    EXPECT_TRUE(parse_domain_spec(text)) << text;
  for (const char* text : {"", "museum", "museum.", "%{d}com", "%{d}.", "abc.123", "1.2.3.4", "a.-b", "a.b-",
                           "a.b:25", "a.com/24", "a.c%{d}m", "2001:db8::1"})
    EXPECT_FALSE(parse_domain_spec(text)) << text;
  EXPECT_NE(parse_domain_spec("192.0.2.1").error().find("ip4:"), std::string::npos);
}

TEST(SpfDomainSpec, LosesLabelsAtTheLeftWhereTheNameIsTooLong) {
  const std::string local(60, 'a');
  MacroValues odd = values();
  odd.local = local;
  const auto spec = parse_domain_spec("first.%{l}.%{l}.%{l}.%{l}.b.%{d}.example.org.").value();
  EXPECT_EQ(expand_domain(spec, odd), local + '.' + local + '.' + local + ".b.email.example.com.example.org");
  EXPECT_EQ(expand_domain(parse_domain_spec("%{d}.org.").value(), odd), "email.example.com.org");
}

}  // namespace
}  // namespace postrider::wire::spf
