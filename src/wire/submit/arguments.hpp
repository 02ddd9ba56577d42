// The command line of sendmail(1), as programs have used it for forty years. Pure.
//
// Options end at the first word that is none, or at "--"; what follows is recipients. What Postfix and Exim
// take and ignore is taken and ignored here; what neither knows is refused.
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "mail/envelope.hpp"

namespace postrider::wire::submit {

enum class Mode : std::uint8_t {
  deliver,      // -bm, or nothing: a message on standard input
  smtp,         // -bs: SMTP on standard input and output
  list_queue,   // -bp, or called mailq
  new_aliases,  // -bi, -I, or called newaliases
  run_queue,    // -q alone
  help,         // --help
  version,      // --version
  nothing,      // what other programs than a mail server's own ask for: -q30m
};

struct Arguments {
  Mode mode = Mode::deliver;
  std::optional<std::string> config{};     // -C F, --config F
  bool recipients_from_header = false;     // -t
  bool dot_is_text = false;                // -i, -oi: a line with a dot alone does not end the message
  bool verbose = false;                    // -v
  std::optional<std::string> sender{};     // -f, -r; empty: the null sender ("", "<>")
  std::optional<std::string> full_name{};  // -F
  mail::Notify notify{};                   // -N; RFC 3461 4.1
  mail::DsnReturn ret = mail::DsnReturn::unspecified;  // -R; RFC 3461 4.3
  std::string envid{};                                 // -V, decoded; RFC 3461 4.4
  bool eight_bit = false;                              // -B 8BITMIME
  std::vector<std::string> recipients{};               // as written, each perhaps a list

  bool operator==(const Arguments&) const = default;
};

// Why it can't be done: one line, for standard error.
struct UsageError {
  std::string text;
};

// `called`: the name that the program was called by, without its folder. `words`: without that name.
std::expected<Arguments, UsageError> parse_arguments(std::string_view called,
                                                     std::span<const std::string_view> words);

}  // namespace postrider::wire::submit
