// Signs and verifies one message with the code of the server, for tests/interop/test_dkim.py:
//
//   dkim_trial sign HEADER/BODY DOMAIN SELECTOR=KEYFILE... < message > signed message
//   dkim_trial verify NAME=TXT... < message                             one line for each signature
//   dkim_trial seal DOMAIN SELECTOR=KEYFILE NAME=TXT... < message > message with one more ARC set
//   dkim_trial chain NAME=TXT... < message                              what its ARC chain is
#include <chrono>
#include <fstream>
#include <iostream>
#include <iterator>
#include <span>
#include <string>

#include "wire/arc/seal.hpp"
#include "wire/arc/validate.hpp"
#include "wire/dkim/testing/trial.hpp"

namespace arc = postrider::wire::arc;
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

dkim::testing::Keys keys_of(std::span<char*> arguments) {
  dkim::testing::Keys keys;
  for (const char* argument : arguments) {
    const auto [name, record] = pair_of(argument);
    keys[name].push_back(record);
  }
  return keys;
}

// What became of the chain, with what it takes to seal it.
struct Judged {
  Judged(const std::string& message, const dkim::testing::Keys& keys)
      : parts(dkim::testing::split(message)), header(parts.header) {
    dkim::BodyHasher bodies;
    auto pending = arc::prepare_chain(header, bodies);
    const auto relaxed = bodies.want({dkim::Canonicalization::relaxed, {}});
    bodies.feed(parts.body);
    bodies.finish();
    const auto key_of = [&keys](const std::string& name) -> dkim::KeyAnswer {
      const auto found = keys.find(name);
      if (found == keys.end()) return {};
      return {dkim::KeyAnswer::Kind::found, found->second, {}};
    };
    verdict = arc::judge(pending, bodies, key_of, now());
    chain = std::move(pending.chain);
    body_hash = bodies.hash(relaxed).digest;
  }
  dkim::testing::Parts parts;
  dkim::HeaderIndex header;
  arc::Verdict verdict;
  arc::Chain chain;
  dkim::Digest body_hash{};
};

void seal(std::span<char*> arguments, const std::string& message) {
  const Judged judged(message, keys_of(arguments.subspan(2)));
  const auto [selector, path] = pair_of(arguments[1]);
  std::ifstream file(path);
  const dkim::SigningKey key{postrider::mail::Domain::parse(arguments[0]).value(), selector,
                             dkim::PrivateKey::from_pem(read_all(file)).value()};
  const std::string status(to_string(judged.verdict.status));
  const auto set =
      arc::seal(judged.header, judged.chain, judged.body_hash, key,
                {.results = {"mx." + key.domain.ascii(), 1, {{.method = "arc", .result = status}}},
                 .chain = judged.verdict.status,
                 .fields = arc::fields_to_seal(judged.header),
                 .now = now()});
  if (set) std::cout << set->seal << set->signature << set->results;
  std::cout << message;
}

void chain(std::span<char*> arguments, const std::string& message) {
  const arc::Verdict verdict = Judged(message, keys_of(arguments)).verdict;
  std::cout << to_string(verdict.status) << (verdict.why.empty() ? "" : ": ") << verdict.why << '\n';
}

void verify(std::span<char*> arguments, const std::string& message) {
  for (const auto& verdict : dkim::testing::verify(message, keys_of(arguments), now()))
    std::cout << to_string(verdict.result) << (verdict.why.empty() ? "" : ": ") << verdict.why << '\n';
}

}  // namespace

int main(int count, char** values) {
  const std::span<char*> arguments(values, static_cast<std::size_t>(count));
  const std::string_view what = count > 1 ? values[1] : "";
  if (what == "sign" && count > 4) {
    sign(arguments.subspan(2), read_all(std::cin));
  } else if (what == "seal" && count > 3) {
    seal(arguments.subspan(2), read_all(std::cin));
  } else if (what == "chain") {
    chain(arguments.subspan(2), read_all(std::cin));
  } else if (what == "verify") {
    verify(arguments.subspan(2), read_all(std::cin));
  } else {
    return 64;
  }
  return 0;
}
