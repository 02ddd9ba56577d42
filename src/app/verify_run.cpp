#include "app/verify_run.hpp"

#include <unistd.h>

#include <array>
#include <fstream>
#include <iostream>

#include "app/queue_print.hpp"
#include "app/queue_tools.hpp"
#include "app/verify_message.hpp"
#include "base/ascii.hpp"
#include "policy/inquiry.hpp"
#include "policy/trace_origin.hpp"
#include "store/spool_file.hpp"
#include "sys/clock.hpp"
#include "wire/dkim/body_prefix.hpp"

namespace postrider::app {
namespace {

constexpr base::Milliseconds kWithin = std::chrono::seconds(20);  // RFC 7208 4.6.4
constexpr std::size_t kPiece = 64u << 10;

mail::Domain own_name(const config::Config* config) {
  if (config) return config->hostname;
  std::array<char, 256> name{};
  if (::gethostname(name.data(), name.size() - 1) == 0)
    if (auto domain = mail::Domain::parse(name.data())) return *std::move(domain);
  return mail::Domain::parse("localhost").value();
}

mail::ReversePath reverse_path_of(std::string_view text) {
  if (text.starts_with('<') && text.ends_with('>')) text = text.substr(1, text.size() - 2);
  if (text.empty()) return {};
  auto address = mail::Address::parse(text);
  if (!address) throw Stop{kUsage, "--from " + std::string(text) + ": " + address.error().text};
  return mail::ReversePath(*std::move(address));
}

VerifyReport nothing_known(mail::Domain receiver) {
  return {.name = {},
          .notes = {},
          .facts = {.client = {},
                    .helo = {},
                    .reverse_path = {},
                    .receiver = std::move(receiver),
                    .now = sys::system_clock().utc(),
                    .unknown = {.client = true, .helo = true, .reverse_path = true}},
          .findings = {},
          .dns = {},
          .advice = {}};
}

class Verifier {
 public:
  Verifier(const VerifyOptions& options, std::shared_ptr<const config::Config> config)
      : options_(options),
        config_(std::move(config)),
        report_(nothing_known(own_name(config_.get()))),
        splitter_([this](std::string_view header) { begin(header); },
                  [this](std::string_view body) {
                    bodies_.feed(body);
                    prefix_.feed(body);
                  }) {}

  VerifyReport run() {
    if (options_.id.empty())
      read_file();
    else
      read_queue();
    if (!splitter_.finish()) too_large();
    bodies_.finish();
    prefix_.finish();
    check_->end_of_body();
    ask();
    report_.size = splitter_.size();
    report_.facts = check_->facts();
    report_.findings = check_->findings();
    tell_what_was_appended();
    report_.advice = policy::advise(report_.facts, report_.findings);
    return std::move(report_);
  }

 private:
  [[noreturn]] void too_large() const {
    throw Stop{kRefused, report_.name + ": the header section has more than " +
                             size_text(MessageSplitter::kMostHeader)};
  }

  void read_file() {
    report_.name = options_.file == "-" ? "standard input" : options_.file;
    std::ifstream file;
    if (options_.file != "-") file.open(options_.file, std::ios::binary);
    std::istream& in = options_.file == "-" ? std::cin : file;
    std::string piece(kPiece, '\0');
    while (in.read(piece.data(), static_cast<std::streamsize>(piece.size())) || in.gcount() > 0)
      if (!splitter_.feed(std::string_view(piece).substr(0, static_cast<std::size_t>(in.gcount()))))
        too_large();
    // What could not be opened has no end.
    if (in.bad() || !in.eof()) throw Stop{kRefused, report_.name + ": it can't be read"};
  }

  void read_queue() {
    const auto id = base::MessageId::parse(options_.id);
    if (!id) throw Stop{kUsage, options_.id + " is no message id (13 letters and digits)"};
    report_.name = "message " + id->to_string();
    const auto spool = need(store::SpoolFile::open(config_->data_dir / "spool", sys::system_clock()));
    const auto found = need(spool->find(*id));
    if (!found)
      throw Stop{kRefused, report_.name + " is not in the queue any more; postrider trace " +
                               id->to_string() + " tells what was found when it came"};
    take(*found->envelope);
    need(spool->read(*id, [this](std::string_view piece) { return splitter_.feed(piece); }));
  }

  template <class T>
  static T need(base::Result<T> result) {
    if (!result) throw Stop{kRefused, result.error().log_text()};
    if constexpr (!std::is_void_v<T>) return std::move(*result);
  }

  void take(const mail::Envelope& envelope) {
    auto& facts = report_.facts;
    facts.now = envelope.received;
    facts.reverse_path = envelope.reverse_path;
    facts.unknown.reverse_path = false;
    const auto& origin = envelope.origin;
    if (!origin.client || !origin.identity.empty()) {
      report_.notes.emplace_back(origin.client
                                     ? "It came from " + origin.identity +
                                           ", who logged in: where its client is says nothing of who sent it."
                                     : "It was written on this machine: there is no client.");
      return;
    }
    facts.client = *origin.client;
    facts.helo = origin.helo;
    facts.unknown.client = facts.unknown.helo = false;
    report_.notes.emplace_back("As it came on " + base::to_rfc3339(envelope.received) +
                               ", with what the DNS says now.");
  }

  // What the message's own trace fields say counts only where nobody says otherwise.
  void take_trace(std::string_view header) {
    const bool all_known = options_.ip && options_.helo && options_.from;
    if (!options_.id.empty() || !config_ || all_known) return;
    const auto origin = policy::trace_origin(header, config_->hostname);
    if (!origin) return;
    auto& facts = report_.facts;
    facts.client = origin->client;
    facts.helo = origin->helo;
    facts.unknown.client = facts.unknown.helo = false;
    if (origin->reverse_path) facts.reverse_path = *origin->reverse_path;
    facts.unknown.reverse_path = !origin->reverse_path;
    report_.notes.emplace_back("What was not said is from the topmost Received field, which says to be of " +
                               config_->hostname.ascii() +
                               (origin->reverse_path ? ", and the Return-Path above it." : "."));
  }

  void take_options() {
    auto& facts = report_.facts;
    if (options_.ip) {
      const auto address = base::IpAddress::parse(*options_.ip);
      if (!address) throw Stop{kUsage, "--ip " + *options_.ip + ": no IP address"};
      facts.client = *address;
      facts.unknown.client = false;
    }
    if (options_.helo) {
      facts.helo = *options_.helo;
      facts.unknown.helo = false;
    }
    if (options_.from) {
      facts.reverse_path = reverse_path_of(*options_.from);
      facts.unknown.reverse_path = false;
    }
  }

  void begin(std::string_view header) {
    take_trace(header);
    take_options();
    check_.emplace(report_.facts, header, bodies_);
    look_for_prefixes(header);
  }

  // In the order of AuthenticationFindings::dkim.
  void look_for_prefixes(std::string_view header) {
    for (wire::mime::FieldScanner scan(header); const auto field = scan.next();) {
      if (!base::iequals(field->name, "DKIM-Signature") || prefixes_.size() == wire::dkim::kMaxSignatures)
        continue;
      const auto signature = wire::dkim::parse_signature(field->value);
      prefixes_.emplace_back();
      if (signature && !signature->length)
        prefixes_.back() = prefix_.want(signature->body, signature->body_hash);
    }
  }
  void tell_what_was_appended() {
    for (std::size_t i = 0; i < report_.findings.dkim.size(); ++i) {
      policy::DkimResult& one = report_.findings.dkim[i];
      if (!prefixes_.at(i) || one.verdict.fault != wire::dkim::Fault::body_changed) continue;
      if (const auto found = prefix_.found(*prefixes_[i])) one.appended_octets = found->appended_octets;
    }
  }

  void ask() {
    sys::ResolverOptions options;
    if (config_) options = {config_->dns.servers, config_->dns.trust_anchors};
    const auto resolver = sys::make_unbound_resolver(options);
    if (!resolver) throw Stop{kRefused, resolver.error()};
    const auto go_on = [this](policy::Lookups& lookups) {
      const bool complete = check_->go_on(lookups);
      if (complete) report_.dns = dns_answers(lookups);
      return complete;
    };
    policy::Inquiry::ask_and_wait(**resolver, sys::system_clock(), kWithin, go_on);
  }

  const VerifyOptions& options_;
  const std::shared_ptr<const config::Config> config_;
  VerifyReport report_;
  MessageSplitter splitter_;
  wire::dkim::BodyHasher bodies_;
  wire::dkim::BodyPrefix prefix_;
  std::vector<std::optional<std::size_t>> prefixes_;  // of each signature, its number there
  std::optional<policy::AuthenticationCheck> check_;
};

}  // namespace

VerifyReport run_verify(const VerifyOptions& options, std::shared_ptr<const config::Config> config) {
  return Verifier(options, std::move(config)).run();
}

}  // namespace postrider::app
