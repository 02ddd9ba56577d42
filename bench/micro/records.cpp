// What the store writes for each accepted message, and reads again for a delivery.
#include <chrono>
#include <string>
#include <vector>

#include "measure.hpp"
#include "store/edits_record.hpp"
#include "store/envelope_record.hpp"
#include "store/recipient_record.hpp"
#include "store/timeline_codec.hpp"

namespace postrider::bench {
namespace {

using namespace store;

base::UtcTime now() { return base::UtcTime(std::chrono::milliseconds(1'760'434'012'345)); }

mail::Address address(std::string_view text) { return mail::Address::parse(text).value(); }

mail::Recipient recipient(std::string_view text) {
  return {.original = address(text),
          .alias = {},
          .final = address(text),
          .orcpt = {},
          .notify = {},
          .due = now(),
          .last = {}};
}

mail::Envelope envelope(std::size_t recipients) {
  mail::Envelope envelope;
  envelope.reverse_path = mail::ReversePath(address("alice@mail.example.com"));
  envelope.body = mail::BodyType::eight_bit_mime;
  envelope.origin = {.client = base::IpAddress::parse("192.0.2.53"),
                     .client_port = 40321,
                     .helo = "mail-ej1-f53.outgoing.example.com",
                     .client_name = "mail-ej1-f53.outgoing.example.com",
                     .listener = "203.0.113.25:25",
                     .protocol = "ESMTPS",
                     .identity = {},
                     .tls = "TLSv1.3 TLS_AES_256_GCM_SHA384"};
  envelope.received = now();
  envelope.size = 4096;
  for (std::size_t i = 0; i < recipients; ++i)
    envelope.recipients.push_back(recipient("bob.smith" + std::to_string(i) + "@department.example.org"));
  return envelope;
}

RecipientRecord tried() {
  return {
      .attempts = 3,
      .warned = false,
      .last = mail::Outcome{.action = mail::Action::deferred,
                            .reply = mail::reply(451, 7, 1, "Greylisting in action, please come back later"),
                            .relay = "mx1.example.org[198.51.100.7]:25",
                            .detail = {},
                            .at = now(),
                            .said_by_relay = true},
      .unknown = {},
      .last_unknown = {}};
}

EditsRecord edits() {
  return {.edits = {mail::PrependField{
              "Received: from mail-ej1-f53.outgoing.example.com (mail-ej1-f53.outgoing.example.com "
              "[192.0.2.53])\r\n\tby mx.example.org (Postrider) with ESMTPS id 0dk3w5r7t9v1x\r\n\tfor "
              "<bob.smith@department.example.org>; Tue, 14 Oct 2025 09:26:52 +0000\r\n"}},
          .unknown = {}};
}

Event accepted() {
  const mail::Envelope of = envelope(1);
  return {.message = base::MessageId::first(now(), 1),
          .recipient = {},
          .at = now(),
          .kind = EventKind::accepted,
          .facts = {{"from", of.reverse_path.to_string()},
                    {"client", "192.0.2.53"},
                    {"name", of.origin.client_name},
                    {"helo", of.origin.helo},
                    {"protocol", of.origin.protocol},
                    {"tls", of.origin.tls},
                    {"listener", of.origin.listener},
                    {"size", "4096"}},
          .addresses = {}};
}

// encode() is overloaded.
template <class Record>
void encode_record(benchmark::State& state, Record record) {
  measure(state, encode(record).size(), [&] {
    auto bytes = encode(record);
    benchmark::DoNotOptimize(bytes.data());
  });
}

template <class Decode>
void read_record(benchmark::State& state, const std::string& bytes, Decode decode) {
  measure(state, bytes.size(), [&] {
    auto record = decode(bytes);
    if (!record) state.SkipWithError("damaged");
    benchmark::DoNotOptimize(record);
  });
}

void encode_envelope(benchmark::State& state, std::size_t recipients) {
  encode_record(state, envelope(recipients));
}
void read_envelope(benchmark::State& state, std::size_t recipients) {
  read_record(state, encode(envelope(recipients)), decode_envelope);
}
void encode_new_recipient(benchmark::State& state) { encode_record(state, RecipientRecord{}); }
void encode_tried_recipient(benchmark::State& state) { encode_record(state, tried()); }
void read_tried_recipient(benchmark::State& state) { read_record(state, encode(tried()), decode_recipient); }
void encode_edits(benchmark::State& state) { encode_record(state, edits()); }
void read_edits(benchmark::State& state) { read_record(state, encode(edits()), decode_edits); }

void append_accepted_event(benchmark::State& state) {
  const Event event = accepted();
  std::string out;
  append_event(out, event);
  measure(state, out.size(), [&] {
    out.clear();
    append_event(out, event);
    benchmark::DoNotOptimize(out.data());
  });
}

void read_accepted_event(benchmark::State& state) {
  const Event event = accepted();
  std::string bytes;
  append_event(bytes, event);
  read_record(state, bytes, [&](std::string_view from) { return decode_events(event.message, from); });
}

BENCHMARK_CAPTURE(encode_envelope, 1_recipient, 1);
BENCHMARK_CAPTURE(encode_envelope, 50_recipients, 50);
BENCHMARK_CAPTURE(read_envelope, 1_recipient, 1);
BENCHMARK_CAPTURE(read_envelope, 50_recipients, 50);
BENCHMARK(encode_new_recipient);
BENCHMARK(encode_tried_recipient);
BENCHMARK(read_tried_recipient);
BENCHMARK(encode_edits);
BENCHMARK(read_edits);
BENCHMARK(append_accepted_event);
BENCHMARK(read_accepted_event);

}  // namespace
}  // namespace postrider::bench
