// The last words to a client: said, half-closed, and what it still sends read away, so that a reset doesn't eat them.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <string>

#include "net/stream.hpp"

namespace postrider::receive {

// What the client may still send, or has sent and nobody has read.
enum class Unread { perhaps, nothing };

// Writes `line` within 2 seconds, half-closes, drains what may come (64 KiB or 2 seconds), closes. Never throws for a broken
// connection.
boost::asio::awaitable<void> say_and_close(net::Stream& stream, std::string line,
                                           Unread unread = Unread::perhaps);

}  // namespace postrider::receive
