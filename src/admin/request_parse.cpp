#include <boost/json/parse.hpp>
#include <charconv>
#include <limits>

#include "admin/members.hpp"
#include "admin/request.hpp"

namespace postrider::admin {
namespace {

using boost::json::object;
using store::Suspension;

constexpr std::int64_t kLongest = 100LL * 366 * 86'400'000;  // ms: a hundred years
constexpr std::size_t kTextBytes = 512;                      // an address; a domain

base::Result<base::MessageId> parse_id(std::string_view text) {
  if (const auto id = base::MessageId::parse(text)) return *id;
  return base::permanent({5, 5, 4}, "a message's id has 13 letters and digits");
}

base::Result<store::RecipientId> parse_place(std::string_view text) {
  const auto slash = text.find('/');
  const auto id = parse_id(text.substr(0, slash));
  std::uint32_t index = 0;
  if (id && slash != std::string_view::npos) {
    const char* end = text.data() + text.size();
    const auto read = std::from_chars(text.data() + slash + 1, end, index);
    if (read.ec == std::errc() && read.ptr == end) return store::RecipientId{*id, index};
  }
  return base::permanent({5, 5, 4}, "a place is a message's id, a slash and a number");
}

std::optional<base::Milliseconds> age(Members& members, std::string_view name) {
  const auto value = members.number(name, 0, kLongest);
  return value ? std::optional(base::Milliseconds(*value)) : std::nullopt;
}

enum class Everything : std::uint8_t { must_be_said, goes_without_saying };

store::Selection read_selection(Members& request, Everything everything) {
  store::Selection selection;
  const object empty;
  const auto* given = request.object("selection");
  Members members(given ? *given : empty);
  selection.message = members.parsed<base::MessageId>("message", kTextBytes, parse_id);
  selection.sender = members.parsed<std::string>("sender", kTextBytes, parse_pattern);
  selection.recipient = members.parsed<std::string>("recipient", kTextBytes, parse_pattern);
  for (const auto& each :
       members.texts("destinations", kTextBytes, kMostDestinations).value_or(std::vector<std::string>())) {
    auto destination = parse_destination(each);
    if (!destination) members.fault("\"destinations\": " + destination.error().text);
    if (destination) selection.destinations.push_back(std::move(*destination));
  }
  selection.older_than = age(members, "older_than_ms");
  selection.younger_than = age(members, "younger_than_ms");
  if (const auto word = members.word("state", {"waiting", "held", "untold"}))
    selection.state = static_cast<mail::RecipientState>(*word + 1);
  const bool all = members.flag("everything");
  members.finish();
  if (members.failure()) request.fault("selection: " + members.failure()->text);
  if (all && !selection.everything()) request.fault("selection: everything, and yet not everything");
  if (!all && selection.everything() && everything == Everything::must_be_said)
    request.fault("nothing is selected; all of the queue is \"selection\":{\"everything\":true}");
  return selection;
}

std::size_t read_limit(Members& members, std::size_t otherwise) {
  const auto limit = members.number("limit", 1, kPage);
  return limit ? static_cast<std::size_t>(*limit) : otherwise;
}

Request read_list(Members& members) {
  return ListRequest{.selection = read_selection(members, Everything::goes_without_saying),
                     .after = members.parsed<store::RecipientId>("after", kTextBytes, parse_place),
                     .limit = read_limit(members, ListRequest().limit)};
}

Request read_change(Members& members) {
  ChangeRequest request;
  members.need("change");
  if (const auto word = members.word("change", {"retry", "hold", "release", "bounce", "remove"}))
    request.change = static_cast<queue::Change>(*word);
  request.selection = read_selection(members, Everything::must_be_said);
  request.after = members.parsed<store::RecipientId>("after", kTextBytes, parse_place);
  request.before = members.parsed<base::MessageId>("before", kTextBytes, parse_id);
  request.limit = read_limit(members, kPage);
  request.reason = members.text("reason", kReasonBytes).value_or("");
  request.dry_run = members.flag("dry_run");
  return request;
}

Request read_show(Members& members) {
  members.need("message");
  const auto id = members.parsed<base::MessageId>("message", kTextBytes, parse_id);
  return ShowRequest{id.value_or(base::MessageId())};
}

Request read_suspend(Members& members) {
  SuspendRequest request;
  members.need("what");
  const auto word = members.word("what", {"all", "destination", "site", "sender"});
  if (word) request.suspension.what = static_cast<Suspension::What>(*word + 1);
  auto pattern = parse_suspended(request.suspension.what, members.text("pattern", kSiteBytes).value_or(""));
  if (!pattern) members.fault("\"pattern\": " + pattern.error().text);
  if (pattern) request.suspension.pattern = std::move(*pattern);
  request.suspension.reason = members.text("reason", kReasonBytes).value_or("");
  if (const auto ms = members.number("for_ms", 1, kLongest)) request.lasting = base::Milliseconds(*ms);
  return request;
}

Request read_resume(Members& members) {
  members.need("suspension");
  const auto id = members.number("suspension", 1, std::numeric_limits<std::int64_t>::max());
  return ResumeRequest{static_cast<std::uint64_t>(id.value_or(0))};
}

Request read_destinations(Members& members) {
  members.need("site");
  return DestinationsRequest{members.text("site", kSiteBytes).value_or("")};
}

Request read_unban(Members& members) {
  const bool everything = members.flag("everything");
  std::string what = members.text("what", kBannedBytes).value_or("");
  if (what.empty() != everything) members.fault("one of \"what\" and \"everything\" is needed");
  return UnbanRequest{std::move(what)};
}

Request read(Members& members) {
  members.need("do");
  const auto word = members.word("do", {"list", "change", "show", "suspend", "suspensions", "resume", "sites",
                                        "destinations", "bans", "unban", "metrics"});
  switch (word.value_or(0)) {
    case 1:
      return read_change(members);
    case 2:
      return read_show(members);
    case 3:
      return read_suspend(members);
    case 4:
      return SuspensionsRequest{};
    case 5:
      return read_resume(members);
    case 6:
      return SitesRequest{};
    case 7:
      return read_destinations(members);
    case 8:
      return BansRequest{};
    case 9:
      return read_unban(members);
    case 10:
      return MetricsRequest{};
    default:
      return read_list(members);
  }
}

}  // namespace

base::Result<Request> parse_request(std::string_view line) {
  boost::system::error_code error;
  const auto value = boost::json::parse({line.data(), line.size()}, error);
  if (error) return base::permanent({5, 5, 2}, "no JSON: " + error.message());
  if (!value.is_object()) return base::permanent({5, 5, 2}, "a request is a JSON object");
  Members members(value.get_object());
  Request request = read(members);
  members.finish();
  if (members.failure()) return std::unexpected(*members.failure());
  return request;
}

}  // namespace postrider::admin
