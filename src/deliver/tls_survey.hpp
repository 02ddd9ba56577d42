// What a server offers of TLS, asked from outside: for `postrider tls probe`.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <memory>
#include <string>
#include <vector>

#include "deliver/hosts.hpp"
#include "net/tls_context.hpp"
#include "net/tls_facts.hpp"
#include "policy/tls_policy.hpp"

namespace postrider::deliver {

struct TlsSurvey {
  std::string trouble;   // why nothing could be asked; empty: the rest holds
  bool offered = false;  // STARTTLS, or TLS from the first octet on
  struct Version {
    std::string name;  // "TLSv1.3"
    bool taken = false;
    std::string words;  // the cipher, or why not
  };
  std::vector<Version> versions;            // newest first; empty where TLS is not offered
  std::vector<net::PeerCertificate> chain;  // the server's own first
  std::string key;                          // of the server's own: "RSA 2048"
  bool trusted = false;
  std::string distrust;
  // Whether its certificate is for one of the names that were asked for.
  bool named = false;

  // What becomes of mail under this policy, in a few words: "goes in clear", "waits: certificate has expired".
  std::string judged_by(const policy::TlsPolicy& policy) const;
};

struct TlsQuestion {
  NextHop hop;
  std::string helo;
  bool implicit = false;                              // TLS comes before the greeting
  std::vector<std::string> names;                     // that its certificate should have
  base::Milliseconds step{std::chrono::seconds(10)};  // for each step
};
// One connection for each version of TLS, and one before. On the executor of the coroutine; `client` outlives it.
boost::asio::awaitable<TlsSurvey> survey_tls(net::TlsClient& client, TlsQuestion question);

}  // namespace postrider::deliver
