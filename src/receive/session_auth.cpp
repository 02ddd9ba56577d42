// AUTH: a dialog within the dialog. RFC 4954 4
#include <boost/asio/error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/system/system_error.hpp>

#include "receive/login.hpp"
#include "receive/session.hpp"
#include "sys/random.hpp"
#include "wire/base64.hpp"

namespace postrider::receive {

using boost::asio::awaitable;
using mail::reply;
using mail::Reply;

namespace {

using namespace wire::sasl;

constexpr std::size_t kNonce = 18;  // octets: 24 characters of base64

// RFC 4954 4
Reply not_base64() { return reply(501, 5, 2, "that is not base64"); }

bool is_end(const Step& step) {
  return std::holds_alternative<Success>(step) || std::holds_alternative<Refused>(step) ||
         std::holds_alternative<Malformed>(step);
}

// "=" stands for an empty response, which could not be said otherwise on the line of the command. RFC 4954 4
std::optional<std::string> decode_initial(const std::string& text) {
  return text == "=" ? std::string() : wire::from_base64(text);
}

}  // namespace

awaitable<Session::Next> Session::handle_auth(wire::smtp::Auth command) {
  const auto begun = dialog_.begin_auth(command);
  if (const auto* refusal = std::get_if<Reply>(&begun)) {
    log_refusal(*refusal, "AUTH");
    co_return co_await answer(*refusal);
  }
  const auto mechanism = std::get<Mechanism>(begun);
  std::optional<std::string> initial;
  if (command.initial && !(initial = decode_initial(*command.initial)))
    co_return co_await answer(dialog_.auth_failed(not_base64()));
  const auto exchange =
      make_exchange(mechanism, {.nonce = wire::to_base64(sys::system_random().bytes(kNonce)),
                                .channel_binding = dialog_.channel_binding()});
  Login login(services_, dialog_.setting().config, dialog_.login_client(), mechanism);
  Step step = exchange->begin(std::move(initial));
  while (!is_end(step)) {
    if (auto* challenge = std::get_if<Challenge>(&step)) {
      const auto said = co_await ask_client(std::move(challenge->octets));
      if (!said) co_return co_await end_auth(said.error());
      step = exchange->respond(*said);
      continue;
    }
    set_deadline(Login::patience(*dialog_.setting().config));
    const auto settled = co_await login.settle(std::move(step));
    if (!settled) co_return co_await end_auth(settled.error());
    step = exchange->answer(*settled);
  }
  if (std::holds_alternative<Success>(step))
    co_return co_await answer(dialog_.authenticated(login.succeed()));
  if (const auto* malformed = std::get_if<Malformed>(&step))
    co_return co_await end_auth(dialog_.auth_failed(reply(501, 5, 2, malformed->what)));
  login.fail(std::get<Refused>(step).why);
  // One answer to all who are refused, so that nobody learns who exists. RFC 4954 6
  co_return co_await end_auth(dialog_.auth_failed(reply(535, 7, 8, "authentication credentials invalid")));
}

awaitable<Session::Next> Session::end_auth(Reply said) {
  log_refusal(said, "AUTH");
  const bool over = said.code == 421 || said.code == 554 || said.code == 500;
  const auto next = co_await answer(std::move(said));
  co_return over ? Next::close : next;
}

awaitable<std::expected<std::string, Reply>> Session::ask_client(std::string challenge) {
  using wire::smtp::LineResult;
  // What came before the question is no answer to it.
  if (begin_ != end_)
    co_return std::unexpected(reply(554, 5, 0, "you must wait for my reply before you go on"));
  co_await answer(mail::plain_reply(334, wire::to_base64(challenge)));
  co_await send_replies();
  set_deadline(dialog_.setting().config->timeouts.command);  // once for the whole line
  wire::smtp::Line line;
  while ((line = wire::smtp::next_line(input(), wire::smtp::kMaxAuthLine)).result == LineResult::need_more) {
    waiting_for_command_ = true;
    const bool more = co_await fill();
    waiting_for_command_ = false;
    if (!more) throw boost::system::system_error(boost::asio::error::eof);
  }
  const std::string said(line.text);
  consume(line.consumed);
  if (line.result == LineResult::too_long)
    co_return std::unexpected(reply(500, 5, 6, "the line is too long"));  // RFC 4954 6
  if (line.result != LineResult::line)
    co_return std::unexpected(reply(554, 5, 2, "lines end with CRLF, and have no NUL or CR in them"));
  if (said == "*") co_return std::unexpected(reply(501, 7, 0, "cancelled as you wish"));
  auto octets = wire::from_base64(said);
  if (!octets) co_return std::unexpected(dialog_.auth_failed(not_base64()));
  co_return *std::move(octets);
}

}  // namespace postrider::receive
