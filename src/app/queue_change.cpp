#include <unistd.h>

#include <functional>
#include <iostream>

#include "app/queue_print.hpp"
#include "app/queue_tools.hpp"
#include "sys/clock.hpp"

namespace postrider::app {
namespace {

using boost::json::object;
using queue::Change;

constexpr std::size_t kSample = 20;  // rows that a dry run shows

struct Words {
  std::string_view done, would;
};
Words words(Change change, bool one) {
  switch (change) {
    case Change::retry:
      return {one ? "is tried now" : "are tried now", "would be tried now"};
    case Change::hold:
      return {one ? "is held until it is released" : "are held until they are released", "would be held"};
    case Change::release:
      return {one ? "is released and tried now" : "are released and tried now",
              "would be released and tried"};
    case Change::bounce:
      return {one ? "has failed by your word; its sender is told"
                  : "have failed by your word; their senders are told",
              "would fail, with their senders told"};
    case Change::remove:
      return {one ? "is removed; nobody is told" : "are removed; nobody is told",
              "would be removed, with nobody told"};
  }
  return {};
}

struct Total {
  std::uint64_t changed = 0, unfit = 0, busy = 0;
};

// Goes through all pages. `seen` gets each answer and what there is so far. The first answer sets `before`, where it is
// not set: what comes meanwhile is left alone.
Total change_pages(const admin::ControlClient& client, admin::ChangeRequest request,
                   std::optional<base::MessageId>& before,
                   const std::function<void(const object&, const Total&)>& seen) {
  Total total;
  do {
    request.before = before;
    const object answer = ask(client, request);
    before = base::MessageId::parse(text(answer, "before"));
    if (!before) throw Stop{kRefused, "what the server answered is no answer"};
    total.changed += number(answer, "changed");
    total.unfit += number(answer, "unfit");
    total.busy += number(answer, "busy");
    seen(answer, total);
    request.after = next_place(answer);
  } while (request.after);
  return total;
}

// The one state in which it can be done, where there is only one: then others are not even looked at.
std::optional<mail::RecipientState> only_state(Change change) {
  if (change == Change::retry || change == Change::hold) return mail::RecipientState::waiting;
  if (change == Change::release) return mail::RecipientState::held;
  return {};
}

class Run {
 public:
  Run(const QueueOptions& options, Change change)
      : options_(options), change_(change), client_(runtime_dir(options)) {
    if (options.reason.size() > admin::kReasonBytes) throw Stop{kUsage, "--reason: at most 500 bytes"};
    for (auto& selection : selections(options, &client_)) {
      if (!options.all && selection.everything())
        throw Stop{
            kUsage,
            "say which: ids, --sender, --recipient, --domain, --site, --older, --younger, --state; or --all"};
      if (!selection.state && !selection.message) selection.state = only_state(change);
      requests_.push_back(
          {.change = change, .selection = std::move(selection), .after = {}, .reason = options.reason});
    }
  }

  int dry_run() {
    Table table(row_headings());
    std::size_t shown = 0;
    const auto now = sys::system_clock().utc();
    const Total total = all_pages(true, [&](const object& answer, const Total&) {
      for (const auto* row : objects(answer, "sample")) {
        if (shown == kSample) return;
        ++shown;
        if (options_.json) {
          sample_.push_back(*row);
        } else {
          table.add(row_cells(*row, now));
        }
      }
    });
    if (options_.json) {
      print_json({{"change", admin::to_string(change_)},
                  {"dry_run", true},
                  {"would_change", total.changed},
                  {"unfit", total.unfit},
                  {"first", sample_}});
      return total.changed == 0 ? kRefused : kDone;
    }
    if (shown > 0) table.print();
    if (total.changed > shown) std::cout << "... and " << grouped(total.changed - shown) << " more\n";
    std::cout << counted(total.changed, "recipient") << ' ' << words(change_, false).would << ".\n";
    return total.changed == 0 ? kRefused : kDone;
  }

  int change() {
    if (!confirmed()) throw Stop{kRefused, "nothing was changed"};
    const bool watched = ::isatty(STDERR_FILENO) == 1;
    bool progress = false;
    const Total total = all_pages(false, [&](const object&, const Total& so_far) {
      if (!watched || so_far.changed < admin::kPage) return;
      progress = true;
      std::cerr << '\r' << grouped(so_far.changed) << " ... " << std::flush;
    });
    if (progress) std::cerr << "\r\x1b[K";
    if (options_.json) {
      print_json({{"change", admin::to_string(change_)},
                  {"changed", total.changed},
                  {"unfit", total.unfit},
                  {"busy", total.busy}});
    } else {
      tell(total);
    }
    return total.changed + total.busy == 0 ? kRefused : kDone;
  }

 private:
  Total all_pages(bool dry, const std::function<void(const object&, const Total&)>& seen) {
    Total all;
    for (auto& request : requests_) {
      request.dry_run = dry;
      const Total so_far = all;
      change_pages(client_, request, before_, [&](const object& answer, const Total& one) {
        all = {so_far.changed + one.changed, so_far.unfit + one.unfit, so_far.busy + one.busy};
        seen(answer, all);
      });
    }
    return all;
  }

  bool confirmed() {
    const bool final = change_ == Change::bounce || change_ == Change::remove;
    if (!final || options_.yes || ::isatty(STDIN_FILENO) != 1) return true;
    const Total total = all_pages(true, [](const object&, const Total&) {});
    if (total.changed <= 1) return true;
    std::cerr << counted(total.changed, "recipient") << ' ' << words(change_, false).would
              << ". Go on? [y/N] " << std::flush;
    std::string reply;
    std::getline(std::cin, reply);
    return reply == "y" || reply == "Y" || reply == "yes";
  }

  void tell(const Total& total) const {
    if (total.changed > 0)
      std::cout << counted(total.changed, "recipient") << ' ' << words(change_, total.changed == 1).done
                << ".\n";
    if (total.busy > 0)
      std::cout << counted(total.busy, "recipient") << (total.busy == 1 ? " is" : " are")
                << " being tried at this moment; the same follows, unless that try is the end.\n";
    if (total.unfit > 0)
      std::cout << counted(total.unfit, "recipient") << (total.unfit == 1 ? " was" : " were")
                << " left alone: "
                << (change_ == Change::release ? "not held" : "in a state in which that can't be done")
                << ".\n";
    if (total.changed + total.busy + total.unfit == 0) throw Stop{kRefused, "nothing in the queue matches"};
  }

  const QueueOptions& options_;
  Change change_;
  admin::ControlClient client_;
  std::vector<admin::ChangeRequest> requests_;
  std::optional<base::MessageId> before_;  // of all requests, and of the question before them
  boost::json::array sample_;
};

}  // namespace

int queue_change(const QueueOptions& options, Change change) {
  Run run(options, change);
  return options.dry_run ? run.dry_run() : run.change();
}

std::uint64_t retry_all(const admin::ControlClient& client, const store::Selection& selection) {
  admin::ChangeRequest request{.change = Change::retry, .selection = selection, .after = {}, .reason = {}};
  request.selection.state = mail::RecipientState::waiting;
  std::optional<base::MessageId> before;
  const Total total = change_pages(client, request, before, [](const object&, const Total&) {});
  return total.changed + total.busy;
}

}  // namespace postrider::app
