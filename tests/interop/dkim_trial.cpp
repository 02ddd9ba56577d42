// Signs and verifies one message with the code of the server, for tests/interop/test_dkim.py:
//
//   dkim_trial sign HEADER/BODY DOMAIN SELECTOR=KEYFILE... < message > signed message
//   dkim_trial verify NAME=TXT... < message                             one line for each signature
#include <chrono>
#include <fstream>
#include <iostream>
#include <iterator>
#include <span>
#include <string>

#include "wire/dkim/testing/trial.hpp"

namespace dkim = postrider::wire::dkim;

namespace {

std::string read_all(std::istream& in) { return {std::istreambuf_iterator<char>(in), {}}; }

std::pair<std::string, std::string> pair_of(std::string_view argument) {
  const auto equals = argument.find('=');
  return {std::string(argument.substr(0, equals)), std::string(argument.substr(equals + 1))};
}

postrider::base::UtcTime now() {
  return std::chrono::time_point_cast<postrider::base::Milliseconds>(std::chrono::system_clock::now());
}

void sign(std::span<char*> arguments, const std::string& message) {
  const auto forms = dkim::parse_canonicalization(arguments[0]).value();
  const auto domain = postrider::mail::Domain::parse(arguments[1]).value();
  std::vector<dkim::SigningKey> keys;
  for (const char* argument : arguments.subspan(2)) {
    const auto [selector, path] = pair_of(argument);
    std::ifstream file(path);
    keys.push_back({domain, selector, dkim::PrivateKey::from_pem(read_all(file)).value()});
  }
  std::cout << dkim::testing::signed_by(message, keys,
                                        {.header = forms.header, .body = forms.body, .now = now()});
}

void verify(std::span<char*> arguments, const std::string& message) {
  dkim::testing::Keys keys;
  for (const char* argument : arguments) {
    const auto [name, record] = pair_of(argument);
    keys[name].push_back(record);
  }
  for (const auto& verdict : dkim::testing::verify(message, keys, now()))
    std::cout << to_string(verdict.result) << (verdict.why.empty() ? "" : ": ") << verdict.why << '\n';
}

}  // namespace

int main(int count, char** values) {
  const std::span<char*> arguments(values, static_cast<std::size_t>(count));
  const std::string_view what = count > 1 ? values[1] : "";
  if (what == "sign" && count > 4) {
    sign(arguments.subspan(2), read_all(std::cin));
  } else if (what == "verify") {
    verify(arguments.subspan(2), read_all(std::cin));
  } else {
    return 64;
  }
  return 0;
}
