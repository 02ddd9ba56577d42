// check_host() for the tests: reads a zone and checks from standard input, says each result on a line.
//
//   A|AAAA|TXT|PTR <tab> name <tab> data     MX <tab> name <tab> preference <tab> exchange
//   SILENT <tab> name                        no answer for what it has no records of
//   CHECK <tab> client <tab> helo <tab> local part <tab> domain
//
// Answer: result <tab> explanation <tab> reason.
#include <iostream>
#include <sstream>
#include <string>
#include <vector>

#include "policy/spf.hpp"
#include "policy/testing/zone.hpp"

namespace policy = postrider::policy;
namespace base = postrider::base;

namespace {

std::vector<std::string> fields(const std::string& line) {
  std::vector<std::string> out;
  std::istringstream in(line);
  for (std::string field; std::getline(in, field, '\t');) out.push_back(field);
  return out;
}

void add(policy::testing::Zone& zone, const std::vector<std::string>& words) {
  const std::string& name = words.at(1);
  if (words[0] == "A" || words[0] == "AAAA")
    zone.addresses.emplace(name, base::IpAddress::parse(words.at(2)).value());
  else if (words[0] == "TXT")
    zone.texts.emplace(name, words.at(2));
  else if (words[0] == "PTR")
    zone.pointers.emplace(name, words.at(2));
  else if (words[0] == "MX")
    zone.exchanges.emplace(
        name, postrider::sys::dns::Mx{static_cast<std::uint16_t>(std::stoi(words.at(2))), words.at(3)});
  else
    zone.silent.insert(name);
}

void check(const policy::testing::Zone& zone, std::vector<std::string> words) {
  words.resize(5);
  policy::SpfCheck check(
      {base::IpAddress::parse(words[1]).value(), words[2], words[3], words[4], "mx.example.net", {}});
  policy::Lookups lookups;
  while (!check.go_on(lookups)) {
    for (const policy::Question& question : lookups.take_wanted())
      lookups.answer(question, zone.answer(question));
  }
  const policy::SpfFinding& finding = check.finding();
  std::cout << to_string(finding.result) << '\t' << finding.explanation << '\t' << finding.reason << '\n';
}

}  // namespace

int main() {
  policy::testing::Zone zone;
  for (std::string line; std::getline(std::cin, line);) {
    const auto words = fields(line);
    if (words[0] == "CHECK")
      check(zone, words);
    else
      add(zone, words);
  }
}
