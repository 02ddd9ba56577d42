#include <sysexits.h>

#include <algorithm>

#include "deliver/pipe_courier.hpp"

namespace postrider::deliver {
namespace {

struct Meaning {
  int exit;
  std::uint16_t code, subject, detail;
  const char* words;
};

// Trouble of the machine passes; trouble of the message or the program's set-up does not.
constexpr Meaning kMeanings[] = {
    {EX_OK, 250, 0, 0, "delivered"},
    {EX_USAGE, 554, 3, 0, "command line usage error"},
    {EX_DATAERR, 554, 6, 0, "data format error"},
    {EX_NOINPUT, 554, 3, 0, "cannot open input"},
    {EX_NOUSER, 550, 1, 1, "no such user"},
    {EX_NOHOST, 550, 1, 2, "no such host"},
    {EX_UNAVAILABLE, 554, 3, 0, "service unavailable"},
    {EX_SOFTWARE, 554, 3, 0, "internal software error"},
    {EX_OSERR, 451, 3, 0, "system error"},
    {EX_OSFILE, 554, 3, 0, "system file missing"},
    {EX_CANTCREAT, 451, 3, 0, "cannot create an output file"},
    {EX_IOERR, 451, 3, 0, "input/output error"},
    {EX_TEMPFAIL, 451, 3, 0, "temporary failure"},
    {EX_PROTOCOL, 554, 5, 0, "remote protocol error"},
    {EX_NOPERM, 554, 7, 0, "permission denied"},
    {EX_CONFIG, 554, 3, 5, "configuration error"},
};

}  // namespace

mail::Outcome outcome_of_exit(int code, const std::string& said) {
  const auto* found = std::ranges::find(kMeanings, code, &Meaning::exit);
  const std::string unknown = "ended with code " + std::to_string(code);
  const Meaning meaning = found == std::end(kMeanings) ? Meaning{code, 451, 3, 0, unknown.c_str()} : *found;
  const bool good = code == EX_OK;
  std::string words = good ? meaning.words : std::string("the program for this address: ") + meaning.words;
  if (!good && !said.empty()) words += ": " + said;
  mail::Outcome outcome;
  outcome.reply = mail::reply(meaning.code, meaning.subject, meaning.detail, std::move(words));
  outcome.action = mail::Action::failed;
  if (good) outcome.action = mail::Action::delivered;
  if (outcome.reply.temporary()) outcome.action = mail::Action::deferred;
  return outcome;
}

}  // namespace postrider::deliver
