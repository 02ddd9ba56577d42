// The server's side of the SASL mechanisms (RFC 4422), without what must be waited for: an exchange asks its questions as
// values, and whoever holds it has them answered.
//
//   Step step = exchange->begin(initial response, if there was one);
//   Challenge:  send it, then step = exchange->respond(what the client said)
//   a question: CheckPassword, FindKeys, CheckProof, CheckToken, CheckCertificate: step = exchange->answer(...)
//   the end:    Success, Refused, Malformed
//
// Octets are decoded already: base64 is the protocol's (RFC 4954 4), not the mechanism's. Nothing here logs, and no text of an
// end holds a secret.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

namespace postrider::wire::sasl {

enum class Mechanism : std::uint8_t {
  scram_sha_256_plus,  // RFC 7677, bound to the TLS session by tls-exporter (RFC 9266)
  scram_sha_256,       // RFC 7677
  plain,               // RFC 4616
  login,               // no RFC; what old clients have
  oauthbearer,         // RFC 7628
  xoauth2,             // Google's, before there was RFC 7628
  external,            // RFC 4422 Appendix A
};
inline constexpr std::size_t kMechanisms = 7;

std::string_view to_string(Mechanism mechanism);  // as EHLO announces it
// `name` in upper case.
std::optional<Mechanism> parse_mechanism(std::string_view name);

// --- what an exchange wants ---

struct Challenge {
  std::string octets;
};
// Has `login` this password?
struct CheckPassword {
  std::string login, password;
};
// The SCRAM keys of `login`: answer Keys, for every name.
struct FindKeys {
  std::string login;
};
// Is this the proof of one of its passwords? RFC 5802 3
struct CheckProof {
  std::string auth_message, proof;
};
// Whose is this token? `login` is what the client says; empty: it does not say.
struct CheckToken {
  std::string login, token;
};
// Whose is the certificate that the client showed in the handshake? `login` as above.
struct CheckCertificate {
  std::string login;
};
// Who the last question's answer said.
struct Success {};
// Not what it should be: 535 5.7.8. `why` is for the log.
struct Refused {
  std::string why;
};
// Not of the mechanism's form: 501 5.5.2.
struct Malformed {
  std::string what;
};
using Step = std::variant<Challenge, CheckPassword, FindKeys, CheckProof, CheckToken, CheckCertificate,
                          Success, Refused, Malformed>;

// --- and what it is answered ---

struct Keys {
  std::string salt;
  std::uint32_t iterations = 0;
};
struct Granted {
  std::string server_signature;  // of CheckProof
};
struct Denied {};
using Answer = std::variant<Keys, Granted, Denied>;

// One exchange: after an end, nothing more. One thread at a time.
class Exchange {
 public:
  virtual ~Exchange() = default;
  // Nothing: there was no initial response. Once, and first.
  virtual Step begin(std::optional<std::string> initial) = 0;
  // To the last Challenge.
  virtual Step respond(std::string response) = 0;
  // To the last question.
  virtual Step answer(const Answer& answer) = 0;
};

struct Parameters {
  std::string nonce;            // SCRAM: our part, random printable characters without a comma
  std::string channel_binding;  // tls-exporter's 32 octets; empty: there is none, and PLUS was not offered
};
std::unique_ptr<Exchange> make_exchange(Mechanism mechanism, Parameters parameters);

}  // namespace postrider::wire::sasl
