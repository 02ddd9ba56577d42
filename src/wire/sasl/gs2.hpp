// The beginning that SCRAM and OAUTHBEARER share: is the channel bound, and who to be. RFC 5801 4
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace postrider::wire::sasl {

struct Gs2Header {
  // 'n': the client can't bind channels; 'y': it can, and thinks that we can't; 'p': it does, by `binding`.
  char flag = 'n';
  std::string binding;   // "tls-exporter"
  std::string authzid;   // decoded; empty: none
  std::size_t size = 0;  // octets, with the comma at its end
};

// At the beginning of `message`. Nothing where there is none.
std::optional<Gs2Header> parse_gs2_header(std::string_view message);

// "=2C" is a comma, "=3D" an equals sign, and others are not written. Nothing for what is no saslname. RFC 5802 5.1
std::optional<std::string> decode_saslname(std::string_view text);

}  // namespace postrider::wire::sasl
