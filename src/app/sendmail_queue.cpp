// -bp and mailq, -q: the queue, for those who may control the server.
#include <fmt/format.h>

#include <cerrno>
#include <functional>
#include <iostream>

#include "admin/answer.hpp"
#include "admin/control_client.hpp"
#include "app/queue_print.hpp"
#include "app/queue_tools.hpp"
#include "app/sendmail.hpp"
#include "store/spool_file.hpp"
#include "sys/clock.hpp"

namespace postrider::app {
namespace {

using boost::json::object;
using PageOf = std::function<object(const admin::ListRequest&)>;

// A block for each message, as programs that read mailq(1) know it.
class MailqPrinter {
 public:
  void print(const object& row) {
    const auto id = text(row, "id");
    if (id != last_) {
      if (messages_ == 0)
        std::cout << "-Queue ID------  --Size--  ---Arrival Time (UTC)--  -Sender/Recipient-------\n";
      else
        std::cout << '\n';
      const auto sender = text(row, "sender");
      const char mark = text(row, "state") == "held" ? '!' : ' ';
      std::cout << fmt::format("{}{} {:>9}  {:<23}  {}\n", id, mark, number(row, "size"),
                               time_text(text(row, "received")),
                               sender.empty() ? "MAILER-DAEMON" : harmless(sender));
      octets_ += number(row, "size");
      ++messages_;
      last_ = id;
    }
    if (const auto* last = inner(row, "last"))
      std::cout << fmt::format("{:>20}({})\n", "", harmless(text(*last, "reply")));
    std::cout << fmt::format("{:>51}{}\n", "", harmless(text(row, "to")));
  }

  void finish() const {
    if (messages_ == 0)
      std::cout << "Mail queue is empty\n";
    else
      std::cout << fmt::format("\n-- {} Kbytes in {} Request{}.\n", (octets_ + 1023) / 1024, messages_,
                               messages_ == 1 ? "" : "s");
    std::cout.flush();
  }

 private:
  std::string last_;
  std::uint64_t messages_ = 0;
  std::uint64_t octets_ = 0;
};

void print_all(const PageOf& page_of) {
  MailqPrinter printer;
  admin::ListRequest request{.selection = {}, .after = {}, .limit = admin::kPage};
  do {
    const object page = page_of(request);
    for (const auto* row : objects(page, "rows")) printer.print(*row);
    request.after = next_place(page);
  } while (request.after);
  printer.finish();
}

// Why the server can't be asked, as a code of sysexits.h.
int code_of(const base::Failure& failure) {
  if (failure.code.subject == 7) return EX_NOPERM;
  return failure.permanent() ? EX_UNAVAILABLE : EX_TEMPFAIL;
}

struct Refused {
  base::Failure failure;
};

int refused(const base::Failure& failure) {
  complain(failure.code.subject == 7 ? "only root and the mail server's own user may see the queue"
                                     : failure.text);
  return code_of(failure);
}

int without_config() {
  complain(
      "you may not read the server's configuration: only root and the mail server's own user may see the "
      "queue");
  return EX_NOPERM;
}

bool is_away(const base::Failure& failure) { return failure.permanent() && failure.code.subject == 3; }

}  // namespace

int list_queue(const SendmailPlace& place) {
  if (!place.config) return without_config();
  const admin::ControlClient client(place.config->runtime_dir);
  try {
    print_all([&](const admin::ListRequest& request) {
      auto page = client.ask(request);
      if (!page) throw Refused{std::move(page.error())};
      return std::move(*page);
    });
    return EX_OK;
  } catch (const Refused& refusal) {
    if (!is_away(refusal.failure)) return refused(refusal.failure);
  }
  const auto spool = store::SpoolFile::open(place.config->data_dir / "spool", sys::system_clock());
  if (!spool) {
    complain("no server answers, and its spool can't be read: " + spool.error().log_text());
    return EX_UNAVAILABLE;
  }
  try {
    print_all([&](const admin::ListRequest& request) {
      const auto page = (*spool)->list(request.selection, request.after, request.limit);
      if (!page) throw Refused{page.error()};
      return admin::to_json(*page);
    });
    return EX_OK;
  } catch (const Refused& refusal) {
    return refused(refusal.failure);
  }
}

int run_queue(const SendmailPlace& place) {
  if (!place.config) return without_config();
  const admin::ControlClient client(place.config->runtime_dir);
  try {
    retry_all(client, {});
    return EX_OK;
  } catch (const Stop& stop) {
    complain(stop.why);
    return EX_UNAVAILABLE;
  }
}

}  // namespace postrider::app
