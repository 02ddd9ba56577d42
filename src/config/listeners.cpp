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
