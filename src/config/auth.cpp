// [auth]: how users log in, and what slows down who guesses. [submission]: what they send.
#include <algorithm>
#include <array>

#include "base/ascii.hpp"
#include "config/sections.hpp"

namespace postrider::config {
namespace {

constexpr std::array<std::string_view, 7> kMechanisms = {
    "SCRAM-SHA-256-PLUS", "SCRAM-SHA-256", "PLAIN", "LOGIN", "OAUTHBEARER", "XOAUTH2", "EXTERNAL"};

Parsed<std::string> parse_mechanism(std::string_view text) {
  std::string name = base::upper(text);
  if (std::ranges::find(kMechanisms, name) != kMechanisms.end()) return name;
  return std::unexpected(
      Problem{"\"" + std::string(text) + "\" is no mechanism that this server has",
              "choose from SCRAM-SHA-256-PLUS, SCRAM-SHA-256, PLAIN, LOGIN, OAUTHBEARER, XOAUTH2, EXTERNAL"});
}

void read_oauth(Section section, OAuth& oauth) {
  const auto word = [](std::string_view text) -> Parsed<std::string> {
    if (!text.empty()) return std::string(text);
    return std::unexpected(Problem{"an empty string", "take it out"});
  };
  section.read("jwks", oauth.jwks, parse_url);
  section.read("introspection", oauth.introspection, parse_url);
  section.read("client_id", oauth.client_id, word);
  section.read("client_secret", oauth.client_secret, word);
  section.read("issuer", oauth.issuer, word);
  section.read("audience", oauth.audience, word);
  section.read("claim", oauth.claim, word);
  section.read("ca", oauth.ca, parse_absolute_path);
  if (section.has("jwks") && section.has("introspection"))
    section.report().add(section.at("introspection"), "jwks and introspection are two ways to ask the same",
                         "take one of them out");
  // Else a token that was given out for any other service would do here. RFC 8725 3.8, RFC 8725 3.9
  if (section.has("jwks") && (oauth.issuer.empty() || oauth.audience.empty()))
    section.report().add(
        section.at("jwks"), "jwks needs issuer and audience: whose tokens, and for which service",
        "add issuer = \"https://...\" and audience = \"...\", as the tokens have them in iss and aud");
}

}  // namespace

void read_auth(const Value& root, Config& config, Report& report) {
  const Value& table = table_of(root, "auth", report);
  Section section(table, "auth.", report);
  Auth& auth = config.auth;
  if (section.has("mechanisms")) {
    auth.mechanisms.clear();
    section.read_list("mechanisms", auth.mechanisms, parse_mechanism);
  }
  section.read("without_tls_on_loopback", auth.without_tls_on_loopback);
  section.read("patience", auth.patience);
  section.read("account_failures", auth.account_failures);
  section.read("network_failures", auth.network_failures);
  section.read("forget", auth.forget);
  section.read_list("never_locked", auth.never_locked, parse_network);
  read_oauth(Section(table_of(table, "oauth", report), "auth.oauth.", report), auth.oauth);
}

void read_submission(const Value& root, Config& config, Report& report) {
  Section section(table_of(root, "submission", report), "submission.", report);
  section.read("repair_line_ends", config.submission.repair_line_ends);
  section.read("hide_client", config.submission.hide_client);
}

}  // namespace postrider::config
