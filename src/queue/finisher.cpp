#include "queue/finisher.hpp"

#include "wire/dkim/body_hasher.hpp"
#include "wire/mime/header_fields.hpp"

namespace postrider::queue {

std::optional<ContentFacts> facts_of(std::string_view text) {
  wire::mime::FieldScanner scan(text);
  while (scan.next()) {
  }
  if (scan.end() == wire::mime::HeaderEnd::malformed_line) return {};
  wire::dkim::BodyHasher bodies;
  const auto whole = bodies.want({wire::dkim::Canonicalization::relaxed, {}});
  bodies.feed(text.substr(scan.body_offset()));
  bodies.finish();
  return ContentFacts{text.substr(0, scan.header_size()), bodies.hash(whole).digest};
}

}  // namespace postrider::queue
