#include "receive/dialog.hpp"

#include "base/ascii.hpp"
#include "mail/reply.hpp"

namespace postrider::receive {

using mail::plain_reply;
using mail::reply;
using mail::Reply;

namespace {

const Reply kHelp = reply(214, 0, 0,
                          "Commands: HELO EHLO LHLO MAIL RCPT DATA BDAT RSET NOOP QUIT HELP VRFY\n"
                          "RFC 5321 says what they mean; EHLO lists the extensions.");

}  // namespace

Reply store_refusal(const base::Failure& failure) {
  const bool no_room = failure.code.subject == 3 && failure.code.detail == 1;  // RFC 3463 3.4
  return {static_cast<std::uint16_t>(no_room ? 452 : 451), failure.code, failure.text};
}

Dialog::Dialog(Services& services, const config::Listener& listener, Peer peer)
    : services_(services),
      listener_(listener),
      peer_(std::move(peer)),
      connected_(peer_),
      setting_(services.setting()) {
  if (peer_.user) identity_ = peer_.user->name;
}

Reply Dialog::greeting() {
  if (const auto refusal = policy::judge_client(*setting_.config, facts())) return refuse(*refusal);
  const bool lmtp = listener_.mode == config::ListenerMode::lmtp;
  return plain_reply(220, setting_.config->hostname.ascii() + (lmtp ? " LMTP" : " ESMTP") + " Postrider");
}

wire::smtp::CommandRules Dialog::rules(std::string_view line) const {
  const bool is_mail = base::istarts_with(line, "MAIL");
  return {.extensions = pipelining(),
          .smtputf8 = pipelining() && (is_mail || (transaction_ && transaction_->smtputf8)),
          .auth = has_auth(),
          .future_release = offers().future_release,
          .deliver_by = listener_.offers.deliver_by,
          .mt_priority = listener_.offers.mt_priority};
}

Reply Dialog::handle(const wire::smtp::Command& command) {
  using namespace wire::smtp;
  struct Switch {
    Dialog& dialog;
    Reply operator()(const Helo& said) { return dialog.hello(Greeted::helo, said.name); }
    Reply operator()(const Ehlo& said) { return dialog.hello(Greeted::ehlo, said.name); }
    Reply operator()(const Lhlo& said) { return dialog.hello(Greeted::lhlo, said.name); }
    Reply operator()(const Mail& said) { return dialog.mail(said); }
    Reply operator()(const Rcpt&) { return reply(503, 5, 1, "bad sequence of commands"); }
    Reply operator()(const Data&) { return reply(503, 5, 1, "bad sequence of commands"); }
    Reply operator()(const Bdat&) { return reply(503, 5, 1, "bad sequence of commands"); }
    Reply operator()(const Rset&) {
      dialog.end_transaction();
      return reply(250, 0, 0, "ok");
    }
    Reply operator()(const Noop&) { return reply(250, 0, 0, "ok"); }
    Reply operator()(const Quit&) {
      dialog.close_ = true;
      return reply(221, 0, 0, dialog.setting_.config->hostname.ascii() + " closing the connection");
    }
    Reply operator()(const Help&) { return kHelp; }
    // Who exists is not told outside of a transaction; 252 is what the RFC foresees. RFC 5321 7.3
    Reply operator()(const Vrfy&) { return reply(252, 0, 0, "can't verify; send mail and see"); }
    Reply operator()(const Expn&) { return reply(502, 5, 1, "EXPN is not available here"); }
    Reply operator()(const Auth&) { return reply(503, 5, 1, "bad sequence of commands"); }
    Reply operator()(const StartTls&) { return dialog.starttls(); }
    Reply operator()(const Xclient& said) { return dialog.xclient(said); }
  };
  return std::visit(Switch{*this}, command);
}

std::optional<Reply> Dialog::count(const Reply& answer) {
  // A 421 behind the 354 would be taken for the answer to the content: DATA counts when that is answered, and so does AUTH.
  if (answer.code == 354 || answer.code == 334) return {};
  ++commands_;
  if (answer.permanent()) ++errors_;
  const auto& limits = setting_.config->limits;
  if (errors_ > limits.errors) {
    close_ = true;
    return reply(421, 7, 0, setting_.config->hostname.ascii() + " too many errors, closing the connection");
  }
  if (commands_ > limits.commands) {
    close_ = true;
    return reply(421, 7, 0, setting_.config->hostname.ascii() + " too many commands, closing the connection");
  }
  return {};
}

mail::Origin Dialog::origin() const {
  mail::Origin origin;
  if (peer_.user) {
    origin.uid = peer_.user->uid;
  } else {
    origin.client = peer_.address;
    origin.client_port = peer_.port;
  }
  origin.helo = helo_;
  origin.client_name = client_name_;
  origin.listener = listener_.name();
  origin.identity = identity_;
  // The `with` value of the Received field: RFC 3848 2, RFC 6531 4.3
  if (greeted_ == Greeted::lhlo) {
    origin.protocol = transaction_->smtputf8 ? "UTF8LMTP" : "LMTP";
  } else if (transaction_->smtputf8) {
    origin.protocol = "UTF8SMTP";
  } else {
    origin.protocol = greeted_ == Greeted::ehlo ? "ESMTP" : "SMTP";
  }
  if (tls_) {
    origin.tls = tls_->to_string();
    if (greeted_ != Greeted::helo) origin.protocol += 'S';  // there is no SMTPS
  }
  if (by_auth_ && greeted_ != Greeted::helo) origin.protocol += 'A';
  return origin;
}

mail::Envelope Dialog::envelope(std::uint64_t size) const {
  mail::Envelope envelope;
  envelope.reverse_path = transaction_->reverse_path;
  envelope.envid = transaction_->envid;
  envelope.ret = transaction_->ret;
  envelope.body = transaction_->body;
  envelope.smtputf8 = transaction_->smtputf8;
  envelope.size = size;
  envelope.received = services_.clock.utc();
  envelope.origin = origin();
  envelope.recipients = recipients_;
  for (auto& recipient : envelope.recipients) recipient.due = envelope.received;
  apply(wishes_, envelope);
  return envelope;
}

Reply Dialog::accepted(const std::string& id) const {
  if (wishes_.lowered()) return reply(250, 3, 6, lowered_text(wishes_) + "; queued as " + id);  // RFC 6710
  return reply(250, 0, 0, "queued as " + id);
}

void Dialog::end_transaction() {
  transaction_.reset();
  wishes_ = {};
  // Not clear(): an idle session would keep the room of its largest transaction.
  recipients_ = std::vector<mail::Recipient>();
  indexes_ = std::unordered_map<std::string, std::uint32_t>();
  by_rcpt_ = std::vector<std::vector<std::uint32_t>>();
  expanded_ = std::vector<Expanded>();
  decisions_ = std::vector<std::string>();
  chunks_begun_ = false;
  chunks_failed_ = false;
}

policy::ClientFacts Dialog::facts() const {
  return {.address = peer_.address,
          .mode = listener_.mode,
          .identity = identity_,
          .must_log_in = listener_.auth == config::ListenerAuth::required,
          .uid = peer_.user ? peer_.user->uid : 0};
}

Reply Dialog::refuse(const policy::Refuse& refusal) {
  if (refusal.close) close_ = true;
  return refusal.reply;
}

}  // namespace postrider::receive
