#include "admin/request.hpp"

#include <gtest/gtest.h>

#include "admin/testing/fake_desk.hpp"

namespace postrider::admin {
namespace {

using testing::id;

std::string fault(std::string_view line) {
  const auto request = parse_request(line);
  return request ? "none" : request.error().code.to_string() + " " + request.error().text;
}

TEST(Request, ReadsEachFilterOfASelection) {
  const auto request = parse_request(
      R"({"do":"list","selection":{"message":"0000000000007","sender":"<>","recipient":".B\u00fccher.example",)"
      R"("destinations":["Example.NET","[192.0.2.1]"],"older_than_ms":7200000,"younger_than_ms":1,"state":"held"},)"
      R"("after":"0000000000003/12","limit":7})");
  ASSERT_TRUE(request) << request.error().text;
  const auto& list = std::get<ListRequest>(*request);
  EXPECT_EQ(list.selection.message, id(7));
  EXPECT_EQ(list.selection.sender, "<>");
  EXPECT_EQ(list.selection.recipient, ".xn--bcher-kva.example");
  EXPECT_EQ(list.selection.destinations, (std::vector<std::string>{"example.net", "[192.0.2.1]"}));
  EXPECT_EQ(list.selection.older_than, base::Milliseconds(7'200'000));
  EXPECT_EQ(list.selection.younger_than, base::Milliseconds(1));
  EXPECT_EQ(list.selection.state, mail::RecipientState::held);
  EXPECT_EQ(list.after, (store::RecipientId{id(3), 12}));
  EXPECT_EQ(list.limit, 7u);
}

TEST(Request, ListsAllWithoutASelectionAndChangesNothingWithoutOne) {
  EXPECT_EQ(fault(R"({"do":"list"})"), "none");
  constexpr std::string_view kRefused =
      R"(5.5.4 nothing is selected; all of the queue is "selection":{"everything":true})";
  EXPECT_EQ(fault(R"({"do":"change","change":"remove"})"), kRefused);
  EXPECT_EQ(fault(R"({"do":"change","change":"remove","selection":{"destinations":[]}})"), kRefused);
  EXPECT_EQ(fault(R"({"do":"change","change":"remove","selection":{"everything":true}})"), "none");
  EXPECT_EQ(fault(R"({"do":"change","change":"remove","selection":{"everything":true,"state":"held"}})"),
            "5.5.4 selection: everything, and yet not everything");
}

TEST(Request, ReadsWhatItWrites) {
  store::Selection selection;
  selection.sender = "\"a b\"@client.test";
  selection.state = mail::RecipientState::untold;
  store::Suspension null_sender, site;
  null_sender.what = store::Suspension::What::sender;
  site.what = store::Suspension::What::site;
  site.pattern = "mx1.example.net,mx2.example.net";
  site.reason = "they asked us to";
  const std::vector<Request> all = {ListRequest{selection, store::RecipientId{id(9), 4}, 3},
                                    ChangeRequest{.change = queue::Change::bounce,
                                                  .selection = {},
                                                  .after = {},
                                                  .before = id(12),
                                                  .reason = "spam \"x\"",
                                                  .dry_run = true},
                                    ShowRequest{id(77)},
                                    SuspendRequest{null_sender, {}},
                                    SuspendRequest{site, base::Milliseconds(5000)},
                                    SuspendRequest{{}, {}},
                                    SuspensionsRequest{},
                                    ResumeRequest{12},
                                    SitesRequest{},
                                    BansRequest{},
                                    UnbanRequest{"192.0.2.0/24"},
                                    UnbanRequest{},
                                    MetricsRequest{},
                                    DestinationsRequest{"smtp://192.0.2.1:25"}};
  for (const auto& request : all) {
    const auto line = encode(request);
    ASSERT_EQ(line.find('\n'), line.size() - 1);
    const auto again = parse_request(line);
    ASSERT_TRUE(again) << line << again.error().text;
    EXPECT_EQ(again->index(), request.index());
    EXPECT_EQ(encode(*again), line);
  }
  EXPECT_EQ(encode(all[3]), "{\"do\":\"suspend\",\"what\":\"sender\",\"pattern\":\"<>\"}\n");
}

TEST(Request, SaysWhatIsWrong) {
  EXPECT_EQ(fault("list").substr(0, 14), "5.5.2 no JSON:");
  EXPECT_EQ(fault("[1]"), "5.5.2 a request is a JSON object");
  EXPECT_EQ(fault("{}"), R"(5.5.4 "do" is missing)");
  EXPECT_EQ(
      fault(R"({"do":"lust"})"),
      R"(5.5.4 "do" is none of list, change, show, suspend, suspensions, resume, sites, destinations, bans, unban, metrics)");
  EXPECT_EQ(fault(R"({"do":"list","limit":1001})"), R"(5.5.4 "limit" is no number from 1 to 1000)");
  EXPECT_EQ(fault(R"({"do":"list","lim":1})"), R"(5.5.4 unknown member "lim")");
  EXPECT_EQ(fault("{\"do\":\"list\",\"a\\u001b[2J\":1}"), "5.5.4 unknown member");
  EXPECT_EQ(fault(R"({"do":"list","selection":{"state":"new"}})"),
            R"(5.5.4 selection: "state" is none of waiting, held, untold)");
  EXPECT_EQ(fault(R"({"do":"list","selection":{"sender":""}})"),
            R"(5.5.4 selection: "sender": empty; the null sender is written <>)");
  EXPECT_EQ(fault(R"({"do":"list","selection":{"older_than_ms":-1}})"),
            R"(5.5.4 selection: "older_than_ms" is no number from 0 to 3162240000000)");
  EXPECT_EQ(fault(R"({"do":"list","after":"0000000000003/x"})"),
            R"(5.5.4 "after": a place is a message's id, a slash and a number)");
  EXPECT_EQ(fault(R"({"do":"show","message":"7"})"),
            R"(5.5.4 "message": a message's id has 13 letters and digits)");
  EXPECT_EQ(fault(R"({"do":"suspend","what":"all","pattern":"x"})"),
            R"(5.5.4 "pattern": nothing more is to be said of all)");
  EXPECT_EQ(fault(R"({"do":"suspend","what":"site"})"),
            R"(5.5.4 "pattern": a site's name has 1 to 4000 bytes)");
  EXPECT_EQ(fault(R"({"do":"suspend","what":"all","reason":"two\nlines"})"),
            R"(5.5.4 "reason" has a control character)");
  EXPECT_EQ(fault(R"({"do":"suspend","what":"all","reason":")" + std::string(501, 'x') + "\"}"),
            R"(5.5.4 "reason" is longer than 500 bytes)");
}

TEST(Request, BoundsTheDestinationsOfASelection) {
  std::string names = "\"a.test\"";
  for (std::size_t i = 1; i < kMostDestinations; ++i) names += ",\"a.test\"";
  const auto line = [](const std::string& list) {
    return R"({"do":"list","selection":{"destinations":[)" + list + "]}}";
  };
  EXPECT_EQ(fault(line(names)), "none");
  EXPECT_EQ(fault(line(names + ",\"a.test\"")),
            R"(5.5.4 selection: "destinations" has more than 10000 entries)");
}

TEST(Request, RefusesDeepNesting) {
  EXPECT_EQ(fault(std::string(100'000, '[')).substr(0, 14), "5.5.2 no JSON:");
}

}  // namespace
}  // namespace postrider::admin
