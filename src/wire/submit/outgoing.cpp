#include <algorithm>

#include "base/ascii.hpp"
#include "wire/submit/submission.hpp"

namespace postrider::wire::submit {
namespace {

base::Result<mail::ReversePath> reverse_path(const Submission& submission, std::string_view login,
                                             const mail::Domain& host) {
  if (submission.sender && submission.sender->empty()) return mail::ReversePath();
  // As a header writes it, too: "Bob <bob@example.com>".
  std::string said = std::string(login);
  if (submission.sender) {
    const auto all = read_recipients(*submission.sender);
    said = all.size() == 1 ? all.front() : *submission.sender;
  }
  auto address = qualified(said, host);
  if (!address) return base::permanent({5, 1, 7}, "sender " + address.error().text);
  return mail::ReversePath(std::move(*address));
}

}  // namespace

base::Result<Outgoing> outgoing(const Submission& submission, std::string_view login,
                                const mail::Domain& host, std::string_view header) {
  Outgoing out;
  auto sender = reverse_path(submission, login, host);
  if (!sender) return std::unexpected(std::move(sender.error()));
  out.header = completed(header, submission.resent,
                         {.host = host,
                          .sender = *sender,
                          .login = std::string(login),
                          .full_name = submission.full_name,
                          .date = submission.date,
                          .unique = submission.unique});
  // RFC 6531 3.2: a header in UTF-8 goes only where it is understood. What is 8-bit and no UTF-8 is nobody's standard,
  // and is left to its sender.
  bool utf8 = !base::is_ascii(out.header) && base::is_utf8(out.header);
  for (const auto& said : submission.recipients) {
    auto address = qualified(said, host);
    if (!address) return std::unexpected(std::move(address.error()));
    utf8 = utf8 || !address->is_ascii();
    out.rcpts.push_back({.forward_path = std::move(*address), .notify = submission.notify, .orcpt = {}});
  }
  out.mail.smtputf8 = utf8 || (!sender->is_null() && !sender->address().is_ascii());
  out.mail.reverse_path = std::move(*sender);
  out.mail.body = submission.eight_bit ? mail::BodyType::eight_bit_mime : mail::BodyType::seven_bit;
  out.mail.ret = submission.ret;
  out.mail.envid = submission.envid;
  return out;
}

}  // namespace postrider::wire::submit
