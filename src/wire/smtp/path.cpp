#include "wire/smtp/path.hpp"

#include <algorithm>
#include <utility>

#include "base/ascii.hpp"

namespace postrider::wire::smtp {
namespace {

constexpr std::size_t kMaxPath = 256;  // RFC 5321 4.5.3.1.3

// Where the first octet that `stop` wants is, outside of quoted strings; text.size() where there is none.
template <class Stop>
std::size_t find_unquoted(std::string_view text, Stop stop) {
  bool quoted = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '"') {
      quoted = !quoted;
    } else if (quoted && text[i] == '\\') {
      ++i;
    } else if (!quoted && stop(text[i])) {
      return i;
    }
  }
  return text.size();
}

// "@a,@b:" before the mailbox. RFC 5321 4.1.2 (A-d-l)
base::Result<std::string_view> drop_source_route(std::string_view mailbox) {
  if (!mailbox.starts_with('@')) return mailbox;
  const auto colon = mailbox.find(':');
  if (colon == std::string_view::npos)
    return base::permanent({5, 1, 3}, "Malformed address: no local part, or source route without colon");
  std::string_view route = mailbox.substr(0, colon);
  while (!route.empty()) {
    const auto comma = std::min(route.find(','), route.size());
    if (!route.starts_with('@')) return base::permanent({5, 1, 3}, "Malformed source route");
    const auto hop = mail::Domain::parse(route.substr(1, comma - 1));
    if (!hop) return std::unexpected(hop.error());
    route.remove_prefix(std::min(comma + 1, route.size()));
  }
  return mailbox.substr(colon + 1);
}

std::string_view without_brackets(std::string_view path) {
  return path.starts_with('<') ? path.substr(1, path.size() - 2) : path;
}

base::Result<mail::Address> parse_mailbox(std::string_view path) {
  const auto inside = without_brackets(path);
  if (inside.size() + 2 > kMaxPath) return base::permanent({5, 1, 3}, "Address too long");
  const auto mailbox = drop_source_route(inside);
  if (!mailbox) return std::unexpected(mailbox.error());
  return mail::Address::parse(*mailbox);
}

// The vocabulary speaks of destinations (x.1.2, x.1.3); a sender has the codes of its own. RFC 3463 3.2
mail::Reply sender_refusal(base::Failure failure) {
  const bool domain = failure.code.detail == 2;
  return mail::reply(501, 1, domain ? 8 : 7, std::move(failure.text));
}

}  // namespace

std::expected<SplitPath, mail::Reply> split_path(std::string_view argument) {
  argument = base::trim(argument);
  std::size_t end = 0;
  if (argument.starts_with('<')) {
    end = find_unquoted(argument, [](char c) { return c == '>'; });
    if (end == argument.size())
      return std::unexpected(mail::reply(501, 5, 2, "Syntax error: path without \">\""));
    ++end;
  } else {
    end = find_unquoted(argument, base::is_wsp);
  }
  const auto rest = argument.substr(end);
  if (!rest.empty() && !base::is_wsp(rest.front()))
    return std::unexpected(mail::reply(501, 5, 2, "Syntax error: space expected after the path"));
  return SplitPath{argument.substr(0, end), base::trim(rest)};
}

std::expected<mail::ReversePath, mail::Reply> parse_reverse_path(std::string_view path) {
  if (path == "<>") return mail::ReversePath();
  auto address = parse_mailbox(path);
  if (!address) return std::unexpected(sender_refusal(std::move(address.error())));
  return mail::ReversePath(std::move(*address));
}

std::expected<mail::ForwardPath, mail::Reply> parse_forward_path(std::string_view path) {
  if (base::iequals(without_brackets(path), "postmaster")) return mail::Postmaster{};  // RFC 5321 4.5.1
  auto address = parse_mailbox(path);
  if (!address) return std::unexpected(mail::reply_for(address.error(), 501));
  return std::move(*address);
}

}  // namespace postrider::wire::smtp
