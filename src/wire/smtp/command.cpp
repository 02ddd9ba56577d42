#include "wire/smtp/command.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

#include "base/ascii.hpp"
#include "wire/smtp/parameter.hpp"
#include "wire/smtp/path.hpp"
#include "wire/smtp/xtext.hpp"

namespace postrider::wire::smtp {
namespace {

using Parsed = std::expected<Command, mail::Reply>;

// Of a line with its CRLF, where no extension makes it longer; RFC 5321 4.5.3.1.4
constexpr std::size_t kMaxPlainLine = 512;
constexpr std::size_t kMaxName = 255;      // of HELO; a domain's limit, RFC 5321 4.5.3.1.2
constexpr std::size_t kMaxMechanism = 20;  // RFC 4422 3.1

std::unexpected<mail::Reply> syntax_error(std::string text) {
  return std::unexpected(mail::reply(500, 5, 2, std::move(text)));
}
std::unexpected<mail::Reply> bad_argument(std::string text) {
  return std::unexpected(mail::reply(501, 5, 4, std::move(text)));
}

// The first word of `text`, which is left at what follows it without leading white space.
std::string_view take_word(std::string_view& text) {
  const auto end = std::min(text.find_first_of(" \t"), text.size());
  const auto word = text.substr(0, end);
  text = base::trim(text.substr(end));
  return word;
}

// As HELO names a host. Clients in the field send their computer's name, in Latin-1 even.
std::optional<std::string> host_name(std::string_view argument) {
  std::string name(take_word(argument));
  if (name.empty() || name.size() > kMaxName) return {};
  for (char& c : name) {
    if (!base::is_ascii(c)) c = '?';
    if (c <= ' ' || c > '~') return {};
  }
  return name;
}

template <class Greeting>
Parsed parse_greeting(std::string_view argument, const CommandRules&) {
  auto name = host_name(argument);
  if (!name) return bad_argument("Say who you are: a domain or an address literal");
  return Greeting{std::move(*name)};
}

template <class Plain>
Parsed parse_plain(std::string_view argument, const CommandRules&) {
  if (!argument.empty()) return bad_argument("This command takes no argument");  // RFC 5321 4.1.1.5
  return Plain{};
}

// "FROM:" or "TO:" and the path; the rest is what follows them.
std::expected<SplitPath, mail::Reply> take_path(std::string_view argument, std::string_view prefix) {
  if (!base::istarts_with(argument, prefix))
    return syntax_error("Syntax error: " + std::string(prefix) + "<address> expected");
  argument = base::trim(argument.substr(prefix.size()));
  if (argument.empty()) return syntax_error("Syntax error: no address");
  return split_path(argument);
}

// RFC 6531 3.5
std::unexpected<mail::Reply> needs_smtputf8() {
  return std::unexpected(mail::reply(550, 6, 7, "Non-ASCII address needs SMTPUTF8"));
}

Parsed parse_mail(std::string_view argument, const CommandRules& rules) {
  const auto split = take_path(argument, "FROM:");
  if (!split) return std::unexpected(split.error());
  Mail command;
  if (auto refusal = parse_parameters(split->rest, rules, command))
    return std::unexpected(std::move(*refusal));
  if (!command.smtputf8 && !base::is_ascii(split->path)) return needs_smtputf8();
  auto path = parse_reverse_path(split->path);
  if (!path) return std::unexpected(std::move(path.error()));
  command.reverse_path = std::move(*path);
  return command;
}

Parsed parse_rcpt(std::string_view argument, const CommandRules& rules) {
  const auto split = take_path(argument, "TO:");
  if (!split) return std::unexpected(split.error());
  if (!rules.smtputf8 && !base::is_ascii(split->path)) return needs_smtputf8();
  auto path = parse_forward_path(split->path);
  if (!path) return std::unexpected(std::move(path.error()));
  Rcpt command{std::move(*path), {}, {}};
  if (auto refusal = parse_parameters(split->rest, rules, command))
    return std::unexpected(std::move(*refusal));
  return command;
}

Parsed parse_bdat(std::string_view argument, const CommandRules&) {
  const auto digits = take_word(argument);
  Bdat command;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), command.size);
  if (error != std::errc{} || end != digits.data() + digits.size()) return bad_argument("Bad chunk size");
  command.last = base::iequals(argument, "LAST");
  if (!command.last && !argument.empty()) return bad_argument("LAST or nothing may follow the chunk size");
  return command;
}

Parsed parse_noop(std::string_view, const CommandRules&) { return Noop{}; }  // RFC 5321 4.1.1.9

Parsed parse_help(std::string_view argument, const CommandRules&) { return Help{std::string(argument)}; }

template <class Query>
Parsed parse_query(std::string_view argument, const CommandRules&) {
  if (argument.empty()) return bad_argument("An argument is missing");
  return Query{std::string(argument)};
}

Parsed parse_auth(std::string_view argument, const CommandRules&) {
  const auto mechanism = take_word(argument);
  const bool named =
      !mechanism.empty() && mechanism.size() <= kMaxMechanism &&
      std::ranges::all_of(mechanism, [](char c) { return base::is_alnum(c) || c == '-' || c == '_'; });
  if (!named) return bad_argument("Bad mechanism name");
  Auth command{base::upper(mechanism), {}};
  if (!argument.empty()) command.initial = take_word(argument);
  if (!argument.empty()) return bad_argument("Too many arguments");
  return command;
}

std::optional<std::string>* xclient_field(Xclient& command, std::string_view name) {
  using Field = std::optional<std::string> Xclient::*;
  constexpr std::array<std::pair<std::string_view, Field>, 8> kFields = {{{"NAME", &Xclient::name},
                                                                          {"ADDR", &Xclient::addr},
                                                                          {"PORT", &Xclient::port},
                                                                          {"PROTO", &Xclient::proto},
                                                                          {"HELO", &Xclient::helo},
                                                                          {"LOGIN", &Xclient::login},
                                                                          {"DESTADDR", &Xclient::destaddr},
                                                                          {"DESTPORT", &Xclient::destport}}};
  for (const auto& [known, field] : kFields)
    if (base::iequals(known, name)) return &(command.*field);
  return nullptr;
}

std::optional<std::string> xclient_value(std::string_view text) {
  if (base::iequals(text, "[UNAVAILABLE]") || base::iequals(text, "[TEMPUNAVAIL]")) return std::string();
  auto decoded = decode_xtext(text);
  if (!decoded || decoded->empty() ||
      !std::ranges::all_of(*decoded, [](char c) { return c > ' ' && c <= '~'; }))
    return {};
  return decoded;
}

Parsed parse_xclient(std::string_view argument, const CommandRules&) {
  if (argument.empty()) return bad_argument("An argument is missing");
  Xclient command;
  while (!argument.empty()) {
    const auto word = take_word(argument);
    const auto equals = std::min(word.find('='), word.size());
    auto* field = xclient_field(command, word.substr(0, equals));
    auto value = equals < word.size() ? xclient_value(word.substr(equals + 1)) : std::nullopt;
    if (!field || !value || *field) return bad_argument("Bad XCLIENT attribute");
    *field = std::move(*value);
  }
  return command;
}

struct Verb {
  std::string_view name;
  Parsed (*parse)(std::string_view argument, const CommandRules& rules);
};

// In the order of Command's alternatives, from which verb_name() takes the name.
constexpr std::array<Verb, std::variant_size_v<Command>> kVerbs = {{{"HELO", parse_greeting<Helo>},
                                                                    {"EHLO", parse_greeting<Ehlo>},
                                                                    {"LHLO", parse_greeting<Lhlo>},
                                                                    {"MAIL", parse_mail},
                                                                    {"RCPT", parse_rcpt},
                                                                    {"DATA", parse_plain<Data>},
                                                                    {"BDAT", parse_bdat},
                                                                    {"RSET", parse_plain<Rset>},
                                                                    {"NOOP", parse_noop},
                                                                    {"QUIT", parse_plain<Quit>},
                                                                    {"HELP", parse_help},
                                                                    {"VRFY", parse_query<Vrfy>},
                                                                    {"EXPN", parse_query<Expn>},
                                                                    {"STARTTLS", parse_plain<StartTls>},
                                                                    {"AUTH", parse_auth},
                                                                    {"XCLIENT", parse_xclient}}};

bool may_be_long(std::string_view verb) {
  constexpr std::array<std::string_view, 4> kLong = {"MAIL", "RCPT", "AUTH", "XCLIENT"};
  return std::ranges::any_of(kLong, [&](std::string_view known) { return base::iequals(known, verb); });
}

}  // namespace

Parsed parse_command(std::string_view line, const CommandRules& rules) {
  if (is_http(line)) return std::unexpected(mail::reply(502, 7, 0, "This is an SMTP server"));
  std::string_view argument = line;
  const auto name = take_word(argument);
  if (name.empty()) return syntax_error("Syntax error: no command");
  if (line.size() + 2 > kMaxPlainLine && !may_be_long(name))
    return std::unexpected(mail::reply(554, 5, 2, "Command line too long"));
  for (const auto& verb : kVerbs)
    if (base::iequals(verb.name, name)) return verb.parse(argument, rules);
  return std::unexpected(mail::reply(500, 5, 1, "Unknown command"));
}

bool is_http(std::string_view line) {
  constexpr std::array<std::string_view, 7> kMethods = {"GET /",    "POST /",   "PUT /",   "HEAD /",
                                                        "DELETE /", "OPTIONS ", "CONNECT "};
  return std::ranges::any_of(kMethods, [&](std::string_view method) { return line.starts_with(method); });
}

std::string_view verb_name(const Command& command) { return kVerbs[command.index()].name; }

}  // namespace postrider::wire::smtp
