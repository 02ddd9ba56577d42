// A header section of about 2.5 KiB, such as mail from a large provider has when it comes in.
#pragma once

#include <string_view>

namespace postrider::bench {

extern const std::string_view kHeader;  // without the blank line

}  // namespace postrider::bench
