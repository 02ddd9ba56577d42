#include "config/keys.hpp"

#include <algorithm>

#include "config/values.hpp"

namespace postrider::config {
namespace {

// differs<&Config::queue, &Queue::window>
template <auto... path>
bool differs(const Config& a, const Config& b) {
  return (a.*....*path) != (b.*....*path);
}

// Listeners are compared by place; one more or less is a change of addresses.
template <auto member>
bool listener_differs(const Config& a, const Config& b) {
  const auto both = std::min(a.listeners.size(), b.listeners.size());
  for (std::size_t i = 0; i < both; ++i)
    if (a.listeners[i].*member != b.listeners[i].*member) return true;
  return false;
}
bool endpoints_differ(const Config& a, const Config& b) {
  return a.listeners.size() != b.listeners.size() || listener_differs<&Listener::address>(a, b) ||
         listener_differs<&Listener::port>(a, b);
}

constexpr std::int64_t kSecond = 1000;
constexpr std::int64_t kMinute = 60 * kSecond;
constexpr std::int64_t kHour = 60 * kMinute;
constexpr std::int64_t kDay = 24 * kHour;
constexpr std::int64_t kKiB = 1024;
constexpr std::int64_t kMiB = 1024 * kKiB;
constexpr std::int64_t kGiB = 1024 * kMiB;
constexpr std::int64_t kTiB = 1024 * kGiB;

constexpr std::string_view kTrusted = "no network that strangers are in";
constexpr std::string_view kUrl = "https; http only of 127.0.0.1, [::1] and localhost";
constexpr std::string_view kPatterns = "user@example.com, example.com, .example.com";

using enum KeyKind;
using L = Listener;
using C = Config;

const std::vector<Spec> kSpecs{
    {"hostname", text, "domain name", "required", 0, 0, "this host's own name", nullptr},
    {"data_dir", text, "path", "required", 0, 0, "absolute", differs<&C::data_dir>},
    {"runtime_dir", text, "path", "{data_dir}/run", 0, 0, "absolute", differs<&C::runtime_dir>},
    {"user", text, "string", "none", 0, 0, "a user of this system", differs<&C::user>},
    {"threads", integer, "integer", "0", 0, 256, "", differs<&C::io_threads>},
    {"node", integer, "integer", "0", 0, 255, "", differs<&C::node>},
    {"networks", list, "list of networks", "none", 0, 0, kTrusted, nullptr},
    {"postmaster", text, "address", "none", 0, 0, "must exist where it is local", nullptr},

    {"sandbox.seccomp", boolean, "true or false", "true", 0, 0, "true, false",
     differs<&C::sandbox, &Sandbox::seccomp>},
    {"sandbox.landlock", boolean, "true or false", "true", 0, 0, "true, false",
     differs<&C::sandbox, &Sandbox::landlock>},

    {"log.format", choice, "word", "logfmt", 0, 0, "logfmt, json", differs<&C::log_format>},
    {"log.level", choice, "word", "info", 0, 0, "debug, info, warning, error", differs<&C::log_level>},

    {"listener[].address", text, "address:port", "required", 0, 0, "port 0 to 65535", endpoints_differ},
    {"listener[].mode", choice, "word", "mx", 0, 0, "mx, submission, lmtp", listener_differs<&L::mode>},
    {"listener[].tls", choice, "word", "none", 0, 0, "none, starttls, implicit", listener_differs<&L::tls>},
    {"listener[].proxy_protocol", list, "list of networks", "none", 0, 0, kTrusted,
     listener_differs<&L::proxy_protocol>},
    {"listener[].xclient", list, "list of networks", "none", 0, 0, kTrusted, listener_differs<&L::xclient>},
    {"listener[].greeting_delay", duration, "duration", "0s", 0, kMinute, "",
     listener_differs<&L::greeting_delay>},
    {"listener[].extensions", list, "list of words", "none", 0, 0, "futurerelease, deliverby, mt-priority",
     listener_differs<&L::offers>},

    {"listener[].auth", choice, "word", "by mode", 0, 0, "none, offered, required",
     listener_differs<&L::auth>},

    {"auth.mechanisms", list, "list of words", "PLAIN, LOGIN, OAUTHBEARER, XOAUTH2, EXTERNAL", 0, 0,
     "these, and SCRAM-SHA-256, SCRAM-SHA-256-PLUS", nullptr},
    {"auth.without_tls_on_loopback", boolean, "true or false", "false", 0, 0, "true, false", nullptr},
    {"auth.patience", duration, "duration", "30s", kSecond, 10 * kMinute, "", nullptr},
    {"auth.account_failures", integer, "integer", "10", 1, 1000000, "", nullptr},
    {"auth.network_failures", integer, "integer", "50", 1, 1000000, "", nullptr},
    {"auth.forget", duration, "duration", "15m", kSecond, kDay, "", nullptr},
    {"auth.never_locked", list, "list of networks", "none", 0, 0, "", nullptr},
    {"auth.oauth.jwks", text, "URL", "none", 0, 0, kUrl, nullptr},
    {"auth.oauth.introspection", text, "URL", "none", 0, 0, kUrl, nullptr},
    {"auth.oauth.client_id", text, "string", "none", 0, 0, "", nullptr},
    {"auth.oauth.client_secret", text, "string", "none", 0, 0, "", nullptr},
    {"auth.oauth.issuer", text, "string", "none", 0, 0, "", nullptr},
    {"auth.oauth.audience", text, "string", "none", 0, 0, "", nullptr},
    {"auth.oauth.claim", text, "string", "email", 0, 0, "", nullptr},
    {"auth.oauth.ca", text, "path", "none", 0, 0, "absolute", differs<&C::auth, &Auth::oauth, &OAuth::ca>},

    {"submission.repair_line_ends", boolean, "true or false", "false", 0, 0, "true, false", nullptr},
    {"submission.hide_client", boolean, "true or false", "false", 0, 0, "true, false", nullptr},

    {"authentication.check", boolean, "true or false", "true", 0, 0, "true, false", nullptr},
    {"authentication.timeout", duration, "duration", "20s", 100, 2 * kMinute, "", nullptr},
    {"authentication.undecided", choice, "word", "by_policy", 0, 0, "by_policy, accept, defer", nullptr},
    {"authentication.refuse_spf_fail", boolean, "true or false", "false", 0, 0, "true, false", nullptr},
    {"authentication.forwarders", list, "list of networks and domains", "none", 0, 0, "", nullptr},
    {"authentication.trusted_arc", list, "list of domains", "none", 0, 0, "", nullptr},
    {"dmarc.policy", choice, "word", "apply", 0, 0, "apply, quarantine, none", nullptr},
    {"dmarc.send_reports", boolean, "true or false", "false", 0, 0, "true, false", nullptr},
    {"dmarc.failure_reports", boolean, "true or false", "false", 0, 0, "true, false", nullptr},
    {"dmarc.failure_reports_per_day", integer, "integer", "10", 1, 1000, "", nullptr},
    {"dmarc.organization", text, "string", "none", 0, 0, "1 to 100 octets", nullptr},
    {"dmarc.contact", text, "address", "none", 0, 0, "with send_reports or failure_reports", nullptr},
    {"dmarc.report_address", text, "address", "none", 0, 0, "of a mailbox here", nullptr},
    {"dmarc.keep_reports", duration, "duration", "400d", kDay, 3650 * kDay, "", nullptr},

    {"tls.certificate", list, "path, or list of paths", "none", 0, 0, "absolute; at most 1000", nullptr},
    {"tls.key", list, "path, or list of paths", "none", 0, 0, "absolute; one for each certificate", nullptr},
    {"tls.client_ca", text, "path", "none", 0, 0, "absolute", nullptr},

    {"limits.message_size", size, "size", "50MiB", 64 * kKiB, 4 * kGiB, "", nullptr},  // RFC 5321 4.5.3.1.7
    {"limits.recipients", integer, "integer", "1000", 100, 100000, "", nullptr},       // RFC 5321 4.5.3.1.8
    {"limits.connections", integer, "integer", "20000", 1, 1000000, "", nullptr},
    {"limits.connections_per_client", integer, "integer", "100", 1, 1000000, "", nullptr},
    {"limits.commands", integer, "integer", "1000000", 10, 1000000000, "", nullptr},
    {"limits.errors", integer, "integer", "20", 1, 10000, "", nullptr},
    {"limits.received_fields", integer, "integer", "100", 10, 1000, "", nullptr},
    {"limits.header_size", size, "size", "256KiB", 16 * kKiB, 16 * kMiB, "", nullptr},
    {"limits.line_length", size, "size", "1MiB", 1000, 64 * kMiB, "", nullptr},  // RFC 5321 4.5.3.1.6
    {"limits.tls_handshakes", integer, "integer", "1000", 1, 1000000, "", nullptr},

    {"extensions.max_hold", duration, "duration", "30d", kMinute, 365 * kDay, "", nullptr},
    {"extensions.min_deliver_by", duration, "duration", "1m", kSecond, kDay, "", nullptr},
    {"extensions.priority_policy", choice, "word", "none", 0, 0, "none, mixer, stanag4406, nsep", nullptr},

    {"timeouts.command", duration, "duration", "5m", 100, kHour, "", nullptr},
    {"timeouts.data_block", duration, "duration", "3m", 100, kHour, "", nullptr},
    {"timeouts.transaction", duration, "duration", "30m", 100, kDay, "", nullptr},
    {"timeouts.session", duration, "duration", "4h", 100, 7 * kDay, "", nullptr},
    {"timeouts.probe", duration, "duration", "30s", 100, 10 * kMinute, "", nullptr},
    {"timeouts.tls_handshake", duration, "duration", "30s", 100, 10 * kMinute, "", nullptr},

    {"access.allow_clients", list, "list of networks", "none", 0, 0, "", nullptr},
    {"access.deny_clients", list, "list of networks", "none", 0, 0, "", nullptr},
    {"access.allow_senders", list, "list of patterns", "none", 0, 0, kPatterns, nullptr},
    {"access.deny_senders", list, "list of patterns", "none", 0, 0, kPatterns, nullptr},
    {"access.allow_recipients", list, "list of patterns", "none", 0, 0, kPatterns, nullptr},
    {"access.deny_recipients", list, "list of patterns", "none", 0, 0, kPatterns, nullptr},

    {"queue.retry.first", duration, "duration", "1m", 100, kDay, "", nullptr},
    {"queue.retry.factor", number, "number", "2.0", 1, 10, "", nullptr},
    {"queue.retry.max", duration, "duration", "4h", 100, 7 * kDay, "", nullptr},
    {"queue.warn_after", duration, "duration", "4h", 0, 30 * kDay, "", nullptr},
    {"queue.expire", duration, "duration", "5d", kSecond, 30 * kDay, "", nullptr},
    {"queue.min_free", size, "size", "256MiB", 0, kTiB, "", differs<&C::queue, &Queue::min_free>},
    {"queue.min_free_inodes", integer, "integer", "1000", 0, 1000000000, "",
     differs<&C::queue, &Queue::min_free_inodes>},
    {"queue.window", integer, "integer", "100000", 1, 10000000, "", nullptr},

    {"domain[].name", text, "domain name", "required", 0, 0, "once", nullptr},
    {"domain[].kind", choice, "word", "local", 0, 0, "local, relay", nullptr},
    {"domain[].users", list, "list of names", "none", 0, 0, "1 to 64 octets each, no slash; kind local",
     nullptr},
    {"domain[].aliases", table, "table: name = list of addresses", "none", 0, 0,
     "10 deep, 1000 targets; kind local", nullptr},
    {"domain[].catch_all", text, "address", "none", 0, 0, "kind local", nullptr},
    {"domain[].separator", text, "string", "+", 0, 0, "empty, or one of + - = _ . #", nullptr},
    {"domain[].recipients", list, "list of names", "none", 0, 0, "kind relay", nullptr},

    {"route[].domain", text, "pattern", "required", 0, 0, "example.net, .example.net, *", nullptr},
    {"route[].via", text, "destination", "required", 0, 0,
     "mx, smtp://host:port, lmtp://host:port, lmtp:/path, pipe:/path, maildir:/path/{domain}/{user}, hold, "
     "discard",
     nullptr},
    {"route[].source", list, "address, or list of addresses", "none", 0, 0, "one of IPv4, one of IPv6",
     nullptr},
    {"route[].helo", text, "domain name", "none", 0, 0, "", nullptr},
    {"route[].concurrency", integer, "integer", "none", 1, 10000, "", nullptr},
    {"route[].max_per_minute", integer, "integer", "0", 0, 1000000, "", nullptr},
    {"route[].tls", choice, "word", "none", 0, 0, "none, may, encrypt, verify", nullptr},
    {"route[].tls_names", list, "name, or list of names", "none", 0, 0,
     "mx.example.net, .example.net; tls verify", nullptr},
    {"route[].arguments", list, "list of strings", "none", 0, 0,
     "{sender}, {recipient}, {user}, {domain}, {original}, {id}; via pipe", nullptr},
    {"route[].user", text, "string", "none", 0, 0, "a user of this system, not root; via pipe", nullptr},
    {"route[].time_limit", duration, "duration", "5m", kSecond, kHour, "", nullptr},

    {"delivery.mailbox", text, "destination", "maildir:{data_dir}/mail/{domain}/{user}", 0, 0,
     "absolute, with {domain} and {user}", nullptr},
    {"delivery.quota", size, "size", "0", 0, kTiB, "", nullptr},
    {"delivery.concurrency", integer, "integer", "20", 1, 10000, "", nullptr},
    {"delivery.ip", choice, "word", "prefer-ipv6", 0, 0, "prefer-ipv6, prefer-ipv4, only-ipv6, only-ipv4",
     nullptr},
    {"delivery.messages_per_connection", integer, "integer", "100", 1, 100000, "", nullptr},
    {"delivery.tls", choice, "word", "may", 0, 0, "none, may, encrypt, verify", nullptr},
    {"delivery.tls_ca", text, "path", "none", 0, 0, "absolute", nullptr},
    {"delivery.timeouts.connect", duration, "duration", "30s", 100, kHour, "", nullptr},
    {"delivery.timeouts.tls_handshake", duration, "duration", "30s", 100, kHour, "", nullptr},
    {"delivery.timeouts.greeting", duration, "duration", "5m", 100, kHour, "", nullptr},
    {"delivery.timeouts.command", duration, "duration", "5m", 100, kHour, "", nullptr},
    {"delivery.timeouts.data_start", duration, "duration", "2m", 100, kHour, "", nullptr},
    {"delivery.timeouts.data_block", duration, "duration", "3m", 100, kHour, "", nullptr},
    {"delivery.timeouts.data_end", duration, "duration", "10m", 100, kHour, "", nullptr},
    {"delivery.timeouts.attempt", duration, "duration", "1h", kSecond, kDay, "", nullptr},
    {"delivery.timeouts.idle", duration, "duration", "5s", 0, 5 * kMinute, "", nullptr},

    {"srs.rewrite", boolean, "true or false", "true", 0, 0, "true, false", nullptr},
    {"srs.domain", text, "domain name", "none", 0, 0, "whose mail comes to this server", nullptr},
    {"srs.max_age", duration, "duration", "21d", kDay, 365 * kDay, "", nullptr},

    {"dkim.sign", boolean, "true or false", "true", 0, 0, "true, false", nullptr},
    {"dkim.except", list, "list of domain names", "none", 0, 0, "", nullptr},
    {"dkim.headers", list, "list of field names", "none", 0, 0, "at most 20; none that changes on the way",
     nullptr},
    {"dkim.expire", duration, "duration", "0s", 0, 365 * kDay, "", nullptr},
    {"arc.seal", boolean, "true or false", "false", 0, 0, "true, false", nullptr},

    {"directory.password_cost", choice, "word", "interactive", 0, 0, "interactive, moderate",
     differs<&C::passwords, &Passwords::cost>},
    {"directory.password_threads", integer, "integer", "2", 1, 64, "",
     differs<&C::passwords, &Passwords::threads>},

    {"submit.allow", choice, "word", "everybody", 0, 0, "everybody, listed, nobody",
     differs<&C::submit, &Submit::allow>},
    {"submit.users", list, "list of strings", "none", 0, 0, "users of this system", nullptr},
    {"submit.folder", text, "path", "{data_dir}/submit", 0, 0, "absolute",
     differs<&C::submit, &Submit::folder>},
    {"submit.connections_per_user", integer, "integer", "20", 1, 10000, "", nullptr},

    {"http.address", text, "address:port", "none", 0, 0, "of this machine itself; port 0 to 65535",
     differs<&C::http>},

    {"timeline.keep", duration, "duration", "30d", kMinute, 3650 * kDay, "",
     differs<&C::timeline, &Timeline::keep>},
    {"timeline.size", size, "size", "2GiB", kMiB, kTiB, "", differs<&C::timeline, &Timeline::size>},

    {"dns.servers", list, "list of address@port", "none", 0, 0, "", differs<&C::dns, &Dns::servers>},
    {"dns.trust_anchors", text, "path", "none", 0, 0, "absolute", differs<&C::dns, &Dns::trust_anchors>},
};

std::string show(KeyKind kind, std::int64_t value) {
  if (kind == duration) return show_duration(base::Milliseconds(value));
  if (kind == size) return show_size(static_cast<std::uint64_t>(value));
  return std::to_string(value);
}

}  // namespace

std::string Spec::bounds_text() const {
  return has_range() ? show(kind, low) + " to " + show(kind, high) : std::string(bounds);
}

std::vector<std::string> Spec::choices() const {
  std::vector<std::string> words;
  std::string_view rest = bounds;
  for (auto comma = rest.find(", "); comma != std::string_view::npos; comma = rest.find(", ")) {
    words.emplace_back(rest.substr(0, comma));
    rest.remove_prefix(comma + 2);
  }
  words.emplace_back(rest);
  return words;
}

const std::vector<Spec>& specs() { return kSpecs; }

const Spec* find_spec(std::string_view name) {
  const auto found = std::ranges::find(kSpecs, name, &Spec::name);
  return found == kSpecs.end() ? nullptr : &*found;
}

const std::vector<Key>& keys() {
  static const std::vector<Key> all = [] {
    std::vector<Key> rows;
    for (const Spec& spec : kSpecs)
      rows.push_back({std::string(spec.name), std::string(spec.type), std::string(spec.fallback),
                      spec.bounds_text(), spec.differs == nullptr});
    return rows;
  }();
  return all;
}

void keep_restart_keys(const Config& running, Config& next) {
  next.data_dir = running.data_dir;
  next.runtime_dir = running.runtime_dir;
  next.user = running.user;
  next.io_threads = running.io_threads;
  next.node = running.node;
  next.log_format = running.log_format;
  next.log_level = running.log_level;
  next.listeners = running.listeners;
  next.auth.oauth.ca = running.auth.oauth.ca;
  next.queue.min_free = running.queue.min_free;
  next.queue.min_free_inodes = running.queue.min_free_inodes;
  next.http = running.http;
  next.timeline = running.timeline;
  next.passwords = running.passwords;
  next.submit.allow = running.submit.allow;
  next.submit.folder = running.submit.folder;
  next.dns = running.dns;
  next.sandbox = running.sandbox;
}

std::vector<std::string> restart_differences(const Config& now, const Config& next) {
  std::vector<std::string> names;
  for (const Spec& spec : kSpecs)
    if (spec.differs && spec.differs(now, next)) names.emplace_back(spec.name);
  return names;
}

}  // namespace postrider::config
