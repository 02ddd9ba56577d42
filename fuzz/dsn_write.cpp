// Notifications made of whatever strangers said: lines of SMTP, parts that stay apart, a status that is read back. The
// first octet says of which kind; the rest are texts, each ended by 0xFE, and last the original message.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/ascii.hpp"
#include "wire/dsn/report.hpp"

namespace dsn = postrider::wire::dsn;
namespace base = postrider::base;

namespace {

void require(bool ok) {
  if (!ok) __builtin_trap();
}

std::string take(std::string_view& text) {
  const auto end = text.find('\xFE');
  std::string one(text.substr(0, end));
  text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  return one;
}

dsn::Recipient recipient(std::string_view& text, std::uint8_t flags) {
  dsn::Recipient out;
  out.final = {(flags & 1) != 0 ? "utf-8" : "rfc822", take(text)};
  if ((flags & 2) != 0) out.original = dsn::Typed{take(text), take(text)};
  if ((flags & 4) != 0) out.remote_mta = dsn::Typed{"dns", take(text)};
  if ((flags & 8) != 0) out.diagnostic = dsn::Typed{take(text), take(text)};
  out.action = static_cast<dsn::Action>((flags >> 4) % 5);
  out.status = {5, flags, 1};
  out.final_log_id = "0123456789abc";
  return out;
}

dsn::Report report(std::string_view text) {
  dsn::Report out;
  const auto flags = static_cast<std::uint8_t>(text.front());
  text.remove_prefix(1);
  out.kind = static_cast<dsn::Kind>(flags % 3);
  out.smtputf8 = (flags & 0x80) != 0;
  out.hostname = "mx.test";
  out.id = "0123456789abc";
  out.sender = take(text);
  out.status.reporting_mta = {"dns", "mx.test"};
  out.status.original_envelope_id = take(text);
  for (int i = 0; i < flags % 4; ++i) {
    out.status.recipients.push_back(recipient(text, static_cast<std::uint8_t>(flags * (i + 7))));
    out.words.push_back({.name = take(text), .server = take(text), .said = take(text)});
  }
  using Wanted = dsn::OriginalReader::Wanted;
  dsn::OriginalReader reader((flags & 0x40) != 0 ? Wanted::full : Wanted::headers);
  reader.feed(text);
  out.original = reader.take();
  if (flags == 0) out.original.part = dsn::Original::Part::none;
  return out;
}

// Every line ends with CRLF and has at most 998 octets; how many begin with `prefix`.
std::size_t check_lines(std::string_view text, std::string_view prefix) {
  std::size_t count = 0;
  while (!text.empty()) {
    const auto end = text.find_first_of(std::string_view("\r\n\0", 3));
    require(end != std::string_view::npos && end <= 998 && text.substr(end, 2) == "\r\n");
    if (text.starts_with(prefix)) ++count;
    text.remove_prefix(end + 2);
  }
  return count;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const dsn::Report made = report({reinterpret_cast<const char*>(data), size});
  const dsn::Written written = dsn::write_report(made);
  const std::string_view text = written.text;
  require(written.eight_bit || base::is_ascii(text));

  constexpr std::string_view kMark = " boundary=\"";
  const auto mark = text.find(std::string("\r\n").append(kMark)) + 2 + kMark.size();
  const std::string delimiter = "--" + std::string(text.substr(mark, text.find('"', mark) - mark));
  const bool has_original = made.original.part != dsn::Original::Part::none;
  require(check_lines(text, delimiter) == (has_original ? 4u : 3u));
  if (has_original) {
    require(made.original.header.size() <= dsn::kMaxReturnedHeader + dsn::kMaxReturnedHeader);
    require(made.original.body.size() <= dsn::kMaxReturnedBody + 2);
  }

  const auto part = dsn::find_delivery_status(text);
  require(part.has_value());
  const auto status = dsn::parse_delivery_status(*part);
  require(status.has_value() == !made.status.recipients.empty());
  if (!status) return 0;
  require(status->recipients.size() == made.status.recipients.size());
  for (std::size_t i = 0; i < status->recipients.size(); ++i) {
    require(status->recipients[i].action == made.status.recipients[i].action);
    require(status->recipients[i].status == made.status.recipients[i].status);
    require(status->recipients[i].final_log_id == "0123456789abc");
  }
  const auto form = part->find("\xC3") == std::string_view::npos ? dsn::Form::ascii : dsn::Form::global;
  const auto again = dsn::parse_delivery_status(dsn::encode(*status, form));
  require(again && again->recipients.size() == status->recipients.size());
  return 0;
}
