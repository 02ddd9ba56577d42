#include "receive/session.hpp"

#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/system/system_error.hpp>
#include <cstring>
#include <utility>

#include "base/ascii.hpp"
#include "net/await_posted.hpp"
#include "receive/counts.hpp"
#include "receive/farewell.hpp"
#include "sys/log.hpp"
#include "wire/proxy/proxy_header.hpp"
#include "wire/smtp/line_splitter.hpp"
#include "wire/smtp/reply.hpp"

namespace postrider::receive {

using boost::asio::awaitable;
using mail::reply;
using mail::Reply;

namespace {

constexpr base::Milliseconds kProxyTime = std::chrono::seconds(5);
// Pipelined commands, or full buffers, in a row, before other sessions of the thread have their turn. One can take a
// millisecond.
constexpr std::uint32_t kTurn = 32;

bool was_cancelled(const boost::system::system_error& error) {
  return error.code() == boost::asio::error::operation_aborted;
}

}  // namespace

Session::Session(Services& services, const config::Listener& listener, std::unique_ptr<net::Stream> stream,
                 Peer peer, Admission& admission, Admission::Place place)
    : services_(services),
      admission_(admission),
      place_(std::move(place)),
      stream_(std::move(stream)),
      dialog_(services, listener, std::move(peer)),
      session_ends_(std::chrono::steady_clock::now() + dialog_.setting().config->timeouts.session),
      watchdog_(stream_->executor(), [this] { stream_->cancel(); }) {}

Session::~Session() { give_back_buffer(); }

awaitable<void> Session::run() {
  bool timed_out = false;
  try {
    co_await converse();
  } catch (const boost::system::system_error& error) {
    // The client went away, or a deadline or a shutdown cut a wait short.
    if (!was_cancelled(error)) co_return;
    timed_out = watchdog_.expired();
    if (!timed_out && !shutting_down_) co_return;
  }
  try {
    const auto& host = dialog_.setting().config->hostname.ascii();
    if (timed_out) {
      co_await answer(reply(421, 4, 2, host + " timeout, closing the connection"));  // RFC 5321 4.5.3.2.7
    } else if (shutting_down_ && !dialog_.wants_close()) {
      co_await answer(reply(421, 3, 2, host + " is shutting down, try again later"));  // RFC 5321 3.8
    }
    watchdog_.clear();
    co_await say_and_close(*stream_, std::exchange(replies_, {}),
                           quit_ && begin_ == end_ ? Unread::nothing : Unread::perhaps);
  } catch (const boost::system::system_error&) {
    // Gone before it heard the last word.
  }
}

void Session::shut_down() {
  shutting_down_ = true;
  if (waiting_for_command_) stream_->cancel();
}

awaitable<void> Session::converse() {
  if (co_await greet() == Next::close) co_return;
  for (std::uint32_t commands = 1; co_await next_command() == Next::go_on; ++commands) {
    if (dialog_.wants_close() || shutting_down_) co_return;
    if (commands % kTurn == 0) co_await boost::asio::post(stream_->executor(), boost::asio::use_awaitable);
  }
}

awaitable<Session::Next> Session::greet() {
  const auto& listener = dialog_.listener();
  for (const auto& network : listener.proxy_protocol) {
    if (!network.contains(dialog_.peer().address)) continue;
    if (co_await read_proxy_header() == Next::close) co_return Next::close;
    break;
  }
  if (listener.tls == config::ListenerTls::implicit) {
    auto pass = may_begin_tls();
    if (!pass) co_return Next::close;
    co_await begin_tls(*std::move(pass));
  }
  // A local program may send all it has to say at once, as with `sendmail -bs < commands`: nobody else gets between its words.
  if (dialog_.peer().user) co_return co_await answer(dialog_.greeting());
  // A client must wait for the greeting. RFC 5321 4.3.1
  bool talked = begin_ != end_;
  if (!talked && listener.greeting_delay.count() > 0) {
    set_deadline(listener.greeting_delay);
    try {
      co_await stream_->wait_readable();
    } catch (const boost::system::system_error& error) {
      if (!was_cancelled(error) || !watchdog_.expired()) throw;
    }
  }
  if (!talked) {
    char first = 0;
    if (const auto got = stream_->try_read(&first, 1)) {
      if (*got == 0) co_return Next::close;
      talked = true;
    }
  }
  if (talked) co_return co_await refuse_early_talk();
  co_return co_await answer(dialog_.greeting());
}

awaitable<Session::Next> Session::refuse_early_talk() {
  const auto refusal = reply(554, 5, 0, "you must wait for my reply before you go on");
  log_refusal(refusal, "early talk");
  co_await answer(refusal);
  co_return Next::close;
}

awaitable<Session::Next> Session::read_proxy_header() {
  set_deadline(kProxyTime);
  for (;;) {
    const auto parsed = wire::proxy::parse_header(input());
    if (parsed) {
      consume(parsed->consumed);
      if (!parsed->header.source) co_return Next::go_on;  // the proxy's own health check
      co_return co_await admit_proxied(*parsed->header.source);
    }
    if (parsed.error() == wire::proxy::ProxyFault::malformed) {
      sys::log::warning("bad_proxy_header", {{"client", dialog_.peer().name()}});
      co_return Next::close;
    }
    if (!co_await fill()) co_return Next::close;
  }
}

// The place that the proxy's connection took is its client's from here on.
awaitable<Session::Next> Session::admit_proxied(wire::proxy::Endpoint client) {
  dialog_.set_client(client.address, client.port);
  place_ = {};
  const auto config = dialog_.setting().config;
  const auto answered =
      admission_.enter(client.address, config->limits.connections, config->limits.connections_per_client);
  if (answered == Admission::Answer::admitted) {
    place_ = Admission::Place(admission_, client.address);
    co_return Next::go_on;
  }
  counts::connections_refused.count(static_cast<std::size_t>(answered) - 1);
  co_await answer(no_place(*config, answered));
  co_return Next::close;
}

awaitable<Session::Next> Session::next_command() {
  using wire::smtp::LineResult;
  auto line = wire::smtp::next_line(input(), line_limit());
  if (line.result == LineResult::need_more) {
    co_await send_replies();
    set_deadline(dialog_.setting().config->timeouts.command);  // once: an octet now and then buys no time
  }
  while (line.result == LineResult::need_more) {
    waiting_for_command_ = true;
    const bool more = co_await fill();
    waiting_for_command_ = false;
    if (!more) co_return Next::close;
    line = wire::smtp::next_line(input(), line_limit());
  }
  if (line.result == LineResult::line) co_return co_await obey(line);
  consume(line.consumed);
  if (line.result == LineResult::too_long) {
    co_await answer(reply(554, 5, 2, "command line too long"));  // RFC 5321 4.5.3.1.4
    co_return Next::close;
  }
  // A command with a bare LF is how one message is smuggled inside another: nothing after it can be trusted.
  const auto refusal = line.result == LineResult::bare_lf
                           ? reply(554, 6, 0, "bare LF in a command: lines end with CRLF")
                           : reply(554, 5, 2, "NUL or bare CR in a command");
  log_refusal(refusal, "command");
  co_await answer(refusal);
  co_return Next::close;
}

awaitable<Session::Next> Session::obey(wire::smtp::Line line) {
  auto command = wire::smtp::parse_command(line.text, dialog_.rules(line.text));
  const bool http = !command && wire::smtp::is_http(line.text);
  const std::string verb(line.text.substr(0, line.text.find(' ')));
  const bool must_wait = command && must_be_last(*command);
  consume(line.consumed);
  if (http) {
    co_await answer(command.error());
    co_return Next::close;
  }
  if (command && std::holds_alternative<wire::smtp::StartTls>(*command)) co_return co_await handle_starttls();
  if (begin_ != end_ && must_wait) co_return co_await refuse_early_talk();
  if (!command) {
    const auto next = co_await answer(command.error());
    // How long the chunk is can't be known: what follows may be its octets, and no commands.
    co_return base::iequals(verb, "BDAT") ? Next::close : next;
  }
  if (std::holds_alternative<wire::smtp::Data>(*command)) co_return co_await handle_data();
  if (const auto* chunk = std::get_if<wire::smtp::Bdat>(&*command)) co_return co_await handle_bdat(*chunk);
  if (auto* auth = std::get_if<wire::smtp::Auth>(&*command)) co_return co_await handle_auth(std::move(*auth));
  Reply said;
  if (auto* rcpt = std::get_if<wire::smtp::Rcpt>(&*command)) {
    said = co_await handle_rcpt(std::move(*rcpt));
  } else {
    said = dialog_.handle(*command);
    quit_ = std::holds_alternative<wire::smtp::Quit>(*command);
    if (const auto* mail = std::get_if<wire::smtp::Mail>(&*command); mail && said.positive()) {
      transaction_ends_ = std::chrono::steady_clock::now() + dialog_.setting().config->timeouts.transaction;
    }
    if (!dialog_.in_transaction()) drop_transfer();  // RSET and EHLO drop the chunks that came
  }
  if (!said.positive()) log_refusal(said, verb);
  co_return co_await answer(std::move(said));
}

// EHLO and DATA end a group, and without PIPELINING every command does. RFC 2920 3.1
bool Session::must_be_last(const wire::smtp::Command& command) const {
  using namespace wire::smtp;
  if (dialog_.peer().user) return false;  // see greet()
  return !dialog_.pipelining() || std::holds_alternative<Data>(command) ||
         std::holds_alternative<Helo>(command) || std::holds_alternative<Ehlo>(command) ||
         std::holds_alternative<Lhlo>(command) || std::holds_alternative<StartTls>(command) ||
         std::holds_alternative<Auth>(command) || std::holds_alternative<Xclient>(command);
}

// Of AUTH the initial response makes it long. RFC 4954 4
std::size_t Session::line_limit() const {
  return base::istarts_with(input(), "AUTH ") ? wire::smtp::kMaxAuthLine : wire::smtp::kMaxCommandLine;
}

awaitable<Reply> Session::handle_rcpt(wire::smtp::Rcpt command) {
  auto verdict = dialog_.rcpt(command);
  if (auto* said = std::get_if<Reply>(&verdict)) co_return std::move(*said);
  const auto question = std::get<ProbeNeeded>(std::move(verdict));
  // The probe has its own deadline; ours is only there so that its failure can't hold the session.
  const auto patience = dialog_.setting().config->timeouts.probe + std::chrono::seconds(5);
  const auto told = co_await net::await_posted<Reply>(
      patience, [&](auto done) { services_.probe.ask(question.recipient, std::move(done)); });
  co_return dialog_.probed(command, question, told.value_or(reply(450, 4, 1, "the next hop gave no answer")));
}

awaitable<Session::Next> Session::answer(Reply said) {
  counts::refused(said);
  const auto enough = dialog_.count(said);
  // A good word that was earned (250 for a message!) is never taken back; the 421 follows it.
  if (!enough || said.positive()) wire::smtp::encode(said, replies_);
  if (enough) wire::smtp::encode(*enough, replies_);
  if (replies_.size() > kReplyBytes) co_await send_replies();
  co_return enough || dialog_.wants_close() ? Next::close : Next::go_on;
}

// The octets stay where they are until the next suspension.
void Session::consume(std::size_t octets) {
  begin_ += octets;
  if (begin_ != end_) return;
  begin_ = end_ = 0;
  give_back_buffer();
}

// One that is used again at once is still in the processor's cache; one for each session that waits is not.
void Session::give_back_buffer() {
  if (buffer_) BufferPool::give_back(std::move(buffer_));
}

awaitable<bool> Session::fill() {
  for (;;) {
    if (std::exchange(drained_, false)) {
      if (begin_ == end_) give_back_buffer();
      co_await stream_->wait_readable();
    }
    if (!buffer_) buffer_ = BufferPool::take();
    if (end_ == kReadBuffer) {
      std::memmove(buffer_.get(), buffer_.get() + begin_, end_ - begin_);
      end_ -= begin_;
      begin_ = 0;
    }
    if (const auto got = stream_->try_read(buffer_.get() + end_, kReadBuffer - end_)) {
      drained_ = *got < kReadBuffer - end_;
      end_ += *got;
      // A client that is always faster than we read must not keep the thread for itself.
      if (++reads_ % kTurn == 0) co_await boost::asio::post(stream_->executor(), boost::asio::use_awaitable);
      co_return *got > 0;
    }
    drained_ = true;
  }
}

awaitable<void> Session::send_replies() {
  if (replies_.empty()) co_return;
  const std::string out = std::exchange(replies_, {});
  // A deadline that passed while something else was awaited is spent, and would let a client that never reads stay.
  set_deadline(dialog_.setting().config->timeouts.command);
  co_await stream_->write_all(out);
}

void Session::set_deadline(base::Milliseconds from_now) {
  auto deadline = std::min(std::chrono::steady_clock::now() + from_now, session_ends_);
  if (dialog_.in_transaction()) deadline = std::min(deadline, transaction_ends_);
  stream_->resume();
  watchdog_.set(deadline);
}

void Session::log_refusal(const Reply& said, std::string_view command) const {
  sys::log::info("refused", {{"client", dialog_.peer().address.to_string()},
                             {"listener", dialog_.listener().name()},
                             {"helo", dialog_.helo()},
                             {"command", command},
                             {"code", said.code},
                             {"dsn", said.enhanced ? said.enhanced->to_string() : std::string()},
                             {"reply", said.text}});
}

}  // namespace postrider::receive
