// What the DNS and the headers of strangers hold is read at a cost that their authors can't raise.
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <array>
#include <cstdint>
#include <functional>
#include <limits>
#include <random>
#include <string>
#include <string_view>

#include "wire/authres/authres.hpp"
#include "wire/dkim/key_record.hpp"
#include "wire/dkim/signature.hpp"
#include "wire/dmarc/record.hpp"
#include "wire/spf/record.hpp"

namespace postrider::wire {
namespace {

constexpr std::size_t kLongest = 4096;  // as the cache of DNS answers keeps them

struct Grammar {
  std::string_view sample;
  std::function<bool(std::string_view)> reads;
};

const std::array kGrammars = {
    Grammar{"v=spf1 ip4:192.0.2.0/24 a:%{d1r-.}.example mx/24//64 include:%{ir}._spf.example.com "
            "exists:%{l1r+-}.%{i}.x.example redirect=_spf.example exp=explain._spf.%{d} ?all",
            [](std::string_view text) { return spf::parse_record(text).has_value(); }},
    Grammar{"v=DMARC1; p=reject; sp=quarantine; np=none; rua=mailto:a@example.com!10m,mailto:b@example.net; "
            "adkim=s; aspf=r; fo=1:d:s; t=y; psd=n",
            [](std::string_view text) { return dmarc::parse_record(text).has_value(); }},
    Grammar{"v=DKIM1; k=rsa; h=sha256:sha1; t=s:y; s=email:*; n=note=20here; "
            "p=MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQ",
            [](std::string_view text) { return dkim::parse_key_record(text).has_value(); }},
    Grammar{"v=1; a=rsa-sha256; c=relaxed/simple; d=example.com; s=mail; t=1117574938; x=1118006938; l=10; "
            "i=@sub.example.com; h=From:To:Subject:Date; bh=MTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTI=; "
            "b=dzdVyOfA",
            [](std::string_view text) { return dkim::parse_signature(text).has_value(); }},
    Grammar{"mx.example.org 1; dkim=pass (good) reason=\"2048 bits\" header.d=example.com header.b=abc; "
            "spf=fail smtp.mailfrom=a@example.com; arc=none",
            [](std::string_view text) { return authres::parse(text).has_value(); }},
};

// Pieces of the sample moved, doubled, left out, and octets changed; now and then as long as it gets.
std::string spoilt(std::string_view sample, std::mt19937& random) {
  std::string text(sample);
  const auto below = [&random](std::size_t most) { return random() % most; };
  for (auto changes = 1 + below(4); changes > 0; --changes) {
    const std::size_t at = below(text.size() + 1);
    switch (below(4)) {
      case 0:
        text.insert(at, 1, static_cast<char>(random()));
        break;
      case 1:
        text.erase(at, below(8));
        break;
      case 2:
        text.insert(at, sample.substr(below(sample.size()), below(40)));
        break;
      default:
        if (at < text.size()) text[at] = static_cast<char>(random());
    }
  }
  if (below(100) == 0)
    while (text.size() < kLongest) text += text.substr(below(text.size()));
  text.resize(std::min(text.size(), kLongest));
  return text;
}

double cpu_seconds(const rusage& usage) {
  return static_cast<double>(usage.ru_utime.tv_sec) + static_cast<double>(usage.ru_utime.tv_usec) / 1e6;
}

// Of the process, in KiB. A sanitizer's allocator keeps what was freed.
#ifdef __has_feature
#if __has_feature(address_sanitizer)
#define POSTRIDER_ASAN
#endif
#endif
#ifdef POSTRIDER_ASAN
constexpr long kMostMemory = std::numeric_limits<long>::max();
#else
constexpr long kMostMemory = 32 * 1024;
#endif

TEST(HostileRecords, AMillionCostBoundedTimeAndMemory) {
  constexpr int kEach = 200'000;
  rusage before{}, after{};
  getrusage(RUSAGE_SELF, &before);
  std::mt19937 random(6376);
  for (const Grammar& grammar : kGrammars) {
    EXPECT_TRUE(grammar.reads(grammar.sample)) << grammar.sample;
    int read = 0;
    for (int i = 0; i < kEach; ++i) read += grammar.reads(spoilt(grammar.sample, random));
    // Else they would all end at the first octet, and cost nothing.
    EXPECT_GT(read, kEach / 100) << grammar.sample;
    EXPECT_LT(read, kEach) << grammar.sample;
  }
  getrusage(RUSAGE_SELF, &after);
  EXPECT_LT(cpu_seconds(after) - cpu_seconds(before), 120)
      << "s: more than 0.1 ms for one, even with sanitizers";
  EXPECT_LT(after.ru_maxrss - before.ru_maxrss, kMostMemory) << "KiB";
}

}  // namespace
}  // namespace postrider::wire
