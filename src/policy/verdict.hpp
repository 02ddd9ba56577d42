// Facts in, verdicts out. Nothing here sees a socket; what a verdict needs from the network is asked for.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "config/config.hpp"
#include "directory/directory.hpp"
#include "mail/envelope.hpp"
#include "mail/reply.hpp"
#include "policy/forwarding.hpp"

namespace postrider::policy {

struct ClientFacts {
  base::IpAddress address;
  config::ListenerMode mode = config::ListenerMode::mx;
  std::string identity;      // authenticated user; empty: none. May relay
  bool must_log_in = false;  // before it sends anything
  std::uint32_t uid = 0;     // with mode `submit`: the user of this machine, whose name `identity` is
};

struct Accept {
  std::vector<directory::Target> targets;
  std::string_view why{};  // for the timeline; lives for ever
};
struct Refuse {
  mail::Reply reply;
  bool close = false;  // 421, or a 554 that ends the session
};
// The next hop must say whether the recipient exists; ask policy::RecipientProbe, then judge_probe().
struct AskNextHop {
  mail::Address recipient;
};
using RecipientVerdict = std::variant<Accept, AskNextHop, Refuse>;

// May send through us to anywhere: it has logged in, or its network is listed.
bool may_relay(const config::Config& config, const ClientFacts& client);
// May this client talk to us at all? `[access]` allow_clients goes before deny_clients: 554 5.7.1. A user of this machine
// (mode `submit`) is asked for in [submit] instead.
std::optional<Refuse> judge_client(const config::Config& config, const ClientFacts& client);
// Must this client log in first? 530 5.7.0. Else, may this sender send? allow_senders before deny_senders: 550 5.7.1. An allowed client is not judged, nor is the
// null sender.
std::optional<Refuse> judge_sender(const config::Config& config, const ClientFacts& client,
                                   const mail::ReversePath& sender);
// 550 5.1.1 unknown here; 550 5.7.1 relaying denied unless the client's network is listed or it has an identity;
// 550 5.7.1 denied (allow_recipients before deny_recipients). Relay domains take mail from anybody. <postmaster>
// is never refused. What the directory can't expand is its failure: 451 or 550. An address that `forwarding` (null: none) made
// is taken from anybody; one that only looks like it is 550 5.1.1.
RecipientVerdict judge_recipient(const config::Config& config, const directory::Directory& directory,
                                 const ClientFacts& client, const mail::ForwardPath& recipient,
                                 const Forwarding* forwarding = nullptr);
// The next hop's answer becomes ours: 2yz accepts, 5yz refuses with 550 5.1.1 and its words, all else is 450 with
// its enhanced code where that is a 4.y.z, else 4.1.1.
RecipientVerdict judge_probe(const mail::Address& recipient, const mail::Reply& answer);

}  // namespace postrider::policy
