// `postrider trace ID|ADDRESS`: what happened to a message, from the timeline's file; the server may run or not.
#include <CLI/CLI.hpp>
#include <chrono>
#include <iostream>
#include <limits>
#include <map>
#include <memory>
#include <set>
#include <thread>

#include "app/commands.hpp"
#include "app/queue_print.hpp"
#include "app/queue_tools.hpp"
#include "app/trace_text.hpp"
#include "app/trace_when.hpp"
#include "config/config.hpp"
#include "store/spool_file.hpp"
#include "store/timeline.hpp"
#include "sys/clock.hpp"

namespace postrider::app {
namespace {

using store::ReadEvent;

constexpr std::size_t kMostMessages = 20;       // for people, where they do not say how many
constexpr std::size_t kCountedMessages = 1000;  // beyond those that are shown
constexpr std::size_t kAll = std::numeric_limits<std::size_t>::max();
// Of an address, that are looked at for what happened since a time: some seconds.
constexpr std::size_t kLookedAt = 100'000;
constexpr base::Milliseconds kPoll(500);
// What happens is in the file a second later.
constexpr base::Milliseconds kLag(2000);

struct TraceOptions {
  std::filesystem::path config = "/etc/postrider/postrider.toml";
  std::string what;
  std::optional<std::string> since;
  std::optional<std::uint64_t> limit;
  bool json = false;
  bool follow = false;
};

template <class T>
T need(base::Result<T> result) {
  if (!result) throw Stop{kRefused, result.error().log_text()};
  return std::move(*result);
}

class Tracer {
 public:
  Tracer(const TraceOptions& options, const config::Config& config)
      : json_(options.json),
        limit_(options.limit.value_or(json_ ? 0 : kMostMessages)),
        reader_(need(store::TimelineReader::open(config.data_dir / "timeline"))),
        spool_directory_(config.data_dir / "spool") {
    if (!options.since) return;
    const auto since = parse_since(*options.since, now());
    if (!since)
      throw Stop{kUsage, "--since " + *options.since +
                             ": neither a span (90s, 10m, 2h, 3d) nor a date (2026-11-22, 2026-11-22T10:00)"};
    since_ = *since;
  }

  int message(base::MessageId id) {
    const auto events = events_of(id);
    if (events.empty()) return unknown(id);
    show(id, events);
    return kDone;
  }

  int address(const std::string& address) {
    // When its mail was received says nothing of when something happened to it.
    const std::size_t looked_at = since_ == base::UtcTime::min() ? kAll : kLookedAt;
    const auto ids = messages(address, looked_at);
    const std::size_t limit = limit_ == 0 ? kAll : limit_;
    std::size_t shown = 0, more = 0;
    for (const base::MessageId id : ids) {
      const auto events = events_of(id);
      if (events.empty()) continue;
      if (shown == limit && ++more == kCountedMessages) break;
      if (shown == limit) continue;
      if (!json_ && shown > 0) std::cout << '\n';
      show(id, events);
      ++shown;
    }
    if (more > 0 && !json_)
      std::cout << '\n'
                << (more == kCountedMessages ? "at least " : "") << counted(more, "older message")
                << " not shown; --limit 0 shows all, --since narrows\n";
    if (ids.size() == looked_at && more == 0)
      std::cerr << "only its newest " << grouped(looked_at) << " messages were looked at\n";
    if (shown == 0)
      throw Stop{kRefused, "no message from or to " + address + " is in the timeline" + since_words()};
    return kDone;
  }

  // Until every recipient has its end.
  int follow(base::MessageId id) {
    const auto give_up = std::chrono::steady_clock::now() + kLag;
    std::optional<std::chrono::steady_clock::time_point> gone;
    while (true) {
      const bool open = open_in_spool(id).has_value();
      const auto events = events_of(id);
      const auto time = std::chrono::steady_clock::now();
      if (events.empty() && !open && time > give_up) return unknown(id);
      show_new(id, events);
      if (std::ranges::any_of(events, &ReadEvent::last)) break;
      // Its last events may be on their way still.
      if (open) gone.reset();
      if (!open && !gone) gone = time;
      if (gone && time - *gone > kLag && !events.empty()) break;
      std::this_thread::sleep_for(kPoll);
    }
    if (!json_) std::cout << state_text(std::nullopt) << std::flush;
    return kDone;
  }

  // Until it is interrupted: other messages may come.
  int follow(const std::string& address) {
    while (true) {
      auto found = messages(address, limit_ == 0 ? kMostMessages : limit_);
      std::ranges::reverse(found);
      std::erase_if(shown_,
                    [&found](const auto& one) { return std::ranges::find(found, one.first) == found.end(); });
      for (const base::MessageId id : found) show_new(id, events_of(id));
      std::this_thread::sleep_for(kPoll);
    }
  }

 private:
  static base::UtcTime now() { return sys::system_clock().utc(); }

  std::vector<base::MessageId> messages(const std::string& address, std::size_t limit) {
    return need(reader_->messages(address, base::UtcTime::min(), limit));
  }
  std::vector<ReadEvent> events_of(base::MessageId id) {
    auto events = need(reader_->events(id));
    std::erase_if(events, [this](const ReadEvent& event) { return event.at < since_; });
    return events;
  }
  // Nothing where it is not in the spool, or that can't be read by whoever asks.
  std::optional<store::Claimed> open_in_spool(base::MessageId id) {
    if (!spool_) {
      if (auto opened = store::SpoolFile::open(spool_directory_, sys::system_clock()))
        spool_ = std::move(*opened);
    }
    if (!spool_) return {};
    return spool_->find(id).value_or(std::nullopt);
  }

  std::string since_words() const {
    return since_ == base::UtcTime::min() ? "" : " with anything that happened since then";
  }

  int unknown(base::MessageId id) {
    if (since_ != base::UtcTime::min() && !need(reader_->events(id)).empty()) {
      std::cerr << "Nothing has happened to " << id.to_string() << " since " << base::to_rfc3339(since_)
                << ".\n";
      return kRefused;
    }
    if (const auto open = open_in_spool(id)) {
      std::cerr << "The timeline has nothing of " << id.to_string() << ", which is in the queue:\n"
                << state_text(open);
    } else {
      std::cerr << "No message " << id.to_string() << " is in the timeline or the queue.\n";
    }
    return kRefused;
  }

  void show(base::MessageId id, const std::vector<ReadEvent>& events) {
    if (events.empty()) return;
    const auto open = open_in_spool(id);
    const bool ended = !open && std::ranges::any_of(events, &ReadEvent::last);
    const base::UtcTime until = ended || !open ? events.back().at + kLag : base::UtcTime::max();
    auto losses = need(reader_->losses(events.front().at, until));
    if (!json_) std::cout << "message " << id.to_string() << '\n';
    auto loss = losses.begin();
    for (const ReadEvent& event : events) {
      for (; loss != losses.end() && loss->noticed <= event.at; ++loss) print(*loss);
      print(event, events.front().at);
    }
    for (; loss != losses.end(); ++loss) print(*loss);
    if (!json_) std::cout << (spool_ ? state_text(open) : std::string());
  }

  void show_new(base::MessageId id, const std::vector<ReadEvent>& events) {
    for (const ReadEvent& event : events) {
      if (!shown_[id].insert(event_json(event)).second) continue;
      if (!json_ && shown_last_ != id) std::cout << "message " << id.to_string() << '\n';
      shown_last_ = id;
      print(event, events.front().at);
    }
    std::cout.flush();
  }

  void print(const ReadEvent& event, base::UtcTime start) const {
    std::cout << (json_ ? event_json(event) + '\n' : event_text(event, start));
  }
  void print(const store::Loss& loss) const {
    std::cout << (json_ ? loss_json(loss) + '\n' : loss_text(loss));
  }

  const bool json_;
  const std::size_t limit_;  // 0: all
  const std::unique_ptr<store::TimelineReader> reader_;
  const std::filesystem::path spool_directory_;
  std::unique_ptr<store::SpoolFile> spool_;
  base::UtcTime since_ = base::UtcTime::min();
  std::map<base::MessageId, std::set<std::string>> shown_;  // of those that are followed
  base::MessageId shown_last_;
};

// The address as people may write it, as the index may have it.
std::string plain_address(std::string_view text) {
  if (text.starts_with('<') && text.ends_with('>')) text = text.substr(1, text.size() - 2);
  const auto address = mail::Address::parse(text);
  if (!address) throw Stop{kUsage, std::string(text) + ": " + address.error().text};
  return address->to_string();
}

int trace(const TraceOptions& options) {
  const auto config = config::load(options.config);
  if (!config) {
    for (const auto& fault : config.error()) std::cerr << fault.to_string() << '\n';
    return kRefused;
  }
  Tracer tracer(options, **config);
  if (options.what.contains('@')) {
    const std::string address = plain_address(options.what);
    return options.follow ? tracer.follow(address) : tracer.address(address);
  }
  const auto id = base::MessageId::parse(options.what);
  if (!id)
    throw Stop{kUsage, options.what + " is neither a message id (13 letters and digits) nor an address"};
  return options.follow ? tracer.follow(*id) : tracer.message(*id);
}

}  // namespace

std::function<std::optional<int>()> add_trace(CLI::App& app) {
  const auto options = std::make_shared<TraceOptions>();
  auto* command =
      app.add_subcommand("trace", "What happened to a message, and why; the server may run or not.");
  command
      ->add_option("ID|ADDRESS", options->what,
                   "A message's id, or its sender's or a recipient's address: newest first")
      ->required();
  command->add_option("--config", options->config, "The configuration file")->capture_default_str();
  command->add_option("--since", options->since,
                      "Only what happened since then: 90s, 10m, 2h, 3d ago, or 2026-11-22[T10:00] (UTC)");
  command->add_option("--limit", options->limit,
                      "Of an address, so many messages at most; 0: all. Without it 20, and all with --json");
  command->add_flag("--json", options->json, "One object for each event, a line each");
  command->add_flag("--follow", options->follow,
                    "Go on as more happens, until every recipient has its end; of an address until Ctrl-C");
  return [command, options]() -> std::optional<int> {
    if (!*command) return {};
    try {
      return trace(*options);
    } catch (const Stop& stop) {
      std::cout.flush();
      std::cerr << "postrider trace: " << stop.why << '\n';
      return stop.code;
    }
  };
}

}  // namespace postrider::app
