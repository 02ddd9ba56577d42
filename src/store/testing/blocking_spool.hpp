// For tests: samples, and the spool's asynchronous calls as calls that wait.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <future>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/testing/temporary_folder.hpp"
#include "store/spool.hpp"

namespace postrider::store::testing {

using base::testing::TemporaryFolder;

inline mail::Address address(std::string_view text) { return mail::Address::parse(text).value(); }

inline mail::Recipient recipient(std::string_view text, base::UtcTime due = {}) {
  return {.original = address(text),
          .alias = {},
          .final = address(text),
          .orcpt = {},
          .notify = {},
          .due = due,
          .last = {}};
}

inline mail::Envelope envelope(std::vector<mail::Recipient> recipients) {
  mail::Envelope value;
  value.reverse_path = mail::ReversePath(address("alice@example.com"));
  value.recipients = std::move(recipients);
  return value;
}

inline RecipientUpdate delivered(RecipientId id) {
  mail::Outcome outcome;
  outcome.action = mail::Action::delivered;
  return {.id = id, .state = std::nullopt, .outcome = outcome};
}

inline RecipientUpdate deferred(RecipientId id, base::UtcTime due) {
  mail::Outcome outcome;
  outcome.reply = mail::reply(451, 4, 1, "not now");
  return {.id = id, .due = due, .outcome = outcome};
}

// A completion's answer, within 60 s.
template <class T>
class Answer {
 public:
  auto completion() {
    return [promise = std::move(promise_)](T value) mutable { promise.set_value(std::move(value)); };
  }
  T wait() {
    if (future_.wait_for(std::chrono::seconds(60)) != std::future_status::ready) std::abort();
    return future_.get();
  }

 private:
  std::promise<T> promise_;
  std::future<T> future_ = promise_.get_future();
};

inline base::Result<void> flush(Spool& spool, Draft& draft) {
  Answer<base::Result<void>> answer;
  spool.flush(draft, answer.completion());
  return answer.wait();
}

// Writes full chunks on the way, as a receiver does.
inline base::Result<base::MessageId> put(Spool& spool, std::string_view bytes, mail::Envelope envelope,
                                         mail::Edits edits = {}, Told told = {}) {
  auto draft = spool.open_draft();
  if (!draft) return std::unexpected(draft.error());
  const base::MessageId id = draft->id();
  while (!bytes.empty()) {
    const std::string_view piece = bytes.substr(0, 100'000);
    draft->append(piece);
    bytes.remove_prefix(piece.size());
    if (!draft->wants_flush()) continue;
    if (auto flushed = flush(spool, *draft); !flushed) return std::unexpected(flushed.error());
  }
  envelope.size = draft->size();
  Answer<base::Result<void>> answer;
  spool.commit(std::move(*draft), std::move(envelope), std::move(edits), "me", std::move(told),
               answer.completion());
  auto committed = answer.wait();
  if (!committed) return std::unexpected(committed.error());
  return id;
}

inline base::Result<void> record(Backlog& backlog, std::vector<RecipientUpdate> updates) {
  Answer<base::Result<void>> answer;
  backlog.record(std::move(updates), answer.completion());
  return answer.wait();
}

inline base::Result<std::vector<DestinationDue>> destinations(Backlog& backlog, std::string after = "",
                                                              std::size_t limit = SIZE_MAX) {
  Answer<base::Result<std::vector<DestinationDue>>> answer;
  backlog.destinations({.after = std::move(after), .limit = limit}, answer.completion());
  return answer.wait();
}

inline base::Result<AgedPage> aged(Backlog& backlog, AgedRequest request) {
  Answer<base::Result<AgedPage>> answer;
  backlog.aged(request, answer.completion());
  return answer.wait();
}

inline base::Result<ClaimedPage> claim(Backlog& backlog, ClaimRequest request) {
  Answer<base::Result<ClaimedPage>> answer;
  backlog.claim(std::move(request), answer.completion());
  return answer.wait();
}

// Of all destinations, by id, all of a message together.
inline base::Result<std::vector<Claimed>> claim(Backlog& backlog, base::UtcTime due_before,
                                                std::size_t limit = 100,
                                                base::Milliseconds lease = std::chrono::hours(1)) {
  auto known = destinations(backlog);
  if (!known) return std::unexpected(std::move(known.error()));
  std::map<base::MessageId, Claimed> claimed;
  for (const DestinationDue& destination : *known) {
    auto page = claim(backlog, {.owner = "me",
                                .destination = destination.destination,
                                .due_before = due_before,
                                .limit = limit,
                                .lease = lease});
    if (!page) return std::unexpected(std::move(page.error()));
    for (Claimed& message : page->messages) {
      limit -= message.recipients.size();
      Claimed& whole = claimed[message.id];
      message.recipients.insert(message.recipients.end(), whole.recipients.begin(), whole.recipients.end());
      whole = std::move(message);
      std::ranges::sort(whole.recipients);
    }
  }
  std::vector<Claimed> messages;
  for (auto& [id, message] : claimed) messages.push_back(std::move(message));
  return messages;
}

// The earliest of all destinations.
inline base::Result<std::optional<base::UtcTime>> next_due(Backlog& backlog) {
  auto known = destinations(backlog);
  if (!known) return std::unexpected(std::move(known.error()));
  std::optional<base::UtcTime> earliest;
  for (const DestinationDue& destination : *known)
    if (!earliest || destination.due < *earliest) earliest = destination.due;
  return earliest;
}

inline base::Result<std::vector<Claimed>> untold(Backlog& backlog, base::MessageId after = {},
                                                 std::size_t limit = 100) {
  Answer<base::Result<std::vector<Claimed>>> answer;
  backlog.untold(after, limit, answer.completion());
  return answer.wait();
}

inline base::Result<std::uint64_t> suspend(Backlog& backlog, Suspension suspension) {
  Answer<base::Result<std::uint64_t>> answer;
  backlog.suspend(std::move(suspension), answer.completion());
  return answer.wait();
}

inline base::Result<void> resume(Backlog& backlog, std::uint64_t id) {
  Answer<base::Result<void>> answer;
  backlog.resume(id, answer.completion());
  return answer.wait();
}

inline base::Result<std::vector<Suspension>> suspensions(Backlog& backlog) {
  Answer<base::Result<std::vector<Suspension>>> answer;
  backlog.suspensions(answer.completion());
  return answer.wait();
}

inline void maintain(Spool& spool) {
  auto promise = std::make_shared<std::promise<void>>();
  spool.maintain([promise] { promise->set_value(); });
  promise->get_future().wait();
}

inline base::Result<std::string> read_all(Spool& spool, base::MessageId id) {
  std::string all;
  MessageReader reader = spool.read(id);
  while (true) {
    auto piece = reader.next();
    if (!piece) return piece;
    if (piece->empty()) return all;
    all += *piece;
  }
}

// Bytes that differ everywhere, so that a lost or doubled piece shows.
inline std::string sample_body(std::size_t size, std::uint32_t seed = 1) {
  std::string body(size, '\0');
  std::uint32_t state = seed * 2654435761u + 1;
  for (char& c : body) {
    state = state * 1664525u + 1013904223u;
    c = static_cast<char>(state >> 24);
  }
  return body;
}

}  // namespace postrider::store::testing
