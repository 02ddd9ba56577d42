// Header fields: offsets in range and without gaps, and the collector finds the same in pieces of any size.
// The first octet chooses how the input is cut.
#include "wire/mime/header_fields.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "wire/mime/content_type.hpp"
#include "wire/mime/message_ids.hpp"
#include "wire/mime/text.hpp"

namespace mime = postrider::wire::mime;

namespace {

void require(bool ok) {
  if (!ok) __builtin_trap();
}

void check_field(std::string_view text, const mime::HeaderField& field, std::size_t begin) {
  require(field.begin == begin && field.end > begin && field.end <= text.size());
  require(mime::is_field_name(field.name));
  require(field.name.data() == text.data() + begin);
  require(field.value.data() > field.name.data() + field.name.size());
  const auto value_end = static_cast<std::size_t>(field.value.data() - text.data()) + field.value.size();
  require(value_end == field.end || (value_end + 2 == field.end && text.substr(value_end, 2) == "\r\n"));
  require(mime::unfold(mime::unfold(field.value)).size() <= field.value.size());
  mime::decode_unstructured(field.value);
  mime::decode_list(field.value);
  mime::parse_message_ids(field.value);
  if (const auto type = mime::parse_content_type(field.value)) {
    require(!type->type.empty());
    require(type->parameters.size() <= mime::kMaxParameterPieces);
  }
}

void check_collector(std::string_view text, const mime::FieldScanner& whole, std::size_t piece) {
  mime::HeaderCollector collector(text.size());
  for (std::size_t at = 0; at < text.size(); at += piece) collector.feed(text.substr(at, piece));
  require(collector.finish() == mime::HeaderCollector::State::complete);
  require(collector.header() == text.substr(0, whole.header_size()));
  require(collector.body_offset() == whole.body_offset());
  require(collector.end() == whole.end());
}

void check_limit(std::string_view text, std::size_t limit, std::size_t piece) {
  mime::HeaderCollector at_once(limit);
  at_once.feed(text);
  mime::HeaderCollector in_pieces(limit);
  for (std::size_t at = 0; at < text.size(); at += piece) in_pieces.feed(text.substr(at, piece));
  require(at_once.finish() == in_pieces.finish());
  require(at_once.header() == in_pieces.header() && at_once.header().size() <= limit);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::size_t piece = data[0] % 16 + 1;
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  mime::FieldScanner scan(text);
  std::size_t at = 0;
  while (const auto field = scan.next()) {
    check_field(text, *field, at);
    at = field->end;
  }
  require(scan.header_size() == at && scan.body_offset() >= at && scan.body_offset() <= text.size());
  require(scan.end() != mime::HeaderEnd::end_of_text || at == text.size());
  check_collector(text, scan, piece);
  check_limit(text, data[0], piece);
  return 0;
}
