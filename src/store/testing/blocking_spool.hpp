// For tests: a folder that vanishes, samples, and the spool's asynchronous calls as calls that wait.
#pragma once

#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <future>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "store/spool.hpp"

namespace postrider::store::testing {

class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "postrider-store-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) std::abort();
    path_ = name;
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  ~TemporaryFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

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
  return {.id = id, .outcome = outcome};
}

inline RecipientUpdate deferred(RecipientId id, base::UtcTime due) {
  mail::Outcome outcome;
  outcome.reply = mail::reply(451, 4, 1, "not now");
  return {.id = id, .outcome = outcome, .due = due};
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
                                         mail::Edits edits = {}) {
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
  spool.commit(std::move(*draft), std::move(envelope), std::move(edits), "me", answer.completion());
  auto committed = answer.wait();
  if (!committed) return std::unexpected(committed.error());
  return id;
}

inline base::Result<void> record(Spool& spool, std::vector<RecipientUpdate> updates) {
  Answer<base::Result<void>> answer;
  spool.record(std::move(updates), answer.completion());
  return answer.wait();
}

inline base::Result<std::vector<Claimed>> claim(Spool& spool, base::UtcTime due_before,
                                                std::size_t limit = 100,
                                                base::Milliseconds lease = std::chrono::hours(1)) {
  Answer<base::Result<std::vector<Claimed>>> answer;
  spool.claim("me", due_before, limit, lease, answer.completion());
  return answer.wait();
}

inline base::Result<std::optional<base::UtcTime>> next_due(Spool& spool) {
  Answer<base::Result<std::optional<base::UtcTime>>> answer;
  spool.next_due(answer.completion());
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
