#include "reports/counts.hpp"

namespace postrider::reports::counts {

sys::Counters seen("postrider_dmarc_seen_total",
                   "Messages that were judged, of domains that ask for DMARC reports.",
                   {{"result", {"recorded", "dropped"}}});
sys::Counters outgoing("postrider_dmarc_reports_sent_total", "DMARC reports to others that ended so.",
                       {{"result", {"sent", "unwanted", "too_large", "put_off", "given_up"}}});
sys::Counters received("postrider_dmarc_reports_received_total", "DMARC reports of others that came by mail.",
                       {{"result", {"stored", "known", "unreadable"}}});

}  // namespace postrider::reports::counts
