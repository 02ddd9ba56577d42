#include "app/queue_tools.hpp"

#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>
#include <charconv>
#include <iostream>

#include "app/queue_print.hpp"
#include "config/config.hpp"
#include "config/values.hpp"

namespace postrider::app {
namespace {

std::string parsed(std::string_view option, const std::string& text,
                   base::Result<std::string> (*parse)(std::string_view)) {
  auto value = parse(text);
  if (!value) throw Stop{kUsage, std::string(option) + " " + text + ": " + value.error().text};
  return std::move(*value);
}

store::Selection filters(const QueueOptions& options) {
  store::Selection selection;
  if (options.sender) selection.sender = parsed("--sender", *options.sender, admin::parse_pattern);
  if (options.recipient)
    selection.recipient = parsed("--recipient", *options.recipient, admin::parse_pattern);
  if (options.older) selection.older_than = duration("--older", *options.older);
  if (options.younger) selection.younger_than = duration("--younger", *options.younger);
  for (const auto& domain : options.domains) {
    if (domain.starts_with('.'))
      throw Stop{kUsage, "--domain has no dot in front: --recipient " + domain + " means the subdomains"};
    selection.destinations.push_back(parsed("--domain", domain, admin::parse_destination));
  }
  for (const auto state :
       {mail::RecipientState::waiting, mail::RecipientState::held, mail::RecipientState::untold})
    if (options.state == admin::to_string(state)) selection.state = state;
  return selection;
}

std::vector<std::string> destinations_of(const std::string& site, const admin::ControlClient* client) {
  if (!client) throw Stop{kUsage, "--site: only a running server knows what goes where"};
  const auto answer = ask(*client, admin::DestinationsRequest{site});
  std::vector<std::string> names;
  if (const auto* all = answer.if_contains("destinations"); all && all->is_array())
    for (const auto& each : all->get_array())
      if (each.is_string()) names.emplace_back(each.get_string());
  const auto not_told = number(answer, "not_told");
  const std::string missing =
      not_told == 0 ? ""
                    : "where the mail to " + counted(not_told, "domain") + " goes could not be told in time";
  if (names.empty())
    throw Stop{kRefused, "no mail is on its way to " + site + "; postrider queue sites has the names" +
                             (missing.empty() ? "" : "; " + missing)};
  if (!missing.empty()) std::cerr << missing << ": it is left out\n";
  return names;
}

// A request has so many names, and so many bytes, at most; a site may have more.
std::vector<store::Selection> in_parts(const store::Selection& whole) {
  constexpr std::size_t kMostBytes =
      admin::kRequestLine / 2;  // quotes, escapes and all else in the other half
  if (whole.destinations.empty()) return {whole};
  std::vector<store::Selection> parts;
  std::size_t bytes = 0;
  for (const auto& name : whole.destinations) {
    bytes += name.size() + 3;
    if (parts.empty() || parts.back().destinations.size() == admin::kMostDestinations || bytes > kMostBytes) {
      parts.push_back(whole);
      parts.back().destinations.clear();
      bytes = name.size() + 3;
    }
    parts.back().destinations.push_back(name);
  }
  return parts;
}

}  // namespace

std::shared_ptr<const config::Config> load_config(const std::filesystem::path& file) {
  auto loaded = config::load(file);
  if (loaded) return std::move(*loaded);
  std::string why = "the configuration has faults";
  for (const auto& fault : loaded.error()) why += "\n" + fault.to_string();
  throw Stop{kRefused, std::move(why)};
}

std::filesystem::path runtime_dir(const QueueOptions& options) {
  return load_config(options.config)->runtime_dir;
}

std::filesystem::path spool_dir(const QueueOptions& options) {
  return load_config(options.config)->data_dir / "spool";
}

boost::json::object ask(const admin::ControlClient& client, const admin::Request& request) {
  auto answer = client.ask(request);
  if (!answer) throw Stop{kRefused, answer.error().text};
  return std::move(*answer);
}

base::Milliseconds duration(std::string_view option, std::string_view text) {
  const auto value = config::parse_duration(text);
  if (!value) throw Stop{kUsage, std::string(option) + ": " + value.error().what + "; " + value.error().mend};
  return *value;
}

std::vector<store::Selection> selections(const QueueOptions& options, const admin::ControlClient* client) {
  store::Selection selection = filters(options);
  if (options.all && (!selection.everything() || !options.ids.empty() || options.site))
    throw Stop{kUsage, "--all and a choice among all contradict each other"};
  if (options.site) {
    if (!options.domains.empty()) throw Stop{kUsage, "--site and --domain: only one of them"};
    selection.destinations = destinations_of(*options.site, client);
  }
  auto parts = in_parts(selection);
  if (options.ids.empty()) return parts;
  std::vector<store::Selection> all;
  for (const auto& id : options.ids) {
    const auto message = base::MessageId::parse(id);
    if (!message) throw Stop{kUsage, id + " is no message id: these have 13 letters and digits"};
    for (auto& part : parts) {
      part.message = message;
      all.push_back(part);
    }
  }
  return all;
}

admin::Place next_place(const boost::json::object& answer) {
  const std::string next = text(answer, "next");
  if (next.empty()) return {};
  const auto slash = std::min(next.find('/'), next.size() - 1);
  const auto id = base::MessageId::parse(std::string_view(next).substr(0, slash));
  store::RecipientId place;
  const char* end = next.data() + next.size();
  if (!id || std::from_chars(next.data() + slash + 1, end, place.index).ptr != end)
    throw Stop{kRefused, "what the server answered is no answer"};
  place.message = *id;
  return place;
}

std::vector<std::string> row_headings() {
  return {"ID", "AGE", "SIZE", "SENDER", "RECIPIENT", "STATE", "NEXT", "TRIES", "LAST REPLY"};
}

std::vector<std::string> row_cells(const boost::json::object& row, base::UtcTime now) {
  const auto* last = inner(row, "last");
  const std::string sender = text(row, "sender");
  return {text(row, "id"),
          age_text(text(row, "received"), now),
          size_text(number(row, "size")),
          sender.empty() ? "<>" : sender,
          text(row, "to"),
          text(row, "state"),
          row.contains("due") ? until_text(text(row, "due"), now) : "-",
          std::to_string(number(row, "attempts")),
          last ? text(*last, "reply") : ""};
}

void print_json(const boost::json::object& object) { std::cout << boost::json::serialize(object) << '\n'; }

}  // namespace postrider::app
