// `postrider dkim add`, `rotate` and `remove`: the life of a key, published → signing → retired → gone.
#include <algorithm>
#include <boost/json/array.hpp>
#include <iostream>

#include "app/dkim_tools.hpp"
#include "app/queue_print.hpp"
#include "sys/clock.hpp"

namespace postrider::app {
namespace {

using directory::DkimKey;
using directory::DkimState;
using wire::dkim::KeyType;

// One of the DNS that may have been asked too early, and remembers.
constexpr const char* kRemembered =
    "A name server may remember for up to an hour or so that there was nothing.";

std::vector<KeyType> types_of(const DkimOptions& options) {
  if (options.algorithm == "rsa") return {KeyType::rsa};
  if (options.algorithm == "ed25519") return {KeyType::ed25519};
  return {KeyType::rsa, KeyType::ed25519};
}

// A domain whose mail comes here, this host's own name, or a domain above that.
bool is_ours(const DkimDesk& desk) {
  return desk.config().find_domain(desk.domain()) || desk.directory().find(desk.domain()) ||
         desk.config().hostname.is_within(desk.domain());
}

bool any(const std::vector<KnownKey>& keys, DkimState state) {
  return std::ranges::any_of(keys, [&](const auto& each) { return each.listed.state == state; });
}

std::vector<KnownKey> those(const std::vector<KnownKey>& keys, DkimState state) {
  std::vector<KnownKey> some;
  std::ranges::copy_if(keys, std::back_inserter(some),
                       [&](const auto& each) { return each.listed.state == state; });
  return some;
}

std::string selectors(const std::vector<KnownKey>& keys) {
  std::string text;
  for (const auto& each : keys) text += (text.empty() ? "s=" : ", s=") + each.listed.selector;
  return text;
}

std::string names(const std::vector<KnownKey>& keys) {
  std::vector<std::string> lines;
  for (const auto& each : keys) lines.push_back(record_name(each.domain, each.listed.selector));
  return listed(lines);
}

// The answer of a command: words for people, or one object.
struct Answer {
  std::string_view step;  // "published", "signing", "removed", "waiting"
  std::string words;
  std::vector<KnownKey> keys;  // those that it is about
  std::string next;            // what to do then
};

int say(const DkimOptions& options, const mail::Domain& domain, const Answer& answer) {
  if (!options.json) {
    std::cout << answer.words << '\n';
    if (answer.step == "published") print_records(answer.keys);
    std::cout << answer.next << '\n';
    return kDone;
  }
  boost::json::array keys;
  for (const auto& each : answer.keys) keys.push_back(to_json(each, nullptr));
  print_json(
      {{"domain", domain.ascii()}, {"step", answer.step}, {"keys", std::move(keys)}, {"next", answer.next}});
  return kDone;
}

int publish(const DkimDesk& desk, const DkimOptions& options) {
  const auto made =
      make_keys(desk.folder(), desk.domain(),
                {.selector = options.selector, .types = types_of(options), .rsa_bits = options.rsa_bits},
                sys::system_clock().utc());
  const bool one = made.size() == 1;
  return say(options, desk.domain(),
             {.step = "published",
              .words = desk.domain().ascii() + " has " + (one ? "a new key" : "two new keys") +
                       ", which sign" + (one ? "s" : "") + " nothing yet. Put " +
                       (one ? "this record" : "both records") + " into its DNS:",
              .keys = made,
              .next = "Then run: " + command_line(options, "rotate", desk.domain()) +
                      "\nIt looks whether the DNS has what it should, and only then is mail signed with " +
                      (one ? "it." : "them.")});
}

// Those that are not right; empty: all are.
std::string faults_in_dns(const DkimDesk& desk, const std::vector<KnownKey>& keys) {
  const auto found = DkimDns(desk.config()).ask(keys);
  std::vector<std::string> lines;
  for (std::size_t i = 0; i < keys.size(); ++i)
    if (found[i].state != InDns::State::right)
      lines.push_back(record_name(keys[i].domain, keys[i].listed.selector) + ": " + found[i].words);
  return lines.empty() ? "" : listed(lines);
}

int begin_to_sign(const DkimDesk& desk, const DkimOptions& options, const std::vector<KnownKey>& keys) {
  const auto fresh = those(keys, DkimState::published);
  const auto old = those(keys, DkimState::signing);
  for (const auto& each : fresh)
    if (!each.key)
      throw Stop{kRefused,
                 "the key " + each.listed.selector + " can't be used: " + each.key.error().log_text()};
  if (const auto faults = options.force ? "" : faults_in_dns(desk, fresh); !faults.empty())
    throw Stop{kRefused, "nothing was changed, as the DNS is not ready:" + faults + "\n" + kRemembered +
                             " The records once more: " + command_line(options, "list", desk.domain()) +
                             " --records"};
  const auto now = sys::system_clock().utc();
  auto list = taken(desk.folder().list(desk.domain()));
  for (DkimKey& each : list) {
    if (each.state == DkimState::retired) continue;
    each.state = each.state == DkimState::published ? DkimState::signing : DkimState::retired;
    each.since = now;
  }
  taken(desk.folder().put_list(desk.domain(), list));
  const std::string next =
      old.empty() ? "Send a message to yourself elsewhere: its Authentication-Results should say dkim=pass. "
                    "Once a year or so, and whenever a key may be in wrong hands, renew: " +
                        command_line(options, "rotate", desk.domain())
                  : "Leave the old records in the DNS until " + day_text(now + kept_for(desk.config())) +
                        ", for mail that is on its way:" + names(old) +
                        "\nThen run: " + command_line(options, "rotate", desk.domain());
  return say(options, desk.domain(),
             {.step = "signing",
              .words = "Mail of " + desk.domain().ascii() + " is signed with " + selectors(fresh) +
                       " from now on; a server that runs does so within a second.",
              .keys = known_keys(desk.folder(), desk.domain()),
              .next = next});
}

// The list first: a key that is on it has its file.
void drop(const DkimDesk& desk, const std::vector<KnownKey>& gone) {
  auto list = taken(desk.folder().list(desk.domain()));
  std::erase_if(list, [&](const DkimKey& each) {
    return std::ranges::any_of(gone, [&](const auto& one) { return one.listed.selector == each.selector; });
  });
  taken(list.empty() ? desk.folder().remove_list(desk.domain())
                     : desk.folder().put_list(desk.domain(), list));
  for (const auto& each : gone) taken(desk.folder().remove_key(desk.domain(), each.listed.selector));
}

int let_go(const DkimDesk& desk, const DkimOptions& options, const std::vector<KnownKey>& keys) {
  const auto now = sys::system_clock().utc();
  auto old = those(keys, DkimState::retired);
  auto until = base::UtcTime::max();
  std::erase_if(old, [&](const auto& each) {
    const auto end = each.listed.since + kept_for(desk.config());
    if (options.force || end <= now) return false;
    until = std::min(until, end);
    return true;
  });
  if (old.empty())
    return say(
        options, desk.domain(),
        {.step = "waiting",
         .words = "Nothing is due: " + selectors(those(keys, DkimState::retired)) +
                  " must stay in the DNS until " + day_text(until) + ", for mail that is on its way.",
         .keys = {},
         .next = "Run this again then. For new keys now: " + command_line(options, "add", desk.domain())});
  drop(desk, old);
  const auto found = DkimDns(desk.config()).ask(old);
  std::vector<KnownKey> left;
  for (std::size_t i = 0; i < old.size(); ++i)
    if (found[i].state != InDns::State::missing) left.push_back(old[i]);
  return say(options, desk.domain(),
             {.step = "removed",
              .words = "The old keys are gone: " + selectors(old) + '.',
              .keys = old,
              .next = left.empty() ? "Their records are no longer in the DNS; all is done."
                                   : "Take their records out of the DNS:" + names(left)});
}

}  // namespace

int dkim_add(const DkimOptions& options) {
  const DkimDesk desk(options);
  const auto keys = known_keys(desk.folder(), desk.domain());
  if (const auto waiting = those(keys, DkimState::published); !waiting.empty() && !options.force)
    throw Stop{kRefused, desk.domain().ascii() + " has new keys already, " + selectors(waiting) +
                             ", which wait for the DNS; " + command_line(options, "rotate", desk.domain()) +
                             " goes on with them, --force makes more"};
  if (!is_ours(desk) && !options.force)
    throw Stop{kRefused, desk.domain().ascii() +
                             " is no domain of this server; postrider domain add makes it one, and --force "
                             "makes keys for it all the same"};
  return publish(desk, options);
}

int dkim_rotate(const DkimOptions& options) {
  const DkimDesk desk(options);
  const auto keys = known_keys(desk.folder(), desk.domain());
  if (keys.empty())
    throw Stop{kRefused, desk.domain().ascii() + " has no keys; " +
                             command_line(options, "add", desk.domain()) + " makes them"};
  if (any(keys, DkimState::published)) return begin_to_sign(desk, options, keys);
  if (any(keys, DkimState::retired)) return let_go(desk, options, keys);
  return publish(desk, options);
}

int dkim_remove(const DkimOptions& options) {
  const DkimDesk desk(options);
  auto gone = known_keys(desk.folder(), desk.domain());
  std::erase_if(gone, [&](const auto& each) {
    return !options.selector.empty() && each.listed.selector != options.selector;
  });
  if (gone.empty())
    throw Stop{kRefused, desk.domain().ascii() + " has no " +
                             (options.selector.empty() ? "keys" : "key " + options.selector)};
  if (const auto signing = those(gone, DkimState::signing); !signing.empty() && !options.force)
    throw Stop{kRefused, "mail is signed with " + selectors(signing) + " now; " +
                             command_line(options, "rotate", desk.domain()) +
                             " puts others in their place, --force removes them all the same"};
  drop(desk, gone);
  return say(options, desk.domain(),
             {.step = "removed",
              .words = "Gone: " + selectors(gone) + '.',
              .keys = gone,
              .next = "Take their records out of the DNS; of a key that has signed mail in the last days, "
                      "wait some days for that:" +
                      names(gone)});
}

}  // namespace postrider::app
