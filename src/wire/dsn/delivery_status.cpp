#include "wire/dsn/delivery_status.hpp"

#include <algorithm>

#include "base/ascii.hpp"
#include "wire/dsn/clean.hpp"
#include "wire/smtp/xtext.hpp"

namespace postrider::wire::dsn {
namespace {

// RFC 5322 2.1.1: lines should have 78 octets at most.
constexpr std::size_t kFoldAt = 76;

class Writer {
 public:
  explicit Writer(Form form) : form_(form) {}

  void text(std::string_view name, std::string_view value) { put(name, clean(value, charset(), kMaxValue)); }
  void time(std::string_view name, const std::optional<base::UtcTime>& time) {
    if (time) put(name, base::to_rfc5322(*time));
  }
  void typed(std::string_view name, const Typed& value, std::string_view usual_type) {
    const std::string type = clean_type(value.type);
    put(name, (type.empty() ? std::string(usual_type) : type) + "; " +
                  clean(value.text, charset(), kMaxValue - kMaxType));
  }
  void address(std::string_view name, const Typed& value) {
    if (clean_type(value.type) != "utf-8") return typed(name, value, "rfc822");
    std::string whole = clean(value.text, Charset::utf8, kMaxValue - kMaxType);
    const bool raw = form_ == Form::global;
    std::string written = smtp::encode_utf8_address(whole, raw);
    while (written.size() > kMaxValue - kMaxType) {
      whole = clean(whole, Charset::utf8, whole.size() * 3 / 4);
      written = smtp::encode_utf8_address(whole, raw);
    }
    put(name, "utf-8; " + written);
  }
  void blank_line() { out_ += "\r\n"; }
  std::string take() { return std::move(out_); }

 private:
  Charset charset() const { return form_ == Form::global ? Charset::utf8 : Charset::ascii; }

  // Folds only at single spaces, so that unfolding gives back the same text.
  void put(std::string_view name, std::string_view value) {
    if (value.empty()) return;
    std::size_t column = name.size() + 2;
    out_ += name;
    out_ += ": ";
    std::size_t begin = 0;
    while (column + value.size() - begin > kFoldAt) {
      const std::size_t fold = fold_place(value, begin, column);
      if (fold == std::string_view::npos) break;
      out_ += value.substr(begin, fold - begin);
      out_ += "\r\n";
      begin = fold;
      column = 0;
    }
    out_ += value.substr(begin);
    out_ += "\r\n";
  }
  // The last single space before the margin, else the first one behind it.
  static std::size_t fold_place(std::string_view value, std::size_t begin, std::size_t column) {
    std::size_t best = std::string_view::npos;
    for (std::size_t at = begin + 1; at + 1 < value.size(); ++at) {
      if (column + at - begin > kFoldAt && best != std::string_view::npos) break;
      if (value[at] == ' ' && value[at - 1] != ' ' && value[at + 1] != ' ') best = at;
    }
    return best;
  }

  const Form form_;
  std::string out_;
};

void write(Writer& out, const Recipient& recipient) {
  if (recipient.original) out.address("Original-Recipient", *recipient.original);  // RFC 3464 2.3.1
  out.address("Final-Recipient", recipient.final);                                 // RFC 3464 2.3.2
  out.text("Action", to_string(recipient.action));
  out.text("Status", recipient.status.to_string());                                       // RFC 3464 2.3.4
  if (recipient.remote_mta) out.typed("Remote-MTA", *recipient.remote_mta, "dns");        // RFC 3464 2.3.5
  if (recipient.diagnostic) out.typed("Diagnostic-Code", *recipient.diagnostic, "smtp");  // RFC 3464 2.3.6
  out.time("Last-Attempt-Date", recipient.last_attempt);                                  // RFC 3464 2.3.7
  out.text("Final-Log-ID", recipient.final_log_id);                                       // RFC 3464 2.3.8
  out.time("Will-Retry-Until", recipient.will_retry_until);                               // RFC 3464 2.3.9
}

}  // namespace

std::string_view to_string(Action action) {
  switch (action) {
    case Action::failed:
      return "failed";
    case Action::delayed:
      return "delayed";
    case Action::delivered:
      return "delivered";
    case Action::relayed:
      return "relayed";
    case Action::expanded:
      break;
  }
  return "expanded";
}

std::string encode(const DeliveryStatus& status, Form form) {
  Writer out(form);
  out.text("Original-Envelope-Id", status.original_envelope_id);  // RFC 3464 2.2.1
  out.typed("Reporting-MTA", status.reporting_mta, "dns");        // RFC 3464 2.2.2
  if (status.received_from_mta)
    out.typed("Received-From-MTA", *status.received_from_mta, "dns");  // RFC 3464 2.2.4
  out.time("Arrival-Date", status.arrival);                            // RFC 3464 2.2.5
  out.time("Deliver-By-Date", status.deliver_by);                      // RFC 2852
  if (status.future_release) {                                         // RFC 4865
    std::string until = base::to_rfc3339(*status.future_release);
    until.erase(until.rfind('.'), 4);
    out.text("Future-Release-Request", "until;" + until);
  }
  for (const Recipient& recipient : status.recipients) {
    out.blank_line();
    write(out, recipient);
  }
  return out.take();
}

bool needs_global(const DeliveryStatus& status) {
  return std::ranges::any_of(status.recipients, [](const Recipient& recipient) {
    return !base::is_ascii(recipient.final.text) ||
           (recipient.original && !base::is_ascii(recipient.original->text));
  });
}

}  // namespace postrider::wire::dsn
