#include <utility>

#include "deliver/pipe_courier.hpp"

namespace postrider::deliver {
namespace {

std::string written(const mail::Address& address) { return address.to_ascii(); }

std::string value_of(std::string_view name, const queue::Job& job, const mail::Recipient& recipient) {
  const mail::ReversePath sender = job.reverse_path();
  if (name == "sender") return sender.is_null() ? std::string() : written(sender.address());
  if (name == "recipient") return written(recipient.final);
  if (name == "user") return recipient.final.local();
  if (name == "domain") return mail::to_ascii(recipient.final.host());
  if (name == "original") return written(recipient.original);
  return job.id.to_string();
}

// In one pass: what is filled in is not looked at again.
std::string fill(std::string_view text, const queue::Job& job, const mail::Recipient& recipient) {
  std::string out;
  for (auto brace = text.find('{'); brace != std::string_view::npos; brace = text.find('{')) {
    const auto end = text.find('}', brace);
    out += text.substr(0, brace);
    out += value_of(text.substr(brace + 1, end - brace - 1), job, recipient);
    text.remove_prefix(end + 1);
  }
  return out += text;
}

}  // namespace

std::expected<std::vector<std::string>, mail::Reply> fill_arguments(const std::vector<std::string>& arguments,
                                                                    const queue::Job& job,
                                                                    const mail::Recipient& recipient) {
  std::vector<std::string> filled;
  for (const std::string& argument : arguments) {
    filled.push_back(fill(argument, job, recipient));
    if (!argument.starts_with('{') || !filled.back().starts_with('-')) continue;
    return std::unexpected(argument.starts_with("{sender}")
                               ? mail::reply(550, 1, 7, "the sender's address begins with a hyphen")
                               : mail::reply(550, 1, 3, "the recipient's address begins with a hyphen"));
  }
  return filled;
}

}  // namespace postrider::deliver
