#include "wire/dkim/testing/trial.hpp"

#include "wire/base64.hpp"

namespace postrider::wire::dkim::testing {
namespace {

constexpr std::string_view kBrisbane =
    "-----BEGIN PRIVATE KEY-----\n"
    "MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g\n"
    "-----END PRIVATE KEY-----\n";
constexpr std::string_view kTest =
    "-----BEGIN RSA PRIVATE KEY-----\n"
    "MIICXQIBAAKBgQDkHlOQoBTzWRiGs5V6NpP3idY6Wk08a5qhdR6wy5bdOKb2jLQi\n"
    "Y/J16JYi0Qvx/byYzCNb3W91y3FutACDfzwQ/BC/e/8uBsCR+yz1Lxj+PL6lHvqM\n"
    "KrM3rG4hstT5QjvHO9PzoxZyVYLzBfO2EeC3Ip3G+2kryOTIKT+l/K4w3QIDAQAB\n"
    "AoGAH0cxOhFZDgzXWhDhnAJDw5s4roOXN4OhjiXa8W7Y3rhX3FJqmJSPuC8N9vQm\n"
    "6SVbaLAE4SG5mLMueHlh4KXffEpuLEiNp9Ss3O4YfLiQpbRqE7Tm5SxKjvvQoZZe\n"
    "zHorimOaChRL2it47iuWxzxSiRMv4c+j70GiWdxXnxe4UoECQQDzJB/0U58W7RZy\n"
    "6enGVj2kWF732CoWFZWzi1FicudrBFoy63QwcowpoCazKtvZGMNlPWnC7x/6o8Gc\n"
    "uSe0ga2xAkEA8C7PipPm1/1fTRQvj1o/dDmZp243044ZNyxjg+/OPN0oWCbXIGxy\n"
    "WvmZbXriOWoSALJTjExEgraHEgnXssuk7QJBALl5ICsYMu6hMxO73gnfNayNgPxd\n"
    "WFV6Z7ULnKyV7HSVYF0hgYOHjeYe9gaMtiJYoo0zGN+L3AAtNP9huqkWlzECQE1a\n"
    "licIeVlo1e+qJ6Mgqr0Q7Aa7falZ448ccbSFYEPD6oFxiOl9Y9se9iYHZKKfIcst\n"
    "o7DUw1/hz2Ck4N5JrgUCQQCyKveNvjzkkd8HjYs0SwM0fPjK16//5qDZ2UiDGnOe\n"
    "uEzxBDAr518Z8VFbR41in3W4Y3yCDgQlLlcETrS+zYcL\n"
    "-----END RSA PRIVATE KEY-----\n";

SigningKey key_of(std::string_view selector, std::string_view pem) {
  return {mail::Domain::parse("football.example.com").value(), std::string(selector),
          PrivateKey::from_pem(pem).value()};
}

KeyAnswer answer_for(const Pending& pending, const Keys& keys) {
  if (!pending.signature) return {};
  const auto found = keys.find(pending.signature->key_name());
  if (found == keys.end()) return {};
  return {KeyAnswer::Kind::found, found->second, {}};
}

void feed(BodyHasher& bodies, std::string_view body, std::size_t piece) {
  for (std::size_t at = 0; at < body.size(); at += piece) bodies.feed(body.substr(at, piece));
  bodies.finish();
}

}  // namespace

Parts split(std::string_view message) {
  mime::FieldScanner scan(message);
  while (scan.next()) {
  }
  return {message.substr(0, scan.header_size()), message.substr(scan.body_offset())};
}

std::string with_crlf(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\n' && (i == 0 || text[i - 1] != '\r')) out += '\r';
    out += text[i];
  }
  return out;
}

std::vector<Verdict> verify(std::string_view message, const Keys& keys, base::UtcTime now,
                            std::size_t piece) {
  const auto [header, body] = split(message);
  BodyHasher bodies;
  const Prepared prepared = prepare(HeaderIndex(header), bodies);
  feed(bodies, body, piece);
  std::vector<Verdict> verdicts;
  for (const Pending& pending : prepared.signatures)
    verdicts.push_back(judge(pending, bodies, answer_for(pending, keys), now));
  return verdicts;
}

std::string signed_by(std::string_view message, const std::vector<SigningKey>& keys, const Signing& signing) {
  const auto [header, body] = split(message);
  BodyHasher bodies;
  const auto number = bodies.want({signing.body, {}});
  feed(bodies, body, 1000);
  std::string out;
  for (const std::string& field : sign(HeaderIndex(header), bodies.hash(number).digest, keys, signing))
    out += field;
  return out + std::string(message);
}

std::string message_of(const Forged& forged) {
  std::string field = "DKIM-Signature: " + forged.tags +
                      "; a=ed25519-sha256; bh=" + to_base64(octets(sha256(forged.hashed))) + "; b=";
  // The tests may have any h= and c=, so they are read as a verifier does.
  const auto signature = parse_signature(std::string_view(field + "YQ").substr(field.find(' '))).value();
  std::string text = HeaderIndex(forged.header).chosen(signature.fields, signature.header);
  append_unsigned(signature.header, field, text);
  field += to_base64(brisbane().key.sign(sha256(text))) + "\r\n";
  return field + forged.header + "\r\n" + forged.body;
}

Keys records_of(const std::vector<SigningKey>& keys) {
  Keys records;
  for (const SigningKey& key : keys)
    records[key.selector + "._domainkey." + key.domain.ascii()] = {
        write_key_record(key.key.type(), key.key.public_octets())};
  return records;
}

std::vector<Result> results(const std::vector<Verdict>& verdicts) {
  std::vector<Result> results;
  for (const Verdict& verdict : verdicts) results.push_back(verdict.result);
  return results;
}

SigningKey brisbane() { return key_of("brisbane", kBrisbane); }
SigningKey test() { return key_of("test", kTest); }

}  // namespace postrider::wire::dkim::testing
