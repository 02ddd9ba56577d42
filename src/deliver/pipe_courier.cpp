#include "deliver/pipe_courier.hpp"

#include <sys/eventfd.h>
#include <unistd.h>

#include <chrono>
#include <cstring>
#include <utility>

#include "base/ascii.hpp"
#include "deliver/hosts_choice.hpp"
#include "deliver/lf_writer.hpp"
#include "policy/trace.hpp"
#include "sys/log.hpp"

namespace postrider::deliver {
namespace {

using std::chrono::steady_clock;

mail::Outcome deferred(std::uint16_t subject, std::uint16_t detail, std::string text) {
  mail::Outcome outcome;
  outcome.action = mail::Action::deferred;
  outcome.reply = mail::reply(451, subject, detail, std::move(text));
  return outcome;
}

mail::Outcome shutting_down() { return deferred(3, 2, "shutting down"); }

// Fit for a line of the log and of a reply: no control characters, valid UTF-8.
std::string cleaned(std::string_view text, bool keep_lines) {
  std::string out(text);
  const bool utf8 = base::is_utf8(out);
  for (char& c : out) {
    const auto octet = static_cast<unsigned char>(c);
    if ((octet < ' ' && !(keep_lines && c == '\n')) || octet == 0x7F) c = ' ';
    if (octet > 127 && !utf8) c = '?';
  }
  return out;
}

std::string first_line(std::string_view output) {
  constexpr std::size_t kLongest = 200;
  const auto begin = output.find_first_not_of(" \t\r\n");
  if (begin == std::string_view::npos) return {};
  output.remove_prefix(begin);
  const std::string line(base::trim(output.substr(0, std::min(output.find_first_of("\r\n"), kLongest))));
  return cleaned(line, false);
}

// The program as a file to write into.
class Input final : public Files {
 public:
  explicit Input(Program& program) : program_(program) {}
  Tried<void> write(int, std::string_view bytes) override { return program_.write(bytes); }

 private:
  Program& program_;
};

struct Result {
  mail::Outcome outcome;
  queue::Contact contact = queue::Contact::made;
};

class Run {
 public:
  // It outlives this.
  Run(const queue::Job& job, int stop)
      : job_(job),
        via_(std::get<config::ViaPipe>(job.destination.route->via)),
        recipient_(job.envelope->recipients[job.recipients.front()]),
        stop_(stop) {}

  queue::Report carry_out() {
    const auto begun = steady_clock::now();
    Result result = try_it();
    result.outcome.relay = "pipe:" + via_.program;
    queue::Trial trial;
    trial.address = result.outcome.relay;
    trial.took = std::chrono::duration_cast<base::Milliseconds>(steady_clock::now() - begun);
    trial.result = result.outcome.reply.text;
    if (result.outcome.action != mail::Action::delivered) trial.transcript = cleaned(output_, true);
    return {.outcomes = {std::move(result.outcome)}, .contact = result.contact, .trials = {std::move(trial)}};
  }

 private:
  Result try_it() {
    auto arguments = fill_arguments(via_.arguments, job_, recipient_);
    if (!arguments) {
      mail::Outcome refused;
      refused.action = mail::Action::failed;
      refused.reply = std::move(arguments.error());
      return {.outcome = std::move(refused), .contact = queue::Contact::none};
    }
    auto user = program_user(via_.user, geteuid());
    if (!user) return not_started(user.error());
    std::vector<std::string> environment = environment_of(*user);
    auto program = Program::start({.program = via_.program,
                                   .arguments = std::move(*arguments),
                                   .environment = std::move(environment),
                                   .user = std::move(*user),
                                   .time_limit = via_.time_limit,
                                   .grace = kProgramGrace,
                                   .stop = stop_});
    if (!program) return not_started(std::strerror(program.error()));
    if (!feed(*program)) {
      program->kill();
      return {.outcome = deferred(3, 0, "the message could not be read"), .contact = queue::Contact::none};
    }
    return judge(program->end());
  }

  Result not_started(const std::string& why) {
    sys::log::error("pipe_not_started", {{"program", via_.program}, {"why", why}, {"route_user", via_.user}});
    mail::Outcome outcome = deferred(3, 5, "the program for this address can't be run");
    outcome.detail = why;
    return {.outcome = std::move(outcome), .contact = queue::Contact::failed};
  }

  std::vector<std::string> environment_of(const ProgramUser& user) const {
    const mail::ReversePath sender = job_.reverse_path();
    return {"PATH=/usr/local/bin:/usr/bin:/bin",
            "LANG=C.UTF-8",
            "HOME=" + user.home,
            "USER=" + user.name,
            "LOGNAME=" + user.name,
            "SHELL=" + user.shell,
            "SENDER=" + (sender.is_null() ? "" : sender.address().to_ascii()),
            "RECIPIENT=" + recipient_.final.to_ascii(),
            "ORIGINAL_RECIPIENT=" + recipient_.original.to_ascii(),
            "MESSAGE_ID=" + job_.id.to_string()};
  }

  // False where the message can't be read. That the program does not want it all is its own matter: its exit code
  // counts.
  bool feed(Program& program) {
    Input input(program);
    LfWriter writer(input, -1);
    const std::string top = policy::return_path_field(job_.reverse_path()) +  // RFC 5321 4.4
                            policy::delivered_to_field(recipient_.final);
    if (!writer.add(top)) return true;
    const auto content = job_.open();
    for (;;) {
      const auto piece = content->next();
      if (!piece) return false;
      if (piece->empty()) break;
      if (!writer.add(*piece)) return true;
    }
    [[maybe_unused]] const auto taken = writer.finish();
    return true;
  }

  Result judge(ProgramEnd end) {
    output_ = std::move(end.output);
    Result result;
    std::string how;
    switch (end.how) {
      case ProgramEnding::exited:
        result.outcome = outcome_of_exit(end.code, first_line(output_));
        how = "exit code " + std::to_string(end.code);
        break;
      case ProgramEnding::killed:
        result.outcome = deferred(3, 0, "the program for this address died");
        how = "signal " + std::to_string(end.code);
        break;
      case ProgramEnding::late:
        result.outcome = deferred(4, 7, "the program for this address took too long");
        result.contact = queue::Contact::failed;
        how = "time limit";
        break;
      case ProgramEnding::stopped:
        result.outcome = shutting_down();
        result.contact = queue::Contact::none;
        how = "stopped";
        break;
    }
    result.outcome.detail = how;
    if (!output_.empty()) result.outcome.detail += ": " + cleaned(output_, false);
    return result;
  }

  const queue::Job& job_;
  const config::ViaPipe& via_;
  const mail::Recipient& recipient_;
  const int stop_;
  std::string output_;
};

}  // namespace

struct PipeCourier::Order {
  queue::Job job;
  std::move_only_function<void(queue::Report)> done;

  void put_off(const mail::Outcome& outcome) {
    done({.outcomes = {outcome}, .contact = queue::Contact::none, .trials = {}});
  }
};

PipeCourier::PipeCourier(ConfigGetter config)
    : config_(std::move(config)),
      stop_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
      pool_({.name = "pipe", .threads = kPrograms, .bound = kWaiting}) {}

PipeCourier::~PipeCourier() {
  stopping_ = true;  // before what runs ends: the next program must not be begun
  [[maybe_unused]] const auto told = eventfd_write(stop_.get(), 1);
}

void PipeCourier::locate(const queue::Destination& destination,
                         std::move_only_function<void(queue::Located)> done) {
  const auto& via = std::get<config::ViaPipe>(destination.route->via);
  done(site_of(destination, *config_(), "pipe:" + via.program));
}

void PipeCourier::deliver(queue::Job job, std::move_only_function<void(queue::Report)> done) {
  const auto order = std::make_shared<Order>(std::move(job), std::move(done));
  if (!pool_.submit([this, order] { carry_out(*order); }))
    order->put_off(deferred(3, 2, "too much mail waits for programs"));
}

void PipeCourier::carry_out(Order& order) {
  if (stopping_) return order.put_off(shutting_down());
  order.done(Run(order.job, stop_.get()).carry_out());
}

}  // namespace postrider::deliver
