// One SMTP session's side of the conversation, without its socket: what was said, and what each command is
// answered. The session (session.hpp) reads, waits and writes; the content goes through a Transfer (transfer.hpp).
//
// Thread rule: one thread at a time.
#pragma once

#include <cstdint>
#include <expected>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <variant>
#include <vector>

#include "mail/envelope.hpp"
#include "mail/reply.hpp"
#include "net/tls_facts.hpp"
#include "policy/authentication.hpp"
#include "policy/verdict.hpp"
#include "receive/login.hpp"
#include "receive/services.hpp"
#include "receive/transfer.hpp"
#include "receive/wishes.hpp"
#include "wire/sasl/exchange.hpp"
#include "wire/smtp/command.hpp"

namespace postrider::receive {

// A user of this machine, told by the kernel.
struct LocalUser {
  std::uint32_t uid = 0;
  std::string name;  // "uid1000" where the system has none
};

// What the connection is, before a word was said.
struct Peer {
  base::IpAddress address;
  std::uint16_t port = 0;
  bool may_xclient = false;         // its own address is listed; stays true after XCLIENT changed `address`
  std::optional<LocalUser> user{};  // mode `submit`: instead of an address
  // For the log.
  std::string name() const { return user ? "uid " + std::to_string(user->uid) : address.to_string(); }
};

// A recipient whose next hop must be asked; answer with Dialog::probed().
struct ProbeNeeded {
  mail::Address recipient;
};

// An alias with several targets, whose sender wants to hear that it was expanded: it stands in the envelope beside its
// targets, and has its end. RFC 3461 5.2.7.3 (c)
struct Expanded {
  std::size_t rcpt = 0;  // which RCPT it was: the place in recipients_by_rcpt()
  mail::Recipient recipient;
};

enum class Greeted : std::uint8_t { no, helo, ehlo, lhlo };

// What the client is told when the store can't take its mail: 452 where there is no room (RFC 1870 6.1), else 451.
mail::Reply store_refusal(const base::Failure& failure);

class Dialog {
 public:
  // `listener` outlives the dialog.
  Dialog(Services& services, const config::Listener& listener, Peer peer);

  // 220, or a refusal after which the session closes. RFC 5321 3.1
  mail::Reply greeting();

  // What the grammar may take just now.
  wire::smtp::CommandRules rules(std::string_view line) const;

  // Every verb but AUTH, RCPT, DATA and BDAT; those below. Requires !wants_close().
  mail::Reply handle(const wire::smtp::Command& command);
  std::variant<mail::Reply, ProbeNeeded> rcpt(const wire::smtp::Rcpt& command);
  // The next hop's answer to the recipient of the last rcpt().
  mail::Reply probed(const wire::smtp::Rcpt& command, const ProbeNeeded& question, const mail::Reply& answer);

  // dialog_auth.cpp: AUTH may begin, with this mechanism; else the refusal. RFC 4954 4
  std::variant<mail::Reply, wire::sasl::Mechanism> begin_auth(const wire::smtp::Auth& command) const;
  // The client is this account from here on, and nothing else changes: no mechanism has a security layer.
  mail::Reply authenticated(const Identity& identity);
  // What to answer to a login that failed: `said`, or 421 after some.
  mail::Reply auth_failed(mail::Reply said);
  Login::Client login_client() const;
  // By tls-exporter; empty: not under TLS, or none is to be had. RFC 9266
  const std::string& channel_binding() const { return channel_binding_; }
  // Logins may be offered here; perhaps only under TLS.
  bool has_auth() const;
  // STARTTLS: 220, after which the handshake begins, or why not. RFC 3207 4
  mail::Reply starttls() const;
  // From here on the connection is under TLS, and all that was said before is forgotten. RFC 3207 4.2
  void begin_tls(net::TlsFacts facts, std::string channel_binding);
  // Null: the connection is in clear. Who the client showed itself to be is in it.
  const net::TlsFacts* tls() const { return tls_.get(); }

  // DATA or BDAT may begin; else the refusal.
  std::optional<mail::Reply> refuse_data() const;
  std::optional<mail::Reply> refuse_bdat() const;

  // Counts an answered command; gives the 421 to send instead of going on, when a limit was passed.
  std::optional<mail::Reply> count(const mail::Reply& reply);
  // After the reply that was just given, the session ends.
  bool wants_close() const { return close_; }
  // Pipelining is allowed: EHLO or LHLO announced it. RFC 2920 3.1
  bool pipelining() const { return greeted_ == Greeted::ehlo || greeted_ == Greeted::lhlo; }

  // What was agreed so far, with `size` octets of content and the time of now. Requires an open transaction.
  mail::Envelope envelope(std::uint64_t size) const;
  mail::Origin origin() const;
  // By RCPT, in order: the indexes of its recipients in envelope(). For LMTP's replies. RFC 2033 4.2
  const std::vector<std::vector<std::uint32_t>>& recipients_by_rcpt() const { return by_rcpt_; }
  const std::vector<Expanded>& expanded() const { return expanded_; }
  // Why this message is let in: one line for each reason, for the timeline.
  const std::vector<std::string>& decisions() const { return decisions_; }
  // The 250 that ends a transaction whose content was accepted.
  mail::Reply accepted(const std::string& id) const;
  bool lmtp() const { return greeted_ == Greeted::lhlo; }
  // dialog_submission.cpp: mail from our own users. RFC 6409
  LineEnds line_ends() const;
  // At the end of the data: what is to be changed of it, or why it is refused. Counts it against what its account may send.
  std::expected<mail::Edits, mail::Reply> submit(const mail::Envelope& envelope, base::MessageId id,
                                                 std::string_view header);
  // Of what a stranger sends, for finding out whether he may. Nothing: it is not to be found out. Requires a transaction.
  std::optional<policy::AuthenticationFacts> unproven() const;
  // The transaction is over, whatever became of it. RFC 5321 4.1.1.5
  void end_transaction();
  // BDAT has begun in this transaction: DATA is refused. RFC 3030 2
  void begin_chunks() { chunks_begun_ = true; }
  // A chunk was refused: the rest of this transaction is, too; where there is none, nothing is to be spoilt.
  // RFC 3030 2
  void fail_chunks() { chunks_failed_ = in_transaction(); }

  const Setting& setting() const { return setting_; }
  const Peer& peer() const { return peer_; }
  const std::string& helo() const { return helo_; }
  // What the PROXY protocol says of the client.
  void set_client(const base::IpAddress& address, std::uint16_t port) {
    peer_.address = address;
    peer_.port = port;
    connected_ = peer_;
  }
  const config::Listener& listener() const { return listener_; }
  bool in_transaction() const { return transaction_.has_value(); }
  std::size_t rcpt_count() const { return by_rcpt_.size(); }

 private:
  mail::Reply hello(Greeted how, const std::string& name);
  std::string capabilities() const;
  bool under_tls() const;
  std::vector<std::string> certificate_emails() const;
  bool may_auth() const;
  bool offers(wire::sasl::Mechanism mechanism) const;
  std::vector<wire::sasl::Mechanism> mechanisms() const;
  bool offers_tls() const;
  config::Offers offers() const;
  mail::Reply mail(const wire::smtp::Mail& command);
  mail::Reply xclient(const wire::smtp::Xclient& command);
  mail::Reply add(const wire::smtp::Rcpt& command, const policy::Accept& accept);
  std::optional<mail::Address> sender_for(const directory::Target& target);
  void note_decision(std::string_view why);
  void note_expanded(const wire::smtp::Rcpt& command, const directory::Target& first);
  policy::ClientFacts facts() const;
  bool is_submission() const;
  std::optional<mail::Address> account() const;
  std::optional<mail::Reply> refuse_submitter(const mail::ReversePath& reverse_path) const;
  std::optional<mail::Reply> refuse_more(const mail::Address& who, std::size_t recipients,
                                         policy::SendingCounts::Count count) const;
  std::size_t most_recipients() const;  // of one transaction
  mail::Reply refuse(const policy::Refuse& refusal);

  Services& services_;
  const config::Listener& listener_;
  Peer peer_;
  Peer connected_;  // without what XCLIENT says
  std::unique_ptr<const net::TlsFacts> tls_;
  std::string channel_binding_;
  Setting setting_;
  Greeted greeted_ = Greeted::no;
  std::string helo_;
  std::string client_name_;
  std::string identity_;
  bool by_auth_ = false;  // identity_ comes from AUTH, and not from XCLIENT
  std::uint32_t failed_logins_ = 0;
  std::optional<wire::smtp::Mail> transaction_;
  Wishes wishes_;  // of the transaction
  std::vector<mail::Recipient> recipients_;
  std::unordered_map<std::string, std::uint32_t> indexes_;  // in recipients_, by address
  std::vector<std::vector<std::uint32_t>> by_rcpt_;
  std::vector<Expanded> expanded_;
  std::vector<std::string> decisions_;
  bool chunks_begun_ = false;
  bool chunks_failed_ = false;
  bool close_ = false;
  std::uint32_t commands_ = 0;
  std::uint32_t errors_ = 0;
};

}  // namespace postrider::receive
