// ARC: any header section gives a verdict, the same each time, and what we add to it is read again.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "wire/arc/seal.hpp"
#include "wire/arc/validate.hpp"
#include "wire/dkim/testing/trial.hpp"

namespace arc = postrider::wire::arc;
namespace dkim = postrider::wire::dkim;

namespace {

void require(bool ok) {
  if (!ok) __builtin_trap();
}

arc::Verdict validate(std::string_view message) {
  static const auto records = dkim::testing::records_of({dkim::testing::brisbane()});
  const auto [header, body] = dkim::testing::split(message);
  dkim::BodyHasher bodies;
  const auto pending = arc::prepare_chain(dkim::HeaderIndex(header), bodies);
  require(pending.key_names().size() <= arc::kMaxSets + 1);
  bodies.feed(body);
  bodies.finish();
  return arc::judge(pending, bodies,
                    [](const std::string& name) -> dkim::KeyAnswer {
                      const auto found = records.find(name);
                      if (found == records.end()) return {};
                      return {dkim::KeyAnswer::Kind::found, found->second, {}};
                    },
                    {});
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view message(reinterpret_cast<const char*>(data), size);
  const auto verdict = validate(message);
  require((verdict.status == arc::Status::fail) == !verdict.why.empty());
  // It would continue the field above it.
  if (message.starts_with(' ') || message.starts_with('\t')) return 0;
  const auto [header, body] = dkim::testing::split(message);
  const dkim::HeaderIndex index(header);
  const auto chain = arc::read_chain(index);
  require(chain.highest <= arc::kMaxSets && chain.sets.size() <= chain.highest);
  require(chain.exists == (verdict.status != arc::Status::none));
  dkim::BodyHasher bodies;
  bodies.want({dkim::Canonicalization::relaxed, {}});
  bodies.feed(body);
  bodies.finish();
  const auto set = arc::seal(index, chain, bodies.hash(0).digest, dkim::testing::brisbane(),
                             {.results = {"mx.example.com", 1, {}},
                              .chain = verdict.status,
                              .fields = arc::fields_to_seal(index),
                              .now = {}});
  require(set.has_value() == !(chain.ends_in_fail || chain.highest == arc::kMaxSets));
  if (!set) return 0;
  const std::string sealed = set->seal + set->signature + set->results + std::string(message);
  const auto again = validate(sealed);
  require((again.status == arc::Status::pass) == (verdict.status != arc::Status::fail));
  return 0;
}
