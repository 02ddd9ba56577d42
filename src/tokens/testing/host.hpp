// A web server on loopback that answers what it is told, one connection after the other.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/write.hpp>
#include <deque>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace postrider::tokens::testing {

class Host {
 public:
  // `answers` in their order; after the last nobody answers any more.
  explicit Host(std::deque<std::string> answers)
      : thread_([this, all = std::move(answers)] {
          for (const auto& answer : all)
            if (!serve(answer)) return;
        }) {}
  explicit Host(std::string answer) : Host(std::deque<std::string>{std::move(answer)}) {}
  ~Host() {
    // An accept that nobody came for.
    boost::system::error_code ignored;
    boost::asio::ip::tcp::socket socket(context_);
    socket.connect({boost::asio::ip::address_v4::loopback(), port_}, ignored);
    {
      const std::lock_guard lock(mutex_);
      over_ = true;
    }
    socket.close(ignored);
    thread_.join();
  }
  std::uint16_t port() const { return port_; }
  // The heads of the requests so far.
  std::vector<std::string> heard() const {
    const std::lock_guard lock(mutex_);
    return heard_;
  }

 private:
  using tcp = boost::asio::ip::tcp;
  bool serve(const std::string& answer) {
    boost::system::error_code ignored;
    tcp::socket socket(context_);
    acceptor_.accept(socket, ignored);
    std::string head;
    boost::asio::read_until(socket, boost::asio::dynamic_buffer(head), "\r\n\r\n", ignored);
    {
      const std::lock_guard lock(mutex_);
      if (over_) return false;
      heard_.push_back(head);
    }
    boost::asio::write(socket, boost::asio::buffer(answer), ignored);
    socket.shutdown(tcp::socket::shutdown_send, ignored);
    std::string rest;  // until the other side is gone: a reset would eat the answer
    boost::asio::read(socket, boost::asio::dynamic_buffer(rest), ignored);
    return true;
  }

  boost::asio::io_context context_;
  tcp::acceptor acceptor_{context_, {boost::asio::ip::address_v4::loopback(), 0}};
  std::uint16_t port_ = acceptor_.local_endpoint().port();
  mutable std::mutex mutex_;
  std::vector<std::string> heard_;
  bool over_ = false;
  std::thread thread_;  // last: it uses the rest
};

// 200 with this body.
inline std::string ok(const std::string& body, const std::string& fields = {}) {
  return "HTTP/1.1 200 OK\r\n" + fields + "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" +
         body;
}

}  // namespace postrider::tokens::testing
