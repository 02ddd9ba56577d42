#include <map>

#include "config/sections.hpp"

namespace postrider::config {
namespace {

void check_auth(Section& section, const Listener& listener, const Auth& auth) {
  const auto at = section.at(section.has("auth") ? "auth" : "mode");
  if (listener.mode == ListenerMode::submission && listener.auth != ListenerAuth::required)
    section.report().add(at, "mode = \"submission\" is for users who log in",
                         "take auth out, or use mode = \"mx\"");
  if (listener.mode == ListenerMode::lmtp && listener.auth != ListenerAuth::none)
    section.report().add(at, "nobody logs in where LMTP is spoken", "take auth out");
  if (listener.auth != ListenerAuth::none && listener.tls == ListenerTls::none &&
      !auth.without_tls_on_loopback)
    section.report().add(at, "nobody could log in here: passwords are only taken under TLS",
                         "set tls = \"starttls\" or \"implicit\"");
}

void check_mode(Section& section, const Listener& listener, const Config& config) {
  check_auth(section, listener, config.auth);
  if (listener.tls != ListenerTls::none && config.tls.certificates.empty())
    section.report().add(
        section.at("tls"), "TLS needs a certificate, and there is none",
        "add [tls] with certificate = \"/path/fullchain.pem\" and key = \"/path/privkey.pem\"");
  // RFC 2033 5: LMTP must not be spoken on port 25.
  if (listener.mode == ListenerMode::lmtp && listener.port == 25)
    section.report().add(section.at("address"), "LMTP must not be spoken on port 25",
                         "give it another port: \"127.0.0.1:24\"");
}

Parsed<bool Offers::*> parse_extension(std::string_view word) {
  if (word == "futurerelease") return &Offers::future_release;
  if (word == "deliverby") return &Offers::deliver_by;
  if (word == "mt-priority") return &Offers::mt_priority;
  return std::unexpected(Problem{"there is no extension \"" + std::string(word) + "\" to be switched on",
                                 "one of futurerelease, deliverby, mt-priority"});
}

void read_offers(Section& section, Listener& listener) {
  listener.offers = Offers::of(listener.mode);
  if (!section.has("extensions")) return;
  std::vector<bool Offers::*> listed;
  section.read_list("extensions", listed, parse_extension);
  listener.offers = {};
  for (const auto offer : listed) listener.offers.*offer = true;
  // What comes by LMTP has been sent long ago. RFC 4865 is about submission.
  if (listener.mode == ListenerMode::lmtp && listener.offers.future_release)
    section.report().add(section.at("extensions"), "LMTP has no futurerelease", "leave it out");
}

}  // namespace

void read_listeners(const Value& root, Config& config, Report& report) {
  std::map<std::string, Position> seen;
  const auto tables = tables_of(root, "listener", report);
  for (const Value* table : tables) {
    Section section(*table, "listener[].", report);
    Listener listener;
    Endpoint endpoint;
    const bool bound = section.require("address") && section.read("address", endpoint, parse_endpoint);
    listener.address = endpoint.address;
    listener.port = endpoint.port;
    section.read("mode", listener.mode);
    section.read("tls", listener.tls);
    section.read_list("proxy_protocol", listener.proxy_protocol, parse_trusted_network);
    section.read_list("xclient", listener.xclient, parse_trusted_network);
    section.read("greeting_delay", listener.greeting_delay);
    read_offers(section, listener);
    // RFC 6409 4.3: users log in before they submit. Port 25 is not for them. RFC 8314 3
    listener.auth = listener.mode == ListenerMode::submission ? ListenerAuth::required : ListenerAuth::none;
    section.read("auth", listener.auth);
    check_mode(section, listener, config);
    if (bound && listener.port != 0) {
      const auto [first, fresh] = seen.emplace(listener.name(), section.at("address"));
      if (!fresh)
        report.add(section.at("address"),
                   "a second listener on " + listener.name() + "; the first is in line " +
                       std::to_string(first->second.line),
                   "give each its own address or port");
    }
    config.listeners.push_back(std::move(listener));
  }
  if (tables.empty())
    report.add({}, "there is no [[listener]]: nothing to listen on",
               "add [[listener]] with address = \"[::]:25\"");
}

}  // namespace postrider::config
