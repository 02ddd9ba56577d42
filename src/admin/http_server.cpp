#include "admin/http_server.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>
#include <thread>

#include "admin/metrics_text.hpp"
#include "base/ascii.hpp"
#include "net/listener.hpp"
#include "sys/thread_name.hpp"

namespace postrider::admin {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using asio::awaitable;
using asio::ip::tcp;

namespace {

constexpr std::size_t kConnections = 16;
constexpr std::uint32_t kHeader = 8 * 1024;  // octets
constexpr std::chrono::seconds kPatience(10);

using Request = http::request<http::empty_body>;
using Response = http::response<http::string_body>;

// Of the Host field, without its port.
std::string_view host_of(std::string_view field) {
  if (field.starts_with('[')) return field.substr(1, field.find(']') - 1);
  return field.substr(0, field.find(':'));
}

bool is_ours(std::string_view host) {
  return host.empty() || base::iequals(host, "localhost") || base::IpAddress::parse(host).has_value();
}

Response answer_to(const Request& request) {
  Response response{http::status::ok, 11};
  const auto refuse = [&response](http::status status, std::string words) {
    response.result(status);
    response.body() = std::move(words) + '\n';
  };
  response.set(http::field::content_type, "text/plain; charset=utf-8");
  const auto host = request[http::field::host];
  const auto target = request.target();
  if (!is_ours(host_of({host.data(), host.size()}))) {
    refuse(http::status::misdirected_request, "ask by address, or as localhost");
  } else if (target != "/metrics") {
    refuse(http::status::not_found, "there is /metrics, and nothing else");
  } else if (request.method() != http::verb::get && request.method() != http::verb::head) {
    refuse(http::status::method_not_allowed, "GET and HEAD only");
    response.set(http::field::allow, "GET, HEAD");  // RFC 9110 15.5.6
  } else {
    response.set(http::field::content_type, kMetricsType);
    response.body() = metrics_text();
  }
  response.keep_alive(false);
  response.content_length(response.body().size());
  if (request.method() == http::verb::head) response.body().clear();  // RFC 9110 9.3.2
  return response;
}

Response malformed() {
  Response response{http::status::bad_request, 11};
  response.keep_alive(false);
  response.prepare_payload();
  return response;
}

}  // namespace

struct HttpServer::Inside {
  awaitable<void> accept();
  awaitable<void> serve(tcp::socket socket);
  awaitable<void> converse(beast::tcp_stream& stream);

  asio::io_context context{1};
  net::Bound bound;
  tcp::endpoint endpoint;
  std::size_t connections = 0;  // the thread's
  std::thread thread;
};

awaitable<void> HttpServer::Inside::accept() {
  auto& acceptor = bound.acceptors.front();
  asio::steady_timer pause(context);
  for (;;) {
    boost::system::error_code error;
    auto socket = co_await acceptor.async_accept(asio::redirect_error(asio::use_awaitable, error));
    if (!error) {
      if (connections < kConnections) asio::co_spawn(context, serve(std::move(socket)), asio::detached);
      continue;
    }
    // No descriptor is left: others may end soon.
    pause.expires_after(std::chrono::seconds(1));
    co_await pause.async_wait(asio::redirect_error(asio::use_awaitable, error));
  }
}

awaitable<void> HttpServer::Inside::serve(tcp::socket socket) {
  ++connections;
  beast::tcp_stream stream(std::move(socket));
  stream.expires_after(kPatience);
  try {
    co_await converse(stream);
  } catch (const boost::system::system_error&) {
    // It has gone, or takes too long.
  }
  --connections;
}

awaitable<void> HttpServer::Inside::converse(beast::tcp_stream& stream) {
  http::request_parser<http::empty_body> parser;
  parser.header_limit(kHeader);
  parser.body_limit(0);
  beast::flat_buffer buffer(kHeader + 1024);
  boost::system::error_code error;
  co_await http::async_read_header(stream, buffer, parser, asio::redirect_error(asio::use_awaitable, error));
  const bool is_gone =
      error == http::error::end_of_stream || error == http::error::partial_message ||
      (error && error.category() != http::make_error_code(http::error::bad_value).category());
  if (is_gone) co_return;
  Response response = error ? malformed() : answer_to(parser.get());
  http::response_serializer<http::string_body> serializer(response);
  co_await http::async_write(stream, serializer, asio::use_awaitable);
  stream.socket().shutdown(tcp::socket::shutdown_send, error);
}

HttpServer::HttpServer(std::unique_ptr<Inside> inside) : inside_(std::move(inside)) {}

HttpServer::~HttpServer() {
  inside_->context.stop();
  if (inside_->thread.joinable()) inside_->thread.join();
}

base::Result<std::unique_ptr<HttpServer>> HttpServer::bind(const base::IpAddress& address,
                                                           std::uint16_t port) {
  auto inside = std::make_unique<Inside>();
  auto bound = net::bind(address, port, {&inside->context});
  if (!bound) return std::unexpected(std::move(bound.error()));
  inside->bound = std::move(*bound);
  inside->endpoint = {net::to_asio(address), inside->bound.port};
  return std::unique_ptr<HttpServer>(new HttpServer(std::move(inside)));
}

void HttpServer::start() {
  asio::co_spawn(inside_->context, inside_->accept(), asio::detached);
  inside_->thread = std::thread([inside = inside_.get()] {
    sys::name_this_thread("http");
    inside->context.run();
  });
}

std::string HttpServer::address() const {
  const auto host = net::from_asio(inside_->endpoint.address());
  return (host.is_v4() ? host.to_string() : '[' + host.to_string() + ']') + ':' +
         std::to_string(inside_->endpoint.port());
}

}  // namespace postrider::admin
