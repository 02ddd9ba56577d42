// The writer of aggregate reports.
#include <fmt/format.h>

#include "wire/dmarc_report/feedback.hpp"
#include "wire/dsn/clean.hpp"

namespace postrider::wire::dmarc_report {
namespace {

// U+FFFE and U+FFFF are the only characters of UTF-8 that XML has not, once the controls are gone.
std::string without_noncharacters(std::string text) {
  for (std::size_t at = 0; (at = text.find("\xEF\xBF", at)) != text.npos; at += 3)
    if (text[at + 2] == '\xBE' || text[at + 2] == '\xBF') text[at + 2] = '\xBD';
  return text;
}

std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : without_noncharacters(dsn::clean(text, dsn::Charset::utf8, kMostText))) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      default:
        out += c;
    }
  }
  return out;
}

// Of nesting two spaces each.
class Writer {
 public:
  void open(std::string_view name) {
    line("<{}>", name);
    ++depth_;
  }
  void close(std::string_view name) {
    --depth_;
    line("</{}>", name);
  }
  void leaf(std::string_view name, std::string_view text) { line("<{0}>{1}</{0}>", name, escaped(text)); }
  void optional(std::string_view name, std::string_view text) {
    if (!text.empty()) leaf(name, text);
  }
  template <class... Args>
  void line(fmt::format_string<Args...> form, Args&&... args) {
    out_.append(2 * depth_, ' ');
    fmt::format_to(std::back_inserter(out_), form, std::forward<Args>(args)...);
    out_ += '\n';
  }
  std::string take() { return std::move(out_); }

 private:
  std::string out_ = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";
  std::size_t depth_ = 0;
};

std::string_view word(bool aligned) { return aligned ? "pass" : "fail"; }
std::string_view word(dmarc::Alignment alignment) {
  return alignment == dmarc::Alignment::strict ? "s" : "r";
}

void write_metadata(Writer& out, const Feedback& feedback) {
  out.open("report_metadata");
  out.leaf("org_name", feedback.org_name);
  out.leaf("email", feedback.email);
  out.optional("extra_contact_info", feedback.extra_contact_info);
  out.leaf("report_id", feedback.report_id);
  out.open("date_range");
  out.leaf("begin", std::to_string(feedback.begin.time_since_epoch().count()));
  out.leaf("end", std::to_string(feedback.end.time_since_epoch().count()));
  out.close("date_range");
  out.optional("error", feedback.error);
  out.optional("generator", feedback.generator);
  out.close("report_metadata");
}

void write_published(Writer& out, const Published& published) {
  out.open("policy_published");
  out.leaf("domain", published.domain);
  if (published.discovery != Discovery::unknown)
    out.leaf("discovery_method", published.discovery == Discovery::treewalk ? "treewalk" : "psl");
  out.leaf("p", dmarc::to_string(published.policy));
  if (published.subdomain) out.leaf("sp", dmarc::to_string(*published.subdomain));
  if (published.missing) out.leaf("np", dmarc::to_string(*published.missing));
  out.optional("fo", published.fo);
  if (published.dkim) out.leaf("adkim", word(*published.dkim));
  if (published.spf) out.leaf("aspf", word(*published.spf));
  out.leaf("testing", published.testing ? "y" : "n");
  out.close("policy_published");
}

void write_row(Writer& out, const Record& record) {
  out.open("row");
  out.leaf("source_ip", record.source.to_string());
  out.leaf("count", std::to_string(record.count));
  out.open("policy_evaluated");
  out.leaf("disposition", to_string(record.disposition));
  out.leaf("dkim", word(record.dkim_aligned));
  out.leaf("spf", word(record.spf_aligned));
  for (const Reason& reason : record.reasons) {
    out.open("reason");
    out.leaf("type", reason.type);
    out.optional("comment", reason.comment);
    out.close("reason");
  }
  out.close("policy_evaluated");
  out.close("row");
}

// In the order that RFC 9990 3.1.1 asks for.
void write_record(Writer& out, const Record& record) {
  out.open("record");
  write_row(out, record);
  out.open("identifiers");
  out.leaf("header_from", record.header_from);
  if (record.envelope_from) out.leaf("envelope_from", *record.envelope_from);
  out.optional("envelope_to", record.envelope_to);
  out.close("identifiers");
  out.open("auth_results");
  for (const DkimResult& dkim : record.dkim) {
    out.open("dkim");
    out.leaf("domain", dkim.domain);
    out.leaf("selector", dkim.selector);
    out.leaf("result", dkim.result);
    out.optional("human_result", dkim.human_result);
    out.close("dkim");
  }
  for (const SpfResult& spf : record.spf) {
    out.open("spf");
    out.leaf("domain", spf.domain);
    out.optional("scope", spf.scope);
    out.leaf("result", spf.result);
    out.optional("human_result", spf.human_result);
    out.close("spf");
  }
  out.close("auth_results");
  out.close("record");
}

}  // namespace

std::string write_feedback(const Feedback& feedback) {
  Writer out;
  out.line("<feedback xmlns=\"urn:ietf:params:xml:ns:dmarc-2.0\">");
  out.leaf("version", "1.0");
  write_metadata(out, feedback);
  write_published(out, feedback.published);
  for (const Record& record : feedback.records) write_record(out, record);
  out.line("</feedback>");
  return out.take();
}

}  // namespace postrider::wire::dmarc_report
