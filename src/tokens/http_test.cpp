#include "tokens/http.hpp"

#include <gmock/gmock.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>

#include "config/values.hpp"
#include "sys/fake/resolver.hpp"
#include "tokens/testing/host.hpp"

namespace postrider::tokens {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using testing::Host;
using ::testing::StartsWith;

class Http : public ::testing::Test {
 protected:
  base::Result<HttpResponse> ask(HttpRequest request, base::Milliseconds at_most = std::chrono::seconds(10)) {
    asio::io_context context(1);
    base::Result<HttpResponse> result = base::temporary({4, 0, 0}, "no answer");
    asio::co_spawn(context, keep({resolver_, tls_}, std::move(request), at_most, result), asio::detached);
    context.run();
    return result;
  }
  base::Result<HttpResponse> get(const Host& host, const std::string& name = "127.0.0.1") {
    return ask({.url = url(name, host.port())});
  }
  static config::Url url(const std::string& host, std::uint16_t port) {
    return config::parse_url("http://" + host + ':' + std::to_string(port) + "/keys?x=1").value();
  }

  sys::fake::Resolver resolver_;
  net::TlsClient tls_;

 private:
  static asio::awaitable<void> keep(HttpParts parts, HttpRequest request, base::Milliseconds at_most,
                                    base::Result<HttpResponse>& result) {
    result = co_await fetch(parts, std::move(request), at_most);
  }
};

TEST_F(Http, GetsABody) {
  Host host("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nCache-Control: public, Max-Age=300\r\n\r\n{}");
  const auto answer = get(host);
  ASSERT_TRUE(answer) << answer.error().log_text();
  EXPECT_EQ(answer->body, "{}");
  EXPECT_EQ(answer->max_age, std::chrono::seconds(300));
  EXPECT_THAT(host.heard(),
              ElementsAre("GET /keys?x=1 HTTP/1.1\r\nHost: 127.0.0.1:" + std::to_string(host.port()) +
                          "\r\nAccept: application/json\r\nConnection: close\r\n\r\n"));
}

TEST_F(Http, PostsAForm) {
  Host host("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n");
  const auto answer =
      ask({.url = url("127.0.0.1", host.port()), .form = "a=b", .authorization = "Basic eA=="});
  EXPECT_EQ(answer.value().body, "abcde");
  EXPECT_FALSE(answer->max_age);
  const auto heard = host.heard().at(0);
  EXPECT_THAT(heard, StartsWith("POST /keys?x=1 HTTP/1.1\r\n"));
  EXPECT_THAT(heard,
              HasSubstr("Authorization: Basic eA==\r\nContent-Type: application/x-www-form-urlencoded\r\n"
                        "Content-Length: 3\r\n\r\n"));
}

// RFC 6761 6.3
TEST_F(Http, AsksLocalhostWithoutTheDns) {
  Host host("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
  EXPECT_TRUE(get(host, "localhost"));
  EXPECT_EQ(resolver_.asked, 0);
}

TEST_F(Http, FailsForNowWhereTheAnswerIsNone) {
  const auto why = [&](const std::string& answer) {
    Host host(answer);
    const auto got = get(host);
    EXPECT_FALSE(got) << answer;
    EXPECT_FALSE(got.error().permanent());
    return got.error().log_text();
  };
  EXPECT_THAT(why("HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n"), EndsWith("it answered with status 503"));
  EXPECT_THAT(why("HTTP/1.1 302 No\r\nLocation: http://127.0.0.1/\r\nContent-Length: 0\r\n\r\n"),
              EndsWith("it answered with status 302"));
  EXPECT_THAT(why("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nshort"),
              EndsWith("the answer was cut short"));
  EXPECT_THAT(why("SSH-2.0\r\n\r\n"), HasSubstr("bad version"));
  EXPECT_THAT(why("HTTP/1.1 200 OK\r\nContent-Length: 262145\r\n\r\n"), HasSubstr("body limit exceeded"));
  EXPECT_THAT(why("HTTP/1.1 200 OK\r\nX: " + std::string(kMostHttpHeader, 'x') + "\r\n\r\n"),
              HasSubstr("header limit exceeded"));
}

TEST_F(Http, GivesUpAtItsDeadline) {
  asio::io_context context;
  tcp::acceptor silent(context, {asio::ip::address_v4::loopback(), 0});
  const auto got = ask({.url = url("127.0.0.1", silent.local_endpoint().port())}, base::Milliseconds(50));
  EXPECT_THAT(got.error().log_text(), EndsWith("it took too long"));
}

TEST_F(Http, SaysThatNobodyIsThere) {
  std::uint16_t port = 0;
  {
    asio::io_context context;
    port = tcp::acceptor(context, {asio::ip::address_v4::loopback(), 0}).local_endpoint().port();
  }
  EXPECT_THAT(ask({.url = url("127.0.0.1", port)}).error().log_text(), EndsWith("no connection"));
  const auto unknown = config::parse_url("https://nowhere.test/").value();
  EXPECT_THAT(ask({.url = unknown}).error().log_text(), EndsWith("no connection"));
  EXPECT_EQ(resolver_.asked, 2);
}

TEST(HttpForm, IsEncoded) { EXPECT_EQ(form_encode("a b&c=d/ä~"), "a%20b%26c%3Dd%2F%C3%A4~"); }

}  // namespace
}  // namespace postrider::tokens
