// The DNS as a struct of maps.
#pragma once

#include <atomic>
#include <map>

#include "base/ascii.hpp"
#include "sys/resolver.hpp"

namespace postrider::sys::fake {

// Fill the maps before another thread asks. Names in lower case. A name that is in no map is nxdomain; one
// that is only in other maps is nodata; one in `errors` gets that error for every type. `done` is called
// before the call returns.
struct Resolver final : sys::Resolver {
  std::map<std::string, std::vector<std::string>>
      hosts;  // addresses, both families: "192.0.2.1", "2001:db8::1"
  std::map<std::string, std::vector<dns::Mx>> exchanges;
  std::map<std::string, std::vector<std::string>> pointers;  // by the address as text
  std::map<std::string, std::vector<std::string>> texts;
  std::map<std::string, dns::Error> errors;
  std::map<std::string, std::chrono::seconds> ttls;  // of a name's answers; else 300 s
  bool secure = false;
  std::atomic<int> asked = 0;  // questions so far

  void a(std::string name, base::Milliseconds, dns::Done<base::IpAddress> done) override {
    done(addresses(name, true));
  }
  void aaaa(std::string name, base::Milliseconds, dns::Done<base::IpAddress> done) override {
    done(addresses(name, false));
  }
  void mx(std::string name, base::Milliseconds, dns::Done<dns::Mx> done) override {
    done(find(exchanges, base::lower(name)));
  }
  void ptr(base::IpAddress address, base::Milliseconds, dns::Done<std::string> done) override {
    done(find(pointers, address.to_string()));
  }
  void txt(std::string name, base::Milliseconds, dns::Done<std::string> done) override {
    done(find(texts, base::lower(name)));
  }

 private:
  std::unexpected<dns::Failure> failure(const std::string& name) const {
    auto error = dns::Error::nxdomain;
    if (const auto told = errors.find(name); told != errors.end()) {
      error = told->second;
    } else if (hosts.contains(name) || exchanges.contains(name) || texts.contains(name)) {
      error = dns::Error::nodata;
    }
    return std::unexpected(dns::Failure{error, secure, "told so"});
  }
  template <class T>
  dns::Result<T> find(const std::map<std::string, std::vector<T>>& map, const std::string& name) {
    ++asked;
    const auto found = map.find(name);
    if (found == map.end() || found->second.empty() || errors.contains(name)) return failure(name);
    const auto ttl = ttls.find(name);
    return dns::Answer<T>{found->second, ttl == ttls.end() ? std::chrono::seconds(300) : ttl->second, secure};
  }
  dns::Result<base::IpAddress> addresses(const std::string& name, bool v4) {
    const auto all = find(hosts, base::lower(name));
    if (!all) return std::unexpected(all.error());
    dns::Answer<base::IpAddress> answer{{}, all->ttl, all->secure};
    for (const std::string& text : all->records) {
      const auto address = base::IpAddress::parse(text).value();
      if (address.is_v4() == v4) answer.records.push_back(address);
    }
    if (answer.records.empty()) return failure(base::lower(name));
    return answer;
  }
};

}  // namespace postrider::sys::fake
