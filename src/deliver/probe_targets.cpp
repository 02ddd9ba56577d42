#include "deliver/probe_targets.hpp"

#include <utility>

namespace postrider::deliver {
namespace {

NextHops next_hops(FoundHosts found) {
  if (found) return std::move(found->hops);
  mail::Reply& reply = found.error().reply;
  // What the domain says of itself; all else may be mended before the client comes again.
  const bool final = reply.permanent() && reply.enhanced->subject == 1;
  if (!final) {
    reply.code = 450;
    reply.enhanced->cls = 4;
  }
  return std::unexpected(std::move(reply));
}

}  // namespace

void find_next_hops(const queue::Destination& destination, HostFinder& hosts,
                    std::move_only_function<void(NextHops)> done) {
  const config::Via& via = destination.route->via;
  if (!std::holds_alternative<config::ViaMx>(via) && !std::holds_alternative<config::ViaSmtp>(via))
    return done(std::unexpected(mail::reply(250, 1, 5, "no other server to ask")));
  hosts.find(destination,
             [done = std::move(done)](FoundHosts found) mutable { done(next_hops(std::move(found))); });
}

}  // namespace postrider::deliver
