#include "store/address_blocks.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "store/address_hash.hpp"

namespace postrider::store {
namespace {

AddressEntry entry(std::int64_t hash, std::int64_t message) { return {hash, base::MessageId{message}}; }

// All blocks, read again.
std::vector<AddressEntry> through_blocks(std::span<const AddressEntry> entries,
                                         std::vector<std::size_t>& sizes) {
  std::vector<AddressEntry> read;
  while (!entries.empty()) {
    const std::int64_t first = entries.front().hash;
    const std::string block = take_block(entries);
    sizes.push_back(block.size());
    EXPECT_TRUE(read_block(first, block, read));
  }
  return read;
}

TEST(AddressBlocks, GiveBackWhatTheyWereGivenAndFillAPage) {
  std::vector<AddressEntry> entries;
  const std::int64_t base = std::int64_t{1'800'000'000'000} << 21;
  for (std::int64_t i = 0; i < 5000; ++i)
    entries.push_back(entry(i * 1'000'000'007, base + (i * 7919) % 5000));
  std::ranges::sort(entries);
  std::vector<std::size_t> sizes;
  EXPECT_EQ(through_blocks(entries, sizes), entries);
  ASSERT_GT(sizes.size(), 5u);
  sizes.pop_back();
  EXPECT_GE(std::ranges::min(sizes), 3950u);
  EXPECT_LE(std::ranges::max(sizes), 4000u);
}

TEST(AddressBlocks, KeepAllMessagesOfOneAddressTogether) {
  std::vector<AddressEntry> entries = {entry(1, 50)};
  for (std::int64_t i = 0; i < 10'000; ++i) entries.push_back(entry(2, 100 + i));
  entries.push_back(entry(3, 5));
  std::vector<std::size_t> sizes;
  EXPECT_EQ(through_blocks(entries, sizes), entries);
  EXPECT_EQ(sizes.size(), 2u);
}

TEST(AddressBlocks, RefuseDamage) {
  const std::vector<AddressEntry> entries = {entry(1, 50), entry(9, 1000)};
  std::span<const AddressEntry> rest = entries;
  const std::string block = take_block(rest);
  std::vector<AddressEntry> read;
  EXPECT_FALSE(read_block(1, block.substr(0, block.size() - 1), read));
  EXPECT_FALSE(read_block(1, "", read));
  EXPECT_FALSE(read_block(INT64_MAX, std::string_view("\x01\x01\x01\x01", 4), read));
}

TEST(AddressBlocks, MergeKeepsTheOrderAndEachEntryOnce) {
  const std::vector<AddressEntry> merged =
      merge_entries({{entry(1, 1), entry(4, 1)}, {entry(2, 9)}, {entry(1, 1), entry(1, 2), entry(5, 5)}});
  const std::vector<AddressEntry> expected = {entry(1, 1), entry(1, 2), entry(2, 9), entry(4, 1),
                                              entry(5, 5)};
  EXPECT_EQ(merged, expected);
  EXPECT_TRUE(merge_entries({}).empty());
}

TEST(AddressHash, IsTheSameForEitherCaseAndAnotherForAnotherKey) {
  const HashKey key{1, 2};
  EXPECT_EQ(address_hash(key, "Alice@Example.COM"), address_hash(key, "alice@example.com"));
  EXPECT_NE(address_hash(key, "alice@example.com"), address_hash(key, "alice@example.con"));
  EXPECT_NE(address_hash(key, "alice@example.com"), address_hash({1, 3}, "alice@example.com"));
  EXPECT_NE(address_hash(key, ""), address_hash(key, std::string_view("\0", 1)));
  EXPECT_EQ(address_hash(key, "alice@example.com") >> kHashBits, 0);
}

}  // namespace
}  // namespace postrider::store
