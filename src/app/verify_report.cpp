#include "app/verify_report.hpp"

#include <array>

namespace postrider::app {
namespace {

std::string shown(const base::IpAddress& address) { return address.to_string(); }
std::string shown(const std::string& text) { return text; }
std::string shown(const sys::dns::Mx& mx) { return std::to_string(mx.preference) + ' ' + mx.exchange; }

struct Shown {
  DnsAnswer& out;
  template <class T>
  void operator()(const sys::dns::Result<T>& answer) const {
    if (!answer) {
      out.error = to_string(answer.error().error);
      out.secure = answer.error().secure;
      return;
    }
    for (const T& record : answer->records) out.records.push_back(shown(record));
    out.secure = answer->secure;
  }
};

}  // namespace

std::vector<DnsAnswer> dns_answers(const policy::Lookups& lookups) {
  constexpr std::array<const char*, 5> kTypes = {"A", "AAAA", "MX", "PTR", "TXT"};
  std::vector<DnsAnswer> all;
  for (const auto& [question, answer] : lookups.answers()) {
    DnsAnswer out;
    out.type = kTypes.at(static_cast<std::size_t>(question.type));
    out.name = question.name;
    if (answer)
      std::visit(Shown{out}, *answer);
    else
      out.error = "no answer was waited for";
    all.push_back(std::move(out));
  }
  return all;
}

int verify_code(const policy::AuthenticationFindings& findings) {
  using enum policy::DmarcResult;
  switch (findings.dmarc.result) {
    case pass:
      return 0;
    case fail:
    case permerror:
      return 3;
    case none:
      return 4;
    case temperror:
      break;
  }
  return 75;  // EX_TEMPFAIL of sysexits.h
}

}  // namespace postrider::app
