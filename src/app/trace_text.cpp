#include "app/trace_text.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "app/queue_print.hpp"

namespace postrider::app {
namespace {

using store::EventKind;

// Beneath the words of an event: the time, the span and what parts them.
constexpr std::size_t kIndent = 24 + 2 + 9 + 2;
constexpr std::size_t kMostRecipients = 20;

// The facts of an event; each is taken once, what is left is told as it is.
class Facts {
 public:
  explicit Facts(const store::ReadEvent& event) : left_(event.facts) {}

  std::string take(std::string_view name) {
    const auto found = std::ranges::find(left_, name, &std::pair<std::string, std::string>::first);
    if (found == left_.end()) return {};
    std::string value = harmless(found->second);
    left_.erase(found);
    return value;
  }
  // Without what makes it harmless: for texts of several lines.
  std::string take_raw(std::string_view name) {
    const auto found = std::ranges::find(left_, name, &std::pair<std::string, std::string>::first);
    if (found == left_.end()) return {};
    std::string value = std::move(found->second);
    left_.erase(found);
    return value;
  }
  std::vector<std::string> take_all(std::string_view name) {
    std::vector<std::string> all;
    for (const auto& [its_name, value] : left_)
      if (its_name == name) all.push_back(harmless(value));
    std::erase_if(left_, [name](const auto& fact) { return fact.first == name; });
    return all;
  }
  const std::vector<std::pair<std::string, std::string>>& left() const { return left_; }

 private:
  std::vector<std::pair<std::string, std::string>> left_;
};

// What is not empty, with commas between.
std::string listed(const std::vector<std::string>& parts) {
  std::string out;
  for (const std::string& part : parts) {
    if (part.empty()) continue;
    if (!out.empty()) out += ", ";
    out += part;
  }
  return out;
}

std::string with(std::string_view before, const std::string& value, std::string_view after = {}) {
  return value.empty() ? std::string() : std::string(before) + value + std::string(after);
}

// The words of the first line, and the lines beneath.
struct Told {
  std::string words;
  std::vector<std::string> details;
};

Told accepted(Facts& facts) {
  Told told;
  told.words = "accepted from <" + facts.take("from") + ">";
  const std::string size = facts.take("size");
  std::string client = facts.take("client");
  const std::string inside = listed({facts.take("name"), with("HELO ", facts.take("helo"))});
  client += with(" (", inside, ")");
  told.details.push_back(listed({with("client ", client), with("authenticated as ", facts.take("identity")),
                                 facts.take("protocol"), facts.take("tls"),
                                 with("at ", facts.take("listener")), with("", size, " octets")}));
  for (const std::string& decision : facts.take_all("decision"))
    told.details.push_back("decided: " + decision);
  return told;
}

Told attempt(const store::ReadEvent& event, Facts& facts) {
  Told told;
  const std::string host = facts.take("host");
  const std::string address = facts.take("address");
  std::string at = host.empty() ? address : host + with(" [", address, "]");
  const std::string site = facts.take("site");
  if (at.empty()) at = site;
  told.words = "attempt at " + at + with(": ", facts.take("result"));
  told.details.push_back(
      listed({event.recipient ? fmt::format("recipient {}", *event.recipient) : std::string(),
              site == host || site == at ? std::string() : with("site ", site), with("", facts.take("tls")),
              with("took ", facts.take("took"), " s")}));
  std::string transcript = facts.take_raw("transcript");
  std::size_t start = 0;
  while (start < transcript.size()) {
    const std::size_t end = std::min(transcript.find('\n', start), transcript.size());
    std::string line = transcript.substr(start, end - start);
    if (line.ends_with('\r')) line.pop_back();
    told.details.push_back("| " + harmless(line));
    start = end + 1;
  }
  return told;
}

Told outcome(const store::ReadEvent& event, Facts& facts) {
  Told told;
  std::string whom = facts.take("to");
  if (whom.empty()) whom = event.recipient ? fmt::format("recipient {}", *event.recipient) : "all recipients";
  std::string state = facts.take("state");
  if (state.empty()) state = to_string(event.kind);
  told.words = whom + ' ' + state + with(": ", facts.take("reply"));
  const std::string relay = facts.take("relay");
  const std::string detail = facts.take("detail");
  told.details.push_back(listed({with("by ", relay), detail}));
  told.details.push_back(with("next try at ", facts.take("next")));
  if (facts.take("told") == "nobody") told.details.push_back("nobody is told");
  return told;
}

Told notified(Facts& facts) {
  Told told;
  told.words = "<" + facts.take("to") + "> is told" + with(": ", facts.take("of"));
  told.details.push_back(with("of ", listed(facts.take_all("recipients"))));
  told.details.push_back(with("by message ", facts.take("by")));
  return told;
}

Told changed(const store::ReadEvent& event, Facts& facts) {
  const std::string whom =
      event.recipient ? fmt::format(" of recipient {}", *event.recipient) : std::string();
  return {.words = "an operator's " + facts.take("change") + whom + with(": ", facts.take("reason")),
          .details = {}};
}

Told tell(const store::ReadEvent& event, Facts& facts) {
  switch (event.kind) {
    case EventKind::accepted:
      return accepted(facts);
    case EventKind::expanded:
      return {.words = facts.take("alias") + " is an alias of " + listed(facts.take_all("to")),
              .details = {with("sent on as from <", facts.take("sender"), ">")}};
    case EventKind::attempt:
      return attempt(event, facts);
    case EventKind::deferred:
    case EventKind::ended:
      return outcome(event, facts);
    case EventKind::notified:
      return notified(facts);
    case EventKind::changed:
      return changed(event, facts);
    case EventKind::lost:
      break;
  }
  return {.words = std::string(to_string(event.kind)), .details = {}};
}

std::string recipient_line(const mail::Recipient& recipient) {
  std::string line = harmless(recipient.final.to_string());
  switch (recipient.state) {
    case mail::RecipientState::waiting:
      line += " waits, next try at " + base::to_rfc3339(recipient.due);
      break;
    case mail::RecipientState::held:
      line += " is held until it is released";
      break;
    case mail::RecipientState::untold:
      line += " has its end, and the sender is still to be told";
      break;
  }
  if (recipient.attempts > 0) line += ", after " + counted(recipient.attempts, "attempt");
  return line + with("; last: ", recipient.last ? harmless(recipient.last->reply.text) : std::string());
}

}  // namespace

std::string elapsed_text(base::Milliseconds span) {
  const std::string sign = span.count() < 0 ? "-" : "+";
  const auto count = span.count() < 0 ? -span.count() : span.count();
  if (count < 1000) return fmt::format("{}{}ms", sign, count);
  if (count < 60'000) return fmt::format("{}{}.{:02}s", sign, count / 1000, count % 1000 / 10);
  if (count < 3'600'000) return fmt::format("{}{}m {}s", sign, count / 60'000, count % 60'000 / 1000);
  return sign + span_text(base::Milliseconds(count));
}

std::string event_text(const store::ReadEvent& event, base::UtcTime start) {
  Facts facts(event);
  Told told = tell(event, facts);
  for (const auto& [name, value] : facts.left())
    told.details.push_back(harmless(name) + ": " + harmless(value));
  std::string text =
      fmt::format("{}  {:>9}  {}\n", base::to_rfc3339(event.at), elapsed_text(event.at - start), told.words);
  for (const std::string& detail : told.details)
    if (!detail.empty()) text += std::string(kIndent, ' ') + detail + '\n';
  return text;
}

std::string loss_text(const store::Loss& loss) {
  return fmt::format(
      "{}  {:>9}  the server had not been stopped cleanly: what happened since {} may be missing here\n",
      base::to_rfc3339(loss.noticed), "", base::to_rfc3339(loss.after));
}

std::string state_text(const std::optional<store::Claimed>& open) {
  if (!open) return "  no recipient is open any more\n";
  std::string text;
  std::size_t shown = 0;
  for (const std::uint32_t index : open->recipients) {
    if (shown++ == kMostRecipients) break;
    text += fmt::format("  recipient {}: {}\n", index, recipient_line(open->envelope->recipients[index]));
  }
  if (open->recipients.size() > kMostRecipients)
    text += fmt::format("  and {} more\n", open->recipients.size() - kMostRecipients);
  if (open->recipients.empty()) text = "  its recipients are in quarantine\n";
  return text;
}

}  // namespace postrider::app
