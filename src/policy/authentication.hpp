// All that can be found out about who sent a message: iprev, SPF, DKIM, ARC and DMARC, side by side on the same answers.
//
//   header is there   AuthenticationCheck check(facts, header, bodies)
//   meanwhile         check.go_on(lookups); bodies.feed(...)
//   body is over      bodies.finish(); check.end_of_body(); check.go_on(lookups), until it says true
//   then              check.findings()
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "policy/arc.hpp"
#include "policy/dkim.hpp"
#include "policy/dmarc.hpp"
#include "policy/iprev.hpp"
#include "policy/spf.hpp"

namespace postrider::policy {

// What the border knows of a message before its content.
struct AuthenticationFacts {
  base::IpAddress client;
  std::string helo;  // as the client said it: any octets
  mail::ReversePath reverse_path;
  mail::Domain receiver;  // our own name
  base::UtcTime now;
  // What is not known of a message that is looked at elsewhere than at the border. The checks that need it are left out:
  // their findings stay empty, and DMARC is judged without them. Not known is not the null sender.
  struct Unknown {
    bool client = false, helo = false, reverse_path = false;
  };
  Unknown unknown{};

  bool checks_iprev() const { return !unknown.client; }
  bool checks_helo() const { return !unknown.client && !unknown.helo; }
  // The null sender's is that of HELO. RFC 7208 2.4
  bool checks_mail_from() const {
    return !unknown.client && !unknown.reverse_path && (!reverse_path.is_null() || !unknown.helo);
  }
};

struct AuthenticationFindings {
  std::vector<std::string> authors;  // author_domains()
  IprevFinding iprev;
  SpfFinding helo;       // of what HELO said
  SpfFinding mail_from;  // of the reverse-path; with the null sender the same as `helo`. RFC 7208 2.4
  std::vector<DkimResult> dkim;
  std::size_t dkim_left_out = 0;  // signatures beyond wire::dkim::kMaxSignatures
  ArcResult arc;
  DmarcFinding dmarc;  // judged by `mail_from` and `dkim`
};

// Domains of all addresses in all From fields, as written; for DmarcCheck. At most DmarcCheck::kMostAuthors + 1, each once.
std::vector<std::string> author_domains(const wire::dkim::HeaderIndex& header);

class KnownClients;

// One for a message. One thread at a time. Its bounds are those of its parts and of Lookups: kMostQuestions for all.
class AuthenticationCheck {
 public:
  // Tells `bodies`, which outlives it, what is wanted of it. `header` (all fields, without the blank line) may go when this
  // returns. What `known` has of the client is not looked up again, and the finding of SPF then has no trace; it outlives this, and
  // null asks for everything. With it all facts are known.
  AuthenticationCheck(AuthenticationFacts facts, std::string_view header, wire::dkim::BodyHasher& bodies,
                      KnownClients* known = nullptr);
  AuthenticationCheck(const AuthenticationCheck&) = delete;
  AuthenticationCheck& operator=(const AuthenticationCheck&) = delete;

  // `bodies` is finished. Call go_on() again.
  void end_of_body() { body_is_over_ = true; }
  // False, too, while the body is not over.
  bool go_on(Lookups& lookups);
  // Complete when go_on() has said true.
  const AuthenticationFindings& findings() const { return findings_; }
  const AuthenticationFacts& facts() const { return facts_; }

 private:
  AuthenticationCheck(AuthenticationFacts facts, const wire::dkim::HeaderIndex& header,
                      wire::dkim::BodyHasher& bodies, KnownClients* known);
  void recall();
  void look_at_client(Lookups& lookups);
  bool check_spf(Lookups& lookups);
  void identify();

  const AuthenticationFacts facts_;
  const wire::dkim::BodyHasher& bodies_;
  KnownClients* const known_;
  std::optional<SpfCheck> helo_;  // nothing with the null sender
  std::optional<SpfCheck> mail_from_;
  std::chrono::seconds good_for_ = Lookups::kLongest;  // what iprev and SPF found
  DkimCheck dkim_;
  ArcCheck arc_;
  AuthenticationFindings findings_;
  DmarcCheck dmarc_;
  bool has_iprev_, has_helo_ = false, has_spf_ = false, has_identifiers_ = false, body_is_over_ = false;
};

}  // namespace postrider::policy
