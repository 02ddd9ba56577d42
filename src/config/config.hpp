// The configuration: one TOML file, parsed once into one immutable snapshot. docs/config.md describes every
// key.
//
// Thread rule: a Config never changes after load(); share it as shared_ptr<const Config>. Whoever needs one
// consistent view over a while (a session's transaction) keeps the pointer for that while.
#pragma once

#include <chrono>
#include <cstdint>
#include <expected>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <variant>
#include <vector>

#include "base/ip.hpp"
#include "base/time.hpp"
#include "mail/address.hpp"

namespace postrider::config {

// A fault in the file: "postrider.toml:12:3: what is wrong; how to mend it".
struct Fault {
  std::string file;
  std::uint32_t line = 0;    // from 1; 0: the file as a whole
  std::uint32_t column = 0;  // from 1
  std::string what;
  std::string mend;
  std::string to_string() const;  // without line and column where line is 0
};

// How much a connection to another server has to be protected: not at all; with TLS where it is offered, whatever the
// certificate; with TLS always, whatever the certificate; with TLS and a trusted certificate that has one of some names.
enum class TlsLevel : std::uint8_t { none, may, encrypt, verify };

// `submit` is the socket for programs on this machine; no [[listener]] has it.
enum class ListenerMode : std::uint8_t { mx, submission, lmtp, submit };
enum class ListenerTls : std::uint8_t { none, starttls, implicit };
// Of a listener: AUTH is not there, may be used, or must be used before any mail.
enum class ListenerAuth : std::uint8_t { none, offered, required };

// Extensions that not everybody is offered.
struct Offers {
  bool future_release = false;  // RFC 4865; to those who may relay
  bool deliver_by = false;      // RFC 2852
  bool mt_priority = false;     // RFC 6710
  // What a listener has where the file does not say: all of them for users, none for strangers.
  static Offers of(ListenerMode mode) {
    const bool all = mode == ListenerMode::submission;
    return {.future_release = all, .deliver_by = all, .mt_priority = all};
  }
  bool operator==(const Offers&) const = default;
};

struct Listener {
  base::IpAddress address;
  std::uint16_t port = 0;  // 0: any free one (tests)
  ListenerMode mode = ListenerMode::mx;
  ListenerTls tls = ListenerTls::none;
  ListenerAuth auth = ListenerAuth::none;
  std::vector<base::Network> proxy_protocol;  // who must send a PROXY header first; others may not
  std::vector<base::Network> xclient;         // who may use XCLIENT
  base::Milliseconds greeting_delay{0};       // wait before the greeting; who talks meanwhile gets 554
  Offers offers;
  std::string name() const;  // "127.0.0.1:25", "[::]:25"; "submit"
  bool operator==(const Listener&) const = default;
};

struct Limits {
  std::uint64_t message_size = 50u << 20;  // octets
  std::uint32_t recipients = 1000;         // per transaction
  std::uint32_t connections = 20000;
  std::uint32_t connections_per_client = 100;  // per address (IPv6: per /64)
  std::uint32_t commands = 1000000;            // per session; a kept connection brings four a message
  std::uint32_t errors = 20;                   // per session
  std::uint32_t received_fields = 100;         // RFC 5321 6.3
  std::uint64_t header_size = 256u << 10;      // octets of a header section
  std::uint64_t line_length = 1u << 20;        // octets of a line of content
  std::uint32_t tls_handshakes = 1000;         // at a time, all together
  bool operator==(const Limits&) const = default;
};

// Which meaning the numbers of MT-PRIORITY have; told to clients, all numbers are kept apart. RFC 6710 3
enum class PriorityPolicy : std::uint8_t { none, mixer, stanag4406, nsep };

struct Extensions {
  base::Milliseconds max_hold{std::chrono::days(30)};           // FUTURERELEASE
  base::Milliseconds min_deliver_by{std::chrono::seconds(60)};  // DELIVERBY, of mode R
  PriorityPolicy priority_policy = PriorityPolicy::none;
  bool operator==(const Extensions&) const = default;
};

struct Timeouts {
  base::Milliseconds command{std::chrono::minutes(5)};       // RFC 5321 4.5.3.2.7
  base::Milliseconds data_block{std::chrono::minutes(3)};    // RFC 5321 4.5.3.2.5
  base::Milliseconds transaction{std::chrono::minutes(30)};  // MAIL to the end of the data
  base::Milliseconds session{std::chrono::hours(4)};
  base::Milliseconds probe{std::chrono::seconds(30)};  // one recipient probe at a next hop
  base::Milliseconds tls_handshake{std::chrono::seconds(30)};
  bool operator==(const Timeouts&) const = default;
};

// "https://host:port/target"; "http://" only of this machine itself.
struct Url {
  std::string text;  // as written; empty: none
  bool tls = true;
  std::string host;  // a domain name in lower case, or an address without brackets
  std::uint16_t port = 443;
  std::string target = "/";
  bool operator==(const Url&) const = default;
};

// Whom tokens are asked of. Neither `jwks` nor `introspection`: none are taken. RFC 7517, RFC 7662
struct OAuth {
  Url jwks, introspection;               // one of them
  std::string client_id, client_secret;  // for the introspection
  std::string issuer, audience;
  std::string claim = "email";  // whose value is the account
  std::string ca;               // file; empty: the system's authorities
  bool is_used() const { return !jwks.text.empty() || !introspection.text.empty(); }
  bool operator==(const OAuth&) const = default;
};

// Logging in. RFC 4954
struct Auth {
  std::vector<std::string> mechanisms{"PLAIN", "LOGIN", "OAUTHBEARER", "XOAUTH2",
                                      "EXTERNAL"};  // as EHLO names them
  bool without_tls_on_loopback = false;
  base::Milliseconds patience{
      std::chrono::seconds(30)};        // with what a login needs: a free thread, another server
  std::uint32_t account_failures = 10;  // until nobody may try it any more
  std::uint32_t network_failures = 50;  // the same of clients in one /24, one /48
  base::Milliseconds forget{std::chrono::minutes(15)};  // a time without failures, after which all is as new
  std::vector<base::Network> never_locked;
  OAuth oauth;
  bool operator==(const Auth&) const = default;
};

// Mail from our own users. RFC 6409
struct Submission {
  bool repair_line_ends = false;
  bool hide_client = false;  // Received does not tell from where it came
  bool operator==(const Submission&) const = default;
};

// Files in PEM, and where in the configuration they are named.
struct TlsCertificate {
  std::filesystem::path certificate;  // the server's own first, then those between it and the root
  std::filesystem::path key;
  std::uint32_t line = 0, column = 0;  // of `certificate`
  std::uint32_t key_line = 0, key_column = 0;
  bool operator==(const TlsCertificate&) const = default;
};

// What clients are shown.
struct Tls {
  std::vector<TlsCertificate> certificates;  // the first that fits a name and a kind of key serves it
  std::string client_ca;  // file; who signs the certificates of clients. Empty: they are not asked for any
  bool operator==(const Tls&) const = default;
};

// "user@example.com", "example.com" (that domain), ".example.com" (its subdomains, not itself).
struct AddressPattern {
  std::optional<std::string> local;  // compared without regard to ASCII case
  mail::Host host;
  bool subdomains = false;
  bool matches(const mail::Address& address) const;
  bool operator==(const AddressPattern&) const = default;
};

struct Access {
  std::vector<base::Network> allow_clients, deny_clients;
  std::vector<AddressPattern> allow_senders, deny_senders;
  std::vector<AddressPattern> allow_recipients, deny_recipients;
  bool operator==(const Access&) const = default;
};

struct Retry {
  base::Milliseconds first{std::chrono::minutes(1)};
  double factor = 2.0;
  base::Milliseconds max{std::chrono::hours(4)};
  bool operator==(const Retry&) const = default;
};

struct Queue {
  Retry retry;
  base::Milliseconds expire{std::chrono::days(5)};
  base::Milliseconds warn_after{std::chrono::hours(4)};  // then the sender hears that it takes long; 0: never
  std::uint64_t min_free = 256u << 20;                   // bytes free on data_dir's file system
  std::uint64_t min_free_inodes = 1000;
  std::uint32_t window = 100000;  // recipients in memory
  bool operator==(const Queue&) const = default;
};

enum class DomainKind : std::uint8_t { local, relay };

struct Domain {
  mail::Domain name;
  DomainKind kind = DomainKind::local;
  std::vector<std::string> users;                             // local parts, lower case
  std::map<std::string, std::vector<mail::Address>> aliases;  // local part, lower case -> targets
  std::optional<mail::Address> catch_all;
  std::string separator = "+";                         // subaddress; empty: none
  std::optional<std::vector<std::string>> recipients;  // kind relay: who exists; absent: ask the next hop

  explicit Domain(mail::Domain its_name) : name(std::move(its_name)) {}
  bool operator==(const Domain&) const = default;
};

// Where mail goes. First match wins. `user` and `domain` are filled in at delivery.
struct ViaMaildir {
  std::string path;
  bool operator==(const ViaMaildir&) const = default;
};  // "maildir:/path/{domain}/{user}"
struct ViaSmtp {
  std::string host;
  std::uint16_t port = 25;
  bool operator==(const ViaSmtp&) const = default;
};  // "smtp://host:port"; IPv6 in brackets
// "lmtp://host:port", or "lmtp:/path/of/a/socket". RFC 2033
struct ViaLmtp {
  std::string host;  // empty: `path`
  std::uint16_t port = 24;
  std::string path;
  bool operator==(const ViaLmtp&) const = default;
};
// "pipe:/path/of/a/program", with `arguments`, `user` and `time_limit` of its route.
struct ViaPipe {
  std::string program;
  // {sender}, {recipient}, {user}, {domain}, {original} and {id} are filled in; never a shell.
  std::vector<std::string> arguments;
  std::string user;  // who runs it; empty: who runs the server. Never root
  base::Milliseconds time_limit{std::chrono::minutes(5)};
  bool operator==(const ViaPipe&) const = default;
};
struct ViaMx {
  bool operator==(const ViaMx&) const = default;
};
struct ViaHold {
  bool operator==(const ViaHold&) const = default;
};
struct ViaDiscard {
  bool operator==(const ViaDiscard&) const = default;
};
using Via = std::variant<ViaMx, ViaSmtp, ViaLmtp, ViaPipe, ViaMaildir, ViaHold, ViaDiscard>;

struct Route {
  std::string pattern;                 // "example.net", ".example.net", "*"
  std::optional<mail::Domain> domain;  // absent for "*"
  bool subdomains = false;             // those, and not `domain` itself
  Via via;
  // Of mx, smtp and lmtp. At most one address of each family to send from; empty: the system chooses.
  std::vector<base::IpAddress> source;
  std::string helo;                          // EHLO name; empty: hostname
  std::optional<std::uint32_t> concurrency;  // jobs at a time per site; absent: [delivery] concurrency
  std::uint32_t max_per_minute = 0;          // jobs begun per site; 0: no bound
  std::optional<TlsLevel> tls = {};          // absent: [delivery] tls
  std::vector<std::string> tls_names = {};   // for TlsLevel::verify: "mx.example.net", ".example.net"
  // It asks for something that other routes to the same servers do not: then it has sites of its own.
  bool has_own_terms() const { return !source.empty() || !helo.empty() || concurrency || max_per_minute; }
  bool is_default() const { return pattern.empty(); }  // not from the file: nothing else matched
  bool matches(const mail::Host& host) const;          // an address literal matches "*" only
  bool operator==(const Route&) const = default;
};

enum class IpPreference : std::uint8_t { prefer_ipv6, prefer_ipv4, only_ipv6, only_ipv4 };

// How mail goes to other servers. The time-outs are those of RFC 5321 4.5.3.2.
struct Delivery {
  std::uint32_t concurrency = 20;  // jobs at a time per site
  IpPreference ip = IpPreference::prefer_ipv6;
  base::Milliseconds connect{std::chrono::seconds(30)};    // one address
  base::Milliseconds greeting{std::chrono::minutes(5)};    // RFC 5321 4.5.3.2.1
  base::Milliseconds command{std::chrono::minutes(5)};     // EHLO, MAIL, RCPT; RFC 5321 4.5.3.2.2, 4.5.3.2.3
  base::Milliseconds data_start{std::chrono::minutes(2)};  // RFC 5321 4.5.3.2.4
  base::Milliseconds data_block{std::chrono::minutes(3)};  // RFC 5321 4.5.3.2.5
  base::Milliseconds data_end{std::chrono::minutes(10)};   // RFC 5321 4.5.3.2.6
  base::Milliseconds attempt{std::chrono::hours(1)};       // the whole attempt, all hosts together
  base::Milliseconds idle{std::chrono::seconds(5)};        // a connection that is kept for the next message
  std::uint32_t messages_per_connection = 100;
  TlsLevel tls = TlsLevel::may;  // where the route says nothing
  std::string tls_ca = {};       // file with the authorities that are trusted; empty: the system's
  base::Milliseconds tls_handshake{std::chrono::seconds(30)};
  bool operator==(const Delivery&) const = default;
};

enum class PasswordCost : std::uint8_t { interactive, moderate };

// How passwords are hashed.
struct Passwords {
  PasswordCost cost = PasswordCost::interactive;
  std::uint32_t threads = 2;
  bool operator==(const Passwords&) const = default;
};

enum class SubmitAllow : std::uint8_t { everybody, listed, nobody };

// How programs on this machine hand in mail (postrider sendmail).
struct Submit {
  SubmitAllow allow = SubmitAllow::everybody;
  std::vector<std::string> users;  // with `listed`; root is always allowed
  std::filesystem::path folder;    // of the socket and the drop folder; data_dir/submit
  std::uint32_t connections_per_user = 20;
  // `user`: a name of this system.
  bool allows(std::uint32_t uid, std::string_view user) const;
  bool operator==(const Submit&) const = default;
};

// Where monitoring asks.
struct Http {
  std::optional<base::IpAddress> address = {};  // of this machine itself; absent: nowhere
  std::uint16_t port = 0;                       // 0: any
  bool operator==(const Http&) const = default;
};

// Mail that an alias sends on to another domain: the sender's address is rewritten (wire/srs).
struct Srs {
  bool rewrite = true;
  std::optional<mail::Domain> domain = {};  // of the new address; absent: that of the alias
  base::Milliseconds max_age{std::chrono::days(21)};
  bool operator==(const Srs&) const = default;
};

// Reports about mail in a domain's name: ours to others, and those of others to us. RFC 9990
struct DmarcReports {
  bool send = false;                                 // requires `contact`
  bool failure_reports = false;                      // of single messages, too; requires `contact`. RFC 9991
  std::uint32_t failure_reports_per_day = 10;        // about one domain
  std::string organization;                          // for people; empty: hostname
  std::optional<mail::Address> contact = {};         // whose mail ours are
  std::optional<mail::Address> report_address = {};  // mail for it is read as reports; absent: for none
  base::Milliseconds keep{std::chrono::days(400)};   // those that were received
  bool operator==(const DmarcReports&) const = default;
};

// Signing mail that goes out in our name; the keys are in files (directory/dkim_keys). RFC 6376
struct Dkim {
  bool sign = true;
  std::vector<mail::Domain> except = {};  // whose mail is not signed, even where there is a key
  std::vector<std::string> headers = {};  // more fields that are signed
  base::Milliseconds expire{0};           // how long a signature is good; 0: for ever
  bool operator==(const Dkim&) const = default;
};

// Vouching for what strangers sent and an alias sends on. RFC 8617
struct Arc {
  bool seal = false;
  bool operator==(const Arc&) const = default;
};

// What becomes of mail whose checks the DNS leaves undecided: where the domain in From wants what fails to be refused, and
// what is missing could prove it true, the sender comes again; it is taken; or the sender comes again in any case.
enum class Undecided : std::uint8_t { by_policy, accept, defer };

// Checking who sent the mail that strangers bring: SPF, DKIM, DMARC, ARC, iprev.
struct Authentication {
  bool check = true;
  base::Milliseconds timeout{std::chrono::seconds(20)};  // RFC 7208 4.6.4
  Undecided undecided = Undecided::by_policy;
  bool refuse_spf_fail = false;
  // Whose mail is not refused or set aside, whatever it fails: by address, or by a name that is proven to be theirs.
  std::vector<base::Network> forwarder_networks;
  std::vector<mail::Domain> forwarder_domains;
  std::vector<mail::Domain> trusted_arc;  // whose seals are believed
  bool operator==(const Authentication&) const = default;
};

// What is done with mail that fails DMARC: what the domain's owner asks for; no more than putting it into the folder for
// junk; nothing.
enum class DmarcPolicy : std::uint8_t { apply, quarantine, none };
struct Dmarc {
  DmarcPolicy policy = DmarcPolicy::apply;
  bool operator==(const Dmarc&) const = default;
};

struct Timeline {
  base::Milliseconds keep{std::chrono::days(30)};  // after a message's end
  std::uint64_t size = 2ull << 30;                 // octets of its file
  bool operator==(const Timeline&) const = default;
};

// What confines the server after its start; docs/security.md.
struct Sandbox {
  bool seccomp = true;
  bool landlock = true;
  bool operator==(const Sandbox&) const = default;
};

struct Dns {
  std::vector<std::string> servers;  // "127.0.0.1@5353"; empty: the system's
  std::string trust_anchors;         // file; empty: no validation
  bool operator==(const Dns&) const = default;
};

enum class LogFormat : std::uint8_t { logfmt, json };
enum class LogLevel : std::uint8_t { debug, info, warning, error };

struct Config {
  std::string file;
  mail::Domain hostname;
  std::filesystem::path data_dir;
  std::filesystem::path runtime_dir;  // for the control socket; data_dir/run
  std::string user;                   // drop privileges to; empty: stay
  std::uint32_t io_threads = 0;       // 0: one per core
  std::uint8_t node = 0;
  std::vector<base::Network> networks;      // may relay without AUTH
  std::optional<mail::Address> postmaster;  // who gets postmaster@ and abuse@ of every local domain
  LogFormat log_format = LogFormat::logfmt;
  LogLevel log_level = LogLevel::info;
  std::vector<Listener> listeners;
  Tls tls;
  Limits limits;
  Extensions extensions;
  Timeouts timeouts;
  Access access;
  Auth auth;
  Submission submission;
  Authentication authentication;
  Dmarc dmarc;
  Queue queue;
  Delivery delivery;
  Srs srs;
  Dkim dkim;
  Arc arc;
  Http http;
  Timeline timeline;
  DmarcReports dmarc_reports;
  Passwords passwords;
  Submit submit;
  std::vector<Domain> domains;  // in the order of the file
  std::vector<Route> routes;
  Dns dns;
  Sandbox sandbox;
  std::string mailbox;  // "maildir:/var/lib/postrider/mail/{domain}/{user}": data_dir is filled in
  std::uint64_t mailbox_quota = 0;  // octets; 0: none

  explicit Config(mail::Domain name) : hostname(std::move(name)) {}
  // By a hash; null where it is none of ours.
  const Domain* find_domain(const mail::Domain& name) const;
  // To be called by whoever changes `domains` by hand; load() and parse() have done it.
  void index_domains();
  bool operator==(const Config&) const = default;

 private:
  std::unordered_map<mail::Domain, std::size_t> domain_index_;
};

// The first route that matches, kept alive by its configuration; where none does, one of via mx. Never null.
std::shared_ptr<const Route> route_for(const std::shared_ptr<const Config>& config, const mail::Host& host);

using Loaded = std::expected<std::shared_ptr<const Config>, std::vector<Fault>>;

// Reads and checks the file. All faults are given, not only the first. Blocking.
Loaded load(const std::filesystem::path& file);
// The same from text; `name` is what faults call it.
Loaded parse(std::string_view text, std::string_view name);

// The first five columns of a row of docs/config.md: "queue.expire", "duration", "5d", "1s to 30d", live or
// restart. "listener[].mode" is a key of each [[listener]]. `fallback` is "required" or "none" where there is no
// default value; `bounds` may be empty.
struct Key {
  std::string name, type, fallback, bounds;
  bool live = false;
};
// Every key that load() knows, in the order of docs/config.md. The loader reads through this table, so that a
// key which is not in it can't be read.
const std::vector<Key>& keys();

// The file as it is now, for a server that runs with `running`: keys marked "restart" keep their value, and `kept` names
// those for which the file has another one.
struct Reloaded {
  std::shared_ptr<const Config> config;
  std::vector<std::string> kept;
};
std::expected<Reloaded, std::vector<Fault>> reload(const Config& running, const std::filesystem::path& file);
std::expected<Reloaded, std::vector<Fault>> reload(const Config& running, std::string_view text,
                                                   std::string_view name);

// Names of the keys marked "restart" in which the two differ, in the order of keys(): what a reload can't bring
// in.
std::vector<std::string> restart_differences(const Config& now, const Config& next);

}  // namespace postrider::config
