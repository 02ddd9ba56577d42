#include "queue/testing/memory_backlog.hpp"

#include <algorithm>
#include <cstdlib>

namespace postrider::queue::testing {
namespace {

constexpr auto kForever = base::SteadyTime::max();

}  // namespace

store::Claimed MemoryBacklog::add(base::MessageId id, mail::Envelope envelope, bool owned) {
  Message message;
  message.received = std::make_shared<const mail::Envelope>(std::move(envelope));
  message.now = message.received;
  message.open = message.received->recipients.size();
  message.rows.resize(message.open);
  recipients_ += message.open;
  Message& stored = messages_.emplace(id, std::move(message)).first->second;
  store::Claimed claimed{id, stored.received, {}};
  for (std::uint32_t index = 0; index < stored.rows.size(); ++index) {
    const mail::Recipient& given = stored.received->recipients[index];
    Row& made = stored.rows[index];
    made.destination = &destinations_[mail::to_ascii(given.final.host())];
    made.state = given.state;
    made.attempts = given.attempts;
    made.warned = given.warned;
    made.due = given.due;
    made.last = given.last;
    if (made.state == mail::RecipientState::untold && ++stored.untold == 1) untold_.insert(id);
    if (made.state != mail::RecipientState::waiting) continue;
    waiting_.insert({id, index});
    set_free({id, index}, made);
    if (!owned) continue;
    set_owned({id, index}, made, kForever);
    claimed.recipients.push_back(index);
  }
  return claimed;
}

void MemoryBacklog::ask(std::deque<Request>& queue, const std::function<void()>& hook, Request request) {
  if (answers_ == Answers::at_once) return request()();
  queue.push_back(std::move(request));
  if (queue.size() == 1 && hook) hook();
}

bool MemoryBacklog::pump_read() {
  if (reads_.empty()) return false;
  Request request = std::move(reads_.front());
  reads_.pop_front();
  request()();
  if (!reads_.empty() && on_read) on_read();
  return true;
}

bool MemoryBacklog::pump_writes() {
  std::deque<Request> together = std::exchange(writes_, {});
  std::vector<Answer> answers;
  for (Request& request : together) answers.push_back(request());
  for (Answer& answer : answers) answer();
  return !together.empty();
}

void MemoryBacklog::pump() {
  while (pump_writes() || pump_read()) {
  }
}

void MemoryBacklog::crash(std::size_t durable) {
  for (std::size_t done = 0; done < std::min(durable, writes_.size()); ++done) writes_[done]();
  reads_.clear();
  writes_.clear();
  leases_ = {};
  for (auto& [id, message] : messages_) {
    for (std::uint32_t index = 0; index < message.rows.size(); ++index) {
      if (message.rows[index].owned) set_free({id, index}, message.rows[index]);
      message.rows[index].lease_ended = false;
    }
  }
}

void MemoryBacklog::apply(const store::Told& told) {
  for (const store::RecipientId id : told.ended) {
    Row* const ended = row(id);
    if (ended && ended->state == mail::RecipientState::untold)
      remove(id, messages_.find(id.message)->second, *ended);
  }
  for (const store::RecipientId id : told.warned) {
    Row* const warned = row(id);
    if (!warned || warned->state != mail::RecipientState::waiting) continue;
    warned->warned = true;
    messages_.find(id.message)->second.now.reset();
  }
}

std::optional<mail::Recipient> MemoryBacklog::find(store::RecipientId id) const {
  const auto found = messages_.find(id.message);
  if (found == messages_.end() || found->second.rows.at(id.index).gone) return {};
  const Row& stored = found->second.rows[id.index];
  mail::Recipient now = found->second.received->recipients[id.index];
  now.state = stored.state;
  now.attempts = stored.attempts;
  now.warned = stored.warned;
  now.due = stored.due;
  now.last = stored.last;
  return now;
}

std::optional<MemoryBacklog::Standing> MemoryBacklog::standing(store::RecipientId id) const {
  const auto found = messages_.find(id.message);
  if (found == messages_.end() || found->second.rows.at(id.index).gone) return {};
  const Row& stored = found->second.rows[id.index];
  return Standing{stored.state, stored.attempts, stored.warned, stored.owned || stored.lease_ended,
                  stored.due};
}

std::optional<store::Claimed> MemoryBacklog::find(base::MessageId id) const {
  const auto found = messages_.find(id);
  if (found == messages_.end()) return {};
  store::Claimed all{id, envelope_of(const_cast<Message&>(found->second)), {}};
  for (std::uint32_t index = 0; index < found->second.rows.size(); ++index) {
    if (!found->second.rows[index].gone) all.recipients.push_back(index);
  }
  return all;
}

bool MemoryBacklog::is_owned(store::RecipientId id) const {
  const auto found = messages_.find(id.message);
  return found != messages_.end() && found->second.rows.at(id.index).owned;
}

std::vector<store::RecipientId> MemoryBacklog::all() const {
  std::vector<store::RecipientId> ids;
  for (const auto& [id, message] : messages_) {
    for (std::uint32_t index = 0; index < message.rows.size(); ++index) {
      if (!message.rows[index].gone) ids.push_back({id, index});
    }
  }
  std::ranges::sort(ids);
  return ids;
}

MemoryBacklog::Row* MemoryBacklog::row(store::RecipientId id) {
  const auto found = messages_.find(id.message);
  if (found == messages_.end() || id.index >= found->second.rows.size()) return nullptr;
  Row& here = found->second.rows[id.index];
  return here.gone ? nullptr : &here;
}

void MemoryBacklog::set_free(store::RecipientId id, Row& row) {
  if (row.owned) --owned_;
  row.owned = false;
  row.destination->free.insert({row.due, id});
}

void MemoryBacklog::set_owned(store::RecipientId id, Row& row, base::SteadyTime until) {
  if (!row.owned) ++owned_;
  row.owned = true;
  row.until = until;
  row.destination->free.erase({row.due, id});
  if (until != kForever) leases_.push({until, id});
}

void MemoryBacklog::remove(store::RecipientId id, Message& message, Row& row) {
  row.gone = true;
  --recipients_;
  waiting_.erase(id);
  if (row.state == mail::RecipientState::untold && --message.untold == 0) untold_.erase(id.message);
  message.now.reset();
  if (--message.open == 0) messages_.erase(id.message);
}

void MemoryBacklog::write(const store::RecipientUpdate& update) {
  Row* const stored = row(update.id);
  const bool applies = stored && stored->state != mail::RecipientState::untold;
  if (on_write_row) on_write_row(update, applies);
  if (!applies) return;
  Message& message = messages_.find(update.id.message)->second;
  if (stored->state == mail::RecipientState::waiting) set_owned(update.id, *stored, kForever);
  if (stored->owned) --owned_;
  stored->owned = stored->lease_ended = false;
  if (!update.state) return remove(update.id, message, *stored);
  stored->state = *update.state;
  if (*update.state == mail::RecipientState::waiting)
    waiting_.insert(update.id);
  else
    waiting_.erase(update.id);
  if (update.attempted) ++stored->attempts;
  if (update.outcome) stored->last = update.outcome;
  if (stored->state == mail::RecipientState::waiting) {
    stored->due = update.due;
    set_free(update.id, *stored);
  } else if (stored->state == mail::RecipientState::untold && ++message.untold == 1) {
    untold_.insert(update.id.message);
  }
  message.now.reset();
}

void MemoryBacklog::end_leases() {
  const base::SteadyTime now = clock_.steady();
  while (!leases_.empty() && leases_.top().first <= now) {
    const auto [until, id] = leases_.top();
    leases_.pop();
    Row* const leased = row(id);
    if (leased && leased->owned && leased->until == until) {
      set_free(id, *leased);
      leased->lease_ended = true;
    }
  }
}

std::shared_ptr<const mail::Envelope> MemoryBacklog::envelope_of(Message& message) {
  if (message.now) return message.now;
  auto made = std::make_shared<mail::Envelope>(*message.received);
  for (std::size_t index = 0; index < message.rows.size(); ++index) {
    const Row& stored = message.rows[index];
    if (stored.gone) continue;
    mail::Recipient& recipient = made->recipients[index];
    recipient.state = stored.state;
    recipient.attempts = stored.attempts;
    recipient.warned = stored.warned;
    recipient.due = stored.due;
    recipient.last = stored.last;
  }
  return message.now = std::move(made);
}

void MemoryBacklog::destinations(
    store::DestinationsRequest request,
    std::move_only_function<void(base::Result<std::vector<store::DestinationDue>>)> done) {
  ask(reads_, on_read, [this, request = std::move(request), done = std::move(done)]() mutable -> Answer {
    base::Result<std::vector<store::DestinationDue>> page;
    if (reads_fail) {
      page = std::unexpected(*reads_fail);
    } else {
      end_leases();
      for (auto at = destinations_.upper_bound(request.after);
           at != destinations_.end() && page->size() < request.limit; ++at) {
        const auto first = at->second.free.lower_bound({request.due_from, {}});
        if (first != at->second.free.end()) page->push_back({at->first, first->first});
      }
    }
    return [page = std::move(page), done = std::move(done)]() mutable { done(std::move(page)); };
  });
}

std::vector<store::RecipientId> MemoryBacklog::matching(const store::ClaimRequest& request) {
  std::vector<store::RecipientId> found;
  for (const store::RecipientId id : request.only) {
    const Row* const stored = row(id);
    if (stored && stored->state == mail::RecipientState::waiting && !stored->owned) found.push_back(id);
  }
  const auto here = destinations_.find(request.destination);
  if (!request.only.empty() || here == destinations_.end()) return found;
  const auto& free = here->second.free;
  for (auto at = free.lower_bound({request.due_from, {}}); at != free.end(); ++at) {
    if (at->first >= request.due_before || found.size() == request.limit) break;
    found.push_back(at->second);
  }
  return found;
}

store::ClaimedPage MemoryBacklog::claim_now(const store::ClaimRequest& request) {
  store::ClaimedPage page;
  end_leases();
  std::unordered_map<base::MessageId, std::size_t> places;
  for (const store::RecipientId id : matching(request)) {
    Message& message = messages_.find(id.message)->second;
    set_owned(id, message.rows[id.index], clock_.steady() + request.lease);
    const auto [place, is_new] = places.emplace(id.message, page.messages.size());
    if (is_new) page.messages.push_back({id.message, envelope_of(message), {}});
    page.messages[place->second].recipients.push_back(id.index);
  }
  const auto here = destinations_.find(request.destination);
  if (!request.only.empty() || here == destinations_.end()) return page;
  const auto first = here->second.free.lower_bound({request.due_from, {}});
  if (first != here->second.free.end()) page.next_due = first->first;
  return page;
}

void MemoryBacklog::aged(store::AgedRequest request,
                         std::move_only_function<void(base::Result<store::AgedPage>)> done) {
  ask(reads_, on_read, [this, request, done = std::move(done)]() mutable -> Answer {
    base::Result<store::AgedPage> page;
    if (reads_fail) {
      page = std::unexpected(*reads_fail);
    } else {
      for (auto at = waiting_.upper_bound(request.after); at != waiting_.end() && !page->more && !page->next;
           ++at) {
        const Message& message = messages_.find(at->message)->second;
        const auto& host = message.received->recipients[at->index].final.host();
        if (page->rows.size() >= request.limit)
          page->more = true;
        else if (at->message.time() >= request.before)
          page->next = at->message.time();
        else
          page->rows.push_back(
              {*at, mail::to_ascii(host), message.rows[at->index].warned,
               message.received->deliver_by_notify ? std::nullopt : message.received->deliver_by});
      }
    }
    return [page = std::move(page), done = std::move(done)]() mutable { done(std::move(page)); };
  });
}

void MemoryBacklog::claim(store::ClaimRequest request,
                          std::move_only_function<void(base::Result<store::ClaimedPage>)> done) {
  ask(reads_, on_read, [this, request = std::move(request), done = std::move(done)]() mutable -> Answer {
    base::Result<store::ClaimedPage> page;
    if (reads_fail) {
      page = std::unexpected(*reads_fail);
    } else {
      page = claim_now(request);
    }
    return [page = std::move(page), done = std::move(done)]() mutable { done(std::move(page)); };
  });
}

void MemoryBacklog::unclaim(std::vector<store::RecipientId> recipients) {
  for (const store::RecipientId id : recipients) {
    Row* const stored = row(id);
    if (stored && stored->owned) set_free(id, *stored);
  }
}

void MemoryBacklog::record(std::vector<store::RecipientUpdate> updates, store::Done done) {
  ask(writes_, on_write, [this, updates = std::move(updates), done = std::move(done)]() mutable -> Answer {
    if (writes_fail) {
      return [failure = *writes_fail, done = std::move(done)]() mutable {
        done(std::unexpected(std::move(failure)));
      };
    }
    for (const store::RecipientUpdate& update : updates) write(update);
    return [done = std::move(done)]() mutable { done({}); };
  });
}

void MemoryBacklog::untold(base::MessageId after, std::size_t limit,
                           std::move_only_function<void(base::Result<std::vector<store::Claimed>>)> done) {
  ask(reads_, on_read, [this, after, limit, done = std::move(done)]() mutable -> Answer {
    base::Result<std::vector<store::Claimed>> page;
    if (reads_fail) {
      page = std::unexpected(*reads_fail);
    } else {
      for (auto at = untold_.upper_bound(after); at != untold_.end() && page->size() < limit; ++at) {
        Message& message = messages_.find(*at)->second;
        store::Claimed one{*at, envelope_of(message), {}};
        for (std::uint32_t index = 0; index < message.rows.size(); ++index) {
          const Row& stored = message.rows[index];
          if (!stored.gone && stored.state == mail::RecipientState::untold) one.recipients.push_back(index);
        }
        page->push_back(std::move(one));
      }
    }
    return [page = std::move(page), done = std::move(done)]() mutable { done(std::move(page)); };
  });
}

void MemoryBacklog::suspend(store::Suspension suspension,
                            std::move_only_function<void(base::Result<std::uint64_t>)> done) {
  ask(writes_, on_write,
      [this, suspension = std::move(suspension), done = std::move(done)]() mutable -> Answer {
        base::Result<std::uint64_t> id = ++last_suspension_;
        if (writes_fail) {
          id = std::unexpected(*writes_fail);
        } else {
          suspension.id = *id;
          suspensions_[*id] = std::move(suspension);
        }
        return [id = std::move(id), done = std::move(done)]() mutable { done(std::move(id)); };
      });
}

void MemoryBacklog::resume(std::uint64_t id, store::Done done) {
  ask(writes_, on_write, [this, id, done = std::move(done)]() mutable -> Answer {
    base::Result<void> result;
    if (writes_fail) {
      result = std::unexpected(*writes_fail);
    } else {
      suspensions_.erase(id);
    }
    return [result = std::move(result), done = std::move(done)]() mutable { done(std::move(result)); };
  });
}

void MemoryBacklog::suspensions(
    std::move_only_function<void(base::Result<std::vector<store::Suspension>>)> done) {
  ask(reads_, on_read, [this, done = std::move(done)]() mutable -> Answer {
    base::Result<std::vector<store::Suspension>> all;
    if (reads_fail) {
      all = std::unexpected(*reads_fail);
    } else {
      for (const auto& [id, one] : suspensions_) all->push_back(one);
    }
    return [all = std::move(all), done = std::move(done)]() mutable { done(std::move(all)); };
  });
}

}  // namespace postrider::queue::testing
