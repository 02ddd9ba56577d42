#include "queue/desk.hpp"

#include <algorithm>
#include <future>
#include <iterator>
#include <memory>
#include <span>
#include <utility>

namespace postrider::queue {
namespace {

constexpr std::chrono::seconds kDeadline(30);  // for the strand's and the store's answer
constexpr std::size_t kHeaderBytes = 256 * 1024;
constexpr std::size_t kPage = 1000;
constexpr std::size_t kMostDestinations = 1'000'000;  // that the spool may have; some 100 MB
constexpr std::size_t kMostLocated = 10'000;          // of these, at one question
constexpr std::size_t kNamesAtOnce = 10'000;

template <class T>
using Asked = std::shared_ptr<std::promise<T>>;

// `start` is given the promise that another thread keeps.
template <class T, class Start>
base::Result<T> ask(Start start) {
  auto asked = std::make_shared<std::promise<base::Result<T>>>();
  auto answer = asked->get_future();
  start(std::exchange(asked, nullptr));
  if (answer.wait_for(kDeadline) != std::future_status::ready)
    return base::temporary({4, 3, 2}, "the queue did not answer within 30 seconds");
  try {
    return answer.get();
  } catch (const std::future_error&) {  // the strand has ended, and dropped the question
    return base::temporary({4, 3, 2}, "the queue is stopping");
  }
}

template <class T>
using Answer = Asked<base::Result<T>>;

bool same_thing(const store::Suspension& a, const store::Suspension& b) {
  return a.what == b.what && a.pattern == b.pattern;
}

base::Result<void> check_page(std::size_t size) {
  if (size >= 1 && size <= kPage) return {};
  return base::permanent({5, 5, 4}, "a page has 1 to 1,000 recipients");
}

}  // namespace

Desk::Desk(Parts parts) : parts_(std::move(parts)) {}

base::Result<store::ListedPage> Desk::list(const store::Selection& selection,
                                           std::optional<store::RecipientId> after, std::size_t limit) {
  if (const auto page = check_page(limit); !page) return std::unexpected(page.error());
  return parts_.spool.list(selection, after, limit);
}

base::Result<Shown> Desk::show(base::MessageId id) {
  auto found = parts_.spool.find(id);
  if (!found) return std::unexpected(std::move(found.error()));
  if (!*found) return base::permanent({5, 1, 0}, "there is no message " + id.to_string() + " in the queue");
  store::Claimed message = std::move(**found);

  auto edits = parts_.spool.edits(id);
  if (!edits) return std::unexpected(std::move(edits.error()));
  auto header = header_of(id);
  if (!header) return std::unexpected(std::move(header.error()));
  auto waiting = ask<std::vector<Waiting>>([&](Answer<std::vector<Waiting>> answer) {
    parts_.scheduler.explain(message,
                             [answer](std::vector<Waiting> all) { answer->set_value(std::move(all)); });
  });
  if (!waiting) return std::unexpected(std::move(waiting.error()));
  // Whoever is not in this list is gone; the strand may have nothing to say of one that is not.
  for (const auto index : message.recipients)
    if (std::ranges::find(*waiting, index, &Waiting::recipient) == waiting->end())
      waiting->push_back({.recipient = index, .why = {}, .until = {}});
  std::ranges::sort(*waiting, {}, &Waiting::recipient);
  return Shown{.id = id,
               .envelope = *message.envelope,
               .edits = std::move(*edits),
               .header = std::move(*header),
               .waiting = std::move(*waiting)};
}

// Up to and without the empty line.
base::Result<std::string> Desk::header_of(base::MessageId id) {
  std::string header;
  // Four octets more, so that the end of a header of just that size is seen.
  for (auto reader = parts_.spool.read(id); header.size() < kHeaderBytes + 4;) {
    const std::size_t seen = header.size() < 3 ? 0 : header.size() - 3;
    auto piece = reader.next();
    if (!piece) return std::unexpected(std::move(piece.error()));
    if (piece->empty()) break;
    header += *piece;
    if (header.starts_with("\r\n")) return std::string();
    if (const auto end = header.find("\r\n\r\n", seen); end != std::string::npos) {
      header.resize(std::min(end + 2, kHeaderBytes));
      break;
    }
  }
  header.resize(std::min(header.size(), kHeaderBytes));
  return header;
}

base::Result<std::vector<store::Claimed>> Desk::fit_ones(const std::vector<store::RecipientId>& recipients,
                                                         Change change) {
  std::vector<store::Claimed> fit;
  for (auto next = recipients.begin(); next != recipients.end();) {
    const base::MessageId id = next->message;
    auto found = parts_.spool.find(id);
    if (!found) return std::unexpected(std::move(found.error()));
    if (*found) std::ranges::sort((*found)->recipients);
    store::Claimed meant{.id = id, .envelope = *found ? (*found)->envelope : nullptr, .recipients = {}};
    for (; next != recipients.end() && next->message == id; ++next) {
      if (!*found || !std::ranges::binary_search((*found)->recipients, next->index)) continue;
      if (fits(change, meant.envelope->recipients[next->index].state))
        meant.recipients.push_back(next->index);
    }
    if (!meant.recipients.empty()) fit.push_back(std::move(meant));
  }
  return fit;
}

base::Result<Changed> Desk::change(std::vector<store::RecipientId> recipients, Change change,
                                   const std::string& reason) {
  if (recipients.empty()) return Changed{};
  if (const auto page = check_page(recipients.size()); !page) return std::unexpected(page.error());
  std::ranges::sort(recipients);
  recipients.erase(std::ranges::unique(recipients).begin(), recipients.end());
  auto fit = fit_ones(recipients, change);
  if (!fit) return std::unexpected(std::move(fit.error()));
  std::uint64_t unfit = recipients.size();
  for (const store::Claimed& message : *fit) unfit -= message.recipients.size();
  if (fit->empty()) return Changed{.unfit = unfit};
  auto changed = ask<Changed>([&](Answer<Changed> answer) {
    parts_.scheduler.change(std::move(*fit), change, reason,
                            [answer](base::Result<Changed> result) { answer->set_value(std::move(result)); });
  });
  if (changed) changed->unfit += unfit;
  return changed;
}

base::Result<std::uint64_t> Desk::suspend(store::Suspension suspension) {
  const auto before = suspensions();
  if (!before) return std::unexpected(before.error());
  suspension.made = parts_.clock.utc();
  auto made = ask<std::uint64_t>([&](Answer<std::uint64_t> answer) {
    parts_.scheduler.suspend(
        suspension, [answer](base::Result<std::uint64_t> result) { answer->set_value(std::move(result)); });
  });
  if (!made) return made;
  for (const auto& earlier : *before) {
    if (!same_thing(earlier, suspension) || earlier.id == *made) continue;
    if (auto gone = resume(earlier.id); !gone) return std::unexpected(std::move(gone.error()));
  }
  return made;
}

base::Result<void> Desk::resume(std::uint64_t id) {
  return ask<void>([&](Answer<void> answer) {
    parts_.scheduler.resume(id,
                            [answer](base::Result<void> result) { answer->set_value(std::move(result)); });
  });
}

base::Result<std::vector<store::Suspension>> Desk::suspensions() {
  return ask<std::vector<store::Suspension>>([&](Answer<std::vector<store::Suspension>> answer) {
    parts_.scheduler.suspensions(
        [answer](base::Result<std::vector<store::Suspension>> all) { answer->set_value(std::move(all)); });
  });
}

base::Result<std::vector<SiteState>> Desk::sites() {
  return ask<std::vector<SiteState>>([&](Answer<std::vector<SiteState>> answer) {
    parts_.scheduler.sites([answer](std::vector<SiteState> all) { answer->set_value(std::move(all)); });
  });
}

// One recipient for each destination on the disk whose site the strand does not know; `left_out` counts what is over
// the bound.
base::Result<std::vector<store::RecipientId>> Desk::without_site(std::uint64_t& left_out) {
  auto samples = parts_.spool.destinations(kMostDestinations);
  if (!samples) return std::unexpected(std::move(samples.error()));
  std::vector<store::RecipientId> unknown;
  // By pages, so that the strand is not held up.
  for (std::size_t at = 0; at < samples->size(); at += kNamesAtOnce) {
    const auto page = std::span(*samples).subspan(at, std::min(kNamesAtOnce, samples->size() - at));
    std::vector<std::string> names;
    for (const auto& sample : page) names.push_back(sample.destination);
    const auto left = ask<std::vector<std::string>>([&](Answer<std::vector<std::string>> answer) {
      parts_.scheduler.without_site(
          std::move(names), [answer](std::vector<std::string> all) { answer->set_value(std::move(all)); });
    });
    if (!left) return std::unexpected(left.error());
    auto next = left->begin();  // in the same order
    for (const auto& sample : page) {
      if (next == left->end() || *next != sample.destination) continue;
      ++next;
      if (unknown.size() < kMostLocated)
        unknown.push_back(sample.recipient);
      else
        ++left_out;
    }
  }
  return unknown;
}

base::Result<Found> Desk::destinations_of(const std::string& site) {
  auto known = ask<std::vector<std::string>>([&](Answer<std::vector<std::string>> answer) {
    parts_.scheduler.destinations_of(
        site, [answer](std::vector<std::string> all) { answer->set_value(std::move(all)); });
  });
  if (!known) return std::unexpected(std::move(known.error()));
  std::uint64_t left_out = 0;
  const auto unknown = without_site(left_out);
  if (!unknown) return std::unexpected(unknown.error());
  auto samples = parts_.spool.find_each(*unknown);
  if (!samples) return std::unexpected(std::move(samples.error()));
  const auto asked = ask<std::vector<Whereto>>([&](Answer<std::vector<Whereto>> answer) {
    parts_.scheduler.whereto(std::move(*samples),
                             [answer](std::vector<Whereto> all) { answer->set_value(std::move(all)); });
  });
  if (!asked) return std::unexpected(asked.error());
  Found found = locate_all(*asked, site);
  found.not_told += left_out;
  std::ranges::move(*known, std::back_inserter(found.names));
  std::ranges::sort(found.names);
  found.names.erase(std::ranges::unique(found.names).begin(), found.names.end());
  return found;
}

}  // namespace postrider::queue
