#include "queue/outcome_log.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "sys/log.hpp"

namespace postrider::queue {
namespace {

using sys::log::Field;

std::string_view event_of(const OutcomeLine& line) {
  return line.held ? std::string_view("held") : mail::to_string(line.outcome.action);
}

template <class... Extra>
void write(const OutcomeLine& line, const Extra&... extra) {
  const mail::Outcome& outcome = line.outcome;
  sys::log::info(event_of(line),
                 {Field("id", line.id.to_string()), Field("from", line.envelope.reverse_path.to_string()),
                  Field("to", line.recipient.final.to_string()), Field("relay", outcome.relay),
                  Field("delay", seconds(outcome.at - line.envelope.received)),
                  Field("dsn", outcome.reply.enhanced ? outcome.reply.enhanced->to_string() : std::string()),
                  // the enhanced code stands in dsn= too, where scripts look for it
                  Field("reply", reply_text(outcome.reply)), extra...});
}

template <class... Extra>
void with_detail(const OutcomeLine& line, const Extra&... extra) {
  if (line.outcome.detail.empty()) return write(line, extra...);
  write(line, extra..., Field("detail", line.outcome.detail));
}

template <class... Extra>
void with_consequence(const OutcomeLine& line, const Extra&... extra) {
  if (line.told_nobody) return with_detail(line, extra..., Field("told", "nobody"));
  if (line.held || line.outcome.action != mail::Action::deferred) return with_detail(line, extra...);
  with_detail(line, extra..., Field("next", base::to_rfc3339(line.next)));
}

}  // namespace

void log_outcome(const OutcomeLine& line) {
  if (!sys::log::writes(sys::log::Level::info)) return;
  if (line.recipient.original == line.recipient.final) return with_consequence(line);
  with_consequence(line, Field("orig_to", line.recipient.original.to_string()));
}

std::string reply_text(const mail::Reply& reply) {
  if (reply.code == 0) return reply.text;
  const std::string enhanced = reply.enhanced ? reply.enhanced->to_string() + " " : std::string();
  return fmt::format("{} {}{}", reply.code, enhanced, reply.text);
}

std::string seconds(base::Milliseconds time) {
  const auto count = std::max<base::Milliseconds::rep>(time.count(), 0);
  return fmt::format("{}.{:03}", count / 1000, count % 1000);
}

}  // namespace postrider::queue
