// What a power cut leaves, at every sync of a scripted run and behind every success that was told: all mail whose
// commit was told a success is there whole, nothing is there in part, only those recipients are gone whose end was
// recorded, and a report is there exactly when what it tells of is marked as told.
#include <gmock/gmock.h>

#include <map>
#include <mutex>
#include <set>

#include "store/sqlite.hpp"
#include "store/testing/blocking_spool.hpp"
#include "store/testing/power_vfs.hpp"
#include "sys/fake/clock.hpp"
#include "sys/log.hpp"

namespace postrider::store {
namespace {

using namespace testing;
using std::chrono::minutes;

// A recipient as it may be found; nothing: gone.
using Found = std::optional<mail::Recipient>;

struct Sent {
  std::string body;
  mail::Envelope envelope;
  mail::Edits edits;
  Told told_of = {};                        // by this message
  bool told = false;                        // the commit's success
  std::vector<std::vector<Found>> allowed;  // by recipient: what was told last, and what is in flight
};

// What was asked of the spool and what it said. Any thread.
class Ledger {
 public:
  void sent(base::MessageId id, Sent message) {
    std::lock_guard lock(mutex_);
    for (const mail::Recipient& recipient : message.envelope.recipients)
      message.allowed.push_back({recipient});
    for (const RecipientId ended : message.told_of.ended) allowed(ended).push_back(Found());
    for (const RecipientId warned : message.told_of.warned) {
      Found next = allowed(warned).back();
      next->warned = true;
      allowed(warned).push_back(std::move(next));
    }
    sent_.emplace(id, std::move(message));
  }
  void committed(base::MessageId id) {
    std::lock_guard lock(mutex_);
    Sent& message = sent_.at(id);
    message.told = true;
    for (const RecipientId ended : message.told_of.ended) settled(ended);
    for (const RecipientId warned : message.told_of.warned) settled(warned);
  }
  void asked(const RecipientUpdate& update) {
    std::lock_guard lock(mutex_);
    Found next = allowed(update.id).back();
    if (!update.state) {
      next.reset();
    } else {
      ++next->attempts;
      next->last = update.outcome;
      next->state = *update.state;
      if (next->state == mail::RecipientState::waiting) next->due = update.due;
    }
    allowed(update.id).push_back(std::move(next));
  }
  void recorded(const RecipientUpdate& update) {
    std::lock_guard lock(mutex_);
    settled(update.id);
  }

  // Opens what is in the folder and compares.
  void check(const std::filesystem::path& folder) const;

 private:
  std::vector<Found>& allowed(RecipientId id) { return sent_.at(id.message).allowed[id.index]; }
  void settled(RecipientId id) { allowed(id).erase(allowed(id).begin(), allowed(id).end() - 1); }
  void check_message(Spool& spool, const Claimed& found) const;
  void check_reports(const std::map<base::MessageId, Claimed>& present) const;
  mutable std::mutex mutex_;
  std::map<base::MessageId, Sent> sent_;
};

void Ledger::check_message(Spool& spool, const Claimed& found) const {
  const auto known = sent_.find(found.id);
  ASSERT_NE(known, sent_.end()) << "a message that nobody sent";
  const Sent& sent = known->second;
  EXPECT_EQ(read_all(spool, found.id).value_or("unreadable"), sent.body);
  EXPECT_EQ(spool.edits(found.id).value_or(mail::Edits{}), sent.edits);
  mail::Envelope expected = sent.envelope;
  ASSERT_EQ(found.envelope->recipients.size(), expected.recipients.size());
  const std::set<std::uint32_t> present(found.recipients.begin(), found.recipients.end());
  for (std::uint32_t i = 0; i < expected.recipients.size(); ++i) {
    Found recipient;
    if (present.contains(i)) recipient = found.envelope->recipients[i];
    EXPECT_THAT(sent.allowed[i], ::testing::Contains(recipient));
    expected.recipients[i] = found.envelope->recipients[i];
  }
  EXPECT_EQ(*found.envelope, expected);
}

void Ledger::check_reports(const std::map<base::MessageId, Claimed>& present) const {
  const auto recipient = [&](RecipientId id) -> Found {
    const auto message = present.find(id.message);
    if (message == present.end()) return {};
    const auto& indexes = message->second.recipients;
    if (std::ranges::find(indexes, id.index) == indexes.end()) return {};
    return message->second.envelope->recipients[id.index];
  };
  for (const auto& [id, sent] : sent_) {
    const bool is_there = present.contains(id);
    for (const RecipientId ended : sent.told_of.ended) EXPECT_NE(is_there, recipient(ended).has_value());
    for (const RecipientId warned : sent.told_of.warned)
      EXPECT_EQ(is_there,
                recipient(warned).value_or(mail::Recipient(testing::recipient("x@y.example"))).warned);
  }
}

void Ledger::check(const std::filesystem::path& folder) const {
  std::lock_guard lock(mutex_);
  sys::fake::Clock clock(base::UtcTime{});  // far behind: ids must not depend on it
  auto spool = Spool::open({.directory = folder, .min_free_bytes = 0, .vfs = PowerVfs::kName}, clock);
  ASSERT_TRUE(spool) << spool.error().log_text();
  std::map<base::MessageId, Claimed> present;
  for (Claimed& found : claim(**spool, base::UtcTime::max(), 100'000).value())
    present[found.id] = std::move(found);
  for (Claimed& found : untold(**spool).value()) {
    Claimed& whole = present[found.id];
    found.recipients.insert(found.recipients.end(), whole.recipients.begin(), whole.recipients.end());
    whole = std::move(found);
  }
  for (const auto& [id, found] : present) check_message(**spool, found);
  check_reports(present);
  for (const auto& [id, sent] : sent_) {
    const bool may_be_gone = !sent.told || std::ranges::all_of(sent.allowed, [](const auto& allowed) {
      return std::ranges::find(allowed, Found()) != allowed.end();
    });
    EXPECT_TRUE(present.contains(id) || may_be_gone) << id.to_string() << " is lost";
  }
  EXPECT_EQ((*spool)->statistics().messages, present.size());
  EXPECT_EQ((*spool)->statistics().quarantined, 0u);
  if (!sent_.empty() && sent_.rbegin()->second.told) {
    EXPECT_GT((*spool)->open_draft().value().id(), sent_.rbegin()->first);
  }
  spool->reset();
  Database database((folder / "spool.db").string(), PowerVfs::kName, Database::Access::read_only);
  EXPECT_EQ(database.text("PRAGMA integrity_check"), "ok");
  EXPECT_EQ(database.number("SELECT count(*) FROM chunk WHERE message NOT IN (SELECT id FROM message)"), 0);
  EXPECT_EQ(database.number("SELECT count(*) FROM message WHERE id NOT IN (SELECT message FROM recipient)"),
            0);
}

class PowerCut : public ::testing::Test {
 protected:
  void SetUp() override {
    sys::log::configure(sys::log::Format::logfmt, sys::log::Level::error);
    PowerVfs::instance().watch(folder_.path() / "spool");
    PowerVfs::instance().before_sync([this] { cut(); });
    spool_ = Spool::open({.directory = folder_.path() / "spool", .min_free_bytes = 0, .vfs = PowerVfs::kName},
                         clock_)
                 .value();
  }

  // Every kind of survival, now. May come from two threads at a time.
  void cut() {
    std::lock_guard lock(cutting_);
    using Kind = Survival::Kind;
    const std::uint32_t seed = ++cuts_ * 16;
    const std::vector<Survival> ways = {{Kind::nothing},
                                        {Kind::everything},
                                        {Kind::a_beginning, seed},
                                        {Kind::sectors, seed + 1, 512},
                                        {Kind::sectors, seed + 2, 4096},
                                        {Kind::sectors, seed + 3, 512}};
    for (const Survival& way : ways) {
      SCOPED_TRACE(::testing::Message()
                   << "cut " << cuts_ << ", survival " << int(way.kind) << ", seed " << way.seed);
      TemporaryFolder after;
      std::filesystem::create_directory(after.path() / "spool");
      PowerVfs::instance().cut(after.path() / "spool", way);
      ledger_.check(after.path() / "spool");
    }
  }

  // Hands a message over; the answer is waited for by settle().
  base::MessageId send(std::size_t size, std::vector<std::string> to, Told told = {}) {
    Draft draft = spool_->open_draft().value();
    const base::MessageId id = draft.id();
    Sent sent{
        .body = sample_body(size, ++seed_), .envelope = {}, .edits = {}, .told_of = told, .allowed = {}};
    for (std::size_t at = 0; at < size; at += Draft::kChunkBytes) {
      draft.append(std::string_view(sent.body).substr(at, Draft::kChunkBytes));
      if (draft.wants_flush()) EXPECT_TRUE(flush(*spool_, draft));
    }
    std::vector<mail::Recipient> recipients;
    for (const std::string& text : to) recipients.push_back(recipient(text, clock_.utc()));
    sent.envelope = envelope(std::move(recipients));
    sent.envelope.size = size;
    sent.edits = {mail::PrependField{"Received: by us\r\n"}};
    ledger_.sent(id, sent);
    ++open_;
    spool_->commit(std::move(draft), sent.envelope, sent.edits, "me", std::move(told),
                   [this, id](auto result) {
                     EXPECT_TRUE(result);
                     if (result) ledger_.committed(id);
                     settled();
                   });
    return id;
  }

  void update(std::vector<RecipientUpdate> updates) {
    for (const RecipientUpdate& one : updates) ledger_.asked(one);
    ++open_;
    spool_->record(updates, [this, updates](auto result) {
      EXPECT_TRUE(result);
      for (const RecipientUpdate& one : updates)
        if (result) ledger_.recorded(one);
      settled();
    });
  }

  // Waits for all answers, then cuts: what was told a moment ago is what people rely on.
  void settle() {
    {
      std::unique_lock lock(mutex_);
      ASSERT_TRUE(changed_.wait_for(lock, std::chrono::seconds(60), [this] { return open_ == 0; }));
    }
    cut();
  }

  void settled() {
    std::lock_guard lock(mutex_);
    --open_;
    changed_.notify_all();
  }

  TemporaryFolder folder_;
  sys::fake::Clock clock_;
  std::mutex cutting_;
  Ledger ledger_;
  std::unique_ptr<Spool> spool_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::atomic<int> open_ = 0;
  std::uint32_t cuts_ = 0;
  std::uint32_t seed_ = 0;
};

TEST_F(PowerCut, LosesNothingThatWasToldASuccessAtAnySync) {
  // Small mail, several in a transaction.
  const auto a = send(100, {"a@x.example", "b@x.example"});
  const auto b = send(5'000, {"c@y.example"});
  const auto c = send(0, {"d@z.example", "e@z.example", "f@z.example"});
  settle();
  // Bodies of several chunks, one of which never becomes mail.
  const auto d = send(700'000, {"g@x.example"});
  std::optional<Draft> dropped = spool_->open_draft().value();
  dropped->append(sample_body(Draft::kChunkBytes));
  ASSERT_TRUE(flush(*spool_, *dropped));
  settle();
  update({delivered({a, 0}), deferred({b, 0}, clock_.utc() + minutes(5))});
  update({delivered({d, 0})});
  settle();
  dropped.reset();
  maintain(*spool_);  // the WAL goes into the file
  settle();
  clock_.advance(minutes(5));
  ASSERT_EQ(claim(*spool_, clock_.utc() + minutes(1)).value().size(), 1u);
  update({delivered({b, 0}), delivered({c, 1}), deferred({c, 0}, clock_.utc())});
  settle();
  // Pages come free, and the file shrinks under mail that stays.
  std::vector<base::MessageId> large;
  for (int i = 0; i < 4; ++i) large.push_back(send(600'000, {"h@x.example"}));
  const auto stays = send(300'000, {"i@x.example"});
  settle();
  for (const auto id : large) update({delivered({id, 0})});
  settle();
  maintain(*spool_);
  const auto size = std::filesystem::file_size(folder_.path() / "spool" / "spool.db");
  for (int i = 0; i < 12; ++i) maintain(*spool_);
  EXPECT_LT(std::filesystem::file_size(folder_.path() / "spool" / "spool.db"), size - 1'000'000);
  settle();
  // Reports, a small one and one of several chunks.
  const auto k = send(100, {"k@x.example", "l@y.example"});
  const auto l = send(100, {"m@x.example", "n@y.example"});
  settle();
  for (const auto id : {k, l}) {
    RecipientUpdate failed = deferred({id, 0}, {});
    failed.state = mail::RecipientState::untold;
    update({failed});
  }
  update({delivered({k, 1})});
  settle();
  send(1'000, {"alice@example.com"}, {.ended = {{k, 0}}, .warned = {{l, 1}}});
  send(600'000, {"alice@example.com"}, {.ended = {{l, 0}}, .warned = {}});
  settle();
  send(2'000, {"j@x.example"});
  update({delivered({stays, 0})});
  settle();
  spool_.reset();
  cut();
  PowerVfs::instance().before_sync(nullptr);
  EXPECT_GT(PowerVfs::instance().syncs(), 15u);
  RecordProperty("cuts", std::to_string(cuts_));
}

}  // namespace
}  // namespace postrider::store
