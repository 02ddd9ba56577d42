// SCRAM between our server and GNU SASL's client, which checks our signature too.
#include <gsasl.h>
#include <gtest/gtest.h>

#include <cstdlib>

#include "directory/scram.hpp"
#include "wire/base64.hpp"
#include "wire/sasl/exchange.hpp"

namespace postrider::receive {
namespace {

using namespace wire::sasl;

class Client {
 public:
  Client(const char* mechanism, const std::string& password, const std::string& channel) {
    EXPECT_EQ(gsasl_init(&context_), GSASL_OK);
    EXPECT_EQ(gsasl_client_start(context_, mechanism, &session_), GSASL_OK);
    gsasl_property_set(session_, GSASL_AUTHID, "user");
    gsasl_property_set(session_, GSASL_PASSWORD, password.c_str());
    if (!channel.empty())
      gsasl_property_set(session_, GSASL_CB_TLS_EXPORTER, wire::to_base64(channel).c_str());
  }
  ~Client() {
    gsasl_finish(session_);
    gsasl_done(context_);
  }
  std::string step(const std::string& said) {
    char* out = nullptr;
    std::size_t size = 0;
    code = gsasl_step(session_, said.data(), said.size(), &out, &size);
    std::string text = out ? std::string(out, size) : std::string();
    std::free(out);
    return text;
  }
  int code = GSASL_NEEDS_MORE;

 private:
  Gsasl* context_ = nullptr;
  Gsasl_session* session_ = nullptr;
};

class Server {
 public:
  Server(Mechanism mechanism, std::string channel)
      : exchange_(make_exchange(mechanism,
                                {.nonce = "3rfcNHYJY1ZVvWVs7j", .channel_binding = std::move(channel)})) {}
  // The account has two passwords.
  Answer settle(const Step& question) const {
    if (std::holds_alternative<FindKeys>(question)) return Keys{"a salt", 4096};
    const auto& proof = std::get<CheckProof>(question);
    const std::vector keys = {directory::make_scram_keys("another", "a salt", 4096),
                              directory::make_scram_keys("pencil", "a salt", 4096)};
    const auto place = directory::match_proof(keys, proof.auth_message, proof.proof);
    if (!place) return Denied{};
    return Granted{directory::hmac_sha256(keys[*place].server_key, proof.auth_message)};
  }
  Exchange& exchange() { return *exchange_; }

 private:
  std::unique_ptr<Exchange> exchange_;
};

// "success", "refused ...", "malformed"; with the client's last code.
std::string converse(Mechanism mechanism, const std::string& password, std::string ours = {},
                     std::string theirs = {}) {
  Client client(std::string(to_string(mechanism)).c_str(), password, theirs);
  Server server(mechanism, std::move(ours));
  Step step = server.exchange().begin(client.step(""));
  for (;;) {
    if (const auto* challenge = std::get_if<Challenge>(&step)) {
      step = server.exchange().respond(client.step(challenge->octets));
    } else if (const auto* refused = std::get_if<Refused>(&step)) {
      return "refused " + refused->why;
    } else if (std::holds_alternative<Malformed>(step)) {
      return "malformed";
    } else if (std::holds_alternative<Success>(step)) {
      return client.code == GSASL_OK ? "success" : gsasl_strerror_name(client.code);
    } else {
      step = server.exchange().answer(server.settle(step));
    }
  }
}

TEST(ScramWithGsasl, Succeeds) {
  EXPECT_EQ(converse(Mechanism::scram_sha_256, "pencil"), "success");
  EXPECT_EQ(converse(Mechanism::scram_sha_256, "another"), "success");
  EXPECT_EQ(converse(Mechanism::scram_sha_256, "eraser"), "refused wrong credentials");
}

// RFC 9266
TEST(ScramWithGsasl, BindsToTheTlsExporter) {
  const std::string channel(32, '\x5a'), other(32, '\x5b');
  EXPECT_EQ(converse(Mechanism::scram_sha_256_plus, "pencil", channel, channel), "success");
  EXPECT_EQ(converse(Mechanism::scram_sha_256_plus, "eraser", channel, channel), "refused wrong credentials");
  EXPECT_EQ(converse(Mechanism::scram_sha_256_plus, "pencil", channel, other), "refused another channel");
}

}  // namespace
}  // namespace postrider::receive
