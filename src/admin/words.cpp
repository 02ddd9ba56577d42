#include <array>

#include "admin/request.hpp"

namespace postrider::admin {
namespace {

using store::Suspension;

base::Result<std::string> parse_domain(std::string_view text) {
  auto domain = mail::Domain::parse(text);
  if (!domain) return std::unexpected(std::move(domain.error()));
  return domain->ascii();
}

base::Result<std::string> parse_subdomains(std::string_view text) {
  auto parent = parse_domain(text.substr(1));
  if (!parent) return parent;
  return "." + *parent;
}

base::Result<std::string> parse_address(std::string_view text) {
  auto address = mail::Address::parse(text);
  if (!address) return std::unexpected(std::move(address.error()));
  return address->to_ascii();
}

}  // namespace

std::string to_string(store::RecipientId place) {
  return place.message.to_string() + "/" + std::to_string(place.index);
}

std::string_view to_string(queue::Change change) {
  constexpr std::array<std::string_view, 5> kWords = {"retry", "hold", "release", "bounce", "remove"};
  return kWords[static_cast<std::size_t>(change)];
}

std::string_view to_string(mail::RecipientState state) {
  constexpr std::array<std::string_view, 3> kWords = {"waiting", "held", "untold"};
  return kWords[static_cast<std::size_t>(state) - 1];
}

std::string_view to_string(Suspension::What what) {
  constexpr std::array<std::string_view, 4> kWords = {"all", "destination", "site", "sender"};
  return kWords[static_cast<std::size_t>(what) - 1];
}

base::Result<std::string> parse_pattern(std::string_view text) {
  if (text == "<>") return std::string(text);
  if (text.empty()) return base::permanent({5, 5, 4}, "empty; the null sender is written <>");
  if (text.starts_with('.')) return parse_subdomains(text);
  return text.contains('@') ? parse_address(text) : parse_domain(text);
}

base::Result<std::string> parse_destination(std::string_view text) {
  if (!text.starts_with('[')) return parse_domain(text);
  auto address = mail::Address::parse("x@" + std::string(text));
  if (!address) return std::unexpected(std::move(address.error()));
  return mail::to_ascii(address->host());
}

base::Result<std::string> parse_suspended(Suspension::What what, std::string_view text) {
  switch (what) {
    case Suspension::What::all:
      if (text.empty()) return std::string();
      return base::permanent({5, 5, 4}, "nothing more is to be said of all");
    case Suspension::What::destination:
      return text.starts_with('.') ? parse_subdomains(text) : parse_destination(text);
    case Suspension::What::site:
      if (!text.empty() && text.size() <= kSiteBytes) return std::string(text);
      return base::permanent({5, 5, 4}, "a site's name has 1 to " + std::to_string(kSiteBytes) + " bytes");
    case Suspension::What::sender:
      if (text == "<>") return std::string();
      return text.contains('@') ? parse_address(text) : parse_domain(text);
  }
  return base::permanent({5, 5, 4}, "nothing that can be suspended");
}

}  // namespace postrider::admin
