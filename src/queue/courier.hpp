// What carries mail away: a mailbox, the next server. The queue owns this interface; deliver/ fills it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/id.hpp"
#include "base/result.hpp"
#include "base/time.hpp"
#include "config/config.hpp"
#include "mail/envelope.hpp"
#include "mail/outcome.hpp"

namespace postrider::queue {

// A message's bytes with its edits applied, as they go out: CRLF line ends. Used by one thread at a time; it
// blocks, so for pool threads only, unless it is in memory.
class Content {
 public:
  virtual ~Content() = default;
  // The next piece, empty at the end. A failure means that nothing more will come.
  virtual base::Result<std::string> next() = 0;
  // Nothing of it blocks: any thread may read it.
  virtual bool is_in_memory() const { return false; }
};

// Where recipients of one domain go now. Chosen anew at each attempt, never stored.
struct Destination {
  mail::Host host;                             // what stands behind the @ of their final addresses
  std::shared_ptr<const config::Route> route;  // never null: the one that matched, or the default
};

// Who shares a limit: everything that goes to the same set of servers in the same way. Connections are kept,
// counted, throttled and given up per site.
struct Site {
  std::string name;                  // "mx1.example.net,mx2.example.net", "smtp://192.0.2.1:25", "local"
  std::uint32_t concurrency = 1;     // jobs at a time, at most
  std::uint32_t max_per_minute = 0;  // jobs begun; 0: no bound
};
// The other: what becomes of every recipient there, without an attempt (no such domain, DNS trouble, a loop).
using Located = std::expected<Site, mail::Outcome>;

// One message, and those of its recipients that one courier carries together: they have one reverse-path.
struct Job {
  base::MessageId id;
  std::shared_ptr<const mail::Envelope> envelope;
  std::vector<std::uint32_t> recipients;  // indexes into envelope->recipients; 1 to recipients_per_job()
  Destination destination;
  std::string site;  // as located
  // Of all its recipients. RFC 5321 4.1.1.2
  mail::ReversePath reverse_path() const {
    return envelope->reverse_path_for(envelope->recipients[recipients.front()]);
  }
  // A fresh reader from the first byte; may be called more than once.
  std::function<std::unique_ptr<Content>()> open;
};
// Every server takes so many RCPT. RFC 5321 4.5.3.1.8
inline constexpr std::size_t kRecipientsPerJob = 100;

// What an attempt says of the site as a whole.
enum class Contact : std::uint8_t {
  none,    // nothing: it ended for a reason of our own, before anybody was asked
  made,    // the site judged the message, whatever it said
  failed,  // no host could be reached, or each broke off or turned us away before it judged anything
};

// One host that was tried, for the timeline.
struct Trial {
  std::string host;     // "mx.example.com"; may be empty
  std::string address;  // "192.0.2.1:25", "/run/lmtp.sock"
  std::string tls;      // protocol and cipher; empty: none
  base::Milliseconds took{};
  std::string result;      // how it ended: the decisive reply, or what broke
  std::string transcript;  // where it did not go well: the dialog without content and secrets, at most 16 KiB
};

struct Report {
  std::vector<mail::Outcome> outcomes;  // by place in Job::recipients, exactly as many
  Contact contact = Contact::made;
  std::vector<Trial> trials;  // in their order; empty for couriers that ask no host
};

// For the metrics.
enum class CourierKind : std::uint8_t { mailbox, remote, program };

class Courier {
 public:
  virtual ~Courier() = default;
  virtual CourierKind kind() const { return CourierKind::remote; }
  // Which site this is now. `done` is called exactly once, on any thread (perhaps before this returns), within a
  // minute, and must not block. Any thread.
  virtual void locate(const Destination& destination, std::move_only_function<void(Located)> done) = 0;
  // What it carries together at most, 1 to kRecipientsPerJob: the outcomes of a job are recorded together, so that a stop or
  // a crash repeats all of it. Any thread.
  virtual std::size_t recipients_per_job() const { return kRecipientsPerJob; }
  // Starts the attempt and returns at once. `done` is called exactly once, on any thread, within the
  // courier's deadline, and must not block. Any thread.
  virtual void deliver(Job job, std::move_only_function<void(Report)> done) = 0;
};

}  // namespace postrider::queue
