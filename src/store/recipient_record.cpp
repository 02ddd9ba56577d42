#include "store/recipient_record.hpp"

#include "store/record.hpp"

namespace postrider::store {
namespace {

enum Tag : std::uint64_t { kAttempts = 1, kLast = 2, kWarned = 3, kBackBy = 4 };
enum OutcomeTag : std::uint64_t {
  kAction = 1,
  kCode = 2,
  kEnhanced = 3,
  kText = 4,
  kRelay = 5,
  kDetail = 6,
  kAt = 7,
  kDsnPassedOn = 8,
  kSaidByRelay = 9,
  kDeliverByPassedOn = 10,
};

void put_outcome(FieldWriter& out, const mail::Outcome& outcome, std::string_view unknown) {
  const auto begin = out.open(kLast);
  out.number(kAction, static_cast<std::uint8_t>(outcome.action));
  out.number(kCode, outcome.reply.code);
  if (outcome.reply.enhanced) {
    std::string digits;
    put_varint(digits, outcome.reply.enhanced->cls);
    put_varint(digits, outcome.reply.enhanced->subject);
    put_varint(digits, outcome.reply.enhanced->detail);
    out.bytes(kEnhanced, digits);
  }
  out.text(kText, outcome.reply.text);
  out.text(kRelay, outcome.relay);
  out.text(kDetail, outcome.detail);
  out.time(kAt, outcome.at);
  out.number(kDsnPassedOn, outcome.dsn_passed_on ? 1 : 0);
  out.number(kSaidByRelay, outcome.said_by_relay ? 1 : 0);
  out.number(kDeliverByPassedOn, outcome.deliver_by_passed_on ? 1 : 0);
  out.raw(unknown);
  out.close(begin);
}

std::optional<base::EnhancedCode> decode_enhanced(std::string_view bytes) {
  const auto cls = take_varint(bytes);
  const auto subject = cls ? take_varint(bytes) : std::nullopt;
  const auto detail = subject ? take_varint(bytes) : std::nullopt;
  if (!detail || !bytes.empty() || *cls > UINT8_MAX || *subject > UINT16_MAX || *detail > UINT16_MAX)
    return {};
  return base::EnhancedCode{static_cast<std::uint8_t>(*cls), static_cast<std::uint16_t>(*subject),
                            static_cast<std::uint16_t>(*detail)};
}

bool read_outcome(std::string_view bytes, RecipientRecord& record) {
  mail::Outcome& outcome = record.last.emplace();
  record.last_unknown.clear();
  bool has_action = false;
  FieldReader in = FieldReader::nested(bytes);
  while (in.next()) {
    switch (in.tag()) {
      case kAction: {
        const auto action = in.number(static_cast<std::uint8_t>(mail::Action::discarded));
        outcome.action = static_cast<mail::Action>(action);
        has_action = action != 0;
        break;
      }
      case kCode:
        outcome.reply.code = static_cast<std::uint16_t>(in.number(UINT16_MAX));
        break;
      case kEnhanced:
        outcome.reply.enhanced = decode_enhanced(in.bytes());
        if (!outcome.reply.enhanced) in.damaged();
        break;
      case kText:
        outcome.reply.text = in.bytes();
        break;
      case kRelay:
        outcome.relay = in.bytes();
        break;
      case kDetail:
        outcome.detail = in.bytes();
        break;
      case kAt:
        outcome.at = in.time();
        break;
      case kDsnPassedOn:
        outcome.dsn_passed_on = in.number(1) != 0;
        break;
      case kSaidByRelay:
        outcome.said_by_relay = in.number(1) != 0;
        break;
      case kDeliverByPassedOn:
        outcome.deliver_by_passed_on = in.number(1) != 0;
        break;
      default:
        record.last_unknown += in.raw();
    }
  }
  return in.ok() && has_action;
}

}  // namespace

std::string encode(const RecipientRecord& record) {
  // Most have no last outcome, and fit where a string needs no memory.
  const auto* last = record.last ? &*record.last : nullptr;
  FieldWriter out =
      FieldWriter::record(last ? 64 + last->reply.text.size() + last->relay.size() + last->detail.size() : 0);
  out.number(kAttempts, record.attempts);
  if (last) put_outcome(out, *last, record.last_unknown);
  out.number(kWarned, record.warned);
  if (record.back_by) out.time(kBackBy, *record.back_by);
  out.raw(record.unknown);
  return out.take();
}

std::optional<RecipientRecord> decode_recipient(std::string_view bytes) {
  auto in = FieldReader::record(bytes);
  if (!in) return {};
  RecipientRecord record;
  while (in->next()) {
    if (in->tag() == kAttempts) {
      record.attempts = static_cast<std::uint32_t>(in->number(UINT32_MAX));
    } else if (in->tag() == kWarned) {
      record.warned = in->number(1) != 0;
    } else if (in->tag() == kBackBy) {
      record.back_by = in->time();
    } else if (in->tag() == kLast) {
      if (!read_outcome(in->bytes(), record)) in->damaged();
    } else {
      record.unknown += in->raw();
    }
  }
  if (!in->ok()) return {};
  return record;
}

}  // namespace postrider::store
