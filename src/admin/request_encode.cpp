#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include "admin/request.hpp"

namespace postrider::admin {
namespace {

using boost::json::object;

object encode(const store::Selection& selection) {
  object out;
  if (selection.everything()) out["everything"] = true;
  if (selection.message) out["message"] = selection.message->to_string();
  if (selection.sender) out["sender"] = *selection.sender;
  if (selection.recipient) out["recipient"] = *selection.recipient;
  if (!selection.destinations.empty())
    out["destinations"] = boost::json::array(selection.destinations.begin(), selection.destinations.end());
  if (selection.older_than) out["older_than_ms"] = selection.older_than->count();
  if (selection.younger_than) out["younger_than_ms"] = selection.younger_than->count();
  if (selection.state) out["state"] = to_string(*selection.state);
  return out;
}

void put_page(object& out, const store::Selection& selection, const Place& after, std::size_t limit) {
  out["selection"] = encode(selection);
  if (after) out["after"] = to_string(*after);
  out["limit"] = limit;
}

object encode(const ListRequest& request) {
  object out{{"do", "list"}};
  put_page(out, request.selection, request.after, request.limit);
  return out;
}

object encode(const ChangeRequest& request) {
  object out{{"do", "change"}, {"change", to_string(request.change)}};
  put_page(out, request.selection, request.after, request.limit);
  if (request.before) out["before"] = request.before->to_string();
  if (!request.reason.empty()) out["reason"] = request.reason;
  if (request.dry_run) out["dry_run"] = true;
  return out;
}

object encode(const ShowRequest& request) {
  return {{"do", "show"}, {"message", request.message.to_string()}};
}

object encode(const SuspendRequest& request) {
  const auto& what = request.suspension;
  object out{{"do", "suspend"}, {"what", to_string(what.what)}};
  const bool null_sender = what.what == store::Suspension::What::sender && what.pattern.empty();
  if (what.what != store::Suspension::What::all) out["pattern"] = null_sender ? "<>" : what.pattern;
  if (!what.reason.empty()) out["reason"] = what.reason;
  if (request.lasting) out["for_ms"] = request.lasting->count();
  return out;
}

object encode(const SuspensionsRequest&) { return {{"do", "suspensions"}}; }
object encode(const ResumeRequest& request) { return {{"do", "resume"}, {"suspension", request.suspension}}; }
object encode(const SitesRequest&) { return {{"do", "sites"}}; }
object encode(const DestinationsRequest& request) { return {{"do", "destinations"}, {"site", request.site}}; }

object encode(const BansRequest&) { return {{"do", "bans"}}; }
object encode(const MetricsRequest&) { return {{"do", "metrics"}}; }
object encode(const UnbanRequest& request) {
  if (request.what.empty()) return {{"do", "unban"}, {"everything", true}};
  return {{"do", "unban"}, {"what", request.what}};
}

}  // namespace

std::string encode(const Request& request) {
  const auto out = std::visit([](const auto& one) { return encode(one); }, request);
  return boost::json::serialize(out) + '\n';
}

}  // namespace postrider::admin
