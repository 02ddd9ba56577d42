#include "wire/sasl/password.hpp"

#include "base/ascii.hpp"

namespace postrider::wire::sasl {
namespace {

constexpr std::size_t kMostOctets = 255;  // of each of PLAIN's parts; RFC 4616 2

bool is_text(std::string_view text) {
  return !text.empty() && text.size() <= kMostOctets && !text.contains('\0') && base::is_utf8(text);
}

Step end(const Answer& answer) {
  if (std::holds_alternative<Granted>(answer)) return Success{};
  return Refused{"wrong credentials"};
}

}  // namespace

Step Plain::begin(std::optional<std::string> initial) {
  if (!initial) return Challenge{};
  return respond(std::move(*initial));
}

Step Plain::respond(std::string response) {
  const std::string_view all = response;
  const auto first = all.find('\0');
  const auto second = first == all.npos ? first : all.find('\0', first + 1);
  if (second == all.npos) return Malformed{"PLAIN is [who to be] NUL user NUL password"};
  const auto authzid = all.substr(0, first);
  const auto authcid = all.substr(first + 1, second - first - 1);
  const auto password = all.substr(second + 1);
  if (!is_text(authcid) || !is_text(password) || (!authzid.empty() && !is_text(authzid)))
    return Malformed{"PLAIN's parts are UTF-8, 1 to 255 octets each"};
  // RFC 4616 2: a server that can't have one user act for another refuses to.
  if (!authzid.empty() && !base::iequals(authzid, authcid)) return Refused{"acting for another"};
  return CheckPassword{std::string(authcid), std::string(password)};
}

Step Plain::answer(const Answer& answer) { return end(answer); }

Step Login::begin(std::optional<std::string> initial) {
  if (!initial) return Challenge{"Username:"};
  return respond(std::move(*initial));
}

Step Login::respond(std::string response) {
  if (!is_text(response)) return Malformed{"user and password are UTF-8, 1 to 255 octets each"};
  if (login_) return CheckPassword{std::move(*login_), std::move(response)};
  login_ = std::move(response);
  return Challenge{"Password:"};
}

Step Login::answer(const Answer& answer) { return end(answer); }

Step External::begin(std::optional<std::string> initial) {
  if (!initial) return Challenge{};
  return respond(std::move(*initial));
}

Step External::respond(std::string response) {
  if (!response.empty() && !is_text(response)) return Malformed{"EXTERNAL is a name in UTF-8, or nothing"};
  return CheckCertificate{std::move(response)};
}

Step External::answer(const Answer& answer) { return end(answer); }

}  // namespace postrider::wire::sasl
