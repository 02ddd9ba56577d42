#include "deliver/tls_survey.hpp"

#include <openssl/ssl.h>

#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/system/system_error.hpp>
#include <utility>

#include "deliver/client_connect.hpp"
#include "deliver/client_connection.hpp"
#include "deliver/client_results.hpp"
#include "net/tls_x509.hpp"
#include "wire/smtp/extensions.hpp"

namespace postrider::deliver {

using boost::asio::awaitable;
using boost::system::system_error;
using config::TlsLevel;

namespace {

constexpr std::pair<int, const char*> kVersions[] = {{TLS1_3_VERSION, "TLSv1.3"},
                                                     {TLS1_2_VERSION, "TLSv1.2"},
                                                     {TLS1_1_VERSION, "TLSv1.1"},
                                                     {TLS1_VERSION, "TLSv1.0"}};

// A connection up to where TLS may begin.
class Visit {
 public:
  Visit(const TlsQuestion& question, const boost::asio::any_io_executor& executor)
      : question_(question), connector_(executor) {}

  // Words where it can't begin.
  awaitable<std::string> arrive() {
    auto stream =
        co_await connector_.connect(question_.hop, {}, std::chrono::steady_clock::now() + question_.step);
    connection_ = std::make_unique<ClientConnection>(std::move(stream));
    if (question_.implicit) {
      offered_ = true;
      co_return std::string();
    }
    connection_->allow(question_.step);
    auto said = co_await connection_->reply();
    if (said.code != 220) co_return "the server turns us away: " + one_line(said);
    said = co_await command("EHLO " + question_.helo + "\r\n");
    if (!said.positive()) co_return "EHLO is refused: " + one_line(said);
    offered_ = wire::smtp::read_extensions(said).starttls;
    co_return std::string();
  }
  awaitable<std::string> ask_for_tls() {
    if (question_.implicit) co_return std::string();
    const auto said = co_await command("STARTTLS\r\n");
    co_return said.code == 220 ? std::string() : "STARTTLS is refused: " + one_line(said);
  }
  awaitable<void> secure(net::TlsClient& client, int version) {
    connection_->allow(question_.step);
    co_await connection_->start_tls(client, {.server_name = question_.hop.name, .only_version = version});
  }
  bool offered() const { return offered_; }
  const net::TlsStream& tls() const { return *connection_->tls(); }

 private:
  awaitable<mail::Reply> command(std::string line) {
    connection_->allow(question_.step);
    co_await connection_->send(line);
    co_return co_await connection_->reply();
  }

  const TlsQuestion& question_;
  ClientConnector connector_;
  std::unique_ptr<ClientConnection> connection_;
  bool offered_ = false;
};

void note_certificates(const net::TlsStream& tls, const TlsQuestion& question, TlsSurvey& survey) {
  const auto facts = tls.facts();
  survey.trusted = facts.peer.trusted;
  survey.distrust = facts.has_peer ? facts.peer.distrust : "it shows none";
  survey.named = tls.peer_is_one_of(question.names);
  const auto chain = tls.chain();
  for (X509* one : chain) survey.chain.push_back(net::describe(one));
  if (!chain.empty()) survey.key = net::key_of(chain.front());
}

awaitable<TlsSurvey::Version> try_version(net::TlsClient& client, const TlsQuestion& question, int version,
                                          const char* name, TlsSurvey& survey) {
  TlsSurvey::Version tried{.name = name, .taken = false, .words = {}};
  try {
    Visit visit(question, co_await boost::asio::this_coro::executor);
    tried.words = co_await visit.arrive();
    if (tried.words.empty()) tried.words = co_await visit.ask_for_tls();
    if (!tried.words.empty()) co_return tried;
    co_await visit.secure(client, version);
    tried.taken = true;
    tried.words = visit.tls().facts().cipher;
    if (survey.chain.empty()) note_certificates(visit.tls(), question, survey);
  } catch (const system_error& error) {
    tried.words = error.code().message();
  }
  co_return tried;
}

}  // namespace

awaitable<TlsSurvey> survey_tls(net::TlsClient& client, TlsQuestion question) {
  TlsSurvey survey;
  try {
    Visit visit(question, co_await boost::asio::this_coro::executor);
    survey.trouble = co_await visit.arrive();
    survey.offered = visit.offered();
  } catch (const system_error& error) {
    survey.trouble = "no answer: " + error.code().message();
  }
  if (!survey.trouble.empty() || !survey.offered) co_return survey;
  for (const auto& [version, name] : kVersions)
    survey.versions.push_back(co_await try_version(client, question, version, name, survey));
  co_return survey;
}

std::string TlsSurvey::judged_by(const policy::TlsPolicy& policy) const {
  if (!trouble.empty()) return "waits: " + trouble;
  if (policy.level == TlsLevel::none) return "goes in clear";
  const bool may = policy.level == TlsLevel::may;
  if (!offered) return may ? "goes in clear" : "waits: the server does not offer TLS";
  // The two that we speak.
  const bool spoken = versions.at(0).taken || versions.at(1).taken;
  if (!spoken) return may ? "goes in clear, as TLS fails" : "waits: TLS fails: " + versions.at(0).words;
  const std::string with = "goes with " + (versions.at(0).taken ? versions.at(0).name : versions.at(1).name);
  if (policy.level != TlsLevel::verify) return with;
  if (!trusted) return "waits: the certificate is not trusted: " + distrust;
  if (!named) return "waits: the certificate is for another name";
  return with + ", verified";
}

}  // namespace postrider::deliver
