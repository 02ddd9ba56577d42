// What `ps -L`, `top -H` and a debugger call the calling thread.
#pragma once

#include <string_view>

namespace postrider::sys {

// The kernel keeps 15 octets; the rest is cut.
void name_this_thread(std::string_view name);

}  // namespace postrider::sys
