#include <gmock/gmock.h>

#include "config/config.hpp"
#include "config/values.hpp"

namespace postrider::config {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

std::string text_of(const std::string& listener, const std::string& below) {
  return "hostname = \"mx.example.com\"\ndata_dir = \"/d\"\n[[listener]]\naddress = \"127.0.0.1:587\"\n" +
         listener + below;
}

std::shared_ptr<const Config> good(const std::string& text) {
  auto loaded = parse(text, "t");
  if (loaded) return *loaded;
  for (const Fault& fault : loaded.error()) ADD_FAILURE() << fault.to_string();
  return nullptr;
}

std::vector<std::string> faults(const std::string& text) {
  std::vector<std::string> lines;
  if (const auto loaded = parse(text, "t"); !loaded)
    for (const Fault& fault : loaded.error()) lines.push_back(fault.to_string());
  return lines;
}

TEST(AuthSettings, AreRead) {
  const auto config = good(text_of("auth = \"offered\"\n", R"([auth]
mechanisms = ["plain", "SCRAM-SHA-256-PLUS"]
without_tls_on_loopback = true
patience = "3s"
account_failures = 4
network_failures = 5
forget = "6m"
never_locked = ["192.0.2.0/24"]
[auth.oauth]
jwks = "https://ID.example.com/keys?x=1"
issuer = "https://id.example.com"
audience = "mail"
claim = "sub"
ca = "/etc/ca.pem"
)"));
  ASSERT_TRUE(config);
  const Auth& auth = config->auth;
  EXPECT_EQ(config->listeners[0].auth, ListenerAuth::offered);
  EXPECT_THAT(auth.mechanisms, ElementsAre("PLAIN", "SCRAM-SHA-256-PLUS"));
  EXPECT_TRUE(auth.without_tls_on_loopback);
  EXPECT_EQ(auth.patience, std::chrono::seconds(3));
  EXPECT_EQ(auth.account_failures, 4u);
  EXPECT_EQ(auth.network_failures, 5u);
  EXPECT_EQ(auth.forget, std::chrono::minutes(6));
  EXPECT_EQ(auth.never_locked.at(0).to_string(), "192.0.2.0/24");
  EXPECT_EQ(auth.oauth.jwks,
            (Url{"https://ID.example.com/keys?x=1", true, "id.example.com", 443, "/keys?x=1"}));
  EXPECT_EQ(auth.oauth.claim, "sub");
  EXPECT_EQ(auth.oauth.ca, "/etc/ca.pem");
  EXPECT_TRUE(auth.oauth.is_used());
  const auto asked = good(text_of("", R"([auth.oauth]
introspection = "http://127.0.0.1:8080/introspect"
client_id = "mail"
client_secret = "secret"
)"));
  ASSERT_TRUE(asked);
  EXPECT_EQ(asked->auth.oauth.introspection.port, 8080);
  EXPECT_EQ(asked->auth.oauth.client_secret, "secret");
}

TEST(AuthSettings, AreByTheListenersMode) {
  EXPECT_EQ(good(text_of("", ""))->listeners[0].auth, ListenerAuth::none);
  EXPECT_EQ(good(text_of("mode = \"lmtp\"\n", ""))->listeners[0].auth, ListenerAuth::none);
  const std::string in_clear = "[auth]\nwithout_tls_on_loopback = true\n";
  EXPECT_EQ(good(text_of("mode = \"submission\"\n", in_clear))->listeners[0].auth, ListenerAuth::required);
  EXPECT_EQ(good(text_of("auth = \"required\"\n", in_clear))->listeners[0].auth, ListenerAuth::required);
}

TEST(AuthSettings, NeverMakeAnOpenRelayOrAListenerForNobody) {
  const std::string in_clear = "[auth]\nwithout_tls_on_loopback = true\n";
  for (const auto* auth : {"none", "offered"})
    EXPECT_THAT(faults(text_of("mode = \"submission\"\nauth = \"" + std::string(auth) + "\"\n", in_clear)),
                ElementsAre(HasSubstr("t:6:8: mode = \"submission\" is for users who log in")));
  EXPECT_THAT(faults(text_of("mode = \"lmtp\"\nauth = \"required\"\n", in_clear)),
              ElementsAre(HasSubstr("nobody logs in where LMTP is spoken")));
  EXPECT_THAT(faults(text_of("mode = \"submission\"\n", "")),
              ElementsAre(HasSubstr("t:5:8: nobody could log in here: passwords are only taken under TLS")));
}

TEST(AuthSettings, TellWhatIsWrongWithThem) {
  EXPECT_THAT(faults(text_of("", "[auth]\nmechanisms = [\"CRAM-MD5\"]\nwithout_tls_on_loopback = \"yes\"\n")),
              ElementsAre(HasSubstr("t:6:15: \"CRAM-MD5\" is no mechanism"),
                          HasSubstr("t:7:27: \"without_tls_on_loopback\" can't be a string; write it as "
                                    "without_tls_on_loopback = true")));
  const std::string jwks = "jwks = \"https://id.test/\"\n";
  EXPECT_THAT(faults(text_of("", "[auth.oauth]\n" + jwks + "issuer = \"x\"\n")),
              ElementsAre(HasSubstr("t:6:8: jwks needs issuer and audience")));
  EXPECT_THAT(faults(text_of("", "[auth.oauth]\n" + jwks + "issuer = \"x\"\naudience = \"y\"\n" +
                                     "introspection = \"https://id.test/\"\n")),
              ElementsAre(HasSubstr("two ways to ask the same")));
}

TEST(Urls, AreTakenApart) {
  EXPECT_EQ(parse_url("https://a.test"), (Url{"https://a.test", true, "a.test", 443, "/"}));
  EXPECT_EQ(parse_url("HTTPS://a.test:8443?x").value().target, "/?x");
  EXPECT_EQ(parse_url("http://[::1]:81/a").value().host, "::1");
  EXPECT_EQ(parse_url("http://localhost/").value().port, 80);
  for (const auto* text :
       {"", "a.test", "ftp://a.test", "https://", "https:///x", "https://a.test:0/", "https://a.test:x/",
        "https://a.test:70000/", "https://u@a.test/", "https://a.test/#f", "https://a.test/ x",
        "https://a.test/\x7f", "https://[::1/", "http://a.test/", "http://192.0.2.1/"})
    EXPECT_FALSE(parse_url(text)) << text;
}

}  // namespace
}  // namespace postrider::config
