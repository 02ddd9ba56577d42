#include "policy/arc.hpp"

namespace postrider::policy {

wire::authres::MethodResult method_result(const ArcResult& result) {
  return {
      .method = "arc", .result = std::string(to_string(result.verdict.status)), .reason = result.verdict.why};
}

ArcCheck::ArcCheck(const wire::dkim::HeaderIndex& header, wire::dkim::BodyHasher& bodies)
    : pending_(wire::arc::prepare_chain(header, bodies)) {
  for (const std::string& name : pending_.key_names()) keys_.want(name);
}

ArcResult ArcCheck::result(const wire::dkim::BodyHasher& bodies, base::UtcTime now) const {
  ArcResult result;
  result.verdict = judge(pending_, bodies, [this](const std::string& name) { return keys_.of(name); }, now);
  for (const auto& set : pending_.chain.sets)
    result.hops.push_back({set.seal.tags.domain.ascii(), set.results});
  return result;
}

}  // namespace postrider::policy
