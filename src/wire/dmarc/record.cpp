#include "wire/dmarc/record.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "base/ascii.hpp"

namespace postrider::wire::dmarc {
namespace {

template <class T, std::size_t N>
using Words = std::array<std::pair<std::string_view, T>, N>;

constexpr Words<Policy, 3> kPolicies = {
    {{"none", Policy::none}, {"quarantine", Policy::quarantine}, {"reject", Policy::reject}}};
constexpr Words<Alignment, 2> kAlignments = {{{"r", Alignment::relaxed}, {"s", Alignment::strict}}};
constexpr Words<Psd, 3> kPsd = {{{"u", Psd::unknown}, {"y", Psd::yes}, {"n", Psd::no}}};
constexpr Words<bool, 2> kYesOrNo = {{{"y", true}, {"n", false}}};

// In any case, as ABNF has it. RFC 5234 2.3
template <class T, std::size_t N>
std::optional<T> word(const Words<T, N>& words, std::string_view value) {
  const auto found =
      std::ranges::find_if(words, [&](const auto& each) { return base::iequals(each.first, value); });
  return found == words.end() ? std::nullopt : std::optional(found->second);
}

struct Tag {
  std::string_view name, value;  // without the white space around them
};

// The next of a list; its text is taken off.
Tag take_tag(std::string_view& list) {
  const std::size_t end = std::min(list.find(';'), list.size());
  const std::string_view text = list.substr(0, end);
  list.remove_prefix(std::min(end + 1, list.size()));
  const std::size_t equals = text.find('=');
  if (equals == text.npos) return {base::trim(text), {}};
  return {base::trim(text.substr(0, equals)), base::trim(text.substr(equals + 1))};
}

// scheme ":" and octets that may stand in a URI. RFC 3986 2, 3.1
bool is_uri(std::string_view text) {
  constexpr std::string_view kMarks = "-._~:/?#[]@!$&'()*+,;=";
  const std::size_t colon = text.find(':');
  if (colon == text.npos || colon + 1 == text.size() || !base::is_alpha(text.front())) return false;
  const auto in_scheme = [](char c) { return base::is_alnum(c) || c == '+' || c == '-' || c == '.'; };
  if (!std::ranges::all_of(text.substr(0, colon), in_scheme)) return false;
  for (std::size_t i = colon + 1; i < text.size(); ++i) {
    if (text[i] != '%') {
      if (!base::is_alnum(text[i]) && !kMarks.contains(text[i])) return false;
    } else if (i + 2 >= text.size() || !base::is_hex(text[i + 1]) || !base::is_hex(text[i + 2])) {
      return false;
    }
  }
  return true;
}

std::vector<std::string> uris(std::string_view list) {
  std::vector<std::string> out;
  while (!list.empty() && out.size() < Record::kMostUris) {
    const std::size_t end = std::min(list.find(','), list.size());
    // What follows "!" is the size that reports might once have had. RFC 9989 4.8
    const std::string_view text = list.substr(0, std::min(list.find('!'), end));
    list.remove_prefix(std::min(end + 1, list.size()));
    if (const std::string_view uri = base::trim(text); is_uri(uri)) out.emplace_back(uri);
  }
  return out;
}

// Each at most once, and not both of 0 and 1. RFC 9989 4.8, dmarc-fo
std::optional<FailureOptions> failure_options(std::string_view list) {
  FailureOptions options{.all = false};
  bool ended = false;
  while (!ended) {
    const std::size_t colon = std::min(list.find(':'), list.size());
    const std::string_view option = base::trim(list.substr(0, colon));
    ended = colon == list.size();
    list.remove_prefix(std::min(colon + 1, list.size()));
    if (option.size() != 1) return {};
    bool* flag = nullptr;
    switch (base::to_lower(option.front())) {
      case '0':
        flag = &options.all;
        break;
      case '1':
        flag = &options.any;
        break;
      case 'd':
        flag = &options.dkim;
        break;
      case 's':
        flag = &options.spf;
        break;
      default:
        return {};
    }
    if (std::exchange(*flag, true)) return {};
  }
  if (options.all && options.any) return {};
  return options;
}

class RecordReader {
 public:
  Record run(std::string_view tags) {
    while (!tags.empty()) take(take_tag(tags));
    settle_policies();
    return std::move(record_);
  }

 private:
  // The first of a name counts.
  bool is(const Tag& tag, std::string_view name, bool& seen) {
    return base::iequals(tag.name, name) && !std::exchange(seen, true);
  }

  void take(const Tag& tag) {
    if (is(tag, "p", seen_.p)) {
      policy_ = word(kPolicies, tag.value);
    } else if (is(tag, "sp", seen_.sp)) {
      record_.subdomain = word(kPolicies, tag.value);
    } else if (is(tag, "np", seen_.np)) {
      record_.missing = word(kPolicies, tag.value);
    } else if (is(tag, "adkim", seen_.adkim)) {
      record_.dkim = word(kAlignments, tag.value).value_or(Alignment::relaxed);
    } else if (is(tag, "aspf", seen_.aspf)) {
      record_.spf = word(kAlignments, tag.value).value_or(Alignment::relaxed);
    } else if (is(tag, "psd", seen_.psd)) {
      record_.psd = word(kPsd, tag.value).value_or(Psd::unknown);
    } else if (is(tag, "t", seen_.t)) {
      record_.testing = word(kYesOrNo, tag.value).value_or(false);
    } else if (is(tag, "fo", seen_.fo)) {
      record_.failure = failure_options(tag.value).value_or(FailureOptions());
    } else if (is(tag, "rua", seen_.rua)) {
      record_.rua = uris(tag.value);
    } else if (is(tag, "ruf", seen_.ruf)) {
      record_.ruf = uris(tag.value);
    }
  }

  // RFC 9989 4.10.1
  void settle_policies() {
    record_.broken_policy = !policy_ || (seen_.sp && !record_.subdomain) || (seen_.np && !record_.missing);
    if (record_.broken_policy) record_.subdomain = record_.missing = std::nullopt;
    record_.policy = record_.broken_policy ? Policy::none : *policy_;
  }

  struct {
    bool p = false, sp = false, np = false, adkim = false, aspf = false;
    bool psd = false, t = false, fo = false, rua = false, ruf = false;
  } seen_;
  std::optional<Policy> policy_;
  Record record_;
};

}  // namespace

std::string_view to_string(Policy policy) { return kPolicies.at(static_cast<std::size_t>(policy)).first; }

std::optional<Record> parse_record(std::string_view txt) {
  const Tag version = take_tag(txt);
  if (!base::iequals(version.name, "v") || version.value != "DMARC1") return {};
  return RecordReader().run(txt);
}

}  // namespace postrider::wire::dmarc
