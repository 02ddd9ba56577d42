// DKIM: the body's hash against OpenSSL's alone, our own part of a verification, and each operation as a whole.
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include <memory>
#include <string>

#include "bodies.hpp"
#include "header.hpp"
#include "measure.hpp"
#include "wire/dkim/keys.hpp"
#include "wire/dkim/sign.hpp"
#include "wire/dkim/verify.hpp"

namespace postrider::bench {
namespace {

using namespace wire::dkim;

constexpr std::size_t kPiece = 64u << 10;  // what a session reads at once

// Text as people write it: two spaces behind a sentence, lines with a space or tab at their end, some of them empty.
std::string uneven_lines(std::size_t size) {
  constexpr std::string_view kLines =
      "The quick brown fox jumps over the lazy dog.  Pack my box with five dozen \r\n"
      "liquor jugs.\r\n"
      "\r\n"
      "\tif (quoted)  return;\t// How vexingly quick daft zebras jump\r\n"
      "    > Sphinx of black quartz, judge my vow, and so on to the end of the line\r\n";
  std::string body;
  while (body.size() < size) body += kLines;
  body.resize(size - 3);
  return body + "x\r\n";
}

void hash_alone(benchmark::State& state, std::size_t size, Body body_of) {
  const std::string body = body_of(size);
  const std::unique_ptr<EVP_MD, decltype(&EVP_MD_free)> md(EVP_MD_fetch(nullptr, "SHA256", nullptr),
                                                           EVP_MD_free);
  unsigned char digest[32];
  measure(state, size, [&] {
    EVP_Digest(body.data(), body.size(), digest, nullptr, md.get(), nullptr);
    benchmark::DoNotOptimize(digest);
  });
}

void hash_body(benchmark::State& state, std::size_t size, Body body_of, Canonicalization canonicalization) {
  const std::string body = body_of(size);
  measure(state, size, [&] {
    BodyHasher bodies;
    bodies.want({canonicalization, {}});
    for (std::size_t at = 0; at < body.size(); at += kPiece)
      bodies.feed(std::string_view(body).substr(at, kPiece));
    bodies.finish();
    benchmark::DoNotOptimize(bodies.hash(0).digest);
  });
}

SigningKey make_key(EVP_PKEY* made) {
  const std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> key(made, EVP_PKEY_free);
  const std::unique_ptr<BIO, decltype(&BIO_free)> out(BIO_new(BIO_s_mem()), BIO_free);
  PEM_write_bio_PrivateKey(out.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr);
  char* pem = nullptr;
  const auto size = BIO_get_mem_data(out.get(), &pem);
  return {mail::Domain::parse("example.com").value(), "s",
          PrivateKey::from_pem({pem, static_cast<std::size_t>(size)}).value()};
}
const SigningKey& key_of(KeyType type) {
  static const SigningKey rsa = make_key(EVP_RSA_gen(2048));
  static const SigningKey ed25519 = make_key(EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519"));
  return type == KeyType::rsa ? rsa : ed25519;
}

struct SignedMail {
  SignedMail(std::size_t body_size, KeyType type) : body(lines_of_76(body_size)) {
    BodyHasher bodies;
    bodies.want({Canonicalization::relaxed, {}});
    bodies.feed(body);
    bodies.finish();
    const SigningKey& key = key_of(type);
    header = sign(HeaderIndex(kHeader), bodies.hash(0).digest, {&key, 1}, {.now = {}}).front();
    // Two signatures are there already; with their names changed only ours is looked at.
    header += kHeader;
    for (std::size_t at; (at = header.find("\r\nDKIM-")) != std::string::npos;) header[at + 2] = 'X';
    answer = {KeyAnswer::Kind::found, {write_key_record(type, key.key.public_octets())}, {}};
  }
  std::string header, body;
  KeyAnswer answer;
};

// All but the key's own operations.
void verify_own_part(benchmark::State& state, std::size_t size) {
  const SignedMail mail(size, KeyType::rsa);
  measure(state, size, [&] {
    BodyHasher bodies;
    const auto prepared = prepare(HeaderIndex(mail.header), bodies);
    for (std::size_t at = 0; at < mail.body.size(); at += kPiece)
      bodies.feed(std::string_view(mail.body).substr(at, kPiece));
    bodies.finish();
    auto record = parse_key_record(mail.answer.records.front());
    benchmark::DoNotOptimize(record);
    if (octets(bodies.hash(0).digest) != prepared.signatures.front().signature->body_hash)
      state.SkipWithError("another body");
  });
}

void verify(benchmark::State& state, std::size_t size, KeyType type) {
  const SignedMail mail(size, type);
  measure(state, size, [&] {
    BodyHasher bodies;
    const auto prepared = prepare(HeaderIndex(mail.header), bodies);
    for (std::size_t at = 0; at < mail.body.size(); at += kPiece)
      bodies.feed(std::string_view(mail.body).substr(at, kPiece));
    bodies.finish();
    if (judge(prepared.signatures.front(), bodies, mail.answer, {}).result != Result::pass)
      state.SkipWithError("does not verify");
  });
}

// Of the key's operations: reading it, and using it.
void read_key(benchmark::State& state, KeyType type) {
  const std::string octets = key_of(type).key.public_octets();
  measure(state, octets.size(), [&] {
    auto key = PublicKey::parse(type, octets);
    benchmark::DoNotOptimize(key);
  });
}
void use_key(benchmark::State& state, KeyType type) {
  const PrivateKey& secret = key_of(type).key;
  const auto key = PublicKey::parse(type, secret.public_octets()).value();
  const Digest hash = sha256("hash");
  const std::string signature = secret.sign(hash);
  measure(state, signature.size(), [&] {
    if (!key.verify(hash, signature)) state.SkipWithError("does not verify");
  });
}

void sign_message(benchmark::State& state, std::size_t size, KeyType type) {
  const std::string body = lines_of_76(size);
  const SigningKey& key = key_of(type);
  measure(state, size, [&] {
    BodyHasher bodies;
    bodies.want({Canonicalization::relaxed, {}});
    for (std::size_t at = 0; at < body.size(); at += kPiece)
      bodies.feed(std::string_view(body).substr(at, kPiece));
    bodies.finish();
    auto fields = sign(HeaderIndex(kHeader), bodies.hash(0).digest, {&key, 1}, {.now = {}});
    benchmark::DoNotOptimize(fields);
  });
}

constexpr auto kSimple = Canonicalization::simple;
constexpr auto kRelaxed = Canonicalization::relaxed;
constexpr std::size_t k4KiB = 4u << 10, k1MiB = 1u << 20;

BENCHMARK_CAPTURE(hash_alone, 1MiB, k1MiB, lines_of_76);
BENCHMARK_CAPTURE(hash_body, simple_1MiB, k1MiB, lines_of_76, kSimple);
BENCHMARK_CAPTURE(hash_body, relaxed_1MiB, k1MiB, lines_of_76, kRelaxed);
BENCHMARK_CAPTURE(hash_body, relaxed_uneven_1MiB, k1MiB, uneven_lines, kRelaxed);
BENCHMARK_CAPTURE(hash_alone, 4KiB, k4KiB, lines_of_76);
BENCHMARK_CAPTURE(hash_body, simple_4KiB, k4KiB, lines_of_76, kSimple);
BENCHMARK_CAPTURE(hash_body, relaxed_4KiB, k4KiB, lines_of_76, kRelaxed);
BENCHMARK_CAPTURE(verify_own_part, 4KiB, k4KiB);
BENCHMARK_CAPTURE(read_key, rsa_2048, KeyType::rsa);
BENCHMARK_CAPTURE(read_key, ed25519, KeyType::ed25519);
BENCHMARK_CAPTURE(use_key, rsa_2048, KeyType::rsa);
BENCHMARK_CAPTURE(use_key, ed25519, KeyType::ed25519);
BENCHMARK_CAPTURE(verify, rsa_2048_4KiB, k4KiB, KeyType::rsa);
BENCHMARK_CAPTURE(verify, ed25519_4KiB, k4KiB, KeyType::ed25519);
BENCHMARK_CAPTURE(verify, rsa_2048_1MiB, k1MiB, KeyType::rsa);
BENCHMARK_CAPTURE(sign_message, rsa_2048_4KiB, k4KiB, KeyType::rsa);
BENCHMARK_CAPTURE(sign_message, ed25519_4KiB, k4KiB, KeyType::ed25519);

}  // namespace
}  // namespace postrider::bench
