// A private folder with a reports' database, and what is put into it.
#pragma once

#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <memory>
#include <string>

#include "reports/report_store.hpp"

namespace postrider::reports::testing {

// The first is 2027-01-15.
inline Day day(int number) { return Day(std::chrono::days(20'833 + number)); }
inline base::UtcTime at(Day time) { return time; }

class House {
 public:
  House() {
    std::string name = (std::filesystem::temp_directory_path() / "postrider-reports.XXXXXX").string();
    if (mkdtemp(name.data()) == nullptr) std::abort();
    folder_ = name;
  }
  ~House() {
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
  }
  House(const House&) = delete;
  House& operator=(const House&) = delete;
  const std::filesystem::path& folder() const { return folder_; }
  std::unique_ptr<ReportStore> open() const {
    auto store = ReportStore::open(folder_);
    if (!store) ADD_FAILURE() << store.error().log_text();
    return store ? std::move(*store) : nullptr;
  }

 private:
  std::filesystem::path folder_;
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
