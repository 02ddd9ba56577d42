#include <fmt/format.h>

#include <iostream>

#include "app/queue_print.hpp"
#include "app/queue_tools.hpp"
#include "sys/clock.hpp"

namespace postrider::app {
namespace {

using boost::json::object;

void print_line(std::string_view name, std::string_view value) {
  if (!value.empty()) std::cout << fmt::format("{:<10} {}\n", name, harmless(value));
}

std::string origin_text(const object& origin) {
  std::string from = text(origin, "name");
  if (origin.contains("client"))
    from += fmt::format("{}[{}]:{}", from.empty() ? "" : " ", text(origin, "client"), number(origin, "port"));
  if (origin.contains("uid"))
    return fmt::format("a program of {} (uid {}) on this machine", text(origin, "identity"),
                       number(origin, "uid"));
  if (from.empty()) return "written by this server";
  if (const auto helo = text(origin, "helo"); !helo.empty()) from += ", which called itself " + helo;
  if (const auto identity = text(origin, "identity"); !identity.empty())
    from += ", authenticated as " + identity;
  if (const auto protocol = text(origin, "protocol"); !protocol.empty()) from += ", by " + protocol;
  if (const auto tls = text(origin, "tls"); !tls.empty()) from += " with " + tls;
  if (const auto listener = text(origin, "listener"); !listener.empty()) from += ", on " + listener;
  return from;
}

void print_envelope(const object& shown, base::UtcTime now) {
  const auto received = text(shown, "received");
  const auto sender = text(shown, "sender");
  print_line("Message", text(shown, "id"));
  print_line("Received", time_text(received) + ", " + since_text(received, now));
  if (const auto* origin = inner(shown, "origin")) print_line("From", origin_text(*origin));
  print_line("Sender", sender.empty() ? "<> (the null sender: nobody is told when it fails)" : sender);
  print_line("Size", grouped(number(shown, "size")) + " bytes");
  print_line("Body", text(shown, "body"));
  print_line("Envelope", text(shown, "envid"));
  print_line("Return", text(shown, "ret"));
  if (flag(shown, "smtputf8")) print_line("Needs", "SMTPUTF8");
  if (flag(shown, "requiretls")) print_line("Needs", "TLS all the way (REQUIRETLS)");
  if (shown.contains("hold_until")) print_line("Not before", time_text(text(shown, "hold_until")));
  if (shown.contains("deliver_by")) {
    const bool told = text(shown, "when_late") == "tell";
    print_line("Deliver by", time_text(text(shown, "deliver_by")) +
                                 (told ? ", or its sender is told" : ", or it goes back to its sender"));
  }
  if (const auto* priority = shown.if_contains("priority"); priority && priority->is_int64())
    print_line("Priority", std::to_string(priority->get_int64()));
}

std::string state_text(const object& recipient, base::UtcTime now) {
  const auto state = text(recipient, "state");
  if (state == "gone") return "has had its end";
  const auto tries = number(recipient, "attempts");
  const auto tried = tries == 0   ? std::string("not tried yet")
                     : tries == 1 ? "tried once"
                                  : fmt::format("tried {} times", tries);
  if (state == "held") return "held until it is released; " + tried;
  if (state == "untold") return "has failed or arrived, and the sender is still to be told; " + tried;
  return "waiting; " + tried + ", next try " + until_text(text(recipient, "due"), now);
}

void print_recipient(const object& recipient, base::UtcTime now) {
  const auto detail = [](std::string_view name, std::string_view value) {
    if (!value.empty()) std::cout << fmt::format("    {:<7} {}\n", name, harmless(value));
  };
  std::cout << "  " << harmless(text(recipient, "to")) << "\n";
  detail("state", state_text(recipient, now));
  detail("why", text(recipient, "why"));
  if (recipient.contains("until")) {
    const auto until = text(recipient, "until");
    detail("until", time_text(until) + " (" + until_text(until, now) + ")");
  }
  if (const auto* last = inner(recipient, "last")) {
    const auto relay = text(*last, "relay");
    detail("last", text(*last, "reply") + " (" + (relay.empty() ? "" : relay + ", ") +
                       since_text(text(*last, "at"), now) + ")");
    detail("detail", text(*last, "detail"));
  }
  detail("as", text(recipient, "original"));
  detail("alias", text(recipient, "alias"));
  detail("orcpt", text(recipient, "orcpt"));
  detail("notify", text(recipient, "notify"));
  if (flag(recipient, "warned")) detail("warned", "the sender has been told that it takes long");
}

// A field or a header as it stands, each line indented and harmless.
void print_lines(std::string_view lines, std::string_view first, std::string_view next) {
  for (std::string_view indent = first; !lines.empty(); indent = next) {
    auto line = lines.substr(0, lines.find('\n'));
    lines.remove_prefix(std::min(line.size() + 1, lines.size()));
    if (line.ends_with('\r')) line.remove_suffix(1);
    std::cout << indent << harmless(line) << '\n';
  }
}

void print_edit(const object& edit) {
  const auto kind = text(edit, "edit");
  if (kind == "prepend") {
    print_lines(text(edit, "field"), "  + ", "    ");
  } else if (kind == "change") {
    std::cout << "  field " << number(edit, "index") + 1 << " becomes\n";
    print_lines(text(edit, "field"), "  ~ ", "    ");
  } else if (kind == "remove") {
    std::cout << "  field " << number(edit, "index") + 1 << " is left out\n";
  } else {
    std::cout << "  the body is replaced by another of " << grouped(number(edit, "size")) << " bytes\n";
  }
}

void print_shown(const object& shown) {
  const auto now = sys::system_clock().utc();
  print_envelope(shown, now);
  std::cout << "\nRecipients\n";
  for (const auto* recipient : objects(shown, "recipients")) print_recipient(*recipient, now);
  const auto edits = objects(shown, "edits");
  if (!edits.empty()) std::cout << "\nChanged when it goes out (what stands last is on top)\n";
  for (const auto* edit : edits) print_edit(*edit);
  std::cout << "\nHeader, as it was received\n";
  print_lines(text(shown, "header"), "  ", "  ");
}

}  // namespace

int queue_show(const QueueOptions& options) {
  if (options.ids.empty()) throw Stop{kUsage, "say which message: postrider queue show ID"};
  const admin::ControlClient client(runtime_dir(options));
  bool first = true;
  for (const auto& selection : selections(options, &client)) {
    const auto shown = ask(client, admin::ShowRequest{*selection.message});
    if (options.json) {
      print_json(shown);
    } else {
      if (!std::exchange(first, false)) std::cout << '\n';
      print_shown(shown);
    }
  }
  return kDone;
}

}  // namespace postrider::app
