#include "wire/smtp/client_command.hpp"

#include "base/ascii.hpp"
#include "wire/smtp/xtext.hpp"

namespace postrider::wire::smtp {
namespace {

std::string path(const mail::Address& address, PathForm form) {
  return form == PathForm::utf8 ? address.to_string() : address.to_ascii();
}

// RFC 3461 4.1
void encode_notify(const mail::Notify& notify, std::string& out) {
  if (!notify.specified) return;
  out += " NOTIFY=";
  if (notify.never()) out += "NEVER,";
  if (notify.success) out += "SUCCESS,";
  if (notify.failure) out += "FAILURE,";
  if (notify.delay) out += "DELAY,";
  out.pop_back();
}

void encode_hold(const Hold& hold, std::string& out) {
  if (const auto* seconds = std::get_if<std::chrono::seconds>(&hold))
    out += " HOLDFOR=" + std::to_string(seconds->count());
  else
    out += " HOLDUNTIL=" + base::to_rfc3339(std::get<base::UtcTime>(hold));
}

}  // namespace

void encode(const Mail& command, std::string& out) {
  out += "MAIL FROM:<";
  if (!command.reverse_path.is_null()) {
    out += path(command.reverse_path.address(), command.smtputf8 ? PathForm::utf8 : PathForm::ascii);
  }
  out += '>';
  if (command.size) out += " SIZE=" + std::to_string(*command.size);            // RFC 1870 6
  if (command.body == mail::BodyType::eight_bit_mime) out += " BODY=8BITMIME";  // RFC 6152 2
  if (command.body == mail::BodyType::binary_mime) out += " BODY=BINARYMIME";   // RFC 3030 3
  if (command.smtputf8) out += " SMTPUTF8";                                     // RFC 6531 3.4
  if (command.ret != mail::DsnReturn::unspecified)
    out += command.ret == mail::DsnReturn::full ? " RET=FULL" : " RET=HDRS";
  if (!command.envid.empty()) out += " ENVID=" + encode_xtext(command.envid);  // RFC 3461 4.4
  if (command.hold) encode_hold(*command.hold, out);
  if (command.by) {
    out += " BY=" + std::to_string(command.by->within.count()) + (command.by->notify ? ";N" : ";R");
    if (command.by->trace) out += 'T';
  }
  if (command.priority) out += " MT-PRIORITY=" + std::to_string(*command.priority);
  out += "\r\n";
}

void encode(const Rcpt& command, PathForm form, std::string& out) {
  out += "RCPT TO:<";
  const auto* address = std::get_if<mail::Address>(&command.forward_path);
  out += address ? path(*address, form) : "postmaster";
  out += '>';
  encode_notify(command.notify, out);
  if (command.orcpt) {
    const auto& [type, original] = *command.orcpt;
    out += " ORCPT=" + type + ';';
    // RFC 6533 3: the type utf-8 has a form of its own.
    out += base::iequals(type, "utf-8") ? encode_utf8_address(original, form == PathForm::utf8)
                                        : encode_xtext(original);
  }
  out += "\r\n";
}

}  // namespace postrider::wire::smtp
