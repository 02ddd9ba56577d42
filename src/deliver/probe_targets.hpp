// Which servers can be asked about a recipient of a domain that we relay for.
#pragma once

#include <expected>
#include <functional>
#include <vector>

#include "deliver/hosts.hpp"
#include "mail/reply.hpp"

namespace postrider::deliver {

// Whom to ask, in this order; or the answer where there is nobody: 250 where the route ends here (a mailbox, LMTP, a
// program, hold, discard), 550 5.1.2 where the domain does not exist, 556 5.1.10 where it takes no mail, 450 4.4.x
// for trouble of the DNS, for hosts without an address and for a way back to ourselves: that is perhaps mended before
// the client comes again.
using NextHops = std::expected<std::vector<NextHop>, mail::Reply>;

// `done` is called by the rules of HostFinder::find.
void find_next_hops(const queue::Destination& destination, HostFinder& hosts,
                    std::move_only_function<void(NextHops)> done);

}  // namespace postrider::deliver
