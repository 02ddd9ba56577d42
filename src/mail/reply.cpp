#include "mail/reply.hpp"

namespace postrider::mail {

Reply reply(std::uint16_t code, std::uint16_t subject, std::uint16_t detail, std::string text) {
  return {code, EnhancedCode{static_cast<std::uint8_t>(code / 100), subject, detail}, std::move(text)};
}

Reply plain_reply(std::uint16_t code, std::string text) { return {code, {}, std::move(text)}; }

Reply reply_for(const base::Failure& failure, std::uint16_t permanent_code) {
  return {failure.permanent() ? permanent_code : std::uint16_t{451}, failure.code, failure.text};
}

}  // namespace postrider::mail
