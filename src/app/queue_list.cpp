#include <unistd.h>

#include <algorithm>
#include <functional>
#include <iostream>
#include <limits>

#include "admin/answer.hpp"
#include "app/queue_print.hpp"
#include "app/queue_tools.hpp"
#include "store/spool_file.hpp"
#include "sys/clock.hpp"

namespace postrider::app {
namespace {

using boost::json::object;
using PageOf = std::function<object(const admin::ListRequest&)>;

// Prints pages as they come, so that a million rows are never in memory.
class Printer {
 public:
  explicit Printer(const QueueOptions& options)
      : json_(options.json),
        left_(options.limit ? options.limit : std::numeric_limits<std::uint64_t>::max()) {}

  void print(const store::Selection& selection, const PageOf& page_of) {
    admin::ListRequest request{.selection = selection, .after = {}, .limit = 0};
    do {
      if (left_ == 0) {
        more_ = true;
        return;
      }
      request.limit = std::min<std::uint64_t>(left_, admin::kPage);
      const object page = page_of(request);
      print_page(page);
      request.after = next_place(page);
    } while (request.after);
  }

  std::uint64_t shown() const { return shown_; }
  bool more() const { return more_; }

 private:
  void print_page(const object& page) {
    const auto now = sys::system_clock().utc();
    const auto rows = objects(page, "rows");
    for (const auto* row : rows) {
      if (json_) {
        print_json(*row);
      } else {
        table_.add(row_cells(*row, now));
      }
    }
    if (!json_ && !rows.empty()) table_.print();
    std::cout.flush();
    shown_ += rows.size();
    left_ -= std::min<std::uint64_t>(left_, rows.size());
  }

  bool json_;
  std::uint64_t left_;
  std::uint64_t shown_ = 0;
  bool more_ = false;
  Table table_{row_headings()};
};

int summary(const Printer& printer) {
  if (printer.shown() == 0) throw Stop{kRefused, "nothing in the queue matches"};
  if (printer.more() && ::isatty(STDERR_FILENO) == 1)
    std::cerr << grouped(printer.shown()) << " shown, and there is more: --limit 0 shows all.\n";
  return kDone;
}

PageOf ask_server(const admin::ControlClient& client) {
  return [&client](const admin::ListRequest& request) { return ask(client, request); };
}

PageOf read_file(store::SpoolFile& file) {
  return [&file](const admin::ListRequest& request) {
    const auto page = file.list(request.selection, request.after, request.limit);
    if (!page) throw Stop{kRefused, page.error().log_text()};
    return admin::to_json(*page);
  };
}

}  // namespace

int queue_list(const QueueOptions& options) {
  Printer printer(options);
  if (options.offline) {
    const auto file = store::SpoolFile::open(spool_dir(options), sys::system_clock());
    if (!file) throw Stop{kRefused, file.error().log_text()};
    for (const auto& selection : selections(options, nullptr)) printer.print(selection, read_file(**file));
  } else {
    const admin::ControlClient client(runtime_dir(options));
    for (const auto& selection : selections(options, &client)) printer.print(selection, ask_server(client));
  }
  return summary(printer);
}

}  // namespace postrider::app
