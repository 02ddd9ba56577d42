#include <boost/json/array.hpp>
#include <boost/json/value.hpp>
#include <iostream>

#include "app/queue_print.hpp"
#include "app/queue_tools.hpp"
#include "sys/clock.hpp"

namespace postrider::app {
namespace {

using boost::json::object;

std::string domains_text(const object& site) {
  std::string text;
  if (const auto* names = site.if_contains("destinations"); names && names->is_array())
    for (const auto& one : names->get_array())
      if (one.is_string()) text += (text.empty() ? "" : " ") + std::string(one.get_string());
  return text;
}

std::string allowed_text(const object& site) {
  std::string text =
      std::to_string(number(site, "concurrency")) + " of " + std::to_string(number(site, "max_concurrency"));
  if (const auto rate = number(site, "max_per_minute"); rate > 0)
    text += ", " + std::to_string(rate) + "/min";
  return text;
}

void print_sites(const std::vector<const object*>& all) {
  const auto now = sys::system_clock().utc();
  Table table({"SITE", "RUNNING", "ALLOWED", "IN MEMORY", "GIVEN UP", "DOMAINS", "LAST FAILURE"});
  for (const auto* site : all) {
    const auto name = text(*site, "site");
    const auto until = text(*site, "given_up_until");
    table.add({name.empty() ? "(not known yet)" : name, std::to_string(number(*site, "running")),
               allowed_text(*site), grouped(number(*site, "in_memory")),
               until.empty() ? "no" : "again " + until_text(until, now), domains_text(*site),
               text(*site, "last_failure")});
  }
  table.print();
}

}  // namespace

int queue_sites(const QueueOptions& options) {
  const admin::ControlClient client(runtime_dir(options));
  const auto answer = ask(client, admin::SitesRequest{});
  const auto all = objects(answer, "sites");
  if (options.json) {
    for (const auto* each : all) print_json(*each);
  } else if (all.empty()) {
    std::cout << "No mail is on its way now, and no site is given up.\n";
  } else {
    print_sites(all);
  }
  return kDone;
}

}  // namespace postrider::app
