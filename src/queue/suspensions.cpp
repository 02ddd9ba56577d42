#include "queue/suspensions.hpp"

#include <algorithm>
#include <utility>

#include "base/ascii.hpp"

namespace postrider::queue {
namespace {

using What = store::Suspension::What;

// "example.net", or ".example.net" for what is below it.
bool covers_domain(std::string_view pattern, std::string_view name) {
  if (!pattern.starts_with('.')) return base::iequals(pattern, name);
  return name.size() > pattern.size() && base::iequals(name.substr(name.size() - pattern.size()), pattern);
}

bool covers_sender(std::string_view pattern, const mail::ReversePath& sender) {
  if (pattern.empty() || sender.is_null()) return pattern.empty() && sender.is_null();
  const auto at = pattern.rfind('@');
  const std::string host = mail::to_ascii(sender.address().host());
  if (at == std::string_view::npos) return covers_domain(pattern, host);
  return base::iequals(pattern.substr(at + 1), host) &&
         (base::iequals(pattern.substr(0, at), sender.address().local()) ||
          base::iequals(pattern.substr(0, at), mail::quote_local(sender.address().local())));
}

}  // namespace

void Suspensions::set(std::vector<store::Suspension> all) {
  all_ = std::move(all);
  count();
}

void Suspensions::add(store::Suspension one) {
  all_.push_back(std::move(one));
  count();
}

bool Suspensions::remove(std::uint64_t id) {
  const bool removed = std::erase_if(all_, [id](const auto& one) { return one.id == id; }) > 0;
  count();
  return removed;
}

void Suspensions::count() {
  kinds_ = 0;
  next_end_ = base::UtcTime::max();
  for (const auto& one : all_) {
    kinds_ |= 1u << static_cast<unsigned>(one.what);
    if (one.until) next_end_ = std::min(next_end_, *one.until);
  }
}

const store::Suspension* Suspensions::everything() const {
  if (!has(What::all)) return nullptr;
  return &*std::ranges::find(all_, What::all, &store::Suspension::what);
}

const store::Suspension* Suspensions::of_destination(std::string_view name) const {
  if (!has(What::destination)) return nullptr;
  const auto found = std::ranges::find_if(all_, [name](const auto& one) {
    return one.what == What::destination && covers_domain(one.pattern, name);
  });
  return found == all_.end() ? nullptr : &*found;
}

const store::Suspension* Suspensions::of_site(std::string_view name) const {
  if (!has(What::site)) return nullptr;
  const auto found = std::ranges::find_if(
      all_, [name](const auto& one) { return one.what == What::site && base::iequals(one.pattern, name); });
  return found == all_.end() ? nullptr : &*found;
}

const store::Suspension* Suspensions::of_sender(const mail::ReversePath& sender) const {
  if (!has(What::sender)) return nullptr;
  const auto found = std::ranges::find_if(all_, [&sender](const auto& one) {
    return one.what == What::sender && covers_sender(one.pattern, sender);
  });
  return found == all_.end() ? nullptr : &*found;
}

std::vector<std::uint64_t> Suspensions::over(base::UtcTime now) const {
  std::vector<std::uint64_t> ids;
  for (const auto& one : all_)
    if (one.until && *one.until <= now) ids.push_back(one.id);
  return ids;
}

}  // namespace postrider::queue
