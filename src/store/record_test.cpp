#include "store/record.hpp"

#include <gmock/gmock.h>

#include "store/edits_record.hpp"
#include "store/envelope_record.hpp"
#include "store/recipient_record.hpp"
#include "store/testing/blocking_spool.hpp"

namespace postrider::store {
namespace {

using base::Milliseconds;
using base::UtcTime;
using testing::address;

// A field of a newer binary: tag 99 and "new".
constexpr std::string_view kUnknown = "\x63\x03new";

mail::Outcome full_outcome() {
  return {.action = mail::Action::deferred,
          .reply = mail::reply(451, 4, 999, "two\nlines"),
          .relay = "mx.example.com[192.0.2.1]:25",
          .detail = "greylisted",
          .at = UtcTime(Milliseconds(-5)),
          .dsn_passed_on = true,
          .said_by_relay = true};
}

mail::Recipient full_recipient() {
  return {.original = address("info@example.com"),
          .alias = address("\"a b\"@example.com"),
          .final = address("bob@[IPv6:2001:db8::1]"),
          .orcpt = mail::OriginalRecipient{"rfc822", "info@example.com"},
          .notify = {.specified = true, .success = true, .failure = false, .delay = true},
          .reverse_path = address("SRS0=AAAAAA=RI=" + std::string(60, 'x') + ".example=alice@example.com"),
          .last = {}};
}

mail::Envelope full_envelope() {
  mail::Envelope envelope;
  envelope.reverse_path =
      mail::ReversePath(address("alice@b\xc3\xbc"
                                "cher.example"));
  envelope.envid = "id=1";
  envelope.ret = mail::DsnReturn::headers;
  envelope.body = mail::BodyType::binary_mime;
  envelope.smtputf8 = true;
  envelope.require_tls = true;
  envelope.hold_until = UtcTime(Milliseconds(0));
  envelope.deliver_by = UtcTime(Milliseconds(1'800'000'000'123));
  envelope.deliver_by_notify = true;
  envelope.deliver_by_trace = true;
  envelope.priority = -9;
  envelope.junk = true;
  envelope.origin = {.client = base::IpAddress::parse("2001:db8::7"),
                     .client_port = 65535,
                     .helo = "[192.0.2.7]",
                     .client_name = "client.example",
                     .listener = "127.0.0.1:25",
                     .protocol = "ESMTPSA",
                     .identity = "alice",
                     .tls = "TLSv1.3 TLS_AES_256_GCM_SHA384",
                     .uid = UINT32_MAX};
  envelope.received = UtcTime(Milliseconds(1'800'000'000'000));
  envelope.size = UINT64_MAX;
  envelope.recipients = {full_recipient(), testing::recipient("bob@example.net")};
  return envelope;
}

TEST(Record, WritesNumbersInBase128) {
  std::string out;
  put_varint(out, 300);
  EXPECT_EQ(out, "\xac\x02");
  std::string_view rest = out;
  EXPECT_EQ(take_varint(rest), 300u);
  EXPECT_TRUE(rest.empty());
}

TEST(Record, RefusesANumberThatIsTooLongOrDoesNotEnd) {
  for (const std::string_view bytes : {"", "\x80", "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02",
                                       "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"}) {
    std::string_view rest = bytes;
    EXPECT_EQ(take_varint(rest), std::nullopt);
  }
  std::string_view largest = "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01";
  EXPECT_EQ(take_varint(largest), UINT64_MAX);
}

TEST(EnvelopeRecord, HoldsEveryField) {
  const mail::Envelope envelope = full_envelope();
  const auto record = decode_envelope(encode(envelope));
  ASSERT_TRUE(record);
  EXPECT_EQ(record->envelope, envelope);
  EXPECT_EQ(record->envelope.reverse_path.to_string(), envelope.reverse_path.to_string());
}

TEST(EnvelopeRecord, HoldsTheEmptiestEnvelope) {
  mail::Envelope envelope;
  EXPECT_EQ(encode(envelope), std::string("\x01\x0b\x01\x00", 4)) << "the version and the time, which is 0";
  EXPECT_EQ(decode_envelope(encode(envelope))->envelope, envelope);
}

TEST(EnvelopeRecord, HasTheFinalPathWhereItIsSpeltOtherwise) {
  mail::Envelope envelope;
  envelope.recipients.push_back(full_recipient());
  envelope.recipients[0].original = address("bob@Example.com");
  envelope.recipients[0].final = address("bob@example.com");
  EXPECT_EQ(decode_envelope(encode(envelope))->envelope.recipients[0].final.to_string(), "bob@example.com");
  const auto size = encode(envelope).size();
  envelope.recipients[0].final = envelope.recipients[0].original;
  EXPECT_EQ(decode_envelope(encode(envelope))->envelope.recipients[0].final.to_string(), "bob@Example.com");
  EXPECT_EQ(encode(envelope).size(), size - 2 - 15) << "not written twice";
}

TEST(EnvelopeRecord, HoldsATextOfMoreThan127Octets) {
  mail::Envelope envelope;
  envelope.origin.helo = std::string(20000, 'h');
  envelope.origin.tls = std::string(128, 't');
  EXPECT_EQ(decode_envelope(encode(envelope))->envelope, envelope);
}

TEST(EnvelopeRecord, KeepsUnknownFieldsThroughRewriting) {
  EnvelopeRecord record{
      full_envelope(), std::string(kUnknown), std::string(kUnknown), {"", std::string(kUnknown)}};
  const auto again = decode_envelope(encode(record));
  ASSERT_TRUE(again);
  EXPECT_EQ(*again, record);
}

TEST(EnvelopeRecord, RefusesAnyOfItsBeginnings) {
  const std::string bytes = encode(full_envelope());
  // The last field is the second recipient, without which the rest is a record.
  const std::size_t whole = encode([] {
                              mail::Envelope envelope = full_envelope();
                              envelope.recipients.pop_back();
                              return envelope;
                            }())
                                .size();
  for (std::size_t size = whole + 1; size < bytes.size(); ++size)
    EXPECT_FALSE(decode_envelope(bytes.substr(0, size))) << size;
}

TEST(EnvelopeRecord, RefusesAnotherVersionAndAnAddressThatIsNone) {
  std::string bytes = encode(full_envelope());
  bytes[0] = 2;
  EXPECT_FALSE(decode_envelope(bytes));
  EXPECT_FALSE(decode_envelope(""));
  FieldWriter writer = FieldWriter::record();
  writer.text(1, "not an address");
  EXPECT_FALSE(decode_envelope(writer.take()));
}

TEST(RecipientRecord, HoldsAttemptsTheWarningAndTheLastOutcome) {
  const RecipientRecord record{UINT32_MAX,
                               true,
                               full_outcome(),
                               UtcTime(Milliseconds(1'800'000'000'123)),
                               std::string(kUnknown),
                               std::string(kUnknown)};
  EXPECT_EQ(decode_recipient(encode(record)), record);
  EXPECT_EQ(decode_recipient(encode(RecipientRecord{})), RecipientRecord{});
}

TEST(RecipientRecord, RefusesAnActionThatIsNone) {
  EXPECT_FALSE(decode_recipient("\x01\x02\x03\x01\x01\x07"));
  EXPECT_TRUE(decode_recipient("\x01\x02\x03\x01\x01\x06"));
  EXPECT_FALSE(decode_recipient(std::string_view("\x01\x02\x00", 3)));
}

TEST(EditsRecord, HoldsEveryEditInItsOrder) {
  const EditsRecord record{{mail::PrependField{"Received: a\r\n"}, mail::RemoveField{UINT32_MAX},
                            mail::ChangeField{300, "Subject: b\r\n"}, mail::ReplaceBody{""},
                            mail::PrependField{"Received: c\r\n"}},
                           std::string(kUnknown)};
  EXPECT_EQ(decode_edits(encode(record)), record);
}

TEST(EditsRecord, RefusesAKindOfEditThatItDoesNotKnow) {
  EXPECT_FALSE(decode_edits("\x01\x05\x01x"));
  EXPECT_TRUE(decode_edits("\x01\x40\x01x"));
}

}  // namespace
}  // namespace postrider::store
