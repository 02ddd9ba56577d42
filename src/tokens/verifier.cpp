#include "tokens/verifier.hpp"

#include <openssl/evp.h>

#include <atomic>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <list>
#include <thread>
#include <unordered_map>

#include "sys/log.hpp"
#include "sys/thread_name.hpp"
#include "tokens/json.hpp"
#include "wire/base64.hpp"

namespace postrider::tokens {

namespace asio = boost::asio;
using asio::awaitable;

namespace {

constexpr base::Milliseconds kPatience = std::chrono::seconds(10);  // with one request
constexpr std::chrono::seconds kKeysFor = std::chrono::minutes(10);
constexpr std::chrono::seconds kKeysAtLeast = std::chrono::minutes(1), kKeysAtMost = std::chrono::hours(24);
constexpr std::chrono::seconds kFetchPause(30);
constexpr base::Milliseconds kRememberAtMost = std::chrono::seconds(60);

std::string hash_of(const std::string& token) {
  std::string hash(32, '\0');
  if (EVP_Digest(token.data(), token.size(), reinterpret_cast<unsigned char*>(hash.data()), nullptr,
                 EVP_sha256(), nullptr) != 1)
    std::abort();
  return hash;
}

}  // namespace

// All but `waiting` belongs to the thread.
struct Verifier::Inside {
  Inside(std::function<config::OAuth()> its_settings, HttpParts its_parts, sys::Clock& its_clock)
      : settings(std::move(its_settings)), parts(its_parts), clock(its_clock) {}

  using Done = std::function<void(base::Result<Owner>)>;
  awaitable<void> answer(std::string token, Done done);
  awaitable<base::Result<Owner>> owner_of(std::string token);
  awaitable<base::Result<Owner>> by_keys(config::OAuth oauth, Jws jws);
  awaitable<std::optional<base::Failure>> need_keys(config::OAuth oauth, std::string key_id);
  awaitable<std::optional<base::Failure>> fetch_keys(config::OAuth oauth);
  awaitable<base::Result<Owner>> by_introspection(config::OAuth oauth, std::string token);
  void remember(const std::string& hash, const base::Result<Owner>& verdict);

  std::function<config::OAuth()> settings;
  HttpParts parts;
  sys::Clock& clock;
  std::atomic<std::size_t> waiting = 0;

  std::optional<KeySet> keys;
  std::string keys_from;
  base::SteadyTime keys_fresh_until, keys_usable_until, next_fetch;
  std::shared_ptr<asio::steady_timer> fetching;  // cancelled when the fetch is over

  struct Remembered {
    base::Result<Owner> verdict;
    base::UtcTime until;
    std::list<std::string>::iterator place;
  };
  std::unordered_map<std::string, Remembered> remembered;
  std::list<std::string> oldest_first;

  asio::io_context context{1};
  asio::executor_work_guard<asio::io_context::executor_type> work{context.get_executor()};
  std::thread thread;  // last: it uses the rest
};

Verifier::Verifier(std::function<config::OAuth()> settings, HttpParts parts, sys::Clock& clock)
    : inside_(std::make_unique<Inside>(std::move(settings), parts, clock)) {
  inside_->thread = std::thread([inside = inside_.get()] {
    sys::name_this_thread("tokens");
    inside->context.run();
  });
}

Verifier::~Verifier() {
  inside_->context.stop();
  inside_->thread.join();
}

void Verifier::check(std::string token, std::function<void(base::Result<Owner>)> done) {
  if (++inside_->waiting > kMostWaiting) {
    --inside_->waiting;
    return done(base::temporary({4, 7, 0}, "can't check that just now", "too many tokens wait"));
  }
  asio::co_spawn(inside_->context, inside_->answer(std::move(token), std::move(done)), asio::detached);
}

awaitable<void> Verifier::Inside::answer(std::string token, Done done) {
  auto verdict = co_await owner_of(std::move(token));
  --waiting;
  done(std::move(verdict));
}

awaitable<base::Result<Owner>> Verifier::Inside::owner_of(std::string token) {
  auto oauth = settings();
  if (!oauth.introspection.text.empty())
    co_return co_await by_introspection(std::move(oauth), std::move(token));
  auto jws = parse_jws(token);
  if (!jws) co_return std::unexpected(jws.error());
  co_return co_await by_keys(std::move(oauth), std::move(*jws));
}

awaitable<base::Result<Owner>> Verifier::Inside::by_keys(config::OAuth oauth, Jws jws) {
  if (const auto failure = co_await need_keys(oauth, jws.key_id)) co_return std::unexpected(*failure);
  if (!keys->verify(jws)) co_return refused("a token that none of the keys has signed");
  co_return judge_claims(jws.payload, {oauth.issuer, oauth.audience, oauth.claim}, clock.utc());
}

awaitable<std::optional<base::Failure>> Verifier::Inside::need_keys(config::OAuth oauth, std::string key_id) {
  while (fetching) {
    const auto under_way = fetching;
    boost::system::error_code over;
    co_await under_way->async_wait(asio::redirect_error(asio::use_awaitable, over));
  }
  const auto now = clock.steady();
  const bool ours = keys && keys_from == oauth.jwks.text;
  const bool fresh = ours && now < keys_fresh_until && (key_id.empty() || keys->has(key_id));
  if (fresh || (ours && now < next_fetch)) co_return std::nullopt;
  if (now < next_fetch)
    co_return base::Failure{{4, 7, 0}, "can't check that just now", "the keys could not be had a moment ago"};
  fetching = std::make_shared<asio::steady_timer>(context, asio::steady_timer::time_point::max());
  auto failure = co_await fetch_keys(oauth);
  std::exchange(fetching, nullptr)->cancel();
  if (!failure) co_return std::nullopt;
  sys::log::warning("jwks_not_fetched", {{"reason", failure->log_text()}});
  if (ours && clock.steady() < keys_usable_until) co_return std::nullopt;
  co_return failure;
}

awaitable<std::optional<base::Failure>> Verifier::Inside::fetch_keys(config::OAuth oauth) {
  next_fetch = clock.steady() + kFetchPause;
  auto answer = co_await fetch(parts, {.url = oauth.jwks}, kPatience);
  if (!answer) co_return answer.error();
  auto parsed = KeySet::parse(answer->body);
  if (!parsed) co_return base::Failure{{4, 7, 0}, "can't check that just now", parsed.error().log_text()};
  keys = std::move(*parsed);
  keys_from = oauth.jwks.text;
  keys_fresh_until =
      clock.steady() + std::clamp(answer->max_age.value_or(kKeysFor), kKeysAtLeast, kKeysAtMost);
  keys_usable_until = clock.steady() + kKeysAtMost;
  co_return std::nullopt;
}

awaitable<base::Result<Owner>> Verifier::Inside::by_introspection(config::OAuth oauth, std::string token) {
  if (token.size() > kMostToken) co_return refused("a token of more than 8192 octets");
  const std::string hash = hash_of(token);
  if (const auto known = remembered.find(hash);
      known != remembered.end() && clock.utc() < known->second.until)
    co_return known->second.verdict;
  HttpRequest request{
      .url = oauth.introspection,
      .form = "token=" + form_encode(token) + "&token_type_hint=access_token"};  // RFC 7662 2.1
  if (!oauth.client_id.empty())                                                  // RFC 6749 2.3.1
    request.authorization =
        "Basic " + wire::to_base64(form_encode(oauth.client_id) + ':' + form_encode(oauth.client_secret));
  auto answer = co_await fetch(parts, std::move(request), kPatience);
  if (!answer) co_return std::unexpected(answer.error());
  const auto said = parse_object(answer->body);
  const auto* active = said ? said->if_contains("active") : nullptr;
  if (!active || !active->is_bool())
    co_return base::temporary({4, 7, 0}, "can't check that just now",
                              "the introspection's answer has no \"active\"");
  base::Result<Owner> verdict = refused("a token that is not active");
  if (active->get_bool()) {
    const Expected expected{
        .issuer = oauth.issuer, .audience = oauth.audience, .claim = oauth.claim, .may_lack_expiry = true};
    verdict = judge_claims(answer->body, expected, clock.utc());
  }
  remember(hash, verdict);
  co_return verdict;
}

void Verifier::Inside::remember(const std::string& hash, const base::Result<Owner>& verdict) {
  if (const auto known = remembered.find(hash); known != remembered.end()) {
    oldest_first.erase(known->second.place);
    remembered.erase(known);
  }
  if (remembered.size() >= kMostRemembered) {
    remembered.erase(oldest_first.front());
    oldest_first.pop_front();
  }
  base::UtcTime until = clock.utc() + kRememberAtMost;
  if (verdict) until = std::min(until, verdict->until);
  oldest_first.push_back(hash);
  remembered.emplace(hash, Remembered{verdict, until, std::prev(oldest_first.end())});
}

}  // namespace postrider::tokens
