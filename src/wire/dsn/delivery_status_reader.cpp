// The reader of what delivery_status.cpp writes, and others.
#include <algorithm>
#include <array>

#include "base/ascii.hpp"
#include "wire/dsn/clean.hpp"
#include "wire/dsn/delivery_status.hpp"
#include "wire/mime/content_type.hpp"
#include "wire/mime/date.hpp"
#include "wire/mime/lines.hpp"
#include "wire/smtp/xtext.hpp"

namespace postrider::wire::dsn {
namespace {

bool is_blank(std::string_view line) { return base::trim(line).empty(); }

struct Field {
  std::string_view name;
  std::string value;  // folds undone
};

// The fields up to a blank line, which is taken too. Lines that are no field are passed over.
std::vector<Field> take_block(std::string_view& text) {
  std::vector<Field> fields;
  constexpr std::size_t kMaxFields = 100;
  constexpr std::size_t kMaxFolded = 16 * 1024;
  while (!text.empty()) {
    const std::string_view line = mime::take_line(text);
    if (is_blank(line)) break;
    if (base::is_wsp(line.front())) {
      if (!fields.empty() && fields.back().value.size() < kMaxFolded) fields.back().value += line;
      continue;
    }
    const auto colon = line.find(':');
    if (colon == std::string_view::npos || fields.size() == kMaxFields) continue;
    fields.push_back({base::trim(line.substr(0, colon)), std::string(line.substr(colon + 1))});
  }
  return fields;
}

std::string text_of(std::string_view value) { return clean(value, Charset::utf8, kMaxValue); }

Typed typed_of(std::string_view value, std::string_view usual_type) {
  const auto semicolon = value.find(';');
  if (semicolon == std::string_view::npos) return {std::string(usual_type), text_of(value)};
  std::string type = clean_type(value.substr(0, semicolon));
  return {type.empty() ? std::string(usual_type) : std::move(type), text_of(value.substr(semicolon + 1))};
}

Typed address_of(std::string_view value) {
  Typed address = typed_of(value, "rfc822");
  // RFC 6533 3: in either form
  if (address.type == "utf-8") {
    if (auto decoded = smtp::decode_utf8_address(address.text, true)) address.text = std::move(*decoded);
    return address;
  }
  while (address.text.size() > 2 && address.text.starts_with('<') && address.text.ends_with('>'))
    address.text = base::trim(address.text.substr(1, address.text.size() - 2));
  return address;
}

std::optional<base::UtcTime> time_of(std::string_view value) {
  const auto date = mime::parse_date(value);
  if (!date) return {};
  return mime::to_utc(*date);
}

// A word that may be followed by a comment: "failed (expired)".
std::string_view word_of(std::string_view value) {
  value = base::trim(value);
  return value.substr(0, value.find_first_of(" \t(;"));
}

std::optional<Action> action_of(std::string_view value) {
  constexpr std::array kActions = {Action::failed, Action::delayed, Action::delivered, Action::relayed,
                                   Action::expanded};
  for (const Action action : kActions) {
    if (base::iequals(word_of(value), to_string(action))) return action;
  }
  return {};
}

// A code that the words begin with: "550 5.1.1 no such user", "5.7.1 refused".
base::EnhancedCode status_in(std::string_view words) {
  for (int i = 0; i < 2; ++i) {
    words = base::trim(words);
    const auto end = words.find_first_of(" -");
    if (const auto code = base::EnhancedCode::parse(words.substr(0, end))) return *code;
    if (end == std::string_view::npos) break;
    words.remove_prefix(end + 1);
  }
  return {};
}

std::optional<Recipient> recipient_of(const std::vector<Field>& fields) {
  Recipient out;
  bool has_final = false, has_action = false;
  for (const Field& field : fields) {
    const std::string& value = field.value;
    const auto is = [&](std::string_view wanted) { return base::iequals(field.name, wanted); };
    if (is("Original-Recipient")) {
      out.original = address_of(value);
    } else if (is("Final-Recipient")) {
      out.final = address_of(value);
      has_final = true;
    } else if (is("Action")) {
      const auto action = action_of(value);
      has_action = action.has_value();
      out.action = action.value_or(Action::failed);
    } else if (is("Status")) {
      out.status = base::EnhancedCode::parse(word_of(value)).value_or(base::EnhancedCode{});
    } else if (is("Remote-MTA")) {
      out.remote_mta = typed_of(value, "dns");
    } else if (is("Diagnostic-Code")) {
      out.diagnostic = typed_of(value, "smtp");
    } else if (is("Last-Attempt-Date")) {
      out.last_attempt = time_of(value);
    } else if (is("Final-Log-ID")) {
      out.final_log_id = text_of(value);
    } else if (is("Will-Retry-Until")) {
      out.will_retry_until = time_of(value);
    }
  }
  if (!has_action || (!has_final && !out.original)) return {};
  if (!has_final) out.final = *out.original;
  if (out.status.cls == 0 && out.diagnostic) out.status = status_in(out.diagnostic->text);
  return out;
}

void read_message_fields(const std::vector<Field>& fields, DeliveryStatus& status) {
  for (const Field& field : fields) {
    const std::string& value = field.value;
    const auto is = [&](std::string_view wanted) { return base::iequals(field.name, wanted); };
    if (is("Original-Envelope-Id")) {
      status.original_envelope_id = text_of(value);
    } else if (is("Reporting-MTA")) {
      status.reporting_mta = typed_of(value, "dns");
    } else if (is("Received-From-MTA")) {
      status.received_from_mta = typed_of(value, "dns");
    } else if (is("Arrival-Date")) {
      status.arrival = time_of(value);
    } else if (is("Deliver-By-Date")) {
      status.deliver_by = time_of(value);
    } else if (is("Future-Release-Request")) {
      if (const auto form = typed_of(value, ""); form.type == "until")
        status.future_release = base::parse_rfc3339(form.text);
    }
  }
}

std::optional<std::string_view> find_in(std::string_view entity, std::size_t depth);

// RFC 2046 5.1.1, as `multipart`'s body; a part's text is without the line end that belongs to the delimiter.
std::optional<std::string_view> find_in_parts(std::string_view body, std::string_view boundary,
                                              std::size_t depth) {
  std::optional<std::size_t> part;  // where the present one begins
  const std::string delimiter = "--" + std::string(boundary);
  for (std::string_view rest = body; !rest.empty();) {
    const auto at = static_cast<std::size_t>(rest.data() - body.data());
    const std::string_view line = mime::take_line(rest);
    const bool delimits = line.starts_with(delimiter);
    const std::string_view behind = delimits ? base::trim(line.substr(delimiter.size())) : line;
    const bool closes = delimits && behind == "--";
    if (!delimits || (!behind.empty() && !closes)) continue;
    if (part) {
      std::string_view text = body.substr(*part, at - *part);
      if (text.ends_with('\n')) text.remove_suffix(1);
      if (text.ends_with('\r')) text.remove_suffix(1);
      if (const auto found = find_in(text, depth)) return found;
    }
    if (closes) return {};
    part = static_cast<std::size_t>(rest.data() - body.data());
  }
  return part ? find_in(body.substr(*part), depth) : std::nullopt;
}

std::optional<std::string_view> find_in(std::string_view entity, std::size_t depth) {
  if (depth == 0) return {};
  const auto fields = take_block(entity);
  const auto field = std::ranges::find_if(
      fields, [](const Field& candidate) { return base::iequals(candidate.name, "Content-Type"); });
  if (field == fields.end()) return {};
  const auto type = mime::parse_content_type(field->value);
  if (!type) return {};
  if (type->type == "message" &&
      (type->subtype == "delivery-status" || type->subtype == "global-delivery-status")) {
    return entity;
  }
  const auto* boundary = type->find("boundary");
  if (type->type != "multipart" || !boundary || boundary->value.empty()) return {};
  return find_in_parts(entity, boundary->value, depth - 1);
}

}  // namespace

std::optional<DeliveryStatus> parse_delivery_status(std::string_view text) {
  text = text.substr(0, kMaxStatusSize);
  DeliveryStatus status;
  while (!text.empty() && status.recipients.size() < kMaxRecipients) {
    const auto fields = take_block(text);
    if (auto recipient = recipient_of(fields)) {
      status.recipients.push_back(std::move(*recipient));
    }
    // Some write all of it as one block.
    if (status.recipients.size() < 2) read_message_fields(fields, status);
  }
  if (status.recipients.empty()) return {};
  return status;
}

std::optional<std::string_view> find_delivery_status(std::string_view message) {
  return find_in(message, kMaxDepth);
}

}  // namespace postrider::wire::dsn
