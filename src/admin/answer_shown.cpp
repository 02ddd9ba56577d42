#include <algorithm>
#include <boost/json/array.hpp>
#include <type_traits>

#include "admin/answer.hpp"
#include "admin/request.hpp"

namespace postrider::admin {
namespace {

using boost::json::array;
using boost::json::object;

void put(object& out, std::string_view name, std::string_view text) {
  if (!text.empty()) out[name] = clean_utf8(text);
}

object origin_json(const mail::Origin& origin) {
  object out;
  if (origin.client) {
    out["client"] = origin.client->to_string();
    out["port"] = origin.client_port;
  }
  put(out, "name", origin.client_name);
  put(out, "helo", origin.helo);
  put(out, "protocol", origin.protocol);
  put(out, "listener", origin.listener);
  put(out, "identity", origin.identity);
  put(out, "tls", origin.tls);
  if (origin.uid) out["uid"] = *origin.uid;
  return out;
}

std::string notify_text(const mail::Notify& notify) {
  if (notify.never()) return "never";
  std::string text;
  for (const auto& [set, word] : {std::pair(notify.success, "success"), std::pair(notify.failure, "failure"),
                                  std::pair(notify.delay, "delay")})
    if (set) text += (text.empty() ? "" : ",") + std::string(word);
  return text;
}

object envelope_json(const mail::Envelope& envelope) {
  object out{{"sender", envelope.reverse_path.to_string()},
             {"received", base::to_rfc3339(envelope.received)},
             {"size", envelope.size},
             {"origin", origin_json(envelope.origin)}};
  put(out, "envid", envelope.envid);
  if (envelope.ret != mail::DsnReturn::unspecified)
    out["ret"] = envelope.ret == mail::DsnReturn::full ? "full" : "headers";
  if (envelope.body == mail::BodyType::eight_bit_mime) out["body"] = "8bitmime";
  if (envelope.body == mail::BodyType::binary_mime) out["body"] = "binarymime";
  if (envelope.smtputf8) out["smtputf8"] = true;
  if (envelope.require_tls) out["requiretls"] = true;
  if (envelope.hold_until) out["hold_until"] = base::to_rfc3339(*envelope.hold_until);
  if (envelope.deliver_by) {
    out["deliver_by"] = base::to_rfc3339(*envelope.deliver_by);
    out["when_late"] = envelope.deliver_by_notify ? "tell" : "return";
    if (envelope.deliver_by_trace) out["trace"] = true;
  }
  if (envelope.priority != 0) out["priority"] = std::int64_t{envelope.priority};
  return out;
}

object recipient_json(const queue::Shown& shown, std::uint32_t index) {
  const auto& recipient = shown.envelope.recipients[index];
  object out{{"recipient", index}, {"to", recipient.final.to_string()}};
  if (recipient.original != recipient.final) out["original"] = recipient.original.to_string();
  if (recipient.alias) out["alias"] = recipient.alias->to_string();
  if (recipient.reverse_path) out["sender"] = recipient.reverse_path->to_string();
  if (recipient.orcpt) put(out, "orcpt", recipient.orcpt->type + ";" + recipient.orcpt->address);
  put(out, "notify", notify_text(recipient.notify));
  const auto open = std::ranges::find(shown.waiting, index, &queue::Waiting::recipient);
  if (open == shown.waiting.end()) {
    out["state"] = "gone";
    return out;
  }
  out["state"] = to_string(recipient.state);
  out["attempts"] = recipient.attempts;
  if (recipient.warned) out["warned"] = true;
  if (recipient.state == mail::RecipientState::waiting) out["due"] = base::to_rfc3339(recipient.due);
  if (recipient.last) out["last"] = to_json(*recipient.last);
  put(out, "why", open->why);
  if (open->until) out["until"] = base::to_rfc3339(*open->until);
  return out;
}

object edit_json(const mail::PrependField& edit) {
  return {{"edit", "prepend"}, {"field", clean_utf8(edit.field)}};
}
object edit_json(const mail::ChangeField& edit) {
  return {{"edit", "change"}, {"index", edit.index}, {"field", clean_utf8(edit.field)}};
}
object edit_json(const mail::RemoveField& edit) { return {{"edit", "remove"}, {"index", edit.index}}; }
object edit_json(const mail::ReplaceBody& edit) {
  return {{"edit", "replace_body"}, {"size", edit.body.size()}};
}

}  // namespace

object to_json(const queue::Shown& shown) {
  object out{{"id", shown.id.to_string()}};
  for (auto& member : envelope_json(shown.envelope)) out[member.key()] = std::move(member.value());
  array recipients;
  for (std::uint32_t i = 0; i < shown.envelope.recipients.size(); ++i)
    recipients.push_back(recipient_json(shown, i));
  out["recipients"] = std::move(recipients);
  array edits;
  for (const auto& edit : shown.edits)
    edits.push_back(std::visit([](const auto& one) { return edit_json(one); }, edit));
  out["edits"] = std::move(edits);
  out["header"] = clean_utf8(shown.header);
  return out;
}

}  // namespace postrider::admin
