// What monitoring asks by HTTP: GET /metrics.
#pragma once

#include <memory>
#include <string>

#include "base/ip.hpp"
#include "base/result.hpp"

namespace postrider::admin {

// One thread of its own, on which the metrics are collected too. One request for each connection, which ends with the answer: 200
// for GET and HEAD of /metrics, 404 for another path, 405 for another method, 400 for what is no request. 16 connections at a
// time (more are closed at once), each at most 10 s; a request's header has at most 8 KiB, and no body. A Host that is a name,
// and not localhost, is refused (421): a web page somewhere must not read this by way of a browser here.
class HttpServer {
 public:
  // Bound, and not answering yet. Failure: permanent 5.3.5.
  static base::Result<std::unique_ptr<HttpServer>> bind(const base::IpAddress& address, std::uint16_t port);
  // Cuts off what is under way.
  ~HttpServer();
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  void start();
  std::string address() const;  // "127.0.0.1:2580"

 private:
  struct Inside;
  explicit HttpServer(std::unique_ptr<Inside> inside);
  std::unique_ptr<Inside> inside_;
};

}  // namespace postrider::admin
