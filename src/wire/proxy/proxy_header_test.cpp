#include "wire/proxy/proxy_header.hpp"

#include <gtest/gtest.h>

#include <string>

namespace postrider::wire::proxy {
namespace {

using namespace std::string_literals;

const std::string kSignature("\r\n\r\n\0\r\nQUIT\n", 12);

// "source:port > destination:port consumed", or the fault.
std::string told(std::string_view input) {
  const auto parsed = parse_header(input);
  if (!parsed) return parsed.error() == ProxyFault::need_more ? "more" : "malformed";
  const auto text = [](const std::optional<Endpoint>& end) {
    return end ? end->address.to_string() + ':' + std::to_string(end->port) : "-";
  };
  return text(parsed->header.source) + " > " + text(parsed->header.destination) + ' ' +
         std::to_string(parsed->consumed);
}

TEST(ProxyHeader, OfVersionOneIsALine) {
  EXPECT_EQ(told("PROXY TCP4 192.0.2.1 192.0.2.2 56324 25\r\nEHLO a\r\n"),
            "192.0.2.1:56324 > 192.0.2.2:25 41");
  EXPECT_EQ(told("PROXY TCP6 2001:db8::1 ::1 1 65535\r\n"), "2001:db8::1:1 > ::1:65535 36");
  EXPECT_EQ(told("PROXY TCP6 ::ffff:192.0.2.1 ::1 1 2\r\n"), "192.0.2.1:1 > ::1:2 37");
  EXPECT_EQ(told("PROXY UNKNOWN\r\n"), "- > - 15");
  EXPECT_EQ(told("PROXY UNKNOWN what ever\r\n"), "- > - 25");
}

TEST(ProxyHeader, OfVersionOneIsRefusedWhereMalformed) {
  for (const auto* bad :
       {"PROXY TCP4 192.0.2.1 192.0.2.2 56324\r\n", "PROXY TCP4 192.0.2.1 192.0.2.2 1 2 3\r\n",
        "PROXY  TCP4 1.2.3.4 1.2.3.4 1 2\r\n", "PROXY TCP4 ::1 ::1 1 2\r\n",
        "PROXY TCP6 1.2.3.4 1.2.3.4 1 2\r\n", "PROXY TCP4 1.2.3.4 1.2.3.4 65536 2\r\n",
        "PROXY TCP4 1.2.3.4 1.2.3.4 01 2\r\n", "PROXY TCP4 1.2.3.4 1.2.3.4 1 2\n",
        "PROXY UDP4 1.2.3.4 1.2.3.4 1 2\r\n", "PROXY TCP4 1.2.3.4 1.2.3.4 1 2\rX", "PROXY \r\n", "proxy TCP4",
        "EHLO a\r\n", "\n", "\r\n\r\r"})
    EXPECT_EQ(told(bad), "malformed") << bad;
  EXPECT_EQ(told("PROXY UNKNOWN " + std::string(91, 'x') + "\r\n"), "- > - 107");
  EXPECT_EQ(told("PROXY UNKNOWN " + std::string(92, 'x') + "\r\n"), "malformed");
  EXPECT_EQ(told("PROXY UNKNOWN " + std::string(92, 'x')), "more");
  EXPECT_EQ(told("PROXY UNKNOWN " + std::string(93, 'x')), "malformed");
}

TEST(ProxyHeader, OfVersionTwoIsABlock) {
  const auto four = kSignature + "\x21\x11\0\x0C"s + "\xC0\0\2\1\xC0\0\2\2\xDC\x04\0\x19"s;
  EXPECT_EQ(told(four + "EHLO"), "192.0.2.1:56324 > 192.0.2.2:25 28");
  const auto with_tlv = kSignature + "\x21\x11\0\x10"s + "\xC0\0\2\1\xC0\0\2\2\xDC\x04\0\x19"s + "\4\0\1x"s;
  EXPECT_EQ(told(with_tlv), "192.0.2.1:56324 > 192.0.2.2:25 32");
  const auto one = std::string(15, '\0') + '\1';
  EXPECT_EQ(told(kSignature + "\x21\x21\0\x24"s + one + one + "\0\1\0\2"s), "::1:1 > ::1:2 52");
  EXPECT_EQ(told(kSignature + "\x20\0\0\0"s), "- > - 16");
  EXPECT_EQ(told(kSignature + "\x20\x11\0\3abc"s), "- > - 19");
  EXPECT_EQ(told(kSignature + "\x21\0\0\3abc"s), "- > - 19");
  EXPECT_EQ(told(kSignature + "\x21\x31\0\xD8"s + std::string(216, '\0')), "- > - 232");
}

TEST(ProxyHeader, OfVersionTwoIsRefusedWhereMalformed) {
  const auto block = std::string(36, '\0');
  EXPECT_EQ(told(kSignature + "\x11\x11\0\x24"s + block), "malformed");  // version 1
  EXPECT_EQ(told(kSignature + "\x22\x11\0\x24"s + block), "malformed");  // command 2
  EXPECT_EQ(told(kSignature + "\x21\x12\0\x24"s + block), "malformed");  // datagrams
  EXPECT_EQ(told(kSignature + "\x21\x41\0\x24"s + block), "malformed");
  EXPECT_EQ(told(kSignature + "\x21\x11\0\x0B"s + block), "malformed");
  EXPECT_EQ(told(kSignature + "\x21\x21\0\x23"s + block), "malformed");
  EXPECT_EQ(told(kSignature + "\x21\x11\x0F\xF1"s), "malformed");  // 16 + 4,081
  EXPECT_EQ(told(kSignature + "\x21\x11\x0F\xF0"s), "more");
}

TEST(ProxyHeader, NeedsMoreAtEveryTruePrefix) {
  for (const auto& whole : {"PROXY TCP4 192.0.2.1 192.0.2.2 56324 25\r\n"s,
                            kSignature + "\x21\x11\0\x0C"s + "\xC0\0\2\1\xC0\0\2\2\xDC\x04\0\x19"s}) {
    for (std::size_t size = 0; size < whole.size(); ++size)
      EXPECT_EQ(told(whole.substr(0, size)), "more") << size;
    EXPECT_NE(told(whole), "more");
  }
}

}  // namespace
}  // namespace postrider::wire::proxy
