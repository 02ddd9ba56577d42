#include "admin/answer.hpp"

#include <algorithm>
#include <boost/json/array.hpp>

#include "admin/request.hpp"
#include "base/ascii.hpp"

namespace postrider::admin {
namespace {

using boost::json::array;
using boost::json::object;

std::string reply_text(const mail::Reply& reply) {
  std::string text = std::to_string(reply.code);
  if (reply.enhanced) text += ' ' + reply.enhanced->to_string();
  if (!reply.text.empty()) text += ' ' + reply.text;
  return clean_utf8(text);
}

}  // namespace

std::string clean_utf8(std::string_view text) {
  if (base::is_utf8(text)) return std::string(text);
  std::string out;
  while (!text.empty()) {
    std::size_t length = 1;
    while (length < 4 && !base::is_utf8(text.substr(0, length))) ++length;
    if (base::is_utf8(text.substr(0, length))) {
      out += text.substr(0, length);
      text.remove_prefix(std::min(length, text.size()));
    } else {
      out += "\xEF\xBF\xBD";
      text.remove_prefix(1);
    }
  }
  return out;
}

object to_json(const mail::Outcome& outcome) {
  object out{{"action", mail::to_string(outcome.action)}, {"reply", reply_text(outcome.reply)}};
  if (!outcome.relay.empty()) out["relay"] = clean_utf8(outcome.relay);
  if (!outcome.detail.empty()) out["detail"] = clean_utf8(outcome.detail);
  out["at"] = base::to_rfc3339(outcome.at);
  return out;
}

object to_json(const store::Listed& row) {
  object out{{"id", row.id.message.to_string()},
             {"recipient", row.id.index},
             {"sender", clean_utf8(row.sender)},
             {"to", clean_utf8(row.recipient)}};
  if (row.original != row.recipient) out["original"] = clean_utf8(row.original);
  out["destination"] = row.destination;
  out["state"] = row.quarantined ? "quarantined" : to_string(row.state);
  if (row.state == mail::RecipientState::waiting) out["due"] = base::to_rfc3339(row.due);
  out["attempts"] = row.attempts;
  if (row.last) out["last"] = to_json(*row.last);
  out["received"] = base::to_rfc3339(row.received);
  out["size"] = row.size;
  return out;
}

object to_json(const store::ListedPage& page) {
  array rows;
  rows.reserve(page.rows.size());
  for (const auto& row : page.rows) rows.push_back(to_json(row));
  object out{{"rows", std::move(rows)}, {"next", nullptr}};
  if (page.next) out["next"] = to_string(*page.next);
  return out;
}

object to_json(const store::Suspension& suspension) {
  object out{{"suspension", suspension.id}, {"what", to_string(suspension.what)}};
  const bool null_sender = suspension.what == store::Suspension::What::sender && suspension.pattern.empty();
  out["pattern"] = null_sender ? "<>" : clean_utf8(suspension.pattern);
  out["until"] = nullptr;
  if (suspension.until) out["until"] = base::to_rfc3339(*suspension.until);
  out["reason"] = clean_utf8(suspension.reason);
  out["made"] = base::to_rfc3339(suspension.made);
  return out;
}

object to_json(const queue::SiteState& site) {
  object out{{"site", clean_utf8(site.name)},
             {"destinations", array(site.destinations.begin(), site.destinations.end())},
             {"running", site.running},
             {"concurrency", site.concurrency},
             {"max_concurrency", site.max_concurrency},
             {"max_per_minute", site.max_per_minute},
             {"in_memory", site.in_memory},
             {"given_up_until", nullptr}};
  if (site.given_up_until) out["given_up_until"] = base::to_rfc3339(*site.given_up_until);
  out["last_failure"] = clean_utf8(site.last_failure);
  return out;
}

object to_json(const base::Failure& failure) {
  return {{"error", object{{"code", failure.code.to_string()},
                           {"permanent", failure.permanent()},
                           {"text", clean_utf8(failure.log_text())}}}};
}

}  // namespace postrider::admin
