// `postrider directory export` and `import`.
#include <unistd.h>

#include <boost/json/array.hpp>
#include <iostream>
#include <iterator>

#include "app/directory_tools.hpp"
#include "app/queue_print.hpp"
#include "directory/contents.hpp"

namespace postrider::app {
namespace {

directory::Contents contents_of(DirectoryDesk& desk, bool with_credentials) {
  directory::Contents contents;
  for (const auto& index : desk.snapshot().domains()) contents.domains.push_back(index.domain());
  if (with_credentials) contents.credentials = taken(desk.registry().all_credentials());
  return contents;
}

std::string read_import(const std::string& file) {
  if (file != "-") return taken(read_file(file));
  constexpr std::size_t kMost = 16u << 20;
  std::string text;
  for (char c = 0; text.size() <= kMost && std::cin.get(c);) text += c;
  return text;
}

boost::json::object difference_json(const directory::Difference& difference) {
  boost::json::array details;
  for (const auto& line : difference.details) details.emplace_back(line);
  const char* const change = difference.sign == '+' ? "add" : difference.sign == '-' ? "remove" : "change";
  return {{"change", change},
          {"what", difference.what},
          {"name", difference.name},
          {"details", std::move(details)}};
}

void print(const std::vector<directory::Difference>& all, bool json) {
  for (const auto& one : all) {
    if (json) {
      print_json(difference_json(one));
      continue;
    }
    std::cout << one.sign << ' ' << one.what << ' ' << harmless(one.name) << '\n';
    for (const auto& line : one.details) std::cout << "    " << harmless(line) << '\n';
  }
}

bool confirmed(std::size_t count) {
  if (::isatty(STDIN_FILENO) != 1)
    throw Stop{kUsage, "nothing was changed: there is no terminal to ask at; say --yes, or --dry-run"};
  std::cerr << "Make " << counted(count, "change") << "? [y/N] " << std::flush;
  std::string answer;
  std::getline(std::cin, answer);
  return answer == "y" || answer == "yes";
}

void export_json(const directory::Contents& contents) {
  for (const auto& domain : contents.domains) {
    print_json(to_json(domain));
    for (const auto& account : domain.accounts)
      print_json(to_json(directory::address_of(account.name, domain.name), account));
    for (const auto& alias : domain.aliases)
      print_json(to_json(directory::address_of(alias.name, domain.name), alias));
  }
}

}  // namespace

int directory_export(const DirectoryOptions& options) {
  if (options.json && options.with_credentials)
    throw Stop{kUsage, "--json has no credentials; leave out one of the two"};
  DirectoryDesk desk(options.config);
  const auto contents = contents_of(desk, options.with_credentials);
  if (options.json)
    export_json(contents);
  else
    std::cout << directory::to_toml(contents);
  return std::cout.flush() ? kDone : throw Stop{kRefused, "standard output can't be written to"};
}

int directory_import(const DirectoryOptions& options) {
  if (options.file == "-" && !options.yes && !options.dry_run)
    throw Stop{kUsage, "what comes from standard input needs --yes or --dry-run"};
  const std::string text =
      read_import(options.file);  // as whoever we are: then root becomes the owner of data_dir
  const auto wanted = directory::parse_contents(text, options.file);
  if (!wanted) {
    std::string why = "the file has faults; nothing was changed";
    for (const auto& fault : wanted.error()) why += '\n' + fault.to_string();
    throw Stop{kRefused, std::move(why)};
  }
  DirectoryDesk desk(options.config);
  const auto all = directory::differences(contents_of(desk, true), *wanted);
  print(all, options.json);
  if (all.empty() && !options.json) std::cout << "No difference.\n";
  if (all.empty() || options.dry_run) return kDone;
  std::cout.flush();
  if (!options.yes && !confirmed(all.size())) throw Stop{kRefused, "nothing was changed"};
  std::vector<directory::Change> changes;
  for (const auto& one : all) changes.insert(changes.end(), one.changes.begin(), one.changes.end());
  desk.apply(changes);
  if (!options.json) std::cout << counted(all.size(), "change") << " made.\n";
  return kDone;
}

}  // namespace postrider::app
