#include <iostream>

#include "app/queue_print.hpp"
#include "app/queue_tools.hpp"
#include "sys/clock.hpp"

namespace postrider::app {
namespace {

using boost::json::object;
using What = store::Suspension::What;

store::Suspension suspension_of(What what, std::string_view option, const std::string& text) {
  auto pattern = admin::parse_suspended(what, text);
  if (!pattern) throw Stop{kUsage, std::string(option) + " " + text + ": " + pattern.error().text};
  store::Suspension suspension;
  suspension.what = what;
  suspension.pattern = std::move(*pattern);
  return suspension;
}

// What the options name, which may be nothing.
std::vector<store::Suspension> named(const QueueOptions& options) {
  std::vector<store::Suspension> all;
  for (const auto& domain : options.domains)
    all.push_back(suspension_of(What::destination, "--domain", domain));
  if (options.site) all.push_back(suspension_of(What::site, "--site", *options.site));
  if (options.sender) all.push_back(suspension_of(What::sender, "--sender", *options.sender));
  if (options.all && !all.empty()) throw Stop{kUsage, "--all and a choice among all contradict each other"};
  return all;
}

std::string what_text(const object& suspension) {
  const auto what = text(suspension, "what");
  const auto pattern = text(suspension, "pattern");
  if (what == "all") return "all mail that goes out";
  if (what == "destination")
    return pattern.starts_with('.') ? "mail to the subdomains of " + pattern.substr(1) : "mail to " + pattern;
  if (what == "site") return "mail to the site " + pattern;
  return pattern == "<>" ? "mail of the null sender" : "mail of " + pattern;
}

void print_suspensions(const std::vector<const object*>& all) {
  const auto now = sys::system_clock().utc();
  Table table({"NO", "WHAT", "SINCE", "ENDS", "REASON"});
  for (const auto* each : all) {
    const auto until = text(*each, "until");
    table.add({std::to_string(number(*each, "suspension")), what_text(*each),
               since_text(text(*each, "made"), now), until.empty() ? "when resumed" : until_text(until, now),
               text(*each, "reason")});
  }
  table.print();
}

int list_suspensions(const QueueOptions& options, const admin::ControlClient& client) {
  const auto answer = ask(client, admin::SuspensionsRequest{});
  const auto all = objects(answer, "suspensions");
  if (options.json) {
    for (const auto* each : all) print_json(*each);
  } else if (all.empty()) {
    std::cout << "Nothing is suspended.\n";
  } else {
    print_suspensions(all);
  }
  return kDone;
}

void print_made(const object& made) {
  const auto until = text(made, "until");
  const auto no = std::to_string(number(made, "suspension"));
  std::cout << "Suspended: " << harmless(what_text(made)) << ", "
            << (until.empty() ? "until it is resumed" : "until " + time_text(until))
            << ". It ends with: postrider queue resume " << no << '\n';
}

// Of those that there are, the ones that the options mean.
std::vector<const object*> chosen(const QueueOptions& options, const std::vector<const object*>& all) {
  const auto patterns = named(options);
  std::vector<const object*> found;
  for (const auto* each : all) {
    bool meant = options.all;
    for (const auto no : options.suspensions) meant = meant || number(*each, "suspension") == no;
    for (const auto& pattern : patterns) {
      const bool null_sender = pattern.what == What::sender && pattern.pattern.empty();
      meant = meant || (text(*each, "what") == admin::to_string(pattern.what) &&
                        text(*each, "pattern") == (null_sender ? "<>" : pattern.pattern));
    }
    if (meant) found.push_back(each);
  }
  return found;
}

// What was put off because of its sender has its time written; the rest goes on by itself.
std::uint64_t try_again(const admin::ControlClient& client, const object& suspension) {
  if (text(suspension, "what") != admin::to_string(What::sender)) return 0;
  store::Selection selection;
  selection.sender = text(suspension, "pattern");
  return retry_all(client, selection);
}

}  // namespace

int queue_suspend(const QueueOptions& options) {
  const admin::ControlClient client(runtime_dir(options));
  auto wanted = named(options);
  if (options.all) wanted.emplace_back();
  if (wanted.empty()) {
    if (options.lasting || !options.reason.empty())
      throw Stop{kUsage, "say what to suspend: --domain, --site, --sender or --all"};
    return list_suspensions(options, client);
  }
  for (auto& suspension : wanted) {
    suspension.reason = options.reason;
    admin::SuspendRequest request{std::move(suspension), {}};
    if (options.lasting) request.lasting = duration("--for", *options.lasting);
    if (request.lasting && request.lasting->count() == 0) throw Stop{kUsage, "--for: longer than nothing"};
    const auto made = ask(client, request);
    if (options.json) {
      print_json(made);
    } else {
      print_made(made);
    }
  }
  return kDone;
}

int queue_resume(const QueueOptions& options) {
  if (!options.all && options.suspensions.empty() && named(options).empty())
    throw Stop{kUsage,
               "say what goes on: a number that queue suspend shows, --domain, --site, --sender or --all"};
  const admin::ControlClient client(runtime_dir(options));
  const auto answer = ask(client, admin::SuspensionsRequest{});
  const auto found = chosen(options, objects(answer, "suspensions"));
  if (found.empty())
    throw Stop{kRefused, "no such thing is suspended; postrider queue suspend shows what is"};
  for (const auto* each : found) {
    ask(client, admin::ResumeRequest{number(*each, "suspension")});
    const auto retried = try_again(client, *each);
    if (options.json) {
      print_json({{"resumed", number(*each, "suspension")},
                  {"what", text(*each, "what")},
                  {"pattern", text(*each, "pattern")},
                  {"retried", retried}});
      continue;
    }
    std::cout << "Goes on: " << harmless(what_text(*each));
    if (retried > 0)
      std::cout << "; " << counted(retried, "recipient") << (retried == 1 ? " is" : " are") << " tried now";
    std::cout << ".\n";
  }
  return kDone;
}

}  // namespace postrider::app
