#include "wire/dmarc_report/archive.hpp"

#include <gtest/gtest.h>

#include "base/ascii.hpp"
#include "wire/mime/hex.hpp"

namespace postrider::wire::dmarc_report {
namespace {

std::string from_hex(std::string_view digits) {
  std::string out;
  for (std::size_t at = 0; at + 1 < digits.size(); at += 2)
    out += *mime::hex_octet("=" + std::string(digits.substr(at, 2)), 0);
  return out;
}

// As Info-ZIP's zip makes it: report.xml with "<feedback/>", stored.
const std::string kStored = from_hex("504b03040a00000000006b6c7a5d") + from_hex("61a2a9a4") +
                            from_hex("0b0000000b0000000a000000") + "report.xml<feedback/>";

struct Unpacked {
  std::string content, fault;
};

Unpacked unpacked(std::string_view packed, std::size_t most = 100u << 20) {
  Unpacked out;
  const auto result = unpack(packed, [&](std::string_view piece) {
    EXPECT_LE(piece.size(), 64u << 10);
    out.content += piece;
    return out.content.size() < most;
  });
  if (!result) out.fault = result.error().text;
  return out;
}

std::string noise(std::size_t size) {
  std::string out(size, '\0');
  std::uint32_t state = 1;
  for (char& c : out) c = static_cast<char>((state = state * 1664525 + 1013904223) >> 24);
  return out;
}

TEST(DmarcArchive, GivesBackWhatGzipPacked) {
  for (const std::string& content : {std::string(), std::string("<feedback/>"), noise(300'000)}) {
    const auto out = unpacked(gzip(content));
    EXPECT_EQ(out.fault, "");
    EXPECT_EQ(out.content, content);
  }
  EXPECT_EQ(unpacked(gzip("one ") + gzip("two") + "and more").content, "one two");
  EXPECT_EQ(unpacked("<feedback/>").content, "<feedback/>");
}

TEST(DmarcArchive, KnowsACutOrDamagedGzip) {
  const std::string packed = gzip(noise(10'000));
  EXPECT_EQ(unpacked(packed.substr(0, 5000)).fault, "the archive is cut off");
  std::string damaged = packed;
  damaged[damaged.size() - 6] ^= 1;  // the checksum
  EXPECT_EQ(unpacked(damaged).fault, "the archive is damaged");
  EXPECT_EQ(unpacked("\x1F\x8B").fault, "the archive is cut off");
}

TEST(DmarcArchive, StopsWhereNoMoreIsWanted) {
  const auto out = unpacked(gzip(noise(1'000'000)), 1000);
  EXPECT_EQ(out.fault, "");
  EXPECT_LE(out.content.size(), 64u << 10);
}

TEST(DmarcArchive, RefusesWhatExpandsBeyondReason) {
  const auto out = unpacked(gzip(std::string(50u << 20, 'x')));
  EXPECT_EQ(out.fault, "the archive expands to more than 250 times its size");
  EXPECT_LT(out.content.size(), 16u << 20);
  EXPECT_EQ(unpacked(std::string((16u << 20) + 1, '<')).fault, "the report is larger than 16 MiB");
}

TEST(DmarcArchive, ReadsTheFirstFileOfAZip) {
  std::string stored = kStored;
  // Its checksum, little end first.
  const auto crc = [&] {
    const std::string packed = gzip("<feedback/>");
    return packed.substr(packed.size() - 8, 4);
  }();
  stored.replace(14, 4, crc);
  EXPECT_EQ(unpacked(stored).content, "<feedback/>");
  EXPECT_EQ(unpacked(kStored).fault, "the archive is damaged");

  // gzip's deflate stream stands between a header of 10 and a trailer of 8 octets.
  const std::string packed = gzip("<feedback/>");
  const std::string deflated = packed.substr(10, packed.size() - 18);
  std::string zip = stored.substr(0, 40) + deflated;
  zip[8] = 8;
  zip[18] = static_cast<char>(deflated.size());
  EXPECT_EQ(unpacked(zip).content, "<feedback/>");

  std::string behind = zip + "PK\x07\x08" + crc;
  behind[6] = 8;
  behind.replace(14, 8, std::string(8, '\0'));
  EXPECT_EQ(unpacked(behind).content, "<feedback/>");
  EXPECT_EQ(unpacked(behind).fault, "");
  behind.back() ^= 1;
  EXPECT_EQ(unpacked(behind).fault, "the archive is damaged");

  std::string folder = stored.substr(0, 40);
  folder[39] = '/';
  folder.replace(14, 12, std::string(12, '\0'));
  EXPECT_EQ(unpacked(folder + zip).content, "<feedback/>");
}

TEST(DmarcArchive, RefusesWhatIsNoGoodZip) {
  EXPECT_EQ(unpacked("PK\x05\x06").fault, "the archive has no file in it");
  EXPECT_EQ(unpacked(kStored.substr(0, 20)).fault, "the archive is cut off");
  EXPECT_EQ(unpacked(kStored.substr(0, 45)).fault, "the archive is cut off");
  std::string encrypted = kStored;
  encrypted[6] = 1;
  EXPECT_EQ(unpacked(encrypted).fault, "the archive is encrypted");
  std::string unknown = kStored;
  unknown[8] = 12;
  EXPECT_EQ(unpacked(unknown).fault, "the archive is packed in a way that is not known here");
  std::string folder = kStored.substr(0, 40);
  folder[39] = '/';
  folder.replace(18, 4, std::string(4, '\0'));
  std::string folders;
  for (int i = 0; i < 30; ++i) folders += folder;
  EXPECT_EQ(unpacked(folders).fault, "the archive has too many entries without a report");
}

}  // namespace
}  // namespace postrider::wire::dmarc_report
