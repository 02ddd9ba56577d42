// What a thread does that accepts the connections of one socket.
#pragma once

#include <functional>

#include "sys/descriptor.hpp"

namespace postrider::sys {

// Gives each connection (non-blocking) to `take`, on this thread, until `stop` is readable. `listener` is non-blocking. Where
// no descriptor is left it tries again after a tenth of a second.
void accept_until(const Descriptor& stop, const Descriptor& listener,
                  const std::function<void(Descriptor)>& take);

}  // namespace postrider::sys
