#include "config/config.hpp"

#include <algorithm>

#include "base/ascii.hpp"

namespace postrider::config {
namespace {

bool is_below(const mail::Domain& domain, const mail::Domain& parent) {
  return domain != parent && domain.is_within(parent);
}

}  // namespace

std::string Fault::to_string() const {
  std::string out = file;
  if (line != 0) out += ':' + std::to_string(line) + ':' + std::to_string(column);
  return out + ": " + what + "; " + mend;
}

std::string Listener::name() const {
  if (mode == ListenerMode::submit) return "submit";
  const std::string host = address.to_string();
  return (address.is_v4() ? host : '[' + host + ']') + ':' + std::to_string(port);
}

bool Submit::allows(std::uint32_t uid, std::string_view user) const {
  if (allow != SubmitAllow::listed) return allow == SubmitAllow::everybody;
  return uid == 0 || std::ranges::find(users, user) != users.end();
}

bool AddressPattern::matches(const mail::Address& address) const {
  if (local && !base::iequals(*local, address.local())) return false;
  if (!subdomains) return host == address.host();
  return address.domain() && is_below(*address.domain(), std::get<mail::Domain>(host));
}

bool Route::matches(const mail::Host& host) const {
  if (!domain) return true;
  const auto* name = std::get_if<mail::Domain>(&host);
  if (!name) return false;
  return subdomains ? is_below(*name, *domain) : *name == *domain;
}

const Domain* Config::find_domain(const mail::Domain& name) const {
  const auto found = domain_index_.find(name);
  return found == domain_index_.end() ? nullptr : &domains[found->second];
}

std::shared_ptr<const Route> route_for(const std::shared_ptr<const Config>& config, const mail::Host& host) {
  const auto found =
      std::ranges::find_if(config->routes, [&](const Route& one) { return one.matches(host); });
  if (found != config->routes.end()) return {config, &*found};
  static const auto by_mx = std::make_shared<const Route>();
  return by_mx;
}

void Config::index_domains() {
  domain_index_.clear();
  domain_index_.reserve(domains.size());
  for (std::size_t i = 0; i < domains.size(); ++i) domain_index_.emplace(domains[i].name, i);
}

}  // namespace postrider::config
