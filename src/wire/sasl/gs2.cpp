#include "wire/sasl/gs2.hpp"

#include <algorithm>

#include "base/ascii.hpp"

namespace postrider::wire::sasl {
namespace {

constexpr std::size_t kMostName = 255;
constexpr std::size_t kMostBinding = 64;

bool is_binding_name(std::string_view text) {
  return !text.empty() && text.size() <= kMostBinding &&
         std::ranges::all_of(text, [](char c) { return base::is_alnum(c) || c == '.' || c == '-'; });
}

// The text up to the comma, which is taken away with it; nothing where there is no comma.
std::optional<std::string_view> take_field(std::string_view& rest) {
  const auto comma = rest.find(',');
  if (comma == rest.npos) return {};
  const auto field = rest.substr(0, comma);
  rest.remove_prefix(comma + 1);
  return field;
}

}  // namespace

std::optional<std::string> decode_saslname(std::string_view text) {
  if (text.empty() || text.size() > kMostName || text.contains('\0') || !base::is_utf8(text)) return {};
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == ',') return {};
    if (text[i] != '=') {
      out += text[i];
      continue;
    }
    const auto code = text.substr(i, 3);
    if (code != "=2C" && code != "=3D") return {};
    out += code == "=2C" ? ',' : '=';
    i += 2;
  }
  return out;
}

std::optional<Gs2Header> parse_gs2_header(std::string_view message) {
  std::string_view rest = message;
  const auto flag = take_field(rest);
  if (!flag || flag->empty()) return {};
  Gs2Header header;
  header.flag = flag->front();
  if (header.flag == 'p') {
    if (!flag->starts_with("p=") || !is_binding_name(flag->substr(2))) return {};
    header.binding = flag->substr(2);
  } else if (*flag != "n" && *flag != "y") {
    return {};
  }
  const auto name = take_field(rest);
  if (!name) return {};
  if (!name->empty()) {
    auto decoded = name->starts_with("a=") ? decode_saslname(name->substr(2)) : std::nullopt;
    if (!decoded) return {};
    header.authzid = std::move(*decoded);
  }
  header.size = message.size() - rest.size();
  return header;
}

}  // namespace postrider::wire::sasl
