#include "reports/report_origin.hpp"

#include "base/ascii.hpp"
#include "wire/authres/authres.hpp"
#include "wire/mime/header_fields.hpp"

namespace postrider::reports {
namespace {

Origin origin_by(const wire::authres::AuthenticationResults& results) {
  for (const auto& one : results.results) {
    if (one.method != "dmarc" || one.result != "pass") continue;
    for (const auto& property : one.properties)
      if (property.type == "header" && property.name == "from")
        return {.proof = Proof::passed, .author = base::lower(property.value)};
  }
  return {.proof = Proof::unproven};
}

}  // namespace

Origin origin_of(std::string_view message, const mail::Domain& hostname) {
  wire::mime::FieldScanner scan(message);
  while (const auto field = scan.next()) {
    if (!base::iequals(field->name, "Authentication-Results")) continue;
    const auto results = wire::authres::parse(field->value);
    if (results && base::iequals(results->authserv_id, hostname.ascii())) return origin_by(*results);
  }
  return {.proof = Proof::unproven};
}

}  // namespace postrider::reports
