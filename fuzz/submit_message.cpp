// A local program's message: its lines end with CRLF alone, however it was cut; no Bcc stays; the completed header reads as a
// header, has what must be there once more or not, and completing it again changes nothing.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/ascii.hpp"
#include "wire/mime/header_fields.hpp"
#include "wire/submit/header.hpp"
#include "wire/submit/submission.hpp"

namespace mime = postrider::wire::mime;
namespace submit = postrider::wire::submit;
using postrider::mail::Domain;

namespace {

void require(bool ok) {
  if (!ok) __builtin_trap();
}

void check_line_ends(std::string_view text) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\r') require(i + 1 < text.size() && text[i + 1] == '\n');
    if (text[i] == '\n') require(i > 0 && text[i - 1] == '\r');
  }
  require(text.empty() || text.ends_with("\r\n"));
}

submit::CrlfText repaired(std::string_view raw, std::size_t piece, submit::LoneDot dot) {
  submit::Intake intake(dot, 2 * raw.size() + 2);
  for (std::size_t at = 0; at < raw.size(); at += piece)
    if (!intake.feed(raw.substr(at, piece))) break;
  require(!intake.too_large());
  return std::move(intake).finish();
}

void check_completed(const submit::Scanned& found) {
  const submit::Facts facts{.host = *Domain::parse("mx.test"),
                            .sender = {},
                            .login = "bob",
                            .full_name = "Bob",
                            .date = {},
                            .unique = "1"};
  const std::string header = submit::completed(found.header, found.resent, facts);
  check_line_ends(header);
  mime::FieldScanner fields(header);
  while (const auto field = fields.next()) require(!postrider::base::iequals(field->name, "Bcc"));
  require(fields.header_size() == header.size());
  for (const auto* name : {"From", "Date", "Message-ID"}) require(mime::count_fields(header, name) >= 1);
  require(submit::completed(header, found.resent, facts) == header);
}

void check_head(std::string_view text) {
  const auto head = submit::decode_drop_head(text);
  if (!head) return;
  require(submit::decode_drop_head(submit::encode(*head)) == head);
  (void)submit::outgoing(head->submission, "bob", *Domain::parse("mx.test"), "");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view raw(reinterpret_cast<const char*>(data) + 1, size - 1);
  check_head(raw);
  const auto dot = data[0] % 2 == 0 ? submit::LoneDot::ends : submit::LoneDot::is_text;
  const auto text = repaired(raw, data[0] / 2 % 16 + 1, dot);
  require(text == repaired(raw, raw.size() + 1, dot));
  check_line_ends(text.bytes());
  require(repaired(text.bytes(), 7, submit::LoneDot::is_text) == text);
  const auto found = submit::scan(text);
  check_line_ends(found.header);
  require(found.recipients.size() <= submit::kMaxRecipients);
  require(found.header.size() + found.body.size() <= text.bytes().size());
  check_completed(found);
  return 0;
}
