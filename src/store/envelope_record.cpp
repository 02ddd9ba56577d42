#include "store/envelope_record.hpp"

#include <algorithm>
#include <array>
#include <span>

#include "store/record.hpp"

namespace postrider::store {
namespace {

enum Tag : std::uint64_t {
  kReversePath = 1,
  kEnvid = 2,
  kRet = 3,
  kBody = 4,
  kSmtputf8 = 5,
  kRequireTls = 6,
  kHoldUntil = 7,
  kDeliverBy = 8,
  kDeliverByNotify = 9,
  kPriority = 10,
  kReceived = 11,
  kSize = 12,
  kOrigin = 13,
  kRecipient = 14,
  kDeliverByTrace = 15,
  kJunk = 16,
};
enum OriginTag : std::uint64_t {
  kClient = 1,
  kClientPort = 2,
  kHelo = 3,
  kClientName = 4,
  kListener = 5,
  kProtocol = 6,
  kIdentity = 7,
  kTls = 8,
  kUid = 9,  // plus one, as 0 is not written
};
enum RecipientTag : std::uint64_t {
  kOriginal = 1,
  kAlias = 2,
  kFinal = 3,  // absent: the same text as the original
  kOrcptType = 4,
  kOrcptAddress = 5,
  kNotify = 6,
  kSentOnAs = 7,
};
enum NotifyBit : std::uint64_t { kSpecified = 1, kSuccess = 2, kFailure = 4, kDelay = 8 };

void put_origin(FieldWriter& out, const mail::Origin& origin, std::string_view unknown) {
  if (origin == mail::Origin{} && unknown.empty()) return;
  const auto begin = out.open(kOrigin);
  if (origin.client) out.bytes(kClient, origin.client->bytes());
  out.number(kClientPort, origin.client_port);
  out.text(kHelo, origin.helo);
  out.text(kClientName, origin.client_name);
  out.text(kListener, origin.listener);
  out.text(kProtocol, origin.protocol);
  out.text(kIdentity, origin.identity);
  out.text(kTls, origin.tls);
  if (origin.uid) out.number(kUid, 1 + std::uint64_t{*origin.uid});
  out.raw(unknown);
  out.close(begin);
}

bool same_text(const mail::Address& a, const mail::Address& b) {
  return a == b && (!a.domain() || a.domain()->text() == b.domain()->text());
}

void put_recipient(FieldWriter& out, const mail::Recipient& recipient, std::string_view unknown) {
  const auto begin = out.open(kRecipient);
  out.bytes(kOriginal, recipient.original.to_string());
  if (recipient.alias) out.bytes(kAlias, recipient.alias->to_string());
  if (!same_text(recipient.final, recipient.original)) out.bytes(kFinal, recipient.final.to_string());
  if (recipient.orcpt) {
    out.bytes(kOrcptType, recipient.orcpt->type);
    out.text(kOrcptAddress, recipient.orcpt->address);
  }
  const mail::Notify& notify = recipient.notify;
  out.number(kNotify, (notify.specified ? kSpecified : 0u) | (notify.success ? kSuccess : 0u) |
                          (notify.failure ? kFailure : 0u) | (notify.delay ? kDelay : 0u));
  if (recipient.reverse_path) out.bytes(kSentOnAs, recipient.reverse_path->to_string());
  out.raw(unknown);
  out.close(begin);
}

std::optional<base::IpAddress> decode_client(std::string_view bytes) {
  if (bytes.size() == 4) {
    std::array<std::uint8_t, 4> four{};
    std::ranges::copy(bytes, four.begin());
    return base::IpAddress::v4(four);
  }
  if (bytes.size() == 16) {
    std::array<std::uint8_t, 16> sixteen{};
    std::ranges::copy(bytes, sixteen.begin());
    return base::IpAddress::v6(sixteen);
  }
  return {};
}

bool read_origin(std::string_view bytes, mail::Origin& origin, std::string& unknown) {
  FieldReader in = FieldReader::nested(bytes);
  while (in.next()) {
    switch (in.tag()) {
      case kClient:
        origin.client = decode_client(in.bytes());
        if (!origin.client) in.damaged();
        break;
      case kClientPort:
        origin.client_port = static_cast<std::uint16_t>(in.number(UINT16_MAX));
        break;
      case kHelo:
        origin.helo = in.bytes();
        break;
      case kClientName:
        origin.client_name = in.bytes();
        break;
      case kListener:
        origin.listener = in.bytes();
        break;
      case kProtocol:
        origin.protocol = in.bytes();
        break;
      case kIdentity:
        origin.identity = in.bytes();
        break;
      case kTls:
        origin.tls = in.bytes();
        break;
      case kUid: {
        const auto number = in.number(1 + std::uint64_t{UINT32_MAX});
        if (number > 0) origin.uid = static_cast<std::uint32_t>(number - 1);
        break;
      }
      default:
        unknown += in.raw();
    }
  }
  return in.ok();
}

mail::OriginalRecipient& orcpt(std::optional<mail::OriginalRecipient>& value) {
  return value ? *value : value.emplace();
}

// An Address can't be empty, so the parts are gathered first.
struct RecipientParts {
  std::optional<mail::Address> original;
  std::optional<mail::Address> alias;
  std::optional<mail::Address> final;
  std::optional<mail::OriginalRecipient> orcpt;
  mail::Notify notify;
  std::optional<mail::Address> reverse_path;
};

std::optional<mail::Address> read_address(FieldReader& in) {
  auto address = mail::Address::parse(in.bytes());
  if (!address) {
    in.damaged();
    return {};
  }
  return std::move(*address);
}

mail::Notify read_notify(FieldReader& in) {
  const auto bits = in.number(kSpecified | kSuccess | kFailure | kDelay);
  return {(bits & kSpecified) != 0, (bits & kSuccess) != 0, (bits & kFailure) != 0, (bits & kDelay) != 0};
}

std::optional<mail::Recipient> read_recipient(std::string_view bytes, std::string& unknown) {
  RecipientParts parts;
  FieldReader in = FieldReader::nested(bytes);
  while (in.next()) {
    switch (in.tag()) {
      case kOriginal:
        parts.original = read_address(in);
        break;
      case kAlias:
        parts.alias = read_address(in);
        break;
      case kFinal:
        parts.final = read_address(in);
        break;
      case kOrcptType:
        orcpt(parts.orcpt).type = in.bytes();
        break;
      case kOrcptAddress:
        orcpt(parts.orcpt).address = in.bytes();
        break;
      case kNotify:
        parts.notify = read_notify(in);
        break;
      case kSentOnAs:
        parts.reverse_path = read_address(in);
        break;
      default:
        unknown += in.raw();
    }
  }
  if (!in.ok() || !parts.original) return {};
  mail::Address final_path = parts.final ? std::move(*parts.final) : *parts.original;
  return mail::Recipient{.original = std::move(*parts.original),
                         .alias = std::move(parts.alias),
                         .final = std::move(final_path),
                         .orcpt = std::move(parts.orcpt),
                         .notify = parts.notify,
                         .reverse_path = std::move(parts.reverse_path),
                         .last = {}};
}

// A tag of the envelope that is a number or a time. False where it is another.
bool read_scalar(FieldReader& in, mail::Envelope& envelope) {
  switch (in.tag()) {
    case kRet:
      envelope.ret = static_cast<mail::DsnReturn>(in.number(2));
      return true;
    case kBody:
      envelope.body = static_cast<mail::BodyType>(in.number(2));
      return true;
    case kSmtputf8:
      envelope.smtputf8 = in.number(1) != 0;
      return true;
    case kRequireTls:
      envelope.require_tls = in.number(1) != 0;
      return true;
    case kHoldUntil:
      envelope.hold_until = in.time();
      return true;
    case kDeliverBy:
      envelope.deliver_by = in.time();
      return true;
    case kDeliverByNotify:
      envelope.deliver_by_notify = in.number(1) != 0;
      return true;
    case kDeliverByTrace:
      envelope.deliver_by_trace = in.number(1) != 0;
      return true;
    case kJunk:
      envelope.junk = in.number(1) != 0;
      return true;
    case kPriority: {
      const auto priority = in.signed_number();
      if (priority < INT8_MIN || priority > INT8_MAX) in.damaged();
      envelope.priority = static_cast<std::int8_t>(priority);
      return true;
    }
    case kReceived:
      envelope.received = in.time();
      return true;
    case kSize:
      envelope.size = in.number();
      return true;
    default:
      return false;
  }
}

void read_field(FieldReader& in, EnvelopeRecord& record) {
  switch (in.tag()) {
    case kReversePath:
      if (auto address = read_address(in))
        record.envelope.reverse_path = mail::ReversePath(std::move(*address));
      break;
    case kEnvid:
      record.envelope.envid = in.bytes();
      break;
    case kOrigin:
      if (!read_origin(in.bytes(), record.envelope.origin, record.origin_unknown)) in.damaged();
      break;
    case kRecipient: {
      auto recipient = read_recipient(in.bytes(), record.recipient_unknown.emplace_back());
      if (!recipient) return in.damaged();
      record.envelope.recipients.push_back(std::move(*recipient));
      break;
    }
    default:
      record.unknown += in.raw();
  }
}

// What a newer binary wrote, as EnvelopeRecord has it.
struct Unknown {
  std::string_view envelope;
  std::string_view origin;
  std::span<const std::string> recipients;
};

std::string encode(const mail::Envelope& envelope, const Unknown& unknown) {
  // Enough for most, so that the record does not grow by copying.
  FieldWriter out = FieldWriter::record(256 + 64 * envelope.recipients.size());
  if (!envelope.reverse_path.is_null()) out.bytes(kReversePath, envelope.reverse_path.to_string());
  out.text(kEnvid, envelope.envid);
  out.number(kRet, static_cast<std::uint8_t>(envelope.ret));
  out.number(kBody, static_cast<std::uint8_t>(envelope.body));
  out.number(kSmtputf8, envelope.smtputf8);
  out.number(kRequireTls, envelope.require_tls);
  if (envelope.hold_until) out.time(kHoldUntil, *envelope.hold_until);
  if (envelope.deliver_by) out.time(kDeliverBy, *envelope.deliver_by);
  out.number(kDeliverByNotify, envelope.deliver_by_notify);
  out.number(kDeliverByTrace, envelope.deliver_by_trace);
  out.signed_number(kPriority, envelope.priority);
  out.number(kJunk, envelope.junk);
  out.time(kReceived, envelope.received);
  out.number(kSize, envelope.size);
  put_origin(out, envelope.origin, unknown.origin);
  for (std::size_t i = 0; i < envelope.recipients.size(); ++i) {
    const bool kept = i < unknown.recipients.size();
    put_recipient(out, envelope.recipients[i], kept ? std::string_view(unknown.recipients[i]) : "");
  }
  out.raw(unknown.envelope);
  return out.take();
}

}  // namespace

std::string encode(const EnvelopeRecord& record) {
  return encode(record.envelope, {record.unknown, record.origin_unknown, record.recipient_unknown});
}

std::string encode(const mail::Envelope& envelope) { return encode(envelope, {}); }

std::optional<EnvelopeRecord> decode_envelope(std::string_view bytes) {
  auto in = FieldReader::record(bytes);
  if (!in) return {};
  EnvelopeRecord record;
  while (in->next()) {
    if (!read_scalar(*in, record.envelope)) read_field(*in, record);
  }
  if (!in->ok()) return {};
  return record;
}

}  // namespace postrider::store
