#include "policy/trace.hpp"

#include <algorithm>
#include <string_view>

#include "base/ascii.hpp"

namespace postrider::policy {
namespace {

constexpr std::size_t kMaxHelo = 255;  // a domain's bound; RFC 5321 4.5.3.1.2

// What a domain or an address literal is made of; all else would be read as another part of the field.
std::string clean_helo(std::string_view helo) {
  std::string out(helo.substr(0, kMaxHelo));
  for (char& c : out)
    if (!base::is_alnum(c) && !std::string_view("-._:[]").contains(c)) c = '?';
  return out.empty() ? "?" : out;
}

// A header field that folds between words, where a line would grow over 78 octets. RFC 5322 2.1.1
class FieldWriter {
 public:
  explicit FieldWriter(std::string_view name) : field_(name) { line_ = field_.size(); }

  void word(std::string_view text) {
    constexpr std::size_t kPreferred = 78;
    if (line_ + 1 + text.size() > kPreferred) return word_on_new_line(text);
    field_ += ' ';
    field_ += text;
    line_ += 1 + text.size();
  }
  void word_on_new_line(std::string_view text) {
    field_ += "\r\n\t";
    field_ += text;
    line_ = 1 + text.size();
  }
  void end_of_clauses() { field_ += ';'; }
  std::string finish() && { return std::move(field_) + "\r\n"; }

 private:
  std::string field_;
  std::size_t line_ = 0;
};

// The one RCPT that all recipients come from; none where there were several, which must not learn of each
// other. RFC 5321 7.2
const mail::Address* only_rcpt(const mail::Envelope& envelope) {
  if (envelope.recipients.empty()) return nullptr;
  const mail::Address& first = envelope.recipients.front().original;
  const bool all =
      std::ranges::all_of(envelope.recipients, [&](const auto& one) { return one.original == first; });
  return all ? &first : nullptr;
}

// "TLSv1.3 TLS_AES_256_GCM_SHA384": the words that envelopes have.
struct Tls {
  std::string_view version, cipher;
  explicit Tls(std::string_view words) : version(words.substr(0, words.find(' '))) {
    cipher = words.substr(std::min(version.size() + 1, words.size()));
  }
};

std::string tcp_info(const mail::Origin& origin) {
  const std::string literal = origin.client->to_literal();  // RFC 5321 4.1.3
  const auto name = mail::Domain::parse(origin.client_name);
  return '(' + (name ? name->ascii() + ' ' : std::string()) + literal + ')';
}

}  // namespace

std::string received_field(const mail::Envelope& envelope, base::MessageId id, const mail::Domain& hostname,
                           Client client) {
  const mail::Origin& origin = envelope.origin;
  FieldWriter field("Received:");
  // RFC 5321 4.4
  if (origin.client && client == Client::shown) {
    field.word("from");
    field.word(clean_helo(origin.helo));
    field.word(tcp_info(origin));
    field.word_on_new_line("by");
  } else {
    field.word("by");
  }
  field.word(hostname.ascii());
  field.word(origin.uid ? "(Postrider, from userid " + std::to_string(*origin.uid) + ")" : "(Postrider)");
  // RFC 3848 2, RFC 6531 4.3
  if (!origin.protocol.empty()) field.word("with " + origin.protocol);
  const Tls tls(origin.tls);
  if (!tls.version.empty()) field.word('(' + std::string(tls.version) + ')');
  field.word("id " + id.to_string());
  if (!tls.cipher.empty()) field.word("tls " + std::string(tls.cipher));  // RFC 8314 4.3
  if (const auto* rcpt = only_rcpt(envelope)) {
    field.word_on_new_line("for");
    field.word('<' + (envelope.smtputf8 ? rcpt->to_string() : rcpt->to_ascii()) + '>');
  }
  if (envelope.priority != 0) field.word("PRIORITY " + std::to_string(envelope.priority));  // RFC 6710
  field.end_of_clauses();
  field.word_on_new_line(base::to_rfc5322(envelope.received));
  return std::move(field).finish();
}

std::string return_path_field(const mail::ReversePath& reverse_path) {
  return "Return-Path: <" + reverse_path.to_string() + ">\r\n";
}

std::string delivered_to_field(const mail::Address& recipient) {
  return "Delivered-To: " + recipient.to_ascii() + "\r\n";
}

}  // namespace postrider::policy
