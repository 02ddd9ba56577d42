// A small HTTP client: one request, one answer, one connection. RFC 9112
#pragma once

#include <boost/asio/awaitable.hpp>
#include <optional>
#include <string>

#include "base/result.hpp"
#include "base/time.hpp"
#include "config/config.hpp"
#include "net/tls_context.hpp"
#include "sys/resolver.hpp"

namespace postrider::tokens {

inline constexpr std::size_t kMostBody = 262144;       // octets of an answer
inline constexpr std::size_t kMostHttpHeader = 16384;  // of its header

struct HttpRequest {
  config::Url url;
  std::string form = {};           // application/x-www-form-urlencoded: it is a POST; empty: a GET
  std::string authorization = {};  // the field's value; empty: none
};
struct HttpResponse {
  std::string body;
  std::optional<std::chrono::seconds> max_age;  // of Cache-Control
};

struct HttpParts {
  sys::Resolver& resolver;
  net::TlsClient& tls;  // https: its certificate must be trusted, and be for the host's name
};

// Failures are temporary, and their log text says why: no connection, no TLS, another status than 200, an answer that is too long,
// no answer within `at_most`, all together. Redirections are not followed: who answers is who was asked.
boost::asio::awaitable<base::Result<HttpResponse>> fetch(HttpParts parts, HttpRequest request,
                                                         base::Milliseconds at_most);

// What a form's value is written as.
std::string form_encode(std::string_view text);

}  // namespace postrider::tokens
