// HELO, EHLO, LHLO, STARTTLS and XCLIENT: who the client says it is.
#include <charconv>

#include "base/ascii.hpp"
#include "receive/dialog.hpp"

namespace postrider::receive {

using mail::plain_reply;
using mail::reply;
using mail::Reply;

Reply Dialog::hello(Greeted how, const std::string& name) {
  const bool lmtp = listener_.mode == config::ListenerMode::lmtp;
  // An LMTP server must not take HELO or EHLO, nor an SMTP server LHLO. RFC 2033 4.1
  if (lmtp != (how == Greeted::lhlo)) {
    return reply(500, 5, 1, lmtp ? "this is LMTP: say LHLO" : "this is SMTP: say EHLO");
  }
  // A second one is allowed and resets. RFC 5321 4.1.4
  end_transaction();
  greeted_ = how;
  helo_ = name;
  const auto& host = setting_.config->hostname.ascii();
  if (how == Greeted::helo) return plain_reply(250, host);
  return plain_reply(250, host + " greets " + helo_ + '\n' + capabilities());
}

std::string Dialog::capabilities() const {
  const auto& limits = setting_.config->limits;
  std::string lines = "PIPELINING\n";                                     // RFC 2920 3
  lines += "SIZE " + std::to_string(limits.message_size) + '\n';          // RFC 1870 4
  lines += "8BITMIME\n";                                                  // RFC 6152 2
  lines += "SMTPUTF8\n";                                                  // RFC 6531 3.1
  lines += "ENHANCEDSTATUSCODES\n";                                       // RFC 2034 3
  lines += "CHUNKING\n";                                                  // RFC 3030 2
  lines += "DSN\n";                                                       // RFC 3461 4
  lines += "LIMITS RCPTMAX=" + std::to_string(most_recipients()) + '\n';  // RFC 9422 4
  if (const auto offered = mechanisms(); !offered.empty()) {
    lines += "AUTH";  // RFC 4954 3
    for (const auto mechanism : offered) (lines += ' ') += wire::sasl::to_string(mechanism);
    lines += '\n';
  }
  if (offers_tls()) lines += "STARTTLS\n";  // RFC 3207 2
  lines += announce(offers(), setting_.config->extensions, services_.clock.utc());
  if (peer_.may_xclient) lines += "XCLIENT NAME ADDR PORT PROTO HELO LOGIN DESTADDR DESTPORT\n";
  // Last, since scripts wait for "250 HELP".
  return lines + "HELP";
}

// Not under TLS: RFC 3207 4.2
bool Dialog::offers_tls() const {
  return !tls_ && listener_.tls == config::ListenerTls::starttls && services_.tls &&
         services_.tls->is_ready();
}

Reply Dialog::starttls() const {
  if (tls_) return reply(503, 5, 1, "this connection is under TLS already");
  if (!offers_tls()) return reply(502, 5, 1, "STARTTLS is not available here");
  // Else it would not be clear what becomes of the mail.
  if (transaction_) return reply(501, 5, 1, "STARTTLS is not allowed inside a transaction");
  return reply(220, 0, 0, "go ahead with TLS");
}

void Dialog::begin_tls(net::TlsFacts facts, std::string channel_binding) {
  end_transaction();
  greeted_ = Greeted::no;
  helo_.clear();
  client_name_.clear();
  identity_.clear();
  by_auth_ = false;
  peer_ = connected_;
  tls_ = std::make_unique<const net::TlsFacts>(std::move(facts));
  channel_binding_ = std::move(channel_binding);
}

// To hold mail until later is for those who send, not for those who hand it on. RFC 4865 is about submission.
config::Offers Dialog::offers() const {
  config::Offers offers = listener_.offers;
  if (listener_.mode != config::ListenerMode::submission && offers.future_release)
    offers.future_release = policy::may_relay(*setting_.config, facts());
  return offers;
}

Reply Dialog::xclient(const wire::smtp::Xclient& command) {
  if (!peer_.may_xclient) return reply(550, 7, 0, "XCLIENT is not for this client");
  if (transaction_) return reply(503, 5, 1, "XCLIENT is not allowed inside a transaction");
  Peer next = peer_;
  if (command.addr && !command.addr->empty()) {
    const std::string_view text = *command.addr;
    const bool tagged = base::istarts_with(text, "IPV6:");
    const auto address = base::IpAddress::parse(tagged ? text.substr(5) : text);
    if (!address) return reply(501, 5, 4, "XCLIENT ADDR is not an IP address");
    next.address = *address;
  }
  if (command.port && !command.port->empty()) {
    const auto& text = *command.port;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), next.port);
    if (error != std::errc{} || end != text.data() + text.size()) {
      return reply(501, 5, 4, "XCLIENT PORT is not a port number");
    }
  }
  peer_ = next;
  if (command.name) client_name_ = *command.name;
  // Who has logged in is who talks to us, and not on whose behalf.
  if (by_auth_) identity_.clear();
  by_auth_ = false;
  if (command.login) identity_ = *command.login;
  // The session is as new, with the client as we were told. HELO may come along.
  end_transaction();
  greeted_ = Greeted::no;
  helo_ = command.helo.value_or(std::string());
  if (command.proto && command.helo && !command.helo->empty()) {
    greeted_ = base::iequals(*command.proto, "ESMTP") ? Greeted::ehlo : Greeted::helo;
    if (listener_.mode == config::ListenerMode::lmtp) greeted_ = Greeted::lhlo;
  }
  return greeting();
}

}  // namespace postrider::receive
