#include <algorithm>

#include "app/queue_print.hpp"
#include "app/verify_report.hpp"
#include "base/ascii.hpp"

namespace postrider::app {
namespace {

constexpr std::size_t kLabel = 10;   // "signature" fits
constexpr std::size_t kResult = 12;  // "not checked"
constexpr std::size_t kDetail = kLabel + kResult;
constexpr std::size_t kKey = 80;  // of a key's record, that are shown

std::string padded(std::string text, std::size_t width) {
  const std::size_t used = columns(text);
  return std::move(text) + std::string(used < width ? width - used : 1, ' ');
}

class Page {
 public:
  explicit Page(std::size_t width) : width_(width) {}

  // `first` stands before the first line, and is `indent` columns wide; words are wrapped beside it.
  void paragraph(const std::string& first, std::size_t indent, std::string_view words) {
    text_ += first;
    std::size_t at = indent;
    const std::string clean = harmless(words);
    for (std::size_t begin = 0; begin < clean.size();) {
      const std::size_t end = std::min(clean.find(' ', begin), clean.size());
      const auto word = std::string_view(clean).substr(begin, end - begin);
      if (at > indent && at + 1 + columns(word) > width_) {
        text_ += '\n' + std::string(indent, ' ');
        at = indent;
      } else if (at > indent) {
        text_ += ' ';
        ++at;
      }
      text_ += word;
      at += columns(word);
      begin = std::min(end + 1, clean.size());
    }
    end_line();
  }
  void row(const std::string& label, std::string_view result, std::string_view words) {
    paragraph(padded(label, kLabel) + padded(std::string(result), kResult), kDetail, words);
  }
  // Below a row; as it is, since a record is to be copied.
  void detail(const std::string& line) { raw(std::string(kDetail, ' ') + harmless(line)); }
  void raw(const std::string& line) {
    text_ += line;
    end_line();
  }
  std::string finish() && { return std::move(text_); }

 private:
  void end_line() {
    while (text_.ends_with(' ')) text_.pop_back();
    text_ += '\n';
  }
  std::size_t width_;
  std::string text_;
};

std::string quoted(std::string_view text) { return '"' + std::string(text) + '"'; }

void print_head(Page& page, const VerifyReport& report) {
  const auto& facts = report.facts;
  std::string from;
  for (const std::string& author : report.findings.authors) from += (from.empty() ? "" : ", ") + author;
  page.paragraph(padded("Message", kLabel), kLabel,
                 report.name + ", " + size_text(report.size) + ", From: " + (from.empty() ? "nobody" : from));
  std::string who = facts.unknown.client ? "unknown" : facts.client.to_string();
  if (!facts.unknown.helo) who += ", HELO " + facts.helo;
  if (!facts.unknown.reverse_path) who += ", MAIL FROM:<" + facts.reverse_path.to_string() + '>';
  page.paragraph(padded("Client", kLabel), kLabel, who);
  for (const std::string& note : report.notes) page.paragraph(std::string(kLabel, ' '), kLabel, note);
  page.raw("");
}

void print_spf(Page& page, const std::string& label, const policy::SpfFinding& finding) {
  page.row(label, to_string(finding.result), finding.reason);
  if (!finding.explanation.empty()) page.detail("its owner says: " + finding.explanation);
  for (const auto& step : finding.trace) {
    const std::string indent(static_cast<std::size_t>(step.depth) * 2, ' ');
    if (step.outcome == "record")
      page.detail(indent + step.domain + " has " + quoted(step.text));
    else
      page.detail(indent + "  " + padded(step.text, 24) + step.outcome);
  }
}

void print_dkim(Page& page, const policy::AuthenticationFindings& findings) {
  if (findings.dkim.empty()) page.row("DKIM", "none", "the message has no signature");
  for (std::size_t i = 0; i < findings.dkim.size(); ++i) {
    const auto& one = findings.dkim[i];
    const auto& verdict = one.verdict;
    std::string words = verdict.why;
    if (one.appended_octets != 0) words += ": " + grouped(one.appended_octets) + " octets were appended";
    if (!words.empty()) words += "; ";
    words += "d=" + one.domain + " s=" + one.selector + " i=" + one.identity + ' ' + one.algorithm;
    if (verdict.key_bits != 0) words += ", a key of " + std::to_string(verdict.key_bits) + " bits";
    if (verdict.testing) words += ", marked as a test";
    page.row("DKIM " + std::to_string(i + 1), to_string(verdict.result), words);
    // Whole it stands among the answers of the DNS.
    if (!verdict.record.empty())
      page.detail(cut(one.selector + "._domainkey." + one.domain + " has " + quoted(verdict.record), kKey));
  }
  if (findings.dkim_left_out > 0)
    page.row("", "", counted(findings.dkim_left_out, "signature") + " more, not looked at");
}

void print_arc(Page& page, const policy::ArcResult& result) {
  const bool none = result.verdict.status == wire::arc::Status::none;
  std::string words = result.verdict.why;
  if (none) words = "nobody who passed the message on has sealed it";
  if (result.passed())
    words = "sealed by " + counted(result.hops.size(), "server") + ", and not changed since";
  page.row("ARC", to_string(result.verdict.status), words);
  for (std::size_t i = 0; i < result.hops.size(); ++i) {
    std::string saw = result.hops[i].results;
    std::erase_if(saw, [](char c) { return c == '\r' || c == '\n'; });
    std::ranges::replace(saw, '\t', ' ');
    page.detail("i=" + std::to_string(i + 1) + " by " + result.hops[i].domain +
                ", which says:" + (saw.starts_with(' ') ? "" : " ") + saw);
  }
}

void print_dmarc(Page& page, const policy::DmarcFinding& finding) {
  page.row("DMARC", to_string(finding.result), finding.reason);
  for (const auto& step : finding.trace) {
    const bool record = base::istarts_with(step.outcome, "v=");
    page.detail(step.name + (record ? " has " + quoted(step.outcome) : ": " + step.outcome));
  }
  if (finding.result == policy::DmarcResult::fail)
    page.detail(finding.policy_domain + " wants such mail " +
                (finding.disposition == wire::dmarc::Policy::none         ? "treated like any other"
                 : finding.disposition == wire::dmarc::Policy::quarantine ? "put aside as suspicious"
                                                                          : "refused") +
                " (" + std::string(finding.policy_tag) + '=' + std::string(to_string(finding.policy)) +
                (finding.record && finding.record->testing ? ", t=y)" : ")"));
}

void print_advice(Page& page, const VerifyReport& report, bool needed, const char* heading) {
  bool any = false;
  for (const auto& one : report.advice) {
    if (one.needed != needed) continue;
    if (!std::exchange(any, true)) page.raw(std::string("\n") + heading);
    page.paragraph("  " + padded(one.about, kLabel - 2), kLabel, one.text);
  }
}

std::string in_words(const std::string& error) {
  if (error == "nxdomain") return "no such name (nxdomain)";
  if (error == "nodata") return "no such record (nodata)";
  return "no answer: " + error;
}

void print_dns(Page& page, const std::vector<DnsAnswer>& answers) {
  if (answers.empty()) return;
  page.raw("\nWhat the DNS said to " + counted(answers.size(), "question"));
  std::size_t widest = 0;
  for (const DnsAnswer& one : answers)
    widest = std::max(widest, std::min<std::size_t>(columns(one.name), 48));
  for (const DnsAnswer& one : answers) {
    const std::string first = "  " + padded(one.type, 6) + padded(harmless(one.name), widest + 2);
    const std::string secure = one.secure ? " (DNSSEC)" : "";
    if (one.records.empty()) page.raw(first + in_words(one.error) + secure);
    std::string before = first;
    for (const std::string& record : one.records) {
      page.raw(before + harmless(one.type == "TXT" ? quoted(record) : record) + secure);
      before = std::string(columns(first), ' ');
    }
  }
}

}  // namespace

std::string verify_text(const VerifyReport& report, std::size_t width) {
  const auto& facts = report.facts;
  const auto& findings = report.findings;
  const std::string no_client = "the client's address is not known (--ip)";
  Page page(width);
  print_head(page, report);
  if (facts.checks_iprev())
    page.row("iprev", to_string(findings.iprev.result), findings.iprev.reason);
  else
    page.row("iprev", "not checked", no_client);
  if (facts.checks_helo())
    print_spf(page, "HELO", findings.helo);
  else
    page.row("HELO", "not checked",
             facts.unknown.client ? no_client : "what it said in HELO is not known (--helo)");
  if (facts.checks_mail_from() && facts.reverse_path.is_null())
    page.row("SPF", to_string(findings.mail_from.result), "of the null sender it is that of HELO");
  else if (facts.checks_mail_from())
    print_spf(page, "SPF", findings.mail_from);
  else
    page.row("SPF", "not checked",
             facts.unknown.client ? no_client
             : facts.unknown.reverse_path
                 ? "what it said in MAIL FROM is not known (--from)"
                 : "of the null sender it is that of HELO, which is not known (--helo)");
  print_dkim(page, findings);
  print_arc(page, findings.arc);
  print_dmarc(page, findings.dmarc);
  print_advice(page, report, true, "What the sender would have to change");
  print_advice(page, report, false, "What could be better");
  if (report.advice.empty()) page.raw("\nNothing has to be changed.");
  print_dns(page, report.dns);
  return std::move(page).finish();
}

}  // namespace postrider::app
