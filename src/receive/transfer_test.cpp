#include "receive/transfer.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "receive/testing/house.hpp"
#include "wire/dkim/testing/trial.hpp"

namespace postrider::receive {
namespace {

using wire::dkim::BodyForm;
using wire::dkim::BodyHasher;
using wire::dkim::Canonicalization;
using wire::dkim::Digest;

constexpr const char* kConfig = R"(
hostname = "mx.test"
data_dir = "DATA"
[[listener]]
address = "127.0.0.1:2525"
)";
constexpr BodyForm kSimple{.canonicalization = Canonicalization::simple, .length = {}};
constexpr BodyForm kRelaxed{.canonicalization = Canonicalization::relaxed, .length = {}};

struct Hashes {
  Digest simple, relaxed;
  bool operator==(const Hashes&) const = default;
};

Hashes hashes_of(std::string_view body) {
  BodyHasher bodies;
  const auto simple = bodies.want(kSimple);
  const auto relaxed = bodies.want(kRelaxed);
  bodies.feed(body);
  bodies.finish();
  return {bodies.hash(simple).digest, bodies.hash(relaxed).digest};
}

struct TransferTest : ::testing::Test {
  testing::House house{kConfig};
  std::vector<std::string> headers;  // that when_header() was told

  Transfer open(LineEnds line_ends = LineEnds::strict) {
    return Transfer(house.config().limits, *house.services().queue.open_draft(), line_ends);
  }
  // As BDAT, in pieces of `piece` octets.
  Hashes chunks(std::string_view message, std::size_t piece, LineEnds line_ends = LineEnds::strict) {
    Transfer transfer = open(line_ends);
    const auto simple = transfer.bodies().want(kSimple);
    std::size_t relaxed = 0;
    transfer.when_header([&](std::string_view header) {
      headers.emplace_back(header);
      relaxed = transfer.bodies().want(kRelaxed);
    });
    for (; !message.empty(); message.remove_prefix(std::min(piece, message.size())))
      transfer.take_chunk(message.substr(0, piece));
    transfer.finish_chunks();
    EXPECT_FALSE(transfer.refusal());
    return {transfer.bodies().hash(simple).digest, transfer.bodies().hash(relaxed).digest};
  }
};

TEST_F(TransferTest, HashesTheBodyWhereverThePiecesWereCut) {
  const std::string header = "Subject: x\r\n y\r\nFrom: a@b.test\r\n";
  const std::string body = "One  line \r\n\r\n.dot\r\n" + std::string(9000, 'x') + "\r\n\r\n\r\n";
  const auto wanted = hashes_of(body);
  for (const std::size_t piece : {1uz, 2uz, 3uz, 7uz, 31uz, 33uz, 34uz, 35uz, 4096uz, 100000uz})
    EXPECT_EQ(chunks(header + "\r\n" + body, piece), wanted) << piece;
  EXPECT_THAT(headers, ::testing::Each(header));
  EXPECT_EQ(headers.size(), 10u);
}

TEST_F(TransferTest, HashesAnEmptyBodyAndOneWithoutAHeader) {
  for (const std::size_t piece : {1uz, 5uz, 1000uz}) {
    EXPECT_EQ(chunks("Subject: x\r\n", piece), hashes_of(""));
    EXPECT_EQ(chunks("Subject: x\r\n\r\n", piece), hashes_of(""));
    EXPECT_EQ(chunks("No header at all, but words\r\n", piece), hashes_of("No header at all, but words\r\n"));
    EXPECT_EQ(chunks("Half\r\n", piece), hashes_of("Half\r\n"));
  }
  EXPECT_EQ(headers.size(), 12u);
}

TEST_F(TransferTest, HashesWhatIsKeptOfRepairedLineEnds) {
  for (const std::size_t piece : {1uz, 4uz, 1000uz})
    EXPECT_EQ(chunks("Subject: x\n\nOne\nTwo\r\n", piece, LineEnds::repaired), hashes_of("One\r\nTwo\r\n"));
}

TEST_F(TransferTest, HashesDataWithoutItsDots) {
  Transfer transfer = open();
  const auto simple = transfer.bodies().want(kSimple);
  std::string_view input = "Subject: x\r\n\r\n..one\r\ntwo\r\n.\r\nQUIT\r\n";
  const auto taken = transfer.take_data(input);
  EXPECT_TRUE(taken.ended);
  EXPECT_EQ(transfer.bodies().hash(simple).digest, hashes_of(".one\r\ntwo\r\n").simple);
}

TEST_F(TransferTest, TellsWhatOurSignaturesAreMadeOf) {
  const auto facts_of = [&](std::string_view message, bool wanted) {
    Transfer transfer = open();
    if (wanted) transfer.want_signatures();
    transfer.take_chunk(message);
    transfer.finish_chunks();
    const auto facts = transfer.facts();
    if (facts) headers.emplace_back(facts->header);
    return facts;
  };
  const auto facts = facts_of("A: 1\r\nB: 2\r\n\r\nOne  line \r\n", true);
  ASSERT_TRUE(facts);
  EXPECT_EQ(headers.back(), "A: 1\r\nB: 2\r\n");
  EXPECT_EQ(facts->body_hash, hashes_of("One  line \r\n").relaxed);
  EXPECT_EQ(facts_of("A: 1\r\n\r\nx\r\n", false)->body_hash, std::nullopt);
  EXPECT_FALSE(facts_of("words without a header\r\n", true));
}

TEST_F(TransferTest, BeginsNothingForContentThatIsRefusedBefore) {
  Transfer transfer = open();
  transfer.when_header([](std::string_view) { FAIL(); });
  transfer.take_chunk("Subject: bare \n line\r\n\r\nBody\r\n");
  transfer.finish_chunks();
  EXPECT_TRUE(transfer.refusal());
}

}  // namespace
}  // namespace postrider::receive
