#include "deliver/client_results.hpp"

#include <algorithm>
#include <utility>

namespace postrider::deliver {
namespace {

constexpr std::size_t kText = 2000;  // octets of a server's words that are kept
constexpr std::size_t kLine = 512;

std::string cut(std::string text, std::size_t most) {
  if (text.size() <= most) return text;
  while (most > 0 && (static_cast<unsigned char>(text[most]) & 0xC0u) == 0x80) --most;
  text.resize(most);
  return text;
}

// 452 is what a server says that takes no more recipients in one transaction, and 552 what old ones say.
// RFC 5321 4.5.3.1.10 With an enhanced code of another kind (5.2.2, mailbox full) it is about this recipient.
bool says_too_many(const mail::Reply& reply) {
  if (reply.code != 452 && reply.code != 552) return false;
  return !reply.enhanced || (reply.enhanced->subject == 5 && reply.enhanced->detail == 3);
}

}  // namespace

std::string one_line(const mail::Reply& reply) {
  std::string line = std::to_string(reply.code);
  if (reply.enhanced) line += ' ' + reply.enhanced->to_string();
  if (!reply.text.empty()) line += ' ' + reply.text;
  std::ranges::replace(line, '\n', ' ');
  return cut(std::move(line), kLine);
}

ClientResults::ClientResults(const queue::Job& job, sys::Clock& clock)
    : job_(job), clock_(clock), outcomes_(job.recipients.size()) {}

void ClientResults::set_relay(std::string relay, Speaks speaks) {
  relay_ = std::move(relay);
  speaks_ = speaks;
  verdict_.clear();
  refused_ = well_ = deliver_by_passed_ = false;
}

const mail::Recipient& ClientResults::recipient(std::size_t place) const {
  return job_.envelope->recipients[job_.recipients[place]];
}

std::vector<std::size_t> ClientResults::open() const {
  std::vector<std::size_t> places;
  for (std::size_t i = 0; i < outcomes_.size(); ++i)
    if (is_open(i)) places.push_back(i);
  return places;
}

bool ClientResults::has_open() const {
  return std::ranges::any_of(outcomes_, [](const auto& outcome) { return !outcome; });
}

void ClientResults::on_mail(const mail::Reply& reply) {
  judged_ = true;
  accepted_ = again_ = false;
  if (reply.positive()) return;
  if (reply.temporary()) return blame(reply, Weight::judged);
  for (const std::size_t place : open()) judge(place, reply, "MAIL");
}

bool ClientResults::on_rcpt(std::size_t place, const mail::Reply& reply) {
  judged_ = true;
  if (reply.positive()) return accepted_ = true;
  if (accepted_ && says_too_many(reply)) {
    again_ = true;
    blame(reply.code == 452 ? reply : mail::reply(452, 5, 3, reply.text), Weight::judged);
  } else {
    judge(place, reply, "RCPT");
  }
  return false;
}

void ClientResults::on_data(std::size_t place, const mail::Reply& reply, std::string_view in_reply_to) {
  judge(place, reply, in_reply_to);
}

void ClientResults::judge(std::size_t place, const mail::Reply& reply, std::string_view in_reply_to) {
  decide(place, action_of(reply), reply, "in reply to " + std::string(in_reply_to));
  outcomes_[place]->said_by_relay = true;
}

mail::Action ClientResults::action_of(const mail::Reply& reply) const {
  if (reply.permanent()) return mail::Action::failed;
  if (!reply.positive()) return mail::Action::deferred;
  // A positive reply to LMTP means that it lies in the mailbox. RFC 2033 4.2
  return speaks_ == Speaks::lmtp ? mail::Action::delivered : mail::Action::relayed;
}

void ClientResults::decide(std::size_t place, mail::Action action, mail::Reply reply, std::string detail) {
  const bool good = action == mail::Action::relayed || action == mail::Action::delivered;
  judged_ = true;
  if (good ? !refused_ : !std::exchange(refused_, true)) verdict_ = one_line(reply);
  well_ = !refused_;
  reply.text = cut(std::move(reply.text), kText);
  outcomes_[place] =
      mail::Outcome{.action = action,
                    .reply = std::move(reply),
                    .relay = relay_,
                    .detail = good ? std::string() : std::move(detail),
                    .at = clock_.utc(),
                    .dsn_passed_on = action == mail::Action::relayed && speaks_ == Speaks::smtp_with_dsn,
                    .deliver_by_passed_on = action == mail::Action::relayed && deliver_by_passed_};
}

void ClientResults::decide_open(mail::Action action, const mail::Reply& reply) {
  for (const std::size_t place : open()) decide(place, action, reply);
}

void ClientResults::blame(mail::Reply reply, Weight weight) {
  if (!std::exchange(refused_, true)) verdict_ = one_line(reply);
  well_ = false;
  if (weight < weight_) return;
  weight_ = weight;
  reply.text = cut(std::move(reply.text), kText);
  blamed_ = std::move(reply);
  blamed_relay_ = relay_;
}

bool ClientResults::take_again() { return std::exchange(again_, false); }

std::vector<mail::Outcome> ClientResults::take() {
  std::vector<mail::Outcome> all;
  for (auto& outcome : outcomes_) {
    all.push_back(outcome ? *std::move(outcome)
                          : mail::Outcome{.action = mail::Action::deferred,
                                          .reply = blamed_,
                                          .relay = blamed_relay_,
                                          .detail = {},
                                          .at = clock_.utc(),
                                          .said_by_relay = weight_ == Weight::judged});
  }
  return all;
}

}  // namespace postrider::deliver
