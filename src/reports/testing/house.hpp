// A private folder with a reports' database, and what is put into it.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <memory>
#include <string>

#include "base/testing/temporary_folder.hpp"
#include "reports/report_store.hpp"

namespace postrider::reports::testing {

// The first is 2027-01-15.
inline Day day(int number) { return Day(std::chrono::days(20'833 + number)); }
inline base::UtcTime at(Day time) { return time; }

class House {
 public:
  const std::filesystem::path& folder() const { return folder_.path(); }
  std::unique_ptr<ReportStore> open() const {
    auto store = ReportStore::open(folder());
    if (!store) ADD_FAILURE() << store.error().log_text();
    return store ? std::move(*store) : nullptr;
  }

 private:
  base::testing::TemporaryFolder folder_;
};

inline wire::dmarc_report::Record record(std::string_view source, std::uint64_t count = 1) {
  wire::dmarc_report::Record out;
  out.source = *base::IpAddress::parse(source);
  out.count = count;
  out.header_from = "a.test";
  return out;
}

inline Seen seen(std::string domain, std::string_view source, std::uint64_t count = 1) {
  Seen out{.day = day(0), .published = {}, .record = record(source, count)};
  out.published.domain = std::move(domain);
  out.published.policy = wire::dmarc::Policy::quarantine;
  return out;
}

}  // namespace postrider::reports::testing
