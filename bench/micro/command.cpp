// Command lines, as large senders write them.
#include "wire/smtp/command.hpp"

#include "measure.hpp"
#include "wire/smtp/line_splitter.hpp"

namespace postrider::bench {
namespace {

void parse(benchmark::State& state, std::string_view line) {
  measure(state, line.size(), [&] {
    auto command = wire::smtp::parse_command(line, {});
    if (!command) state.SkipWithError("refused");
    benchmark::DoNotOptimize(command);
  });
}

void split(benchmark::State& state, std::string_view line) {
  const std::string buffer = std::string(line) + "\r\n";
  measure(state, buffer.size(), [&] {
    const auto found = wire::smtp::next_line(buffer, wire::smtp::kMaxCommandLine);
    benchmark::DoNotOptimize(found.text.data());
  });
}

constexpr std::string_view kEhlo = "EHLO mail-ej1-f53.outgoing.example.com";
constexpr std::string_view kMail = "MAIL FROM:<alice@example.com> SIZE=4096 BODY=8BITMIME";
constexpr std::string_view kLongMail =
    "MAIL FROM:<bounce+0123456789abcdef-alice=example.org@mail.newsletters.example.com> SIZE=40960 "
    "BODY=8BITMIME "
    "SMTPUTF8 RET=HDRS ENVID=QQ314159";
constexpr std::string_view kRcpt = "RCPT TO:<bob@example.org>";
constexpr std::string_view kLongRcpt =
    "RCPT TO:<robert.maximilian.smith@mail.department.example.org> NOTIFY=SUCCESS,FAILURE,DELAY "
    "ORCPT=rfc822;robert.maximilian.smith@mail.department.example.org";

BENCHMARK_CAPTURE(parse, ehlo, kEhlo);
BENCHMARK_CAPTURE(parse, mail, kMail);
BENCHMARK_CAPTURE(parse, long_mail, kLongMail);
BENCHMARK_CAPTURE(parse, rcpt, kRcpt);
BENCHMARK_CAPTURE(parse, long_rcpt, kLongRcpt);
BENCHMARK_CAPTURE(parse, data, std::string_view("DATA"));
BENCHMARK_CAPTURE(split, mail, kMail);

}  // namespace
}  // namespace postrider::bench
