// Delivery status notifications from anywhere: what is read is written so that it is read back the same.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/ascii.hpp"
#include "wire/dsn/delivery_status.hpp"

namespace dsn = postrider::wire::dsn;

namespace {

void require(bool ok) {
  if (!ok) __builtin_trap();
}

void expect_read_back(const dsn::DeliveryStatus& status) {
  require(!status.recipients.empty() && status.recipients.size() <= dsn::kMaxRecipients);
  for (const auto& recipient : status.recipients) require(recipient.final.text.size() <= dsn::kMaxValue);
  // Where a recipient has no status the writer would write "0.0.0", which nobody reads.
  const auto once = dsn::parse_delivery_status(dsn::encode(status, dsn::Form::global));
  require(once && once->recipients.size() == status.recipients.size());
  require(dsn::parse_delivery_status(dsn::encode(*once, dsn::Form::global)) == once);
  const std::string ascii = dsn::encode(status, dsn::Form::ascii);
  require(postrider::base::is_ascii(ascii));
  require(dsn::parse_delivery_status(ascii).has_value());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto status = dsn::parse_delivery_status(text)) expect_read_back(*status);
  if (const auto part = dsn::find_delivery_status(text)) {
    require(part->data() >= text.data() && part->data() + part->size() <= text.data() + text.size());
    if (const auto status = dsn::parse_delivery_status(*part)) expect_read_back(*status);
  }
  return 0;
}
