#include "wire/dsn/report.hpp"

#include <algorithm>
#include <array>

#include "base/ascii.hpp"
#include "wire/dsn/clean.hpp"
#include "wire/mime/boundary.hpp"
#include "wire/mime/header_fields.hpp"
#include "wire/mime/message_ids.hpp"

namespace postrider::wire::dsn {
namespace {

constexpr std::size_t kMaxWord = 500;       // a host name, an address: on one line with a field's name
constexpr std::size_t kMaxMessageId = 250;  // one that is longer is not referred to

std::string_view subject(const Report& report) {
  switch (report.kind) {
    case Kind::failure:
      return "Your message could not be delivered";
    case Kind::delay:
      return "Your message is delayed";
    case Kind::success:
      break;
  }
  const bool all_in_mailboxes = std::ranges::all_of(
      report.status.recipients, [](const Recipient& one) { return one.action == Action::delivered; });
  return all_in_mailboxes ? "Your message was delivered" : "Your message was passed on";
}

// The original's Message-ID with its brackets, where it has one that can be written again.
std::string original_id(const Original& original) {
  const auto field = mime::find_field(original.header, "Message-ID");
  if (!field) return {};
  const auto ids = mime::parse_message_ids(field->value);
  if (ids.size() != 1 || ids[0].empty() || ids[0].size() > kMaxMessageId) return {};
  const auto fits = [](char c) { return c > ' ' && c <= '~' && c != '<' && c != '>'; };
  if (!std::ranges::all_of(ids[0], fits)) return {};
  return '<' + ids[0] + '>';
}

std::string with_crlf(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '\n') out += '\r';
    out += c;
  }
  return out;
}

struct Part {
  std::string type;
  std::string content;  // ends with CRLF
  bool eight_bit() const { return !base::is_ascii(content); }
};

Part words_part(const Report& report) {
  std::string text = with_crlf(explain(report));
  const bool ascii = base::is_ascii(text);
  return {ascii ? "text/plain; charset=us-ascii" : "text/plain; charset=utf-8", std::move(text)};
}

// RFC 3464 2.1; RFC 6533 4 where an address needs it and the sender can read it.
Part status_part(const Report& report) {
  const bool global = report.smtputf8 && needs_global(report.status);
  return {global ? "message/global-delivery-status" : "message/delivery-status",
          encode(report.status, global ? Form::global : Form::ascii)};
}

Part original_part(const Report& report) {
  const Original& original = report.original;
  const bool ascii = base::is_ascii(original.header);
  const bool global = report.smtputf8 && !ascii && base::is_utf8(original.header);
  if (original.part != Original::Part::headers) {
    return {global ? "message/global" : "message/rfc822", original.header + "\r\n" + original.body};
  }
  if (global) return {"message/global-headers", original.header};
  // RFC 6522 4
  const bool utf8 = !ascii && base::is_utf8(original.header);
  return {utf8 ? "text/rfc822-headers; charset=utf-8" : "text/rfc822-headers", original.header};
}

std::vector<Part> parts_of(const Report& report) {
  std::vector<Part> parts = {words_part(report), status_part(report)};
  if (report.original.part != Original::Part::none) parts.push_back(original_part(report));
  return parts;
}

std::string boundary_for(const std::vector<Part>& parts, std::string_view id) {
  std::vector<std::string_view> contents;
  for (const Part& part : parts) contents.push_back(part.content);
  return mime::boundary_for(contents, id);
}

// RFC 3464 2, RFC 3834 3.1
std::string header(const Report& report, std::string_view boundary, bool eight_bit) {
  const std::string host = clean(report.hostname, Charset::ascii, kMaxWord);
  std::string out;
  out += "From: Mail Delivery System <MAILER-DAEMON@" + host + ">\r\n";
  out += "To: " + clean(report.sender, Charset::utf8, kMaxWord) + "\r\n";
  out += "Subject: " + std::string(subject(report)) + "\r\n";
  out += "Date: " + base::to_rfc5322(report.date) + "\r\n";
  out += "Message-ID: <" + report.id + "@" + host + ">\r\n";
  if (const std::string id = original_id(report.original); !id.empty()) {
    out += "In-Reply-To: " + id + "\r\n";  // RFC 3834 3.1.6
    out += "References: " + id + "\r\n";
  }
  out += "Auto-Submitted: auto-replied\r\n";  // RFC 3834 5
  out += "MIME-Version: 1.0\r\n";
  // RFC 6522 3
  out += "Content-Type: multipart/report; report-type=delivery-status;\r\n boundary=\"" +
         std::string(boundary) + "\"\r\n";
  if (eight_bit) out += "Content-Transfer-Encoding: 8bit\r\n";  // RFC 2045 6.4
  return out;
}

}  // namespace

Written write_report(const Report& report) {
  const auto parts = parts_of(report);
  const std::string boundary = boundary_for(parts, report.id);
  Written out;
  out.eight_bit = std::ranges::any_of(parts, &Part::eight_bit) || !base::is_ascii(report.sender);
  out.text = header(report, boundary, out.eight_bit) + "\r\n";
  for (const Part& part : parts) {
    out.text += "--" + boundary + "\r\nContent-Type: " + part.type + "\r\n";
    if (part.eight_bit()) out.text += "Content-Transfer-Encoding: 8bit\r\n";
    out.text += "\r\n" + part.content + "\r\n";
  }
  out.text += "--" + boundary + "--\r\n";
  return out;
}

}  // namespace postrider::wire::dsn
