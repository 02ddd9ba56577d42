// A request on the control socket: refused with words of one line, or read into a type that is written so that it reads
// back the same.
#include <algorithm>
#include <string>

#include "admin/request.hpp"

using namespace postrider;

namespace {

void require(bool ok) {
  if (!ok) __builtin_trap();
}

void check(const store::Selection& selection) {
  require(selection.destinations.size() <= admin::kMostDestinations);
  if (selection.sender) require(!selection.sender->empty());
  if (selection.recipient) require(!selection.recipient->empty());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view line(reinterpret_cast<const char*>(data), size);
  const auto request = admin::parse_request(line);
  if (!request) {
    const auto& text = request.error().text;
    require(request.error().permanent() && !text.empty() && text.size() < 2000);
    require(std::ranges::none_of(text, [](char c) { return static_cast<unsigned char>(c) < 32; }));
    return 0;
  }
  if (const auto* list = std::get_if<admin::ListRequest>(&*request)) {
    check(list->selection);
    require(list->limit >= 1 && list->limit <= admin::kPage);
  }
  if (const auto* change = std::get_if<admin::ChangeRequest>(&*request)) {
    check(change->selection);
    require(change->limit >= 1 && change->limit <= admin::kPage);
    require(change->reason.size() <= admin::kReasonBytes);
  }
  const auto written = admin::encode(*request);
  require(written.find('\n') == written.size() - 1);
  const auto again = admin::parse_request(written);
  require(again && again->index() == request->index() && admin::encode(*again) == written);
  return 0;
}
