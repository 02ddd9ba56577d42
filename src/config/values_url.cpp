#include <algorithm>
#include <charconv>

#include "base/ascii.hpp"
#include "config/values.hpp"

namespace postrider::config {
namespace {

std::unexpected<Problem> bad(std::string_view text, std::string_view why) {
  return std::unexpected(Problem{"\"" + std::string(text) + "\" " + std::string(why),
                                 "write \"https://id.example.com/path\", or \"http://127.0.0.1:8080/path\""});
}

bool is_target(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return c > ' ' && c <= '~' && c != '#' && c != '"'; });
}

// "host", "host:port", "[::1]:port"
bool read_authority(std::string_view text, Url& url) {
  std::string_view port;
  if (text.starts_with('[')) {
    const auto close = text.find(']');
    if (close == text.npos) return false;
    const auto address = base::IpAddress::parse(text.substr(1, close - 1));
    if (!address || address->is_v4()) return false;
    url.host = address->to_string();
    port = text.substr(close + 1);
  } else {
    const auto colon = std::min(text.find(':'), text.size());
    const auto host = text.substr(0, colon);
    const auto address = base::IpAddress::parse(host);
    const auto domain = mail::Domain::parse(host);
    if (!address && !domain) return false;
    url.host = address ? address->to_string() : domain->ascii();
    port = text.substr(colon);
  }
  if (port.empty()) return true;
  port.remove_prefix(1);
  const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), url.port);
  return error == std::errc() && end == port.data() + port.size() && url.port != 0;
}

bool is_this_machine(const std::string& host) {
  const auto address = base::IpAddress::parse(host);
  return address ? address->is_loopback() : host == "localhost";
}

}  // namespace

Parsed<Url> parse_url(std::string_view text) {
  Url url;
  url.text = text;
  url.tls = base::istarts_with(text, "https://");
  if (!url.tls && !base::istarts_with(text, "http://")) return bad(text, "is no web address");
  if (!url.tls) url.port = 80;
  const auto rest = text.substr(url.tls ? 8 : 7);
  const auto slash = std::min(rest.find_first_of("/?"), rest.size());
  const auto target = rest.substr(slash);
  if (!read_authority(rest.substr(0, slash), url) || !is_target(target))
    return bad(text, "is no web address");
  url.target = (target.starts_with('/') ? "" : "/") + std::string(target);
  if (!url.tls && !is_this_machine(url.host)) return bad(text, "would send secrets in clear");
  return url;
}

}  // namespace postrider::config
