#include "reports/counts.hpp"

#include <array>

namespace postrider::reports::counts {
namespace {

constexpr std::array<const char*, 4> kFailures = {"sent", "unwanted", "bounded", "dropped"};

}  // namespace

std::string_view to_string(Failure failure) { return kFailures.at(static_cast<std::size_t>(failure)); }

sys::Counters seen("postrider_dmarc_seen_total",
                   "Messages that were judged, of domains that ask for DMARC reports.",
                   {{"result", {"recorded", "dropped"}}});
sys::Counters outgoing("postrider_dmarc_reports_sent_total", "DMARC reports to others that ended so.",
                       {{"result", {"sent", "unwanted", "too_large", "put_off", "given_up"}}});
sys::Counters failures("postrider_dmarc_failure_reports_total",
                       "DMARC failure reports to others, by their end.",
                       {{"result", {kFailures.begin(), kFailures.end()}}});
sys::Counters received("postrider_dmarc_reports_received_total", "DMARC reports of others that came by mail.",
                       {{"result", {"stored", "known", "unreadable"}}});

}  // namespace postrider::reports::counts
