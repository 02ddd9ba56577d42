// TlsServer: which certificate whom is shown.
#include <openssl/err.h>

#include <algorithm>
#include <cstdlib>
#include <map>

#include "base/ascii.hpp"
#include "net/tls_context.hpp"
#include "net/tls_error.hpp"
#include "net/tls_settings.hpp"

namespace postrider::net {
namespace {

// Tickets of one context are taken by every other: they are all this server.
constexpr unsigned char kSessionContext[] = "postrider";
constexpr long kSessionSeconds = std::chrono::seconds(TlsTickets::kPeriod).count();

using Certificates = std::vector<std::shared_ptr<const TlsCertificate>>;

// Those that fit, at most one of each kind of key.
template <class Fits>
Certificates choose(const Certificates& all, Fits fits) {
  Certificates chosen;
  for (const auto& one : all) {
    const auto same_kind = [&](const auto& each) { return each->kind() == one->kind(); };
    if (fits(*one) && std::ranges::none_of(chosen, same_kind)) chosen.push_back(one);
  }
  return chosen;
}

std::expected<base::SslCtxPtr, std::string> make_context(const Certificates& certificates,
                                                         const TlsServerOptions& options,
                                                         TlsTickets& tickets) {
  auto context = make_tls_context(TLS_server_method(), kIntermediate);
  SSL_CTX* made = context.get();
  SSL_CTX_set_dh_auto(made, 1);
  for (const auto& one : certificates)
    if (!one->use_in(made)) return std::unexpected("a certificate can't be used: " + take_tls_words());
  SSL_CTX_set_session_cache_mode(made, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_session_id_context(made, kSessionContext, sizeof kSessionContext - 1);
  SSL_CTX_set_timeout(made, kSessionSeconds);
  SSL_CTX_set_num_tickets(made, 1);
  tickets.use_in(made);
  if (options.client_ca.empty()) return context;
  if (SSL_CTX_load_verify_locations(made, options.client_ca.c_str(), nullptr) != 1)
    return std::unexpected(options.client_ca + " can't be used: " + take_tls_words());
  if (auto* names = SSL_load_client_CA_file(options.client_ca.c_str()))
    SSL_CTX_set_client_CA_list(made, names);
  // Asked for, never required: what it is worth the session has to decide.
  SSL_CTX_set_verify(made, SSL_VERIFY_PEER, nullptr);
  only_note_certificates(made);
  return context;
}

}  // namespace

struct TlsServer::Contexts {
  SSL_CTX* fallback = nullptr;                   // for who names no host, or one that we don't have
  std::map<Certificates, base::SslCtxPtr> made;  // each set of certificates once
  std::map<std::string, SSL_CTX*> named;         // by name, "*.example.net" among them

  SSL_CTX* find(std::string_view host) const {
    const std::string name = base::lower(host);
    if (const auto exact = named.find(name); exact != named.end()) return exact->second;
    const auto dot = name.find('.');
    if (dot == std::string::npos) return nullptr;
    const auto wild = named.find('*' + name.substr(dot));
    return wild == named.end() ? nullptr : wild->second;
  }

  // An unknown name is no error: the client sees by the certificate who we are. RFC 6066 3
  static int on_server_name(SSL* ssl, int*, void* argument) {
    const char* name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
    SSL_CTX* found = name ? static_cast<const Contexts*>(argument)->find(name) : nullptr;
    if (found) SSL_set_SSL_CTX(ssl, found);
    return SSL_TLSEXT_ERR_OK;
  }
};

TlsServer::TlsServer(sys::Clock& clock, sys::Random& random) : tickets_(clock, random) {}

std::expected<void, std::string> TlsServer::use(const TlsServerOptions& options) {
  auto next = std::make_shared<Contexts>();
  const auto context_of = [&](const Certificates& certificates) -> std::expected<SSL_CTX*, std::string> {
    auto& place = next->made[certificates];
    if (!place) {
      auto context = make_context(certificates, options, tickets_);
      if (!context) return std::unexpected(context.error());
      place = *std::move(context);
    }
    return place.get();
  };
  const auto& all = options.certificates;
  for (const auto& one : all) {
    for (const std::string& name : one->names()) {
      if (next->named.contains(name)) continue;
      const auto context = context_of(choose(all, [&](const TlsCertificate& each) {
        return std::ranges::find(each.names(), name) != each.names().end();
      }));
      if (!context) return std::unexpected(context.error());
      next->named.emplace(name, *context);
    }
  }
  auto ours = choose(all, [&](const TlsCertificate& each) { return each.is_for(options.hostname); });
  if (ours.empty()) {
    ours = choose(all, [&](const TlsCertificate& each) { return each.names() == all.front()->names(); });
  }
  const auto fallback = context_of(ours);
  if (!fallback) return std::unexpected(fallback.error());
  next->fallback = *fallback;
  SSL_CTX_set_tlsext_servername_callback(next->fallback, Contexts::on_server_name);
  SSL_CTX_set_tlsext_servername_arg(next->fallback, next.get());
  const std::lock_guard lock(mutex_);
  contexts_ = std::move(next);
  return {};
}

std::shared_ptr<const TlsServer::Contexts> TlsServer::contexts() const {
  const std::lock_guard lock(mutex_);
  return contexts_;
}

bool TlsServer::is_ready() const { return contexts() != nullptr; }

std::unique_ptr<TlsStream> TlsServer::accept(std::unique_ptr<Stream> stream, std::string early) {
  auto now = contexts();
  SSL* ssl = SSL_new(now->fallback);
  return std::make_unique<TlsStream>(
      std::move(stream),
      TlsStream::Options{.ssl = ssl, .server = true, .early = std::move(early), .keep = std::move(now)});
}

std::optional<TlsServer::Pass> TlsServer::begin_handshake(std::size_t limit) {
  if (++*handshakes_ <= limit) return Pass(handshakes_);
  --*handshakes_;
  return std::nullopt;
}

}  // namespace postrider::net
