#include "wire/dkim/header_index.hpp"

#include <algorithm>

#include "base/ascii.hpp"

namespace postrider::wire::dkim {
namespace {

// Any order serves that has equal names side by side; by size most of them are told apart at once.
bool comes_before(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return a.size() < b.size();
  return std::ranges::lexicographical_compare(a, b, {}, base::to_lower, base::to_lower);
}

}  // namespace

HeaderIndex::HeaderIndex(std::string_view header) : header_(header) {
  fields_.reserve(32);
  for (mime::FieldScanner scan(header); const auto field = scan.next();) fields_.push_back(*field);
  by_name_.reserve(fields_.size());
  for (std::size_t i = fields_.size(); i-- > 0;) by_name_.push_back(i);
  std::ranges::sort(by_name_, [this](std::size_t a, std::size_t b) {
    if (comes_before(fields_[a].name, fields_[b].name)) return true;
    return a > b && base::iequals(fields_[a].name, fields_[b].name);
  });
}

std::span<const std::size_t> HeaderIndex::named(std::string_view name) const {
  const auto [begin, end] = std::ranges::equal_range(by_name_, name, comes_before,
                                                     [this](std::size_t i) { return fields_[i].name; });
  return {begin, end};
}

std::size_t HeaderIndex::count(std::string_view name) const { return named(name).size(); }

std::string HeaderIndex::chosen(std::span<const std::string> names, Canonicalization canonicalization,
                                std::optional<std::size_t> own) const {
  std::string out;
  out.reserve(2048);  // with the signature, for most; others grow
  // How many of a name are taken, at the place of its first.
  std::vector<std::size_t> taken(by_name_.size());
  for (const std::string& name : names) {
    const auto fields = named(name);
    if (fields.empty()) continue;
    std::size_t& next = taken[static_cast<std::size_t>(fields.data() - by_name_.data())];
    if (next < fields.size() && fields[next] == own) ++next;
    if (next < fields.size()) append_canonical(canonicalization, text(fields[next++]), out);
  }
  return out;
}

}  // namespace postrider::wire::dkim
