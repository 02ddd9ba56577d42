#include "tokens/http.hpp"

#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/system/system_error.hpp>
#include <charconv>

#include "base/ascii.hpp"
#include "net/await_posted.hpp"
#include "net/listener.hpp"
#include "net/watchdog.hpp"

namespace postrider::tokens {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using asio::awaitable;
using asio::ip::tcp;

namespace {

using Parser = http::response_parser<http::string_body>;
using Addresses = std::vector<base::IpAddress>;

constexpr std::size_t kMostAddresses = 4;  // that are tried

std::unexpected<base::Failure> failed(const HttpRequest& request, const std::string& why) {
  return base::temporary({4, 7, 0}, "can't check that just now", request.url.text + ": " + why);
}

base::Milliseconds left(base::SteadyTime deadline) {
  return std::max(base::Milliseconds(0),
                  std::chrono::ceil<base::Milliseconds>(deadline - std::chrono::steady_clock::now()));
}

awaitable<Addresses> addresses_of(sys::Resolver& resolver, std::string host, base::SteadyTime deadline) {
  if (const auto address = base::IpAddress::parse(host)) co_return Addresses{*address};
  if (base::iequals(host, "localhost"))
    co_return Addresses{*base::IpAddress::parse("127.0.0.1")};  // RFC 6761 6.3
  using Answer = sys::dns::Result<base::IpAddress>;
  Addresses all;
  auto v4 = co_await net::await_posted<Answer>(
      left(deadline), [&](auto done) { resolver.a(host, left(deadline), std::move(done)); });
  if (v4 && *v4) all = (*v4)->records;
  auto v6 = co_await net::await_posted<Answer>(
      left(deadline), [&](auto done) { resolver.aaaa(host, left(deadline), std::move(done)); });
  if (v6 && *v6) all.insert(all.end(), (*v6)->records.begin(), (*v6)->records.end());
  if (all.size() > kMostAddresses) all.resize(kMostAddresses);
  co_return all;
}

// Null: nobody took the connection.
awaitable<std::unique_ptr<net::Stream>> connect(Addresses addresses, std::uint16_t port,
                                                base::SteadyTime deadline) {
  for (const auto& address : addresses) {
    tcp::socket socket(co_await asio::this_coro::executor);
    net::Watchdog watchdog(socket.get_executor(), [&socket] {
      boost::system::error_code ignored;
      socket.close(ignored);
    });
    watchdog.set(deadline);
    boost::system::error_code error;
    co_await socket.async_connect({net::to_asio(address), port},
                                  asio::redirect_error(asio::use_awaitable, error));
    if (watchdog.expired()) break;
    if (!error) co_return std::make_unique<net::TcpStream>(std::move(socket));
  }
  co_return nullptr;
}

std::string encode(const HttpRequest& request) {
  const auto& url = request.url;
  std::string host = url.host.contains(':') ? '[' + url.host + ']' : url.host;
  if (url.port != (url.tls ? 443 : 80)) host += ':' + std::to_string(url.port);
  std::string text = (request.form.empty() ? "GET " : "POST ") + url.target + " HTTP/1.1\r\nHost: " + host +
                     "\r\nAccept: application/json\r\nConnection: close\r\n";
  if (!request.authorization.empty()) text += "Authorization: " + request.authorization + "\r\n";
  if (!request.form.empty())
    text += "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: " +
            std::to_string(request.form.size()) + "\r\n";
  return text + "\r\n" + request.form;
}

awaitable<std::string> read_answer(net::Stream& stream, Parser& parser) {
  std::array<char, 16384> piece;
  std::string waiting;
  while (!parser.is_done()) {
    const auto got = stream.try_read(piece.data(), piece.size());
    if (!got) {
      co_await stream.wait_readable();
      continue;
    }
    boost::system::error_code error;
    if (*got == 0) {
      parser.put_eof(error);
      co_return error ? "the answer was cut short" : "";
    }
    waiting.append(piece.data(), *got);
    const auto used = parser.put(asio::buffer(waiting), error);
    waiting.erase(0, used);
    if (error && error != http::error::need_more) co_return error.message();
  }
  co_return "";
}

std::optional<std::chrono::seconds> max_age_of(std::string_view field) {
  constexpr std::string_view kName = "max-age=";
  const auto at = base::lower(field).find(kName);
  if (at == field.npos) return {};
  const auto digits = field.substr(at + kName.size());
  std::uint32_t seconds = 0;
  if (std::from_chars(digits.data(), digits.data() + digits.size(), seconds).ec != std::errc()) return {};
  return std::chrono::seconds(seconds);
}

awaitable<base::Result<HttpResponse>> converse(HttpParts parts, HttpRequest request,
                                               base::SteadyTime deadline) {
  const auto& url = request.url;
  auto stream =
      co_await connect(co_await addresses_of(parts.resolver, url.host, deadline), url.port, deadline);
  if (!stream) co_return failed(request, "no connection");
  net::Watchdog watchdog(stream->executor(), [&stream] { stream->cancel(); });
  watchdog.set(deadline);
  if (url.tls) {
    auto tls = parts.tls.connect(std::move(stream), {.server_name = url.host, .strict = true});
    auto* secure = tls.get();
    stream = std::move(tls);
    co_await secure->handshake();
    const auto facts = secure->facts();
    if (!facts.has_peer || !facts.peer.trusted)
      co_return failed(request, "its certificate is not trusted: " + facts.peer.distrust);
    if (!secure->peer_is_one_of({url.host})) co_return failed(request, "its certificate is for another name");
  }
  co_await stream->write_all(encode(request));
  Parser parser;
  parser.body_limit(kMostBody);
  parser.header_limit(kMostHttpHeader);
  parser.eager(true);
  const std::string fault = co_await read_answer(*stream, parser);
  if (!fault.empty()) co_return failed(request, fault);
  auto& answer = parser.get();
  if (answer.result_int() != 200)
    co_return failed(request, "it answered with status " + std::to_string(answer.result_int()));
  const auto cache = answer[http::field::cache_control];
  co_return HttpResponse{.body = std::move(answer.body()),
                         .max_age = max_age_of({cache.data(), cache.size()})};
}

}  // namespace

awaitable<base::Result<HttpResponse>> fetch(HttpParts parts, HttpRequest request,
                                            base::Milliseconds at_most) {
  const auto deadline = std::chrono::steady_clock::now() + at_most;
  std::string why;
  try {
    co_return co_await converse(parts, request, deadline);
  } catch (const boost::system::system_error& error) {
    why = error.code() == asio::error::operation_aborted ? "it took too long" : error.code().message();
  }
  co_return failed(request, why);
}

std::string form_encode(std::string_view text) {
  constexpr std::string_view kHex = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    if (base::is_alnum(c) || std::string_view("-._~").contains(c)) {
      out += c;
      continue;
    }
    const auto octet = static_cast<unsigned char>(c);
    out += '%';
    out += kHex[octet >> 4];
    out += kHex[octet & 15];
  }
  return out;
}

}  // namespace postrider::tokens
