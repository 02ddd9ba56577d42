// `postrider sendmail`: from the command line to the message.
#include "app/sendmail.hpp"

#include <fcntl.h>
#include <pwd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <filesystem>
#include <iostream>

#include "app/commands.hpp"
#include "base/ascii.hpp"
#include "sys/clock.hpp"
#include "sys/random.hpp"
#include "wire/submit/crlf_text.hpp"

namespace postrider::app {
namespace {

using namespace wire::submit;

constexpr const char* kConfig = "/etc/postrider/postrider.toml";
// Of a server that keeps to what docs/config.md gives as a start.
constexpr const char* kUsualFolder = "/var/lib/postrider/submit";
// Where the configuration can't be read: the server will say what is too much, this only bounds our memory.
constexpr std::size_t kMostOctets = 1u << 30;

constexpr std::string_view kHelp =
    "postrider sendmail [OPTION...] [RECIPIENT...]: sends the message on standard input.\n"
    "  -t              to the addresses in To, Cc and Bcc, too; Bcc is removed\n"
    "  -i, -oi         a line with a dot alone does not end the message\n"
    "  -f ADDRESS      the envelope sender (-r is the same); \"<>\" is the null sender\n"
    "  -F NAME         the full name in From, where the message has none\n"
    "  -N WHEN         delivery reports: never, or some of success,failure,delay\n"
    "  -R full|hdrs    what a report returns\n"
    "  -V ID           the envelope id in reports\n"
    "  -B 8BITMIME     the body has 8-bit octets (which is seen without it)\n"
    "  -bs             SMTP on standard input and output\n"
    "  -bp             list the queue, as mailq does\n"
    "  -bi             nothing, as newaliases does\n"
    "  -q              try now what waits in the queue\n"
    "  -v              say what the server said\n"
    "  -C FILE         the configuration (--config FILE is the same)\n"
    "  --              recipients follow\n"
    "Other options of sendmail(1) are taken and ignored. Exit codes are those of sysexits.h.\n";

struct Input {
  CrlfText text;
  Ending ending;
};

Input read_message(const Arguments& arguments, std::size_t most) {
  Intake intake(arguments.dot_is_text ? LoneDot::is_text : LoneDot::ends, most);
  std::array<char, 65536> piece;  // NOLINT: filled by read
  for (;;) {
    const ssize_t got = ::read(STDIN_FILENO, piece.data(), piece.size());
    if (got < 0 && errno == EINTR) continue;
    // A part of a message is none.
    if (got < 0) return {{}, {EX_IOERR, std::string("can't read the message: ") + std::strerror(errno)}};
    if (got == 0 || !intake.feed({piece.data(), static_cast<std::size_t>(got)})) break;
  }
  if (intake.too_large())
    return {{}, {EX_DATAERR, "the message has more than " + std::to_string(most) + " octets"}};
  return {std::move(intake).finish(), {}};
}

std::string unique_name() {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string out;
  for (const char octet : sys::system_random().bytes(16)) {
    out += kDigits[static_cast<unsigned char>(octet) >> 4];
    out += kDigits[static_cast<unsigned char>(octet) & 15];
  }
  return out;
}

SendmailPlace find_place(const std::filesystem::path& file, bool named, Ending& ending) {
  auto loaded = config::load(file);
  if (loaded) return {(*loaded)->submit.folder, std::move(*loaded)};
  // Only root may be able to read it, or it may not be there: then the server is looked for where it usually is. A file that
  // is there and has faults is no reason to look somewhere else, nor is one that was asked for.
  const bool unreadable =
      loaded.error().size() == 1 && loaded.error().front().line == 0 && ::access(file.c_str(), R_OK) != 0;
  if (unreadable && !named) return {kUsualFolder, nullptr};
  ending = {EX_CONFIG, loaded.error().front().to_string()};
  return {};
}

// The text of the message, and who gets it. `code` EX_OK: it is ready.
Ending prepare(const Arguments& arguments, const SendmailPlace& place, Prepared& out) {
  for (const auto& word : arguments.recipients)
    std::ranges::move(read_recipients(word), std::back_inserter(out.submission.recipients));
  if (out.submission.recipients.empty() && !arguments.recipients_from_header)
    return {EX_USAGE, "no recipients: name them, or say -t"};
  const std::size_t most = place.config ? place.config->limits.message_size : kMostOctets;
  const Input input = read_message(arguments, most);
  if (input.ending.code != EX_OK) return input.ending;

  Scanned found = scan(input.text);
  auto& submission = out.submission;
  if (arguments.recipients_from_header)
    std::ranges::move(found.recipients, std::back_inserter(submission.recipients));
  if (submission.recipients.empty()) return {EX_USAGE, "no recipients in To, Cc and Bcc"};
  if (found.too_many || submission.recipients.size() > kMaxRecipients)
    return {EX_DATAERR, "more than " + std::to_string(kMaxRecipients) + " recipients"};
  const Caller who = caller();
  out.login = who.login;
  submission.sender = arguments.sender;
  // The user's name beside somebody else's address would be a lie.
  submission.full_name = arguments.full_name.value_or(arguments.sender ? std::string() : who.full_name);
  submission.notify = arguments.notify;
  submission.ret = arguments.ret;
  submission.envid = arguments.envid;
  submission.eight_bit = arguments.eight_bit || !base::is_ascii(input.text.bytes());
  submission.resent = found.resent;
  submission.date = sys::system_clock().utc();
  submission.unique = unique_name();
  out.body = std::string(found.body);
  out.header = std::move(found.header);
  // What no host makes an address of is told now, while somebody listens.
  const auto checked = outgoing(submission, out.login, *mail::Domain::parse("localhost"), out.header);
  if (!checked) return {EX_DATAERR, checked.error().text};
  return {};
}

// A caller may have closed them: then a file or socket of ours would get such a number, and a complaint would go into it. For
// writing only, so that a message is not read from nowhere.
void occupy_standard_descriptors() {
  for (int opened = 0; opened <= STDERR_FILENO;) {
    opened = ::open("/dev/null", O_WRONLY);
    if (opened < 0) return;
    if (opened > STDERR_FILENO) ::close(opened);
  }
}

int send(const Arguments& arguments, const SendmailPlace& place) {
  Prepared message;
  Ending ending = prepare(arguments, place, message);
  if (ending.code == EX_OK) ending = submit_by_socket(place, message);
  if (ending.code == EX_TEMPFAIL) {
    if (arguments.verbose && !ending.told.empty()) complain(ending.told);
    const std::string first = std::move(ending.told);
    ending = submit_by_drop(place, message);
    if (ending.code != EX_OK && !first.empty()) ending.told = first + "; " + ending.told;
  }
  if (!ending.told.empty() && (ending.code != EX_OK || arguments.verbose)) complain(ending.told);
  return ending.code;
}

}  // namespace

void complain(std::string_view what) {
  std::string line = "sendmail: " + std::string(what);
  for (char& c : line)
    if (static_cast<unsigned char>(c) < 32 || c == 127) c = ' ';
  std::cerr << line << '\n';
}

Caller caller() {
  passwd entry{};
  passwd* found = nullptr;
  std::array<char, 16384> memory{};
  const uid_t uid = ::getuid();
  if (::getpwuid_r(uid, &entry, memory.data(), memory.size(), &found) != 0 || !found)
    return {"uid" + std::to_string(uid), {}};
  Caller who{entry.pw_name, {}};
  // The name ends at the first comma; "&" stands for the login name with a capital.
  std::string login = who.login;
  if (!login.empty()) login.front() = base::to_upper(login.front());
  const std::string_view gecos = entry.pw_gecos ? entry.pw_gecos : "";
  for (const char c : gecos.substr(0, gecos.find(','))) {
    if (c == '&')
      who.full_name += login;
    else
      who.full_name += c;
  }
  return who;
}

int sendmail(std::string_view called, std::span<const std::string_view> words) {
  occupy_standard_descriptors();
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGXFSZ, SIG_IGN);  // a limit on the size of files is told by write(), and ours is removed then
  const auto arguments = parse_arguments(called, words);
  if (!arguments) {
    complain(arguments.error().text + "; --help shows what there is");
    return EX_USAGE;
  }
  if (arguments->mode == Mode::help || arguments->mode == Mode::version) {
    std::cout << (arguments->mode == Mode::help ? kHelp : "postrider " POSTRIDER_VERSION "\n");
    return EX_OK;
  }
  if (arguments->mode == Mode::nothing) return EX_OK;
  const std::filesystem::path file = arguments->config.value_or(kConfig);
  if (arguments->mode == Mode::new_aliases) {
    std::cout << "nothing to do: aliases stand in " << file.string()
              << ", which the server reads at SIGHUP\n";
    return EX_OK;
  }
  Ending ending;
  const auto place = find_place(file, arguments->config.has_value(), ending);
  if (ending.code == EX_OK) {
    switch (arguments->mode) {
      case Mode::list_queue:
        return list_queue(place);
      case Mode::run_queue:
        return run_queue(place);
      case Mode::smtp:
        ending = pipe_smtp(place);
        break;
      default:
        return send(*arguments, place);
    }
  }
  if (!ending.told.empty()) complain(ending.told);
  return ending.code;
}

}  // namespace postrider::app
