#include "receive/collector.hpp"

#include <poll.h>
#include <sys/eventfd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <future>

#include "policy/content.hpp"
#include "queue/notice.hpp"
#include "receive/counts.hpp"
#include "receive/submit_folder.hpp"
#include "receive/transfer.hpp"
#include "sys/log.hpp"
#include "sys/thread_name.hpp"
#include "wire/authres/authres.hpp"

namespace postrider::receive {

using mail::Reply;

namespace {

// Where no space was left, or a directory did not answer.
constexpr base::Milliseconds kTryAgain = std::chrono::seconds(10);
// The watch tells of each file; this is for what it missed.
constexpr base::Milliseconds kLookAgain = std::chrono::minutes(1);
// As a session has it: what was handed over may still be committed then.
constexpr std::chrono::seconds kDiskPatience(60);
constexpr std::size_t kPiece = 64 * 1024;

// Calls start(completion), and waits for what it is called with; nothing when that takes too long.
template <class T, class Start>
std::optional<T> wait_for(Start start) {
  const auto promise = std::make_shared<std::promise<T>>();
  auto future = promise->get_future();
  start([promise](T value) { promise->set_value(std::move(value)); });
  if (future.wait_for(kDiskPatience) != std::future_status::ready) return {};
  return future.get();
}

mail::Recipient refused_recipient(const wire::smtp::Rcpt& command, const Reply& why) {
  const auto& address = std::get<mail::Address>(command.forward_path);
  return {.original = address,
          .alias = {},
          .final = address,
          .orcpt = {},
          .notify = command.notify,
          .state = mail::RecipientState::untold,
          .last = mail::Outcome{
              .action = mail::Action::failed, .reply = why, .relay = "local", .detail = {}, .at = {}}};
}

// The next hop of a domain that we relay for is not asked: the sender is ours, and can be told of a failure later.
Reply say_rcpt(Dialog& dialog, const wire::smtp::Rcpt& command) {
  auto verdict = dialog.rcpt(command);
  if (auto* said = std::get_if<Reply>(&verdict)) return std::move(*said);
  return dialog.probed(command, std::get<ProbeNeeded>(verdict), mail::reply(250, 1, 5, "not asked"));
}

}  // namespace

Collector::Collector(DropFolder folder, Descriptor stop, Services& services)
    : folder_(std::move(folder)), stop_(std::move(stop)), services_(services), thread_([this] { run(); }) {}

base::Result<std::unique_ptr<Collector>> Collector::start(const std::filesystem::path& folder,
                                                          Services& services) {
  auto opened = DropFolder::open(folder);
  if (!opened) return std::unexpected(std::move(opened.error()));
  Descriptor stop(::eventfd(0, EFD_CLOEXEC));
  if (!stop) return base::permanent({5, 3, 5}, std::string("no eventfd: ") + std::strerror(errno));
  if (opened->aside() > 0) sys::log::warning("submissions_aside", {{"files", opened->aside()}});
  return std::unique_ptr<Collector>(new Collector(std::move(*opened), std::move(stop), services));
}

Collector::~Collector() {
  stopping_ = true;
  const std::uint64_t one = 1;
  if (::write(stop_.get(), &one, sizeof one) != sizeof one) std::abort();
  thread_.join();
}

void Collector::run() {
  sys::name_this_thread("collector");
  while (!stopping_) {
    folder_.clear_watch();  // before looking, so that what comes meanwhile is told
    wait(pass() ? kLookAgain : kTryAgain);
  }
}

void Collector::wait(base::Milliseconds at_most) {
  std::array<pollfd, 2> set{pollfd{folder_.watch(), POLLIN, 0}, pollfd{stop_.get(), POLLIN, 0}};
  ::poll(set.data(), set.size(), static_cast<int>(at_most.count()));
}

bool Collector::pass() {
  bool all = true;
  bool any_gone = false;
  folder_.for_each([&](const std::string& name) {
    if (stopping_) return false;
    const bool gone = collect(name) == Done::gone;
    all = all && gone;
    any_gone = any_gone || gone;
    return true;
  });
  if (any_gone) folder_.sync();
  return all;
}

Collector::Done Collector::collect(const std::string& name) {
  const auto& limits = services_.setting().config->limits;
  const auto file = folder_.open_file(name, limits.message_size + limits.header_size);
  if (file) return bring(name, *file);
  if (!file.error().gone) folder_.set_aside(name, file.error());
  return Done::gone;
}

Collector::Done Collector::bring(const std::string& name, const DropFile& file) {
  const auto aside = [&](std::string why) {
    folder_.set_aside(name, {.why = std::move(why), .uid = file.uid});
    return Done::gone;
  };
  const auto refused = [&](const Reply& said) {
    if (said.temporary()) return Done::later;
    return aside("refused: " + std::to_string(said.code) + ' ' + said.text);
  };
  const config::Listener listener = submit_listener();
  const LocalUser user = local_user(file.uid);
  Peer peer;
  peer.user = user;
  Dialog dialog(services_, listener, std::move(peer));
  const auto& config = *dialog.setting().config;
  if (file.head.header > config.limits.header_size) return aside("its header section is too large");
  const std::string header = file.read(file.content_at, file.head.header);
  if (header.size() != file.head.header) return aside("the file became shorter");
  auto message = wire::submit::outgoing(file.head.submission, user.name, config.hostname, header);
  if (!message) return aside(message.error().text);

  if (const auto said = dialog.greeting(); !said.positive()) return refused(said);
  dialog.handle(wire::smtp::Ehlo{config.hostname.ascii()});
  message->mail.size = message->header.size() + 2 + file.head.body;
  if (const auto said = dialog.handle(message->mail); !said.positive()) return refused(said);
  std::vector<mail::Recipient> failed;
  for (const auto& rcpt : message->rcpts) {
    const Reply said = say_rcpt(dialog, rcpt);
    if (said.temporary()) return Done::later;
    if (!said.positive()) failed.push_back(refused_recipient(rcpt, said));
  }
  auto draft = services_.queue.open_draft();
  if (!draft) return Done::later;
  Transfer transfer(config.limits, std::move(*draft));
  if (services_.queue.wants_body_hash(dialog.origin())) transfer.want_signatures();
  if (!fill(file, message->header, transfer)) return Done::later;
  if (const auto why = transfer.refusal()) return refused(*why);
  return commit(name, dialog, transfer, std::move(failed));
}

bool Collector::fill(const DropFile& file, const std::string& header, Transfer& transfer) {
  // False: the store may still be at work on the draft, which can only be dropped.
  const auto flushed = [&] {
    if (!transfer.wants_flush()) return true;
    const auto done = wait_for<base::Result<void>>(
        [&](auto completion) { services_.queue.flush(transfer.draft(), std::move(completion)); });
    return done && *done;
  };
  transfer.take_chunk(header);
  transfer.take_chunk("\r\n");
  for (std::uint64_t taken = 0; taken < file.head.body;) {
    if (!flushed()) return false;
    const auto piece = file.read(file.content_at + file.head.header + taken,
                                 std::min<std::uint64_t>(kPiece, file.head.body - taken));
    if (piece.empty()) {
      transfer.give_up(mail::reply(554, 6, 0, "the file became shorter"));
      break;
    }
    transfer.take_chunk(piece);
    taken += piece.size();
  }
  transfer.finish_chunks();
  return flushed();
}

Collector::Done Collector::commit(const std::string& name, const Dialog& dialog, Transfer& transfer,
                                  std::vector<mail::Recipient> failed) {
  auto envelope = dialog.envelope(transfer.size());
  envelope.origin.protocol.clear();
  const auto verdict = policy::judge_content(*dialog.setting().config, envelope, transfer.header());
  if (verdict.refusal) {
    folder_.set_aside(name, {.why = "refused: " + verdict.refusal->text, .uid = dialog.peer().user->uid});
    return Done::gone;
  }
  for (std::size_t i = 0; i < envelope.recipients.size(); ++i) {
    if (!verdict.recipients[i]) continue;
    envelope.recipients[i].state = mail::RecipientState::untold;
    envelope.recipients[i].last = mail::Outcome{.action = mail::Action::failed,
                                                .reply = *verdict.recipients[i],
                                                .relay = "local",
                                                .detail = {},
                                                .at = {}};
  }
  for (auto& alias : dialog.expanded()) envelope.recipients.push_back(alias.recipient);
  std::ranges::move(failed, std::back_inserter(envelope.recipients));
  bool anybody = false;  // is to get it, or to hear of it
  for (auto& one : envelope.recipients) {
    if (one.last) one.last->at = envelope.received;
    anybody = anybody || !one.last || queue::wants_notice(envelope, one, *one.last);
  }
  const auto client = dialog.peer().name();
  const std::string from = envelope.reverse_path.to_string();
  const std::size_t recipients = envelope.recipients.size();
  if (!anybody) {
    for (const auto& one : envelope.recipients)
      sys::log::warning("failed", {{"from", from},
                                   {"to", one.final.to_string()},
                                   {"client", client},
                                   {"reply", one.last->reply.text},
                                   {"told", "nobody"}});
    folder_.remove(name);
    return Done::gone;
  }
  auto decisions = dialog.decisions();
  decisions.emplace_back("collected from the drop folder");
  // RFC 8601 5
  auto edits = wire::authres::removal(transfer.header(), dialog.setting().config->hostname.ascii());
  const auto id = wait_for<base::Result<base::MessageId>>([&](auto completion) {
    services_.queue.accept({.envelope = std::move(envelope),
                            .draft = transfer.release(),
                            .edits = std::move(edits),
                            .decisions = std::move(decisions),
                            .content = transfer.facts()},
                           std::move(completion));
  });
  if (!id || !*id) return Done::later;
  counts::accepted(dialog.listener().mode, transfer.size(), recipients);
  folder_.remove(name);
  sys::log::info("accepted", {{"id", (*id)->to_string()},
                              {"from", from},
                              {"recipients", recipients},
                              {"size", transfer.size()},
                              {"client", client},
                              {"proto", "drop"},
                              {"listener", dialog.listener().name()}});
  return Done::gone;
}

}  // namespace postrider::receive
