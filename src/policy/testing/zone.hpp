// A DNS of records by name, for test vectors.
#pragma once

#include <map>
#include <set>
#include <string>

#include "base/ascii.hpp"
#include "policy/lookups.hpp"

namespace postrider::policy::testing {

// Names in lower case.
class Zone {
 public:
  using Name = std::string;

  std::multimap<Name, std::string> texts;
  std::multimap<Name, base::IpAddress> addresses;
  std::multimap<Name, sys::dns::Mx> exchanges;
  std::multimap<Name, std::string> pointers;  // by names like "1.2.0.192.in-addr.arpa"
  std::map<Name, Name> aliases;
  std::set<Name> silent;  // no answer but for the records that are there

  AnyAnswer answer(const Question& question) const {
    using enum QuestionType;
    const std::string name = question.type == ptr
                                 ? sys::reverse_name(base::IpAddress::parse(question.name).value())
                                 : behind_aliases(question.name);
    switch (question.type) {
      case a:
      case aaaa: {
        auto answer = find(addresses, name);
        if (!answer) return answer;
        std::erase_if(answer->records,
                      [&](const auto& each) { return each.is_v4() != (question.type == a); });
        if (answer->records.empty()) return AddressAnswer(failure(name));
        return answer;
      }
      case mx:
        return find(exchanges, name);
      case ptr:
        return find(pointers, name);
      case txt:
        return find(texts, name);
    }
    return TextAnswer(failure(name));
  }

 private:
  Name behind_aliases(Name name) const {
    for (int i = 0; i < 10 && aliases.contains(name); ++i) name = aliases.at(name);
    return name;
  }
  std::unexpected<sys::dns::Failure> failure(const Name& name) const {
    using enum sys::dns::Error;
    const bool exists = texts.contains(name) || addresses.contains(name) || exchanges.contains(name) ||
                        pointers.contains(name);
    return std::unexpected(sys::dns::Failure{silent.contains(name) ? timeout
                                             : exists              ? nodata
                                                                   : nxdomain,
                                             false, "told so"});
  }
  template <class T>
  sys::dns::Result<T> find(const std::multimap<Name, T>& map, const Name& name) const {
    sys::dns::Answer<T> answer;
    for (auto [at, end] = map.equal_range(name); at != end; ++at) answer.records.push_back(at->second);
    if (answer.records.empty()) return failure(name);
    return answer;
  }
};

}  // namespace postrider::policy::testing
