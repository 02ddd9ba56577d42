#include "wire/sasl/exchange.hpp"

#include <array>

#include "wire/sasl/bearer.hpp"
#include "wire/sasl/password.hpp"
#include "wire/sasl/scram.hpp"

namespace postrider::wire::sasl {
namespace {

constexpr std::array<std::string_view, kMechanisms> kNames = {
    "SCRAM-SHA-256-PLUS", "SCRAM-SHA-256", "PLAIN", "LOGIN", "OAUTHBEARER", "XOAUTH2", "EXTERNAL"};

}  // namespace

std::string_view to_string(Mechanism mechanism) { return kNames[static_cast<std::size_t>(mechanism)]; }

std::optional<Mechanism> parse_mechanism(std::string_view name) {
  for (std::size_t i = 0; i < kNames.size(); ++i)
    if (kNames[i] == name) return static_cast<Mechanism>(i);
  return {};
}

std::unique_ptr<Exchange> make_exchange(Mechanism mechanism, Parameters parameters) {
  switch (mechanism) {
    case Mechanism::scram_sha_256_plus:
      return std::make_unique<Scram>(Scram::Bound::yes, std::move(parameters));
    case Mechanism::scram_sha_256:
      return std::make_unique<Scram>(Scram::Bound::no, std::move(parameters));
    case Mechanism::plain:
      return std::make_unique<Plain>();
    case Mechanism::login:
      return std::make_unique<Login>();
    case Mechanism::oauthbearer:
      return std::make_unique<Bearer>(Bearer::Form::oauthbearer);
    case Mechanism::xoauth2:
      return std::make_unique<Bearer>(Bearer::Form::xoauth2);
    case Mechanism::external:
      return std::make_unique<External>();
  }
  return nullptr;
}

}  // namespace postrider::wire::sasl
