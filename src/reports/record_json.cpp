#include "reports/record_json.hpp"

#include <boost/json/array.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

namespace postrider::reports {
namespace {

namespace json = boost::json;
using wire::dmarc::Alignment;
using wire::dmarc::Policy;
using wire::dmarc_report::Discovery;
using wire::dmarc_report::Disposition;
using wire::dmarc_report::DkimResult;
using wire::dmarc_report::Published;
using wire::dmarc_report::Reason;
using wire::dmarc_report::Record;
using wire::dmarc_report::SpfResult;

// What is empty is left out.
void put(json::object& object, std::string_view name, std::string_view text) {
  if (!text.empty()) object[name] = text;
}

std::string text(const json::object& object, std::string_view name) {
  const auto* value = object.if_contains(name);
  return value && value->is_string() ? std::string(value->get_string()) : std::string();
}

bool flag(const json::object& object, std::string_view name) {
  const auto* value = object.if_contains(name);
  return value && value->is_bool() && value->get_bool();
}

template <class Each>
void for_each_object(const json::object& object, std::string_view name, Each each) {
  const auto* list = object.if_contains(name);
  if (!list || !list->is_array()) return;
  for (const auto& value : list->get_array())
    if (value.is_object()) each(value.get_object());
}

std::optional<json::object> parsed(std::string_view text) {
  boost::system::error_code error;
  auto value = json::parse(text, error);
  if (error || !value.is_object()) return {};
  return std::move(value.get_object());
}

std::optional<Policy> policy_of(std::string_view word) {
  for (const Policy policy : {Policy::none, Policy::quarantine, Policy::reject})
    if (word == to_string(policy)) return policy;
  return {};
}

Disposition disposition_of(std::string_view word) {
  for (const auto each : {Disposition::pass, Disposition::quarantine, Disposition::reject})
    if (word == to_string(each)) return each;
  return Disposition::none;
}

std::string_view word_of(Alignment alignment) { return alignment == Alignment::strict ? "s" : "r"; }
std::optional<Alignment> alignment_of(std::string_view word) {
  if (word.empty()) return {};
  return word == "s" ? Alignment::strict : Alignment::relaxed;
}

}  // namespace

json::object to_json(const Record& record) {
  json::object out = {{"source", record.source.to_string()},
                      {"disposition", to_string(record.disposition)},
                      {"dkim_aligned", record.dkim_aligned},
                      {"spf_aligned", record.spf_aligned},
                      {"header_from", record.header_from}};
  if (record.envelope_from) out["envelope_from"] = *record.envelope_from;
  put(out, "envelope_to", record.envelope_to);
  const auto add = [&](std::string_view name, json::object each) {
    if (!out.contains(name)) out[name] = json::array();
    out[name].get_array().emplace_back(std::move(each));
  };
  for (const Reason& reason : record.reasons) {
    json::object each = {{"type", reason.type}};
    put(each, "comment", reason.comment);
    add("reasons", std::move(each));
  }
  for (const DkimResult& dkim : record.dkim) {
    json::object each = {{"domain", dkim.domain}, {"selector", dkim.selector}, {"result", dkim.result}};
    put(each, "human_result", dkim.human_result);
    add("dkim", std::move(each));
  }
  for (const SpfResult& spf : record.spf) {
    json::object each = {{"domain", spf.domain}, {"result", spf.result}};
    put(each, "scope", spf.scope);
    put(each, "human_result", spf.human_result);
    add("spf", std::move(each));
  }
  return out;
}

json::object to_json(const Published& published) {
  json::object out = {{"domain", published.domain}, {"p", to_string(published.policy)}};
  if (published.subdomain) out["sp"] = to_string(*published.subdomain);
  if (published.missing) out["np"] = to_string(*published.missing);
  if (published.dkim) out["adkim"] = word_of(*published.dkim);
  if (published.spf) out["aspf"] = word_of(*published.spf);
  put(out, "fo", published.fo);
  if (published.testing) out["t"] = true;
  if (published.discovery != Discovery::unknown)
    out["discovery"] = published.discovery == Discovery::treewalk ? "treewalk" : "psl";
  return out;
}

std::string to_text(const Record& record) { return json::serialize(to_json(record)); }
std::string to_text(const Published& published) { return json::serialize(to_json(published)); }

std::optional<Record> record_of(std::string_view from) {
  const auto object = parsed(from);
  if (!object) return {};
  const auto source = base::IpAddress::parse(text(*object, "source"));
  if (!source) return {};
  Record out;
  out.source = *source;
  out.disposition = disposition_of(text(*object, "disposition"));
  out.dkim_aligned = flag(*object, "dkim_aligned");
  out.spf_aligned = flag(*object, "spf_aligned");
  out.header_from = text(*object, "header_from");
  if (object->contains("envelope_from")) out.envelope_from = text(*object, "envelope_from");
  out.envelope_to = text(*object, "envelope_to");
  for_each_object(*object, "reasons", [&](const json::object& each) {
    out.reasons.push_back({text(each, "type"), text(each, "comment")});
  });
  for_each_object(*object, "dkim", [&](const json::object& each) {
    out.dkim.push_back(
        {text(each, "domain"), text(each, "selector"), text(each, "result"), text(each, "human_result")});
  });
  for_each_object(*object, "spf", [&](const json::object& each) {
    out.spf.push_back(
        {text(each, "domain"), text(each, "scope"), text(each, "result"), text(each, "human_result")});
  });
  return out;
}

std::optional<Published> published_of(std::string_view from) {
  const auto object = parsed(from);
  if (!object) return {};
  Published out;
  out.domain = text(*object, "domain");
  out.policy = policy_of(text(*object, "p")).value_or(Policy::none);
  out.subdomain = policy_of(text(*object, "sp"));
  out.missing = policy_of(text(*object, "np"));
  out.dkim = alignment_of(text(*object, "adkim"));
  out.spf = alignment_of(text(*object, "aspf"));
  out.fo = text(*object, "fo");
  out.testing = flag(*object, "t");
  const std::string discovery = text(*object, "discovery");
  out.discovery = discovery == "treewalk" ? Discovery::treewalk
                  : discovery == "psl"    ? Discovery::psl
                                          : Discovery::unknown;
  return out;
}

}  // namespace postrider::reports
