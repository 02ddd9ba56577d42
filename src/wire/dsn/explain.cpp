// What a notification says to a person.
#include <algorithm>
#include <array>

#include "wire/dsn/clean.hpp"
#include "wire/dsn/report.hpp"
#include "wire/mime/header_fields.hpp"
#include "wire/mime/text.hpp"

namespace postrider::wire::dsn {
namespace {

constexpr std::size_t kMargin = 76;
constexpr std::size_t kMaxName = 400;   // an address has 254 octets, and some that come as ORCPT more
constexpr std::size_t kMaxSaid = 1000;  // of what another server says of one recipient
constexpr std::size_t kMaxSubject = 200;

// One paragraph, broken at its spaces; a word that is too long for a line is broken where it must.
void paragraph(std::string& out, std::size_t indent, std::string_view text) {
  const std::size_t width = kMargin - indent;
  while (!text.empty()) {
    std::size_t end = text.size();
    if (end > width) {
      end = text.rfind(' ', width);
      if (end == std::string_view::npos || end == 0) end = text.find(' ');
      end = std::min(end, text.size());
      if (end > kMaxName) end = whole_characters(text, kMaxName);
    }
    out.append(indent, ' ');
    out += text.substr(0, end);
    out += '\n';
    text.remove_prefix(end);
    while (text.starts_with(' ')) text.remove_prefix(1);
  }
}

struct Advice {
  std::uint16_t subject, detail;
  std::string_view text;
};
// By the status code, RFC 3463 3
constexpr std::array kAdvice = {
    Advice{1, 1, "Check the address: nobody has it there. It may be misspelt, or no longer in use."},
    Advice{1, 2, "Check what stands behind the @: there is no such domain. It may be misspelt."},
    Advice{1, 3, "Check the address: it is not written as an address must be."},
    Advice{1, 6, "The mailbox has moved, and its new address is not known here. Ask the recipient for it."},
    Advice{1, 10, "Check what stands behind the @: this domain takes no mail at all."},
    Advice{2, 1, "The mailbox takes no mail just now. Try to reach the recipient in another way."},
    Advice{2, 2, "The mailbox is full. Write again later, or tell the recipient in another way."},
    Advice{
        2, 3,
        "The message is too large for this mailbox. Send less at a time, for example without attachments."},
    Advice{3, 4,
           "The message is too large for that server. Send less at a time, for example without attachments."},
    Advice{4, 4, "Check what stands behind the @: no server is known that takes mail for it."},
    Advice{4, 6,
           "The mail runs in a circle between servers. Show this message to the recipient's postmaster."},
    Advice{4, 7,
           "The other side could not be reached in all that time. Try again later, or reach the recipient in "
           "another way."},
    Advice{6, 7,
           "The other server does not take international addresses. Use another address of the recipient or "
           "of yours, if there is one."},
};

std::string_view advice(const base::EnhancedCode& status) {
  for (const Advice& one : kAdvice) {
    if (one.subject == status.subject && one.detail == status.detail) return one.text;
  }
  if (status.subject == 7)
    return "The other side does not want this message: its rules are in the way. If you think that this is "
           "wrong, "
           "show this message to your postmaster, or to the recipient's.";
  if (status.subject == 6)
    return "The other side can't take the message in this form. Try to send it as plain text, or without "
           "attachments.";
  if (status.subject == 1) return "Check the address: it may be misspelt, or no longer in use.";
  return "If the words above do not help you, show this message to your postmaster.";
}

std::string_view fate(Action action) {
  switch (action) {
    case Action::delivered:
      return "It was put into the mailbox.";
    case Action::relayed:
      return "It was handed to the next server, which does not promise to tell you more. If it can't be "
             "delivered "
             "from there, you should hear of that.";
    case Action::expanded:
      return "It was passed on to the addresses that stand behind this one. You hear of them only if one "
             "fails.";
    case Action::failed:
    case Action::delayed:
      break;
  }
  return "";
}

std::string opening(const Report& report) {
  const bool several = report.status.recipients.size() > 1;
  switch (report.kind) {
    case Kind::failure:
      return several ? "Your message could not be delivered to these recipients. It will not be tried again."
                     : "Your message could not be delivered to this recipient. It will not be tried again.";
    case Kind::delay:
      return std::string("Your message has not been delivered yet to ") +
             (several ? "these recipients." : "this recipient.") +
             " You do not need to do anything, nor to send it again: this server keeps trying.";
    case Kind::success:
      break;
  }
  return "You asked to be told what becomes of your message. This is it.";
}

void explain_recipient(std::string& out, const Report& report, std::size_t index) {
  const Recipient& recipient = report.status.recipients[index];
  const Words words = index < report.words.size() ? report.words[index] : Words{};
  out += '\n';
  const std::string& name = words.name.empty() ? recipient.final.text : words.name;
  paragraph(out, 0, '<' + clean(name, Charset::utf8, kMaxName) + '>');
  const std::string server = clean(words.server, Charset::utf8, kMaxName);
  const std::string said = clean(words.said, Charset::utf8, kMaxSaid);
  const bool success = report.kind == Kind::success;
  if (success) paragraph(out, 4, fate(recipient.action));
  if (!server.empty() && !said.empty()) {
    paragraph(out, 4, "The server " + server + " said:");
    paragraph(out, 8, said);
  } else if (!said.empty() && !success) {
    paragraph(out, 4, report.kind == Kind::delay ? "The reason so far:" : "The reason:");
    paragraph(out, 8, said);
  }
  if (report.kind == Kind::failure) {
    paragraph(out, 4, "What you can do:");
    paragraph(out, 8, advice(recipient.status));
  }
  if (report.kind == Kind::delay && recipient.will_retry_until) {
    paragraph(out, 4,
              "It is tried until " + base::to_rfc5322(*recipient.will_retry_until) +
                  ". If it can't be delivered by then, you will be told.");
  }
}

void explain_original(std::string& out, const Report& report) {
  const auto field = mime::find_field(report.original.header, "Subject");
  const std::string subject =
      field ? clean(mime::decode_unstructured(field->value), Charset::utf8, kMaxSubject) : std::string();
  out += '\n';
  if (!subject.empty()) paragraph(out, 0, "The subject of your message: " + subject);
  if (report.status.arrival)
    paragraph(out, 0, "This server took it on " + base::to_rfc5322(*report.status.arrival) + '.');
  switch (report.original.part) {
    case Original::Part::none:
      break;
    case Original::Part::headers:
      paragraph(out, 0, "Its header is attached, behind a part that is meant for programs.");
      break;
    case Original::Part::start:
      paragraph(out, 0,
                "Its beginning is attached, behind a part that is meant for programs. The rest was left out, "
                "as it is long.");
      break;
    case Original::Part::full:
      paragraph(out, 0, "It is attached, behind a part that is meant for programs.");
      break;
  }
}

}  // namespace

std::string explain(const Report& report) {
  std::string out;
  paragraph(out, 0, "This is the mail server " + clean(report.hostname, Charset::utf8, kMaxName) + ".");
  out += '\n';
  paragraph(out, 0, opening(report));
  for (std::size_t i = 0; i < report.status.recipients.size(); ++i) explain_recipient(out, report, i);
  explain_original(out, report);
  return out;
}

}  // namespace postrider::wire::dsn
