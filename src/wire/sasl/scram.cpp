#include "wire/sasl/scram.hpp"

#include <algorithm>

#include "base/ascii.hpp"
#include "wire/base64.hpp"
#include "wire/sasl/gs2.hpp"

namespace postrider::wire::sasl {
namespace {

constexpr std::string_view kBinding = "tls-exporter";  // RFC 9266
constexpr std::size_t kMostNonce = 512;

// RFC 5802 7: printable, no comma
bool is_nonce(std::string_view text) {
  return !text.empty() && text.size() <= kMostNonce &&
         std::ranges::all_of(text, [](char c) { return c > ' ' && c <= '~' && c != ','; });
}

// The next attribute, up to a comma or the end; nothing where it is not of that name ("r=").
std::optional<std::string_view> take(std::string_view& rest, std::string_view name) {
  if (!rest.starts_with(name)) return {};
  const auto comma = std::min(rest.find(','), rest.size());
  const auto value = rest.substr(name.size(), comma - name.size());
  rest.remove_prefix(std::min(comma + 1, rest.size()));
  return value;
}

}  // namespace

Step Scram::begin(std::optional<std::string> initial) {
  if (!initial) return Challenge{};
  return client_first(*initial);
}

Step Scram::respond(std::string response) {
  switch (next_) {
    case Next::client_first:
      return client_first(response);
    case Next::client_final:
      return client_final(response);
    case Next::empty:
      break;
  }
  // SMTP's 235 can't bring our signature along, so that the client takes it as a challenge. RFC 4954 4
  if (!response.empty()) return Malformed{"nothing is left to be said"};
  return Success{};
}

std::optional<Refused> Scram::refuse_binding(char flag, std::string_view name) const {
  if (bound_ == Bound::yes && flag != 'p') return Refused{"PLUS without a channel binding"};
  if (bound_ == Bound::no && flag == 'p') return Refused{"a channel binding without PLUS"};
  if (flag == 'p' && name != kBinding) return Refused{"channel binding " + std::string(name)};
  // It could, and believes that we can't: somebody has taken PLUS out of what we offered. RFC 5802 6
  if (flag == 'y' && !parameters_.channel_binding.empty()) return Refused{"downgraded from PLUS"};
  return {};
}

Step Scram::client_first(std::string_view message) {
  const auto header = parse_gs2_header(message);
  if (!header) return Malformed{"bad beginning of a SCRAM message"};
  gs2_header_ = message.substr(0, header->size);
  std::string_view rest = message.substr(header->size);
  client_first_bare_ = rest;
  // "m=" would be an extension that must be understood. RFC 5802 5.1
  const auto name = take(rest, "n=");
  const auto login = name ? decode_saslname(*name) : std::nullopt;
  const auto nonce = take(rest, "r=");
  if (!login || !nonce || !is_nonce(*nonce)) return Malformed{"bad first SCRAM message"};
  if (auto refused = refuse_binding(header->flag, header->binding)) return *std::move(refused);
  if (!header->authzid.empty() && !base::iequals(header->authzid, *login))
    return Refused{"acting for another"};
  nonce_ = std::string(*nonce) + parameters_.nonce;
  return FindKeys{*login};
}

Step Scram::answer(const Answer& answer) {
  if (const auto* keys = std::get_if<Keys>(&answer)) {
    server_first_ = "r=" + nonce_ + ",s=" + to_base64(keys->salt) + ",i=" + std::to_string(keys->iterations);
    next_ = Next::client_final;
    return Challenge{server_first_};
  }
  const auto* granted = std::get_if<Granted>(&answer);
  if (!granted) return Refused{"wrong credentials"};
  next_ = Next::empty;
  return Challenge{"v=" + to_base64(granted->server_signature)};
}

Step Scram::client_final(std::string_view message) {
  // The proof stands last. RFC 5802 7
  const auto before_proof = message.rfind(",p=");
  if (before_proof == message.npos) return Malformed{"a SCRAM message without a proof"};
  const auto proof = from_base64(message.substr(before_proof + 3));
  std::string_view rest = message.substr(0, before_proof);
  const auto bound = take(rest, "c=");
  const auto binding = bound ? from_base64(*bound) : std::nullopt;
  const auto nonce = take(rest, "r=");
  if (!proof || !binding || !nonce) return Malformed{"bad last SCRAM message"};
  if (*nonce != nonce_) return Refused{"another nonce"};
  const std::string ours = gs2_header_ + (bound_ == Bound::yes ? parameters_.channel_binding : "");
  // Somebody between us has a TLS session of his own with each. RFC 5802 6
  if (*binding != ours) return Refused{"another channel"};
  return CheckProof{
      client_first_bare_ + ',' + server_first_ + ',' + std::string(message.substr(0, before_proof)), *proof};
}

}  // namespace postrider::wire::sasl
