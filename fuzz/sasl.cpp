// A stranger's side of each SASL mechanism: the first octet chooses it, the second how often it is told yes; NUL-NUL parts the
// responses. It ends within few steps, and only a question that was granted leads to success.
#include <string>
#include <string_view>
#include <variant>

#include "wire/base64.hpp"
#include "wire/sasl/exchange.hpp"

using namespace postrider::wire;
using namespace postrider::wire::sasl;

namespace {

void require(bool ok) {
  if (!ok) __builtin_trap();
}

struct Client {
  std::string_view rest;
  std::string next() {
    const auto end = rest.find(std::string_view("\0\0", 2));
    const std::string_view part = rest.substr(0, end);
    rest = end == rest.npos ? std::string_view() : rest.substr(end + 2);
    return std::string(part);
  }
};

void check_base64(std::string_view text) {
  if (const auto octets = from_base64(text)) require(to_base64(*octets) == text);
  if (const auto octets = from_base64url(text)) require(to_base64url(*octets) == text);
  require(from_base64(to_base64(text)) == text && from_base64url(to_base64url(text)) == text);
}

bool is_end(const Step& step) {
  return std::holds_alternative<Success>(step) || std::holds_alternative<Refused>(step) ||
         std::holds_alternative<Malformed>(step);
}

void check_question(const Step& step) {
  if (const auto* it = std::get_if<CheckPassword>(&step))
    require(!it->login.empty() && !it->password.empty());
  if (const auto* it = std::get_if<FindKeys>(&step)) require(!it->login.empty());
  if (const auto* it = std::get_if<CheckToken>(&step)) require(!it->token.empty());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 2) return 0;
  const std::string_view input(reinterpret_cast<const char*>(data) + 2, size - 2);
  check_base64(input);
  const auto mechanism = static_cast<Mechanism>(data[0] % kMechanisms);
  const bool bound = mechanism == Mechanism::scram_sha_256_plus;
  const auto exchange = make_exchange(mechanism, {"NONCE", bound ? std::string(32, 'x') : std::string()});
  Client client{input};
  bool granted = false;
  Step step = exchange->begin(data[1] & 1 ? std::optional(client.next()) : std::nullopt);
  for (int steps = 0; !is_end(step); ++steps) {
    require(steps < 8);
    check_question(step);
    if (std::holds_alternative<Challenge>(step)) {
      step = exchange->respond(client.next());
    } else if (std::holds_alternative<FindKeys>(step)) {
      step = exchange->answer(Keys{"salt", 4096});
    } else {
      granted = (data[1] & 2) != 0;
      step = exchange->answer(granted ? Answer(Granted{"signature"}) : Answer(Denied{}));
    }
  }
  require(granted || !std::holds_alternative<Success>(step));
  return 0;
}
