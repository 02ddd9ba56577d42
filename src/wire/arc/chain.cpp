#include "wire/arc/chain.hpp"

#include <algorithm>
#include <array>
#include <expected>
#include <utility>

#include "base/ascii.hpp"
#include "wire/mime/lexer.hpp"

namespace postrider::wire::arc {
namespace {

using Error = std::unexpected<std::string>;

enum class Kind : std::uint8_t { results, signature, seal };
constexpr std::array<std::string_view, 3> kNames = {"ARC-Authentication-Results", "ARC-Message-Signature",
                                                    "ARC-Seal"};

std::optional<Kind> kind_of(std::string_view name) {
  for (std::size_t i = 0; i < kNames.size(); ++i)
    if (base::iequals(name, kNames[i])) return static_cast<Kind>(i);
  return {};
}

// RFC 8617 4.2.1
std::optional<std::size_t> instance_of(std::string_view value) {
  const auto number = dkim::decimal(value, 2);
  if (!number || *number < 1 || *number > kMaxSets) return {};
  return static_cast<std::size_t>(*number);
}

// One field of ARC's, as far as it can be read.
struct Part {
  Kind kind = Kind::results;
  std::size_t field = 0;
  std::optional<std::size_t> instance;
  std::string results;
  std::expected<dkim::Signature, std::string> signature = Error("not read");
  std::expected<Seal, std::string> seal = Error("not read");
};

// "i=1; mx.example.com; spf=pass ...". RFC 8617 4.1.1
void read_results(std::string_view value, Part& part) {
  const std::size_t semicolon = value.find(';');
  const std::size_t begin = mime::skip_cfws(value, 0);
  if (semicolon == std::string_view::npos || begin >= semicolon || value[begin] != 'i') return;
  const std::size_t equals = mime::skip_cfws(value, begin + 1);
  if (equals >= semicolon || value[equals] != '=') return;
  const std::size_t digits = mime::skip_cfws(value, equals + 1);
  std::size_t end = digits;
  while (end < semicolon && base::is_digit(value[end])) ++end;
  if (mime::skip_cfws(value, end) != semicolon) return;
  part.instance = instance_of(value.substr(digits, end - digits));
  part.results = value.substr(semicolon + 1);
}

std::expected<Seal, std::string> read_seal(const dkim::TagList& tags) {
  auto common = dkim::read_common(tags);
  if (!common) return Error(common.error());
  if (tags.find("h")) return Error("h= in a seal");  // RFC 8617 4.1.3
  if (tags.find("t") && !dkim::decimal(tags.value("t"), 12)) return Error("t= is no time");
  for (const Status status : {Status::none, Status::pass, Status::fail})
    if (base::iequals(tags.value("cv"), to_string(status))) return Seal{std::move(*common), status};
  return Error("cv= is missing or unknown");
}

std::expected<dkim::Signature, std::string> read_message_signature(const dkim::TagList& tags) {
  auto signature = dkim::read_signature(tags);
  if (!signature) return signature;
  // RFC 8617 4.1.2
  const auto is_seal = [](std::string_view name) { return base::iequals(name, "ARC-Seal"); };
  if (std::ranges::any_of(signature->fields, is_seal)) return Error("h= has ARC-Seal");
  // Not simple, as with DKIM: all who seal take it so, since ARC's other signature has no other form.
  if (!tags.find("c")) signature->header = signature->body = dkim::Canonicalization::relaxed;
  return signature;
}

Part read_part(Kind kind, std::size_t field, std::string_view value) {
  Part part{.kind = kind, .field = field, .instance = {}, .results = {}};
  if (kind == Kind::results) {
    read_results(value, part);
    return part;
  }
  const auto tags = dkim::TagList::parse(value);
  if (!tags) return part;
  part.instance = instance_of(tags->value("i"));
  if (kind == Kind::signature) part.signature = read_message_signature(*tags);
  if (kind == Kind::seal) part.seal = read_seal(*tags);
  return part;
}

std::string place(const Part& part) {
  return std::string(kNames[static_cast<std::size_t>(part.kind)]) + " of i=" + std::to_string(*part.instance);
}

// Where they are taken in, each once. RFC 8617 5.2
struct Slot {
  std::optional<Part> results, signature, seal;
};

std::optional<std::string> take(Part part, std::vector<Slot>& slots) {
  Slot& slot = slots[*part.instance - 1];
  std::optional<Part>& own = part.kind == Kind::results     ? slot.results
                             : part.kind == Kind::signature ? slot.signature
                                                            : slot.seal;
  if (own) return place(part) + " stands twice";
  if (part.kind == Kind::signature && !part.signature)
    return place(part) + " can't be read: " + part.signature.error();
  if (part.kind == Kind::seal && !part.seal) return place(part) + " can't be read: " + part.seal.error();
  own = std::move(part);
  return {};
}

std::expected<Set, std::string> set_of(Slot& slot, std::size_t instance) {
  const std::string name = "the set of i=" + std::to_string(instance);
  if (!slot.results || !slot.signature || !slot.seal) return Error(name + " is not whole");
  Seal& seal = *slot.seal->seal;
  // RFC 8617 5.2
  if (seal.chain != (instance == 1 ? Status::none : Status::pass))
    return Error(name + " has cv=" + std::string(to_string(seal.chain)));
  return Set{.results_field = slot.results->field,
             .signature_field = slot.signature->field,
             .seal_field = slot.seal->field,
             .results = std::move(slot.results->results),
             .signature = std::move(*slot.signature->signature),
             .seal = std::move(seal)};
}

void put_together(std::vector<Slot>& slots, Chain& chain) {
  for (std::size_t i = 0; i < chain.highest; ++i) {
    auto set = set_of(slots[i], i + 1);
    if (!set) {
      chain.fault = set.error();
      chain.sets.clear();
      return;
    }
    chain.sets.push_back(std::move(*set));
  }
}

}  // namespace

std::string_view to_string(Status status) {
  return status == Status::none ? "none" : status == Status::pass ? "pass" : "fail";
}

Chain read_chain(const dkim::HeaderIndex& header) {
  Chain chain;
  std::vector<Slot> slots;
  for (std::size_t i = 0; i < header.fields().size(); ++i) {
    const auto kind = kind_of(header.fields()[i].name);
    if (!kind) continue;
    chain.exists = true;
    slots.resize(kMaxSets);  // few messages have any
    Part part = read_part(*kind, i, header.fields()[i].value);
    std::optional<std::string> fault;
    if (part.instance) {
      const bool says_fail = part.seal && part.seal->chain == Status::fail;
      if (*part.instance > chain.highest) chain.ends_in_fail = false;
      if (*part.instance >= chain.highest) chain.ends_in_fail = chain.ends_in_fail || says_fail;
      chain.highest = std::max(chain.highest, *part.instance);
      fault = take(std::move(part), slots);
    } else {
      fault = std::string(header.fields()[i].name) + " without an instance";
    }
    if (fault && chain.fault.empty()) chain.fault = std::move(*fault);
  }
  if (chain.fault.empty()) put_together(slots, chain);
  return chain;
}

}  // namespace postrider::wire::arc
