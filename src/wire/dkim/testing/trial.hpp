// What the tests of DKIM have in common: a whole message goes through, with the DNS as a map.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "wire/dkim/sign.hpp"
#include "wire/dkim/verify.hpp"

namespace postrider::wire::dkim::testing {

using Keys = std::map<std::string, std::vector<std::string>>;  // TXT records by name

struct Parts {
  std::string_view header, body;
};
Parts split(std::string_view message);
std::string with_crlf(std::string_view text);

// One for each DKIM-Signature. The body comes in pieces of `piece` octets.
std::vector<Verdict> verify(std::string_view message, const Keys& keys, base::UtcTime now = {},
                            std::size_t piece = 4096);
// The message with a signature by each key on top.
std::string signed_by(std::string_view message, const std::vector<SigningKey>& keys,
                      const Signing& signing = {});
// A signature whose field is written by the test: `tags` gets a=, bh= and b= behind it.
struct Forged {
  std::string tags = "v=1; d=football.example.com; s=brisbane; c=relaxed/relaxed; h=From";
  std::string header = "From: joe@football.example.com\r\nSubject: dinner\r\n";
  std::string body = "Hi.\r\n";
  std::string hashed = body;  // what bh= is of
};
// Signed by brisbane().
std::string message_of(const Forged& forged);
Keys records_of(const std::vector<SigningKey>& keys);

std::vector<Result> results(const std::vector<Verdict>& verdicts);

// The keys of RFC 8463 Appendix A: brisbane (Ed25519) and test (RSA, 1024 bits) of football.example.com.
SigningKey brisbane();
SigningKey test();

}  // namespace postrider::wire::dkim::testing
