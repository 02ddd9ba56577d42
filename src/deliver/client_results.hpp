// What becomes of the recipients of one job, from the replies of the servers that it meets. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "mail/outcome.hpp"
#include "queue/courier.hpp"
#include "sys/clock.hpp"

namespace postrider::deliver {

// One line of a reply: "550 5.1.1 no such user", at most 512 octets.
std::string one_line(const mail::Reply& reply);

// A recipient is open until a server has judged it; then it stays as it is. Places are those of Job::recipients.
class ClientResults {
 public:
  // Both outlive it.
  ClientResults(const queue::Job& job, sys::Clock& clock);

  // Who speaks from now on.
  enum class Speaks : std::uint8_t { smtp, smtp_with_dsn, lmtp };
  void set_relay(std::string relay, Speaks speaks);
  const std::string& relay() const { return relay_; }
  // It hands mail on; a server of LMTP puts it into a mailbox.
  bool is_relay() const { return speaks_ != Speaks::lmtp; }
  // It is told by when the message is to be delivered (RFC 2852).
  void pass_deliver_by(bool passed) { deliver_by_passed_ = passed; }
  base::UtcTime now() const { return clock_.utc(); }

  const queue::Job& job() const { return job_; }
  const mail::Recipient& recipient(std::size_t place) const;
  bool is_open(std::size_t place) const { return !outcomes_[place]; }
  std::vector<std::size_t> open() const;
  bool has_open() const;

  // 5yz to MAIL: all open ones have failed. 4yz: they stay open, for the next host. RFC 5321 4.2.1
  void on_mail(const mail::Reply& reply);
  // True: accepted, and open until the end of the data. A reply that says "too many recipients", after one was accepted,
  // leaves it open for the next transaction.
  bool on_rcpt(std::size_t place, const mail::Reply& reply);
  // To DATA, or to the end of the data, of one recipient that was accepted. `in_reply_to`: "DATA", "end of data".
  void on_data(std::size_t place, const mail::Reply& reply, std::string_view in_reply_to);
  // We ourselves say what becomes of it: of one, or of all that are open.
  void decide(std::size_t place, mail::Action action, mail::Reply reply, std::string detail = {});
  void decide_open(mail::Action action, const mail::Reply& reply);

  // Why those are open that still are; they end as deferred with it. A lesser reason does not replace a greater one.
  enum class Weight : std::uint8_t { nothing, unreachable, turned_away, broken, judged };
  void blame(mail::Reply reply, Weight weight);

  // Some were too many for the transaction that ended: true once for each such transaction.
  bool take_again();
  // The message or a recipient was judged, by a server or by us.
  bool judged() const { return judged_; }
  // The reply that decided last, for the timeline: the first refusal of this relay, else its last word.
  const std::string& verdict() const { return verdict_; }
  // All that the present relay has judged went well, and something did.
  bool went_well() const { return well_; }

  // One for each place. Those that are open are deferred.
  std::vector<mail::Outcome> take();

 private:
  mail::Action action_of(const mail::Reply& reply) const;
  void judge(std::size_t place, const mail::Reply& reply, std::string_view in_reply_to);

  const queue::Job& job_;
  sys::Clock& clock_;
  std::vector<std::optional<mail::Outcome>> outcomes_;
  std::string relay_;
  Speaks speaks_ = Speaks::smtp;
  mail::Reply blamed_;
  std::string blamed_relay_;
  Weight weight_ = Weight::nothing;
  std::string verdict_;
  bool refused_ = false;   // by this relay
  bool accepted_ = false;  // a recipient of this transaction
  bool again_ = false;
  bool judged_ = false;
  bool well_ = false;
  bool deliver_by_passed_ = false;
};

}  // namespace postrider::deliver
