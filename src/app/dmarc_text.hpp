// What `postrider dmarc` prints.
#pragma once

#include <boost/json/object.hpp>
#include <string>
#include <vector>

#include "app/queue_print.hpp"
#include "reports/report_store.hpp"

namespace postrider::app {

// "87 %"; "-" of none; never "100 %" of less than all, nor "0 %" of more than none.
std::string percent(std::uint64_t part, std::uint64_t whole);

// A line for each domain: how many reports of whom, how much mail, what passed.
std::string dmarc_summary(const std::vector<reports::StoredReport>& reports);

Table dmarc_senders_table(const std::vector<reports::Sender>& senders);
Table dmarc_reports_table(const std::vector<reports::StoredReport>& reports);
Table dmarc_failures_table(const std::vector<reports::StoredFailure>& failures);
Table dmarc_outgoing_table(const std::vector<reports::OutgoingReport>& outgoing);

boost::json::object dmarc_json(const std::vector<reports::StoredReport>& reports,
                               const std::vector<reports::Sender>& senders,
                               const std::vector<reports::StoredFailure>& failures);
boost::json::object dmarc_json(const std::vector<reports::OutgoingReport>& outgoing);

}  // namespace postrider::app
