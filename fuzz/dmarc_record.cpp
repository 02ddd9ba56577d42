// DMARC records: what is parsed keeps its bounds, and the same written out again reads as the same.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "wire/dmarc/record.hpp"

namespace dmarc = postrider::wire::dmarc;

namespace {

void require(bool ok) {
  if (!ok) __builtin_trap();
}

std::string joined(const std::vector<std::string>& uris) {
  std::string out;
  for (const std::string& uri : uris) {
    require(uri.contains(':') && uri.find_first_of(" \t;,!\r\n") == uri.npos);
    out += (out.empty() ? "" : ",") + uri;
  }
  return out;
}

std::string written(const dmarc::Record& record) {
  std::string out = "v=DMARC1";
  const auto add = [&out](std::string_view name, std::string_view value) {
    out += "; ";
    out += name;
    out += '=';
    out += value;
  };
  if (!record.broken_policy) add("p", to_string(record.policy));
  if (record.subdomain) add("sp", to_string(*record.subdomain));
  if (record.missing) add("np", to_string(*record.missing));
  add("adkim", record.dkim == dmarc::Alignment::strict ? "s" : "r");
  add("aspf", record.spf == dmarc::Alignment::strict ? "s" : "r");
  add("psd", record.psd == dmarc::Psd::yes ? "y" : record.psd == dmarc::Psd::no ? "n" : "u");
  add("t", record.testing ? "y" : "n");
  std::string options;
  const auto option = [&options](bool on, char letter) {
    if (on) options += (options.empty() ? "" : ":") + std::string(1, letter);
  };
  option(record.failure.all, '0');
  option(record.failure.any, '1');
  option(record.failure.dkim, 'd');
  option(record.failure.spf, 's');
  add("fo", options);
  if (!record.rua.empty()) add("rua", joined(record.rua));
  if (!record.ruf.empty()) add("ruf", joined(record.ruf));
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto record = dmarc::parse_record({reinterpret_cast<const char*>(data), size});
  if (!record) return 0;
  require(record->rua.size() <= dmarc::Record::kMostUris && record->ruf.size() <= dmarc::Record::kMostUris);
  require(!record->broken_policy ||
          (record->policy == dmarc::Policy::none && !record->subdomain && !record->missing));
  require(dmarc::parse_record(written(*record)) == record);
  return 0;
}
