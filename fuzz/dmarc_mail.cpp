// Messages that may have DMARC reports in them, and the parts of any message.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/ascii.hpp"
#include "wire/dmarc_report/report_mail.hpp"
#include "wire/mime/parts.hpp"

namespace reports = postrider::wire::dmarc_report;
namespace mime = postrider::wire::mime;

namespace {

void require(bool ok) {
  if (!ok) __builtin_trap();
}

const reports::Letter kLetter = {.submitter = "mx.test",
                                 .from_name = "x",
                                 .from = "a@mx.test",
                                 .to = "b@c.test",
                                 .id = "01hx3v5t0c001",
                                 .date = {}};

std::string rewritten(const std::string& mail) {
  const auto failure = reports::find_failure_report(mail);
  require(failure && *failure);
  return reports::write_failure_mail(kLetter, **failure);
}

void check_parts(std::string_view message) {
  const auto parts = mime::leaf_parts(message);
  require(parts.size() <= mime::kMostParts);
  for (const auto& part : parts) {
    require(part.body.empty() || (part.body.data() >= message.data() &&
                                  part.body.data() + part.body.size() <= message.data() + message.size()));
    require(mime::decoded_body(part).size() <= part.body.size());
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  check_parts(text);
  reports::is_report(text);
  if (const auto failure = reports::find_failure_report(text); failure && *failure) {
    require(!(*failure)->type.empty() && (*failure)->header.size() <= reports::kMostReportedHeader);
    require((*failure)->reported_domains.size() <= reports::kMostFailureFields);
    require(postrider::base::is_utf8((*failure)->mail_from));
    // What does not fit is left out once, and no more.
    const std::string once = rewritten(reports::write_failure_mail(kLetter, **failure));
    require(rewritten(once) == once);
  }
  const auto read = reports::read_report_file(text);
  if (!read)
    require(read.error().permanent() && !read.error().text.empty());
  else
    require(!read->aggregate.empty() || read->failure);
  return 0;
}
