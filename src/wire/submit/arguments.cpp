#include "wire/submit/arguments.hpp"

#include "base/ascii.hpp"
#include "wire/smtp/xtext.hpp"

namespace postrider::wire::submit {
namespace {

constexpr std::size_t kMaxEnvid = 100;  // RFC 3461 4.4
constexpr std::size_t kMaxName = 1000;  // octets of -F

// Options with a value, attached or in the next word. What is not read further down is ignored, as Postfix and Exim do
// or did: -A (which configuration), -c, -e and -o (error modes, and the settings of sendmail's own), -h (hops), -L (a
// tag for syslog), -O, -p (protocol), -x, -X (a log file), -D and -d (debugging).
constexpr std::string_view kWithValue = "ABCDFLNORVXbefhoprx";
// And those that stand alone.
constexpr std::string_view kAlone = "GIUcimntv";

bool is_control(char c) { return static_cast<unsigned char>(c) < 32 || c == 127; }

UsageError usage(std::string text) { return {std::move(text)}; }

class Reader {
 public:
  explicit Reader(std::span<const std::string_view> words) : words_(words) {}

  std::expected<Arguments, UsageError> run(Mode mode) {
    arguments_.mode = mode;
    while (at_ < words_.size() && !fault_) {
      const std::string_view word = words_[at_];
      if (word.size() < 2 || word.front() != '-') break;
      ++at_;
      if (word == "--") break;
      if (word.starts_with("--")) {
        read_long(word.substr(2));
      } else {
        read_short(word.substr(1));
      }
    }
    for (; at_ < words_.size(); ++at_) arguments_.recipients.emplace_back(words_[at_]);
    for (const auto& recipient : arguments_.recipients) refuse_controls("a recipient", recipient);
    if (fault_) return std::unexpected(std::move(*fault_));
    return std::move(arguments_);
  }

 private:
  void fail(std::string text) {
    if (!fault_) fault_ = usage(std::move(text));
  }

  void refuse_controls(std::string_view what, std::string_view text) {
    for (const char c : text)
      if (is_control(c)) return fail(std::string(what) + " has a control character");
  }

  void read_long(std::string_view name) {
    if (name == "help") {
      arguments_.mode = Mode::help;
    } else if (name == "version") {
      arguments_.mode = Mode::version;
    } else if (name.starts_with("config=")) {
      arguments_.config = std::string(name.substr(7));
    } else if (name == "config" && at_ < words_.size()) {
      arguments_.config = std::string(words_[at_++]);
    } else {
      fail(name == "config" ? std::string("--config wants a file") : "unknown option --" + std::string(name));
    }
  }

  // "-tioi": single options may share a word; the first with a value takes what is left of it.
  void read_short(std::string_view letters) {
    for (std::size_t i = 0; i < letters.size() && !fault_; ++i) {
      const char letter = letters[i];
      if (letter == 'q') return read_queue(letters.substr(i + 1));
      if (letter == 'd') return;  // "-d8.100": its value is always attached
      if (kAlone.contains(letter)) {
        read_alone(letter);
        continue;
      }
      if (!kWithValue.contains(letter)) return fail(std::string("unknown option -") + letter);
      const std::string_view attached = letters.substr(i + 1);
      if (!attached.empty()) return read_value(letter, attached);
      if (at_ == words_.size()) return fail(std::string("-") + letter + " wants a value");
      return read_value(letter, words_[at_++]);
    }
  }

  void read_alone(char letter) {
    if (letter == 'I') arguments_.mode = Mode::new_aliases;
    if (letter == 'i') arguments_.dot_is_text = true;
    if (letter == 't') arguments_.recipients_from_header = true;
    if (letter == 'v') arguments_.verbose = true;
  }

  void read_queue(std::string_view rest) {
    if (rest.empty()) {
      arguments_.mode = Mode::run_queue;
    } else if (base::is_digit(rest.front())) {
      // How often to run the queue: a server's matter, which runs it all the time.
      if (arguments_.mode == Mode::deliver) arguments_.mode = Mode::nothing;
    } else {
      fail("-q" + std::string(rest) + " is not for here: postrider queue retry chooses among what waits");
    }
  }

  void read_value(char letter, std::string_view value) {
    switch (letter) {
      case 'b':
        return read_mode(value);
      case 'B':
        return read_body(value);
      case 'C':
        arguments_.config = std::string(value);
        return;
      case 'F':
        return read_full_name(value);
      case 'f':
      case 'r':
        return read_sender(value);
      case 'N':
        return read_notify(value);
      case 'R':
        return read_return(value);
      case 'V':
        return read_envid(value);
      case 'o':
        return read_old_option(value);
      default:
        return;
    }
  }

  void read_mode(std::string_view value) {
    switch (value.size() == 1 ? value.front() : '?') {
      case 'm':
        arguments_.mode = Mode::deliver;
        return;
      case 's':
        arguments_.mode = Mode::smtp;
        return;
      case 'p':
        arguments_.mode = Mode::list_queue;
        return;
      case 'i':
        arguments_.mode = Mode::new_aliases;
        return;
      case 'd':
      case 'D':
      case 'l':
        return fail("-b" + std::string(value) + " starts no server here: that is postrider serve");
      case 'v':
        return fail("-bv is not for here: postrider resolve tells where mail for an address would go");
      default:
        return fail("unknown mode -b" + std::string(value));
    }
  }

  void read_body(std::string_view value) {
    if (!base::iequals(value, "7BIT") && !base::iequals(value, "8BITMIME"))
      return fail("-B wants 7BIT or 8BITMIME");
    arguments_.eight_bit = base::iequals(value, "8BITMIME");
  }

  void read_full_name(std::string_view value) {
    refuse_controls("-F", value);
    if (value.size() > kMaxName) fail("-F is too long");
    arguments_.full_name = std::string(value);
  }

  void read_sender(std::string_view value) {
    refuse_controls("the sender", value);
    arguments_.sender = value == "<>" ? std::string() : std::string(value);
  }

  void read_notify(std::string_view value) {
    mail::Notify notify{.specified = true};
    bool never = false;
    for (std::size_t at = 0; at <= value.size();) {
      const std::size_t comma = std::min(value.find(',', at), value.size());
      const std::string_view word = base::trim(value.substr(at, comma - at));
      if (base::iequals(word, "success")) {
        notify.success = true;
      } else if (base::iequals(word, "failure")) {
        notify.failure = true;
      } else if (base::iequals(word, "delay")) {
        notify.delay = true;
      } else if (base::iequals(word, "never")) {
        never = true;
      } else {
        return fail("-N wants never, or success, failure and delay with commas between them");
      }
      at = comma + 1;
    }
    // NEVER stands alone. RFC 3461 4.1
    if (never && !notify.never()) return fail("-N never can't have others beside it");
    arguments_.notify = notify;
  }

  void read_return(std::string_view value) {
    if (base::iequals(value, "full")) {
      arguments_.ret = mail::DsnReturn::full;
    } else if (base::iequals(value, "hdrs")) {
      arguments_.ret = mail::DsnReturn::headers;
    } else {
      fail("-R wants full or hdrs");
    }
  }

  void read_envid(std::string_view value) {
    // As Postfix takes it: in xtext, which is the plain text for most. RFC 3461 4.4
    const auto decoded = smtp::decode_xtext(value);
    if (!decoded || decoded->empty() || value.size() > kMaxEnvid)
      return fail("-V wants an envelope id in xtext of 1 to 100 octets");
    refuse_controls("-V", *decoded);
    for (const char c : *decoded)
      if (!base::is_ascii(c)) fail("-V has octets that are not ASCII");
    arguments_.envid = *decoded;
  }

  void read_old_option(std::string_view value) {
    if (value == "i") arguments_.dot_is_text = true;
    if (value == "v") arguments_.verbose = true;
    // -oA, an alias file, is the one whose value may stand in a word of its own.
    if (value == "A" && at_ < words_.size()) ++at_;
  }

  std::span<const std::string_view> words_;
  std::size_t at_ = 0;
  Arguments arguments_;
  std::optional<UsageError> fault_;
};

Mode mode_of(std::string_view called) {
  if (called == "mailq") return Mode::list_queue;
  if (called == "newaliases") return Mode::new_aliases;
  return Mode::deliver;
}

}  // namespace

std::expected<Arguments, UsageError> parse_arguments(std::string_view called,
                                                     std::span<const std::string_view> words) {
  return Reader(words).run(mode_of(called));
}

}  // namespace postrider::wire::submit
