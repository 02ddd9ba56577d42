#include "app/dmarc_text.hpp"

#include <boost/json/array.hpp>
#include <cmath>
#include <map>
#include <set>

namespace postrider::app {
namespace {

namespace json = boost::json;

std::string day_text(base::UtcTime time) { return base::to_rfc3339(time).substr(0, 10); }

// To the right, so that numbers stand beneath each other.
std::string right(const std::string& text, std::size_t width) {
  return std::string(width - std::min(width, columns(text)), ' ') + text;
}

std::string done_text(const reports::Sender& sender) {
  std::string out;
  const auto add = [&](std::uint64_t count, std::string_view word) {
    if (count > 0) out += (out.empty() ? "" : ", ") + grouped(count) + ' ' + std::string(word);
  };
  add(sender.rejected, "rejected");
  add(sender.quarantined, "quarantined");
  add(sender.unproven, "unproven");
  return out;
}

// The domain whose mail it was, where that passed DMARC.
std::string proof_text(const reports::Origin& origin) {
  if (origin.proof == reports::Proof::passed) return harmless(origin.author);
  return std::string(to_string(origin.proof));
}

}  // namespace

std::string percent(std::uint64_t part, std::uint64_t whole) {
  if (whole == 0) return "-";
  const double share = 100.0 * static_cast<double>(part) / static_cast<double>(whole);
  auto rounded = std::lround(share);
  if (rounded == 100 && part < whole) rounded = 99;
  if (rounded == 0 && part > 0) rounded = 1;
  return std::to_string(rounded) + " %";
}

std::string dmarc_summary(const std::vector<reports::StoredReport>& reports) {
  struct Total {
    std::uint64_t reports = 0, messages = 0, passed = 0, unproven = 0;
    std::set<std::string> reporters;
    base::UtcTime first = base::UtcTime::max(), last = base::UtcTime::min();
  };
  std::map<std::string, Total> domains;
  for (const auto& report : reports) {
    Total& total = domains[report.domain];
    ++total.reports;
    total.messages += report.messages;
    total.passed += report.passed;
    if (report.origin.proof == reports::Proof::unproven) ++total.unproven;
    total.reporters.insert(report.org);
    total.first = std::min(total.first, report.first);
    total.last = std::max(total.last, report.last);
  }
  std::string out;
  for (const auto& [domain, total] : domains) {
    out += harmless(domain) + ": " + counted(total.messages, "message") + ", " +
           percent(total.passed, total.messages) + " passed DMARC (" + day_text(total.first) + " to " +
           day_text(total.last) + ", " + counted(total.reports, "report") + " of " +
           counted(total.reporters.size(), "receiver") +
           (total.unproven > 0 ? ", " + grouped(total.unproven) + " unproven" : "") + ")\n";
  }
  if (!out.empty()) out += '\n';
  return out;
}

Table dmarc_senders_table(const std::vector<reports::Sender>& senders) {
  Table table({"MESSAGES", "PASSED", " DKIM", "  SPF", "SOURCE", "FROM", "TOLD BY", "DONE"});
  for (const auto& sender : senders) {
    table.add({right(grouped(sender.messages), 8), right(percent(sender.passed, sender.messages), 6),
               right(percent(sender.dkim, sender.messages), 5),
               right(percent(sender.spf, sender.messages), 5), sender.source, harmless(sender.header_from),
               right(grouped(sender.reporters), 7), done_text(sender)});
  }
  return table;
}

Table dmarc_reports_table(const std::vector<reports::StoredReport>& reports) {
  Table table({"DAY", "DOMAIN", "RECEIVER", "MESSAGES", "PASSED", "PROVEN BY", "ID"});
  for (const auto& report : reports) {
    table.add({day_text(report.first), harmless(report.domain),
               harmless(report.org.empty() ? report.email : report.org), right(grouped(report.messages), 8),
               right(percent(report.passed, report.messages), 6), proof_text(report.origin),
               harmless(report.report_id)});
  }
  return table;
}

Table dmarc_failures_table(const std::vector<reports::StoredFailure>& failures) {
  Table table({"RECEIVED", "DOMAIN", "SOURCE", "WHAT", "SENDER", "RESULTS"});
  for (const auto& failure : failures) {
    table.add({day_text(failure.received), harmless(failure.domain), failure.source, harmless(failure.what),
               harmless(failure.mail_from), harmless(failure.results)});
  }
  return table;
}

Table dmarc_outgoing_table(const std::vector<reports::OutgoingReport>& outgoing) {
  Table table({"DAY", "DOMAIN", "STATE", "ROWS", "NOTE"});
  for (const auto& report : outgoing) {
    std::string note = harmless(report.note);
    if (report.left_out > 0)
      note += (note.empty() ? "" : "; ") + counted(report.left_out, "message") + " left out";
    table.add({day_text(report.day), harmless(report.domain), std::string(to_string(report.state)),
               right(grouped(report.rows), 4), note});
  }
  return table;
}

json::object dmarc_json(const std::vector<reports::StoredReport>& reports,
                        const std::vector<reports::Sender>& senders,
                        const std::vector<reports::StoredFailure>& failures) {
  json::array all_reports, all_senders, all_failures;
  for (const auto& one : reports) {
    all_reports.push_back(json::object{{"domain", one.domain},
                                       {"organization", one.org},
                                       {"email", one.email},
                                       {"report_id", one.report_id},
                                       {"begin", base::to_rfc3339(one.first)},
                                       {"end", base::to_rfc3339(one.last)},
                                       {"received", base::to_rfc3339(one.received)},
                                       {"records", one.records},
                                       {"messages", one.messages},
                                       {"passed", one.passed},
                                       {"proof", to_string(one.origin.proof)},
                                       {"proven_by", one.origin.author}});
  }
  for (const auto& one : senders) {
    all_senders.push_back(json::object{{"source", one.source},
                                       {"header_from", one.header_from},
                                       {"messages", one.messages},
                                       {"passed", one.passed},
                                       {"dkim_aligned", one.dkim},
                                       {"spf_aligned", one.spf},
                                       {"quarantined", one.quarantined},
                                       {"rejected", one.rejected},
                                       {"reporters", one.reporters},
                                       {"unproven", one.unproven}});
  }
  for (const auto& one : failures) {
    all_failures.push_back(json::object{{"received", base::to_rfc3339(one.received)},
                                        {"domain", one.domain},
                                        {"source", one.source},
                                        {"what", one.what},
                                        {"reporter", one.reporter},
                                        {"mail_from", one.mail_from},
                                        {"results", one.results}});
  }
  return {{"senders", std::move(all_senders)},
          {"reports", std::move(all_reports)},
          {"failures", std::move(all_failures)}};
}

json::object dmarc_json(const std::vector<reports::OutgoingReport>& outgoing) {
  json::array all;
  for (const auto& one : outgoing) {
    all.push_back(json::object{{"day", day_text(one.day)},
                               {"domain", one.domain},
                               {"state", to_string(one.state)},
                               {"rows", one.rows},
                               {"messages", one.messages},
                               {"left_out", one.left_out},
                               {"attempts", one.attempts},
                               {"note", one.note}});
  }
  return {{"outgoing", std::move(all)}};
}

}  // namespace postrider::app
