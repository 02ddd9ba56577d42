#include "wire/dkim/signature.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "base/ascii.hpp"
#include "wire/mime/lexer.hpp"

namespace postrider::wire::dkim {
namespace {

using Error = std::unexpected<std::string>;

constexpr std::array<std::pair<Algorithm, std::string_view>, 3> kAlgorithms = {
    {{Algorithm::rsa_sha1, "rsa-sha1"},
     {Algorithm::rsa_sha256, "rsa-sha256"},
     {Algorithm::ed25519_sha256, "ed25519-sha256"}}};  // RFC 8463 3

std::optional<Canonicalization> canonicalization_of(std::string_view name) {
  if (base::iequals(name, "simple")) return Canonicalization::simple;
  if (base::iequals(name, "relaxed")) return Canonicalization::relaxed;
  return {};
}

bool is_selector_char(char c) { return base::is_alnum(c) || c == '-' || c == '_'; }

int hex_value(char c) { return base::is_digit(c) ? c - '0' : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1; }

// RFC 6376 2.11. Nothing where a "=" begins no octet.
std::optional<std::string> quoted_printable(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (mime::is_space(text[i])) continue;
    if (text[i] != '=') {
      out += text[i];
      continue;
    }
    const int high = i + 1 < text.size() ? hex_value(text[i + 1]) : -1;
    const int low = i + 2 < text.size() ? hex_value(text[i + 2]) : -1;
    if (high < 0 || low < 0) return {};
    out += static_cast<char>(high * 16 + low);
    i += 2;
  }
  return out;
}

std::string start_of(std::string_view base64) {
  std::string start;
  for (const char c : base64) {
    if (start.size() == 8) break;
    if (!mime::is_space(c)) start += c;
  }
  return start;
}

struct Identity {
  std::string local;
  mail::Domain domain;
};
std::expected<Identity, std::string> read_identity(const Tag* tag, const mail::Domain& domain) {
  if (!tag) return Identity{{}, domain};
  const std::size_t at = tag->value.rfind('@');
  if (at == std::string_view::npos) return Error("i= without \"@\"");
  auto local = quoted_printable(tag->value.substr(0, at));
  auto host = mail::Domain::parse(tag->value.substr(at + 1));
  if (!local || !host) return Error("i= is no address");
  // RFC 6376 3.5: "the same as, or a subdomain of, the value of the d= tag"
  if (!host->is_within(domain)) return Error("the domain of i= is not within that of d=");
  return Identity{std::move(*local), std::move(*host)};
}

std::optional<std::string> read_times(const TagList& tags, Signature& into) {
  constexpr std::size_t kTimeDigits = 12;  // RFC 6376 3.5: 1*12DIGIT
  constexpr std::size_t kLengthDigits = 76;
  const auto read = [&tags](std::string_view name, std::size_t most, std::optional<std::uint64_t>& number) {
    const Tag* tag = tags.find(name);
    if (!tag) return true;
    number = decimal(tag->value, most);
    return number.has_value();
  };
  if (!read("t", kTimeDigits, into.signed_at)) return "t= is no time";
  if (!read("x", kTimeDigits, into.expires)) return "x= is no time";
  if (!read("l", kLengthDigits, into.length)) return "l= is no number";
  if (into.signed_at && into.expires && *into.expires <= *into.signed_at) return "x= is not after t=";
  return {};
}

// By default, and the only one there is: "dns/txt". RFC 6376 3.5
bool has_known_query(const TagList& tags) {
  const Tag* query = tags.find("q");
  return !query || std::ranges::any_of(colon_list(query->value),
                                       [](std::string_view one) { return base::iequals(one, "dns/txt"); });
}

std::expected<Signature, std::string> read_dkim_signature(const TagList& tags) {
  if (!tags.find("v")) return Error("v= is missing");
  if (tags.value("v") != "1") return Error("v= is not 1");
  auto signature = read_signature(tags);
  if (!signature) return signature;
  auto identity = read_identity(tags.find("i"), signature->domain);
  if (!identity) return Error(identity.error());
  signature->local = std::move(identity->local);
  signature->identity = std::move(identity->domain);
  return signature;
}

// What may be shown of a field that is not to be trusted.
Unusable unusable(const TagList& tags, Result result, Fault fault, std::string why) {
  constexpr std::size_t kShown = 255;
  const auto shown = [&tags](std::string_view name) {
    return base::printable(tags.value(name).substr(0, kShown));
  };
  return {result, std::move(why), shown("d"), shown("s"), base::printable(start_of(tags.value("b"))), fault};
}

}  // namespace

std::string_view to_string(Algorithm algorithm) {
  return std::ranges::find(kAlgorithms, algorithm, &std::pair<Algorithm, std::string_view>::first)->second;
}

std::optional<Algorithm> parse_algorithm(std::string_view name) {
  for (const auto& [algorithm, its_name] : kAlgorithms)
    if (base::iequals(name, its_name)) return algorithm;
  return {};
}

std::string_view to_string(Result result) {
  constexpr std::array<std::string_view, 7> kNames = {"none",    "pass",      "fail",     "policy",
                                                      "neutral", "temperror", "permerror"};
  return kNames[static_cast<std::size_t>(result)];
}

std::expected<Signature, Unusable> parse_signature(std::string_view value) {
  const auto tags = TagList::parse(value);
  if (!tags) return std::unexpected(Unusable{Result::neutral, tags.error(), {}, {}, {}, Fault::malformed});
  auto signature = read_dkim_signature(*tags);
  // A syntax error. RFC 8601 2.7.1
  if (!signature)
    return std::unexpected(unusable(*tags, Result::neutral, Fault::malformed, signature.error()));
  // RFC 6376 5.4, 6.1.1
  const auto is_from = [](std::string_view name) { return base::iequals(name, "From"); };
  if (!std::ranges::any_of(signature->fields, is_from))
    return std::unexpected(unusable(*tags, Result::permerror, Fault::from_unsigned, "From is not signed"));
  if (signature->algorithm == Algorithm::rsa_sha1)
    return std::unexpected(
        unusable(*tags, Result::permerror, Fault::old_algorithm, "rsa-sha1 proves nothing any more"));
  return std::move(*signature);
}

std::expected<Signature, std::string> read_signature(const TagList& tags) {
  auto common = read_common(tags);
  if (!common) return Error(common.error());
  const auto pair = parse_canonicalization(tags.value("c"));
  if (tags.find("c") && !pair) return Error("c= is unknown");
  if (!tags.find("bh")) return Error("bh= is missing");
  auto body_hash = folded_base64(tags.value("bh"));
  if (!body_hash || body_hash->empty()) return Error("bh= is no base64");
  if (!tags.find("h")) return Error("h= is missing");
  auto fields = parse_signed_fields(tags.value("h"));
  if (!fields) return Error(fields.error());
  if (!has_known_query(tags)) return Error("q= is unknown");
  Signature out{.algorithm = common->algorithm,
                .header = pair ? pair->header : Canonicalization::simple,
                .body = pair ? pair->body : Canonicalization::simple,
                .domain = common->domain,
                .selector = std::move(common->selector),
                .local = {},
                .identity = common->domain,
                .fields = std::move(*fields),
                .body_hash = std::move(*body_hash),
                .signature = std::move(common->signature),
                .signature_start = std::move(common->signature_start),
                .length = {},
                .signed_at = {},
                .expires = {}};
  if (auto why = read_times(tags, out)) return Error(std::move(*why));
  return out;
}

std::expected<CommonTags, std::string> read_common(const TagList& tags) {
  constexpr std::size_t kMostName = 253;
  for (const std::string_view name : {"a", "b", "d", "s"})
    if (!tags.find(name)) return Error(std::string(name) + "= is missing");
  const auto algorithm = parse_algorithm(tags.value("a"));
  if (!algorithm) return Error("a= is unknown");
  auto signature = folded_base64(tags.value("b"));
  if (!signature || signature->empty()) return Error("b= is no base64");
  auto domain = mail::Domain::parse(tags.value("d"));
  if (!domain) return Error("d= is no domain");
  auto selector = parse_selector(tags.value("s"));
  if (!selector) return Error("s= is no selector");
  CommonTags common{*algorithm, std::move(*domain), std::move(*selector), std::move(*signature),
                    start_of(tags.value("b"))};
  if (common.selector.size() + std::string_view("._domainkey.").size() + common.domain.ascii().size() >
      kMostName)
    return Error("s= and d= are too long for a name");
  return common;
}

std::optional<CanonicalizationPair> parse_canonicalization(std::string_view value) {
  const std::size_t slash = value.find('/');
  const auto header = canonicalization_of(value.substr(0, slash));
  const auto body = slash == std::string_view::npos ? Canonicalization::simple
                                                    : canonicalization_of(value.substr(slash + 1));
  if (!header || !body) return {};
  return CanonicalizationPair{*header, *body};
}

std::expected<std::vector<std::string>, std::string> parse_signed_fields(std::string_view value) {
  auto names = colon_list(value);
  std::erase(names, std::string_view());
  if (names.size() > kMaxSignedFields) return Error("h= is too long");
  if (!std::ranges::all_of(names, mime::is_field_name)) return Error("h= has a bad name");
  return std::vector<std::string>(names.begin(), names.end());
}

std::optional<std::string> parse_selector(std::string_view value) {
  constexpr std::size_t kMostLabel = 63;
  if (!base::is_ascii(value)) {
    const auto name = mail::Domain::parse(value);
    if (!name) return {};
    return name->ascii();
  }
  if (value.empty() || value.size() > 253) return {};
  for (std::string_view rest = value;;) {
    const std::size_t dot = rest.find('.');
    const std::string_view label = rest.substr(0, dot);
    if (label.empty() || label.size() > kMostLabel || !std::ranges::all_of(label, is_selector_char))
      return {};
    if (dot == std::string_view::npos) return base::lower(value);
    rest.remove_prefix(dot + 1);
  }
}

}  // namespace postrider::wire::dkim
