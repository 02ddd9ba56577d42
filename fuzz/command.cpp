// A command line of a stranger: parsed or refused with a reply of one line. What is accepted as a sender is
// written so that it reads back the same. The first octet chooses the rules.
#include "wire/smtp/command.hpp"

#include <string>

#include "wire/smtp/client_command.hpp"
#include "wire/smtp/line_splitter.hpp"
#include "wire/smtp/reply.hpp"

using namespace postrider;
using namespace postrider::wire::smtp;

namespace {

void require(bool ok) {
  if (!ok) __builtin_trap();
}

void check_refusal(const mail::Reply& reply) {
  require(reply.permanent() && reply.code < 560 && reply.enhanced && reply.enhanced->cls == 5);
  std::string out;
  encode(reply, out);
  const auto line = next_line(out, 512);
  require(line.result == LineResult::line && line.consumed == out.size());
}

void check_mail(const Mail& command) {
  const auto path = command.reverse_path.to_string();
  require(path.size() <= 254 && command.envid.size() <= 100);
  const auto again = parse_command("MAIL FROM:<" + path + "> SMTPUTF8", {});
  require(again && std::get<Mail>(*again).reverse_path == command.reverse_path);
  if (command.priority) require(*command.priority >= -9 && *command.priority <= 9);
  if (command.by) require(command.by->notify || command.by->within.count() > 0);
  // What it wishes reads back the same from what a client of ours would write.
  Mail wishes{.reverse_path = {},
              .size = {},
              .envid = {},
              .hold = command.hold,
              .by = command.by,
              .priority = command.priority};
  std::string line;
  encode(wishes, line);
  const auto read = parse_command(std::string_view(line).substr(0, line.size() - 2), {});
  require(read && std::get<Mail>(*read).hold == command.hold && std::get<Mail>(*read).by == command.by &&
          std::get<Mail>(*read).priority == command.priority);
}

void check_rcpt(const Rcpt& command) {
  if (const auto* address = std::get_if<mail::Address>(&command.forward_path)) {
    const auto again = parse_command("RCPT TO:<" + address->to_string() + '>', {});
    require(again && std::get<Rcpt>(*again).forward_path == command.forward_path);
  }
  if (command.orcpt) require(!command.orcpt->address.empty() && command.orcpt->address.size() <= 500);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const CommandRules rules{.extensions = (data[0] & 1) != 0, .smtputf8 = (data[0] & 2) != 0};
  const std::string text = std::string(reinterpret_cast<const char*>(data) + 1, size - 1) + "\r\n";
  const auto line = next_line(text, kMaxCommandLine);
  require(line.consumed > 0 && line.consumed <= text.size());
  if (line.result != LineResult::line) return 0;
  const auto command = parse_command(line.text, rules);
  if (!command) {
    check_refusal(command.error());
    return 0;
  }
  require(!verb_name(*command).empty());
  if (const auto* mail = std::get_if<Mail>(&*command)) check_mail(*mail);
  if (const auto* rcpt = std::get_if<Rcpt>(&*command)) check_rcpt(*rcpt);
  return 0;
}
