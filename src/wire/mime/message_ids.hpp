// Message ids of header fields (Message-ID, In-Reply-To, References): RFC 5322 3.6.4, and the phrases between
// them of the obsolete form (RFC 5322 4.5.4). Pure.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace postrider::wire::mime {

inline constexpr std::size_t kMaxMessageIds = 1000;  // per field; those behind are not read

// The ids in their order, without the angle brackets and folds, else as written and not checked. A value of
// one word without angle brackets is taken as one id. `raw`: a field's value with its folds.
std::vector<std::string> parse_message_ids(std::string_view raw);

}  // namespace postrider::wire::mime
