// What OpenSSL says, as an error code.
#pragma once

#include <boost/system/error_code.hpp>
#include <string>

namespace postrider::net {

// The category "tls"; its values are those of OpenSSL's error queue.
const boost::system::error_category& tls_category();

// The first error of this thread's queue, which is empty afterwards; errc::protocol_error where there is none.
boost::system::error_code take_tls_error();
// Its words, for people: "no shared cipher", "unsupported protocol".
std::string take_tls_words();

}  // namespace postrider::net
