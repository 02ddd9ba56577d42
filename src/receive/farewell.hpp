// The last words to a client: said, half-closed, and what it still sends read away, so that a reset doesn't eat them.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <string>

#include "net/stream.hpp"

namespace postrider::receive {

// Writes `line`, half-closes, drains 64 KiB or 2 seconds, closes. Never throws for a broken connection.
boost::asio::awaitable<void> say_and_close(net::Stream& stream, std::string line);

}  // namespace postrider::receive
