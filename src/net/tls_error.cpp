#include "net/tls_error.hpp"

#include <openssl/err.h>

#include <array>

namespace postrider::net {
namespace {

class Category final : public boost::system::error_category {
 public:
  const char* name() const noexcept override { return "tls"; }
  std::string message(int value) const override {
    const auto code = static_cast<unsigned int>(value);
    if (const char* reason = ERR_reason_error_string(code)) return reason;
    std::array<char, 256> text{};
    ERR_error_string_n(code, text.data(), text.size());
    return text.data();
  }
};

}  // namespace

const boost::system::error_category& tls_category() {
  static const Category category;
  return category;
}

boost::system::error_code take_tls_error() {
  const unsigned long code = ERR_get_error();
  ERR_clear_error();
  if (code == 0) return make_error_code(boost::system::errc::protocol_error);
  // Library and reason are in the lower 32 bits.
  return {static_cast<int>(static_cast<unsigned int>(code)), tls_category()};
}

std::string take_tls_words() { return take_tls_error().message(); }

}  // namespace postrider::net
