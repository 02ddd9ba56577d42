#include "queue/counts.hpp"

namespace postrider::queue::counts {

sys::Counters attempts("postrider_attempts_total", "Recipients for whom an attempt to deliver ended so.",
                       {{"courier", {"mailbox", "remote", "program"}},
                        {"outcome",
                         {"delivered", "relayed", "expanded", "deferred", "failed", "discarded"}}});
sys::Counters outcomes("postrider_outcomes_total", "What was recorded of recipients.",
                       {{"outcome",
                         {"delivered", "relayed", "expanded", "deferred", "failed", "discarded", "held"}}});
sys::Counters notifications("postrider_notifications_total", "Notifications (DSNs) that were written.",
                            {{"of", {"failure", "success", "delay"}}});
sys::Gauges in_memory("postrider_queue_in_memory", "Recipients that the queue holds in memory.");
sys::Gauges under_attempt("postrider_queue_under_attempt", "Jobs that couriers have.");

}  // namespace postrider::queue::counts
