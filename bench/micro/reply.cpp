// Replies of a server as its client reads them, and ours as they are written.
#include "wire/smtp/reply.hpp"

#include <string>

#include "measure.hpp"
#include "wire/smtp/extensions.hpp"
#include "wire/smtp/line_splitter.hpp"

namespace postrider::bench {
namespace {

constexpr std::string_view kHello =
    "250-mx.example.com at your service, [192.0.2.1]\r\n250-SIZE "
    "157286400\r\n250-8BITMIME\r\n250-STARTTLS\r\n"
    "250-ENHANCEDSTATUSCODES\r\n250-PIPELINING\r\n250-CHUNKING\r\n250 SMTPUTF8\r\n";
constexpr std::string_view kOk = "250 2.1.0 Ok\r\n";
constexpr std::string_view kQueued = "250 2.0.0 Ok: queued as 4XyzAb12CdEfGh34 on mx.example.com\r\n";

mail::Reply read(wire::smtp::ReplyParser& parser, std::string_view text) {
  while (!text.empty()) {
    const auto line = wire::smtp::next_line(text, 4096);
    text.remove_prefix(line.consumed);
    if (parser.feed(line.text)) break;
  }
  return parser.take();
}

void read_reply(benchmark::State& state, std::string_view text) {
  wire::smtp::ReplyParser parser;
  measure(state, text.size(), [&] {
    auto reply = read(parser, text);
    if (parser.bad()) state.SkipWithError("not read");
    benchmark::DoNotOptimize(reply);
  });
}

void read_extensions(benchmark::State& state, std::string_view text) {
  wire::smtp::ReplyParser parser;
  const auto reply = read(parser, text);
  measure(state, text.size(), [&] {
    auto found = wire::smtp::read_extensions(reply);
    benchmark::DoNotOptimize(found);
  });
}

void write_reply(benchmark::State& state, std::string_view text) {
  wire::smtp::ReplyParser parser;
  const auto reply = read(parser, text);
  std::string out;
  measure(state, text.size(), [&] {
    out.clear();
    wire::smtp::encode(reply, out);
    benchmark::DoNotOptimize(out.data());
  });
}

BENCHMARK_CAPTURE(read_reply, ehlo, kHello);
BENCHMARK_CAPTURE(read_reply, ok, kOk);
BENCHMARK_CAPTURE(read_reply, queued, kQueued);
BENCHMARK_CAPTURE(read_extensions, ehlo, kHello);
BENCHMARK_CAPTURE(write_reply, ehlo, kHello);
BENCHMARK_CAPTURE(write_reply, ok, kOk);
BENCHMARK_CAPTURE(write_reply, queued, kQueued);

}  // namespace
}  // namespace postrider::bench
