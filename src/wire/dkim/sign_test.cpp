#include "wire/dkim/sign.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "wire/dkim/tag_writer.hpp"
#include "wire/dkim/testing/trial.hpp"

namespace postrider::wire::dkim {
namespace {

using namespace testing;
using ::testing::ElementsAre;

constexpr std::string_view kMessage =
    "From: Joe SixPack <joe@football.example.com>\r\n"
    "To: Suzie Q <suzie@shopping.example.net>\r\n"
    "Subject: Is dinner ready?\r\n"
    "Date: Fri, 11 Jul 2003 21:00:37 -0700 (PDT)\r\n"
    "Message-ID: <20030712040037.46341.5F8J@football.example.com>\r\n"
    "\r\n"
    "Hi.\r\n";

std::size_t longest_line(std::string_view text) {
  std::size_t longest = 0;
  while (!text.empty()) {
    const std::size_t end = text.find("\r\n");
    longest = std::max(longest, end);
    text.remove_prefix(end + 2);
  }
  return longest;
}

TEST(DkimSign, WritesOneFieldForEachKeyTheSameEachTime) {
  const Signing signing{.now = base::UtcTime(std::chrono::seconds(1528637909)),
                        .good_for = std::chrono::days(7)};
  const std::string message = signed_by(kMessage, {brisbane(), test()}, signing);
  const std::string head = message.substr(0, message.find("From: Joe"));
  EXPECT_EQ(head.substr(0, head.find(" b=") + 3),
            "DKIM-Signature: v=1; a=ed25519-sha256; c=relaxed/relaxed;\r\n"
            "\td=football.example.com; s=brisbane; t=1528637909; x=1529242709; h=From:From\r\n"
            "\t:To:To:Cc:Subject:Subject:Date:Date:Reply-To:Message-ID:Message-ID\r\n"
            "\t:In-Reply-To:References:MIME-Version:Content-Type:Content-Transfer-Encoding;\r\n"
            "\tbh=UrA8rmgY3eNBotmDWtzAmHyn5RyZv8Gea45sNGsP0zw=; b=");
  EXPECT_LE(longest_line(head), 78u);
  EXPECT_EQ(message, signed_by(kMessage, {brisbane(), test()}, signing));
  EXPECT_THAT(results(verify(message, records_of({brisbane(), test()}), signing.now)),
              ElementsAre(Result::pass, Result::pass));
}

TEST(DkimSign, ChoosesFieldsOnceMoreThanTheyAreThere) {
  const auto names =
      fields_to_sign(HeaderIndex("Cc: a\r\nList-Id: b\r\nSender: c\r\nX-Other: d\r\nReceived: e\r\n"));
  EXPECT_THAT(names, ElementsAre("From", "To", "Cc", "Cc", "Subject", "Date", "Reply-To", "Message-ID",
                                 "In-Reply-To", "References", "MIME-Version", "Content-Type",
                                 "Content-Transfer-Encoding", "List-Id", "Sender"));
  std::string many;
  for (int i = 0; i < 100; ++i) many += "To: x\r\nResent-To: x\r\n";
  const auto bounded = fields_to_sign(HeaderIndex(many));
  EXPECT_EQ(std::ranges::count(bounded, "To"), 16);
  EXPECT_EQ(std::ranges::count(bounded, "Resent-To"), 16);
}

TEST(DkimSign, SignsMoreFieldsWhereThatIsWished) {
  const std::vector<std::string> also{"Feedback-ID", "X-Absent", "subject", "sender"};
  const HeaderIndex header("Sender: s\r\nFeedback-Id: a\r\nFeedback-ID: b\r\n");
  const auto names = fields_to_sign(header, also);
  EXPECT_EQ(std::ranges::count(names, "Feedback-ID"), 2);
  EXPECT_EQ(std::ranges::count(names, "X-Absent"), 0);
  EXPECT_EQ(names.size(), fields_to_sign(header).size() + 2);
  const std::string message = signed_by("Feedback-ID: a\r\nFrom: joe@football.example.com\r\n\r\n",
                                        {brisbane()}, {.now = {}, .also = also});
  EXPECT_THAT(results(verify(message, records_of({brisbane()}))), ElementsAre(Result::pass));
  std::string other = message;
  other.replace(other.find("ID: a"), 5, "ID: b");
  EXPECT_THAT(results(verify(other, records_of({brisbane()}))), ElementsAre(Result::fail));
  const std::vector<std::string> many(40, "Feedback-ID");
  EXPECT_LE(fields_to_sign(header, many).size(), kMaxSignedFields);
}

// RFC 6376 8.15
TEST(DkimSign, LetsNoFieldBeAdded) {
  const std::string message = signed_by(kMessage, {brisbane()});
  for (const std::string name : {"From", "Subject", "Reply-To", "Content-Type"}) {
    for (const std::size_t place :
         {std::size_t{0}, message.find("From: Joe"), message.find("\r\n\r\n") + 2}) {
      std::string other = message;
      other.insert(place, name + ": other\r\n");
      EXPECT_THAT(results(verify(other, records_of({brisbane()}))), ElementsAre(Result::fail)) << name;
    }
  }
}

TEST(DkimSign, SignsMessagesOfEveryKind) {
  std::string long_body;
  for (int i = 0; i < 20000; ++i) long_body += "Line  " + std::to_string(i) + " \r\n";
  const std::string header =
      "From: a@football.example.com\r\nSubject:\r\n \tfolded \xc3\xa4\r\n  twice \r\nSUBJECT: x\r\n";
  for (const std::string& message :
       {header, header + "\r\n", header + "\r\n\r\n\r\n", header + "\r\na", header + "\r\n \r\n\t\r\n",
        header + "\r\n\xff\xfe\r\n.\r\n", header + "\r\n" + long_body, header.substr(0, header.size() - 2)}) {
    for (const auto of_header : {Canonicalization::simple, Canonicalization::relaxed}) {
      for (const auto of_body : {Canonicalization::simple, Canonicalization::relaxed}) {
        const std::string with =
            signed_by(message, {brisbane(), test()}, {.header = of_header, .body = of_body, .now = {}});
        EXPECT_THAT(results(verify(with, records_of({brisbane(), test()}))),
                    ElementsAre(Result::pass, Result::pass))
            << message.substr(0, 200);
      }
    }
  }
}

TEST(DkimTagWriter, FoldsWhereItCan) {
  TagWriter writer("X");
  writer.tag("a", std::string(100, 'a'));
  writer.colon_tag("h", "Short:" + std::string(70, 'n') + ":End");
  writer.base64_tag("b", std::string(100, 'b'));
  writer.tag("c", "d");
  EXPECT_EQ(std::move(writer).finish(),
            "X:\r\n\ta=" + std::string(100, 'a') + ";\r\n\th=Short\r\n\t:" + std::string(70, 'n') +
                ":End;\r\n\tb=" + std::string(74, 'b') + "\r\n\t" + std::string(26, 'b') + "; c=d\r\n");
}

}  // namespace
}  // namespace postrider::wire::dkim
