// `postrider resolve`: what would happen to mail for an address, without sending any.
#include <CLI/CLI.hpp>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <future>
#include <iostream>

#include "admin/control_client.hpp"
#include "app/backup_files.hpp"
#include "app/commands.hpp"
#include "app/queue_print.hpp"
#include "app/queue_tools.hpp"
#include "app/router.hpp"
#include "config/values.hpp"
#include "deliver/hosts.hpp"
#include "deliver/hosts_choice.hpp"
#include "deliver/maildir_courier.hpp"
#include "directory/registry.hpp"
#include "queue/suspensions.hpp"
#include "sys/random.hpp"
#include "sys/resolver.hpp"

namespace postrider::app {
namespace {

using boost::json::array;
using boost::json::object;

// One that nobody is to ask: it only says which was chosen.
class Marker final : public queue::Courier {
 public:
  void locate(const queue::Destination&, std::move_only_function<void(queue::Located)>) override {
    std::abort();
  }
  void deliver(queue::Job, std::move_only_function<void(queue::Report)>) override { std::abort(); }
};

std::string at(const std::string& host, std::uint16_t port) {
  return (host.contains(':') ? '[' + host + ']' : host) + ':' + std::to_string(port);
}

struct ShowVia {
  std::string operator()(const config::ViaMx&) const { return "mx"; }
  std::string operator()(const config::ViaSmtp& via) const { return "smtp://" + at(via.host, via.port); }
  std::string operator()(const config::ViaLmtp& via) const {
    return via.path.empty() ? "lmtp://" + at(via.host, via.port) : "lmtp:" + via.path;
  }
  std::string operator()(const config::ViaPipe& via) const { return "pipe:" + via.program; }
  std::string operator()(const config::ViaMaildir& via) const { return "maildir:" + via.path; }
  std::string operator()(const config::ViaHold&) const { return "hold"; }
  std::string operator()(const config::ViaDiscard&) const { return "discard"; }
};

object show(const mail::Outcome& outcome) {
  return {{"action", to_string(outcome.action)},
          {"code", outcome.reply.code},
          {"dsn", outcome.reply.enhanced ? outcome.reply.enhanced->to_string() : ""},
          {"text", outcome.reply.text}};
}

object show_timeouts(const config::Delivery& delivery) {
  const std::pair<const char*, base::Milliseconds> all[] = {
      {"connect", delivery.connect},       {"greeting", delivery.greeting},
      {"command", delivery.command},       {"data_start", delivery.data_start},
      {"data_block", delivery.data_block}, {"data_end", delivery.data_end},
      {"attempt", delivery.attempt},       {"idle", delivery.idle}};
  object shown;
  for (const auto& [name, time] : all) shown[name] = config::show_duration(time);
  return shown;
}

// What is suspended now, as the running server says it.
struct Suspended {
  object answer;
  queue::Suspensions all;  // their ids: places in the answer
};

// Nothing where no server answers.
std::optional<Suspended> ask_suspensions(const std::filesystem::path& runtime_dir) {
  using What = store::Suspension::What;
  auto answer = admin::ControlClient(runtime_dir).ask(admin::SuspensionsRequest{});
  if (!answer) return {};
  std::vector<store::Suspension> all;
  for (const auto* each : objects(*answer, "suspensions")) {
    store::Suspension one{.id = all.size(), .pattern = text(*each, "pattern"), .until = {}, .reason = {}};
    for (const auto what : {What::all, What::destination, What::site, What::sender})
      if (text(*each, "what") == admin::to_string(what)) one.what = what;
    all.push_back(std::move(one));
  }
  Suspended suspended{.answer = std::move(*answer), .all = {}};
  suspended.all.set(std::move(all));
  return suspended;
}

class Explanation {
 public:
  Explanation(const Settings& settings, deliver::HostFinder& hosts, std::optional<Suspended> suspended)
      : setting_(settings.get()),
        suspended_(std::move(suspended)),
        hosts_(hosts),
        router_(settings, {.maildir = maildir_, .smtp = smtp_, .pipe = pipe_}, sys::system_clock()) {}

  object explain(const mail::Address& address) {
    object answer{{"address", address.to_string()}};
    const auto found = setting_.forwarding->resolve(address, *setting_.directory);
    if (!found) {
      const bool made_up = setting_.forwarding->may_have_made(address, *setting_.directory);
      answer["standing"] = made_up ? "unknown" : "broken";
      return fail(std::move(answer), found.error());
    }
    static constexpr const char* kStandings[] = {"local", "relay", "ask", "unknown", "foreign", "returning"};
    answer["standing"] = kStandings[static_cast<std::size_t>(found->standing)];
    if (found->standing == directory::Standing::unknown)
      return fail(std::move(answer), {{5, 1, 1}, "there is nobody of that name in our domain", {}});
    array targets;
    for (const auto& target : found->targets)
      targets.push_back(suspended(explain_target(target), target.address));
    if (found->targets.empty()) targets.push_back(suspended(explain_target({address, {}, false}), address));
    answer["targets"] = std::move(targets);
    return answer;
  }
  bool good() const { return good_; }

 private:
  object fail(object answer, const base::Failure& failure) {
    good_ = false;
    const auto reply = mail::reply_for(failure, 550);
    answer["failure"] = show({.action = failure.permanent() ? mail::Action::failed : mail::Action::deferred,
                              .reply = reply,
                              .relay = {},
                              .detail = {},
                              .at = {}});
    return answer;
  }

  object explain_target(const directory::Target& target) {
    const mail::Address& address = target.address;
    object answer{{"address", address.to_string()}};
    if (target.alias) answer["alias"] = target.alias->to_string();
    if (const auto forwarder = setting_.forwarding->forwarder_for(target, *setting_.directory))
      answer["sender_rewritten_at"] = forwarder->ascii();
    const auto route = config::route_for(setting_.config, address.host());
    if (!route->is_default()) answer["route"] = route->pattern;
    const mail::Recipient recipient{
        .original = address, .alias = {}, .final = address, .orcpt = {}, .notify = {}, .last = {}};
    const auto choice = router_.choose(mail::Envelope(), recipient);
    if (choice.hold || choice.instead) {
      answer["via"] = choice.hold ? "hold" : std::visit(ShowVia(), route->via);
      if (choice.instead && choice.instead->action != mail::Action::discarded) {
        good_ = false;
        answer["via"] = nullptr;
        answer["failure"] = show(*choice.instead);
      }
      return answer;
    }
    if (choice.courier == &maildir_) return explain_mailbox(std::move(answer), address);
    answer["via"] = std::visit(ShowVia(), route->via);
    const queue::Destination destination{.host = address.host(), .route = route};
    if (choice.courier == &pipe_) {
      const auto& pipe = std::get<config::ViaPipe>(route->via);
      add_site(answer, deliver::site_of(destination, *setting_.config, "pipe:" + pipe.program));
      answer["time_limit"] = config::show_duration(pipe.time_limit);
      return answer;
    }
    return explain_hosts(std::move(answer), destination);
  }

  // Whether it would wait whoever sent it; nothing is said where nobody knows.
  object suspended(object answer, const mail::Address& address) const {
    if (!suspended_) return answer;
    const auto& all = suspended_->all;
    const auto* why = all.everything();
    if (!why) why = all.of_destination(mail::to_ascii(address.host()));
    if (const auto site = text(answer, "site"); !why && !site.empty()) why = all.of_site(site);
    answer["suspended"] = nullptr;
    if (why) answer["suspended"] = *objects(suspended_->answer, "suspensions")[why->id];
    return answer;
  }

  object explain_mailbox(object answer, const mail::Address& address) {
    const auto mailbox = mailbox_target(setting_, address);
    answer["via"] = "maildir:" + (mailbox ? std::string(mailbox->directory) : std::string());
    if (!mailbox) return fail(std::move(answer), {{5, 1, 1}, "no mailbox can have that name", {}});
    add_site(answer, deliver::MaildirCourier::local_site());
    answer["quota"] = nullptr;
    if (mailbox->quota > 0) answer["quota"] = mailbox->quota;
    return answer;
  }

  object explain_hosts(object answer, const queue::Destination& destination) {
    std::promise<deliver::FoundHosts> promise;
    auto future = promise.get_future();
    hosts_.find(destination, [&promise](deliver::FoundHosts found) { promise.set_value(std::move(found)); });
    const auto found = future.get();
    if (!found) {
      good_ = false;
      answer["failure"] = show(found.error());
      return answer;
    }
    add_site(answer, found->site);
    array hops;
    for (const auto& hop : found->hops) {
      if (hop.socket.empty())
        hops.push_back(object{{"host", hop.name},
                              {"address", hop.address.to_string()},
                              {"port", hop.port},
                              {"preference", hop.preference}});
      else
        hops.push_back(object{{"socket", hop.socket}});
    }
    answer["hosts"] = std::move(hops);
    answer["timeouts"] = show_timeouts(setting_.config->delivery);
    return answer;
  }

  static void add_site(object& answer, const queue::Site& site) {
    answer["site"] = site.name;
    answer["concurrency"] = site.concurrency;
    answer["max_per_minute"] = site.max_per_minute;
  }

  const receive::Setting setting_;
  const std::optional<Suspended> suspended_;
  deliver::HostFinder& hosts_;
  Marker maildir_, smtp_, pipe_;
  Router router_;
  bool good_ = true;
};

void print_line(std::string_view name, const std::string& value) {
  std::cout << "  " << name << std::string(name.size() < 12 ? 12 - name.size() : 1, ' ') << harmless(value)
            << '\n';
}

void print_failure(const object& answer) {
  const auto* failure = inner(answer, "failure");
  if (!failure) return;
  print_line(text(*failure, "action"), std::to_string(number(*failure, "code")) + ' ' +
                                           text(*failure, "dsn") + ' ' + text(*failure, "text"));
}

std::string limits_of(const object& target) {
  const auto a_minute = number(target, "max_per_minute");
  return counted(number(target, "concurrency"), "message") + " at a time, " +
         (a_minute == 0 ? "no bound" : "at most " + grouped(a_minute)) + " a minute";
}

void print_hosts(const object& target) {
  std::string_view name = "hosts";
  for (const auto* host : objects(target, "hosts")) {
    std::string line = text(*host, "socket");
    if (line.empty())
      line = std::to_string(number(*host, "preference")) + ' ' + text(*host, "host") + '[' +
             text(*host, "address") + "]:" + std::to_string(number(*host, "port"));
    print_line(name, line);
    name = "";
  }
}

std::string suspended_text(const object& suspension) {
  const auto until = text(suspension, "until");
  const auto reason = text(suspension, "reason");
  return (until.empty() ? "until it is resumed" : "until " + time_text(until)) +
         (reason.empty() ? "" : ": " + reason);
}

void print_target(const object& target) {
  std::cout << harmless(text(target, "address"));
  if (const auto alias = text(target, "alias"); !alias.empty())
    std::cout << " (by " << harmless(alias) << ')';
  std::cout << '\n';
  if (const auto at = text(target, "sender_rewritten_at"); !at.empty())
    print_line("sender", "SRS0=...@" + at + ", unless it is ours or null");
  const auto route = text(target, "route");
  print_line("route", route.empty() ? "none matches" : route);
  if (const auto via = text(target, "via"); !via.empty()) print_line("via", via);
  if (const auto site = text(target, "site"); !site.empty()) print_line("site", site);
  if (target.contains("concurrency")) print_line("limits", limits_of(target));
  if (target.contains("quota")) {
    const auto quota = number(target, "quota");
    print_line("quota", quota == 0 ? "none" : size_text(quota));
  }
  if (const auto* suspended = inner(target, "suspended")) print_line("suspended", suspended_text(*suspended));
  print_hosts(target);
  std::string times;
  if (const auto* timeouts = inner(target, "timeouts"))
    for (const auto& [name, value] : *timeouts)
      times += (times.empty() ? "" : ", ") + std::string(name) + ' ' + text(*timeouts, name);
  if (!times.empty()) print_line("time-outs", times);
  if (const auto limit = text(target, "time_limit"); !limit.empty()) print_line("time limit", limit);
  print_failure(target);
}

void print(const object& answer) {
  static const std::pair<std::string_view, const char*> kWords[] = {
      {"local", "in a domain of this server"},
      {"relay", "in a domain that this server relays for, and listed"},
      {"ask", "in a domain that this server relays for; the next server is asked whether it exists"},
      {"unknown", "in a domain of this server, and unknown"},
      {"foreign", "in another domain: taken only from [networks] and for aliases"},
      {"returning", "made by this server, for the sender of mail that it sent on"},
      {"broken", "an alias that leads nowhere"}};
  const auto standing = text(answer, "standing");
  std::cout << harmless(text(answer, "address")) << " is ";
  for (const auto& [name, words] : kWords)
    if (name == standing) std::cout << words << '\n';
  print_failure(answer);
  for (const auto* target : objects(answer, "targets")) {
    std::cout << '\n';
    print_target(*target);
  }
}

// What the directory's database holds. Nothing, and a word of it, where that can't be read.
struct Known {
  std::shared_ptr<const directory::Snapshot> snapshot;
  directory::SrsSecrets secrets;
};

base::Result<Known> read_registry(const std::filesystem::path& folder) {
  auto registry = directory::Registry::open(folder, sys::system_random());
  if (!registry) return std::unexpected(std::move(registry.error()));
  auto snapshot = (*registry)->load();
  if (!snapshot) return std::unexpected(std::move(snapshot.error()));
  auto secrets = (*registry)->srs_secrets();
  if (!secrets) return std::unexpected(std::move(secrets.error()));
  return Known{std::move(*snapshot), std::move(*secrets)};
}

Known read_directory(const config::Config& config) {
  std::error_code error;
  if (!std::filesystem::exists(directory::Registry::file_in(config.data_dir), error)) return {};
  const auto owner = AsOwner::of(config.data_dir);
  auto known = read_registry(config.data_dir);
  if (known) return std::move(*known);
  std::cerr << "postrider resolve: without the directory: " << known.error().log_text() << '\n';
  return {};
}

int resolve(const std::filesystem::path& file, const std::string& what, bool json) {
  const auto address = mail::Address::parse(what);
  if (!address) {
    std::cerr << "postrider resolve: " << harmless(what) << ": " << address.error().text << '\n';
    return kUsage;
  }
  auto loaded = config::load(file);
  if (!loaded) {
    for (const auto& fault : loaded.error()) std::cerr << fault.to_string() << '\n';
    return 1;
  }
  const auto config = std::move(*loaded);
  raise_descriptor_limit();
  auto known = read_directory(*config);
  Settings settings(config, std::move(known.snapshot));
  settings.set_secrets(std::move(known.secrets));
  const auto resolver = sys::make_unbound_resolver({config->dns.servers, config->dns.trust_anchors});
  if (!resolver) {
    std::cerr << "postrider resolve: " << resolver.error() << '\n';
    return 1;
  }
  deliver::HostFinder hosts({.resolver = **resolver,
                             .clock = sys::system_clock(),
                             .random = sys::system_random(),
                             .config = [&config] { return config; }});
  Explanation explanation(settings, hosts, ask_suspensions(config->runtime_dir));
  const object answer = explanation.explain(*address);
  if (json)
    std::cout << boost::json::serialize(answer) << '\n';
  else
    print(answer);
  return explanation.good() ? 0 : 1;
}

}  // namespace

std::function<std::optional<int>()> add_resolve(CLI::App& app) {
  struct Options {
    std::filesystem::path config = "/etc/postrider/postrider.toml";
    std::string address;
    bool json = false;
  };
  const auto options = std::make_shared<Options>();
  auto* command = app.add_subcommand(
      "resolve", "Say what would happen to mail for an address: alias, route, site, hosts, limits.");
  command->add_option("address", options->address, "The recipient")->required();
  command->add_option("--config", options->config, "The configuration file")->capture_default_str();
  command->add_flag("--json", options->json, "For scripts");
  return [command, options]() -> std::optional<int> {
    if (!*command) return {};
    return resolve(options->config, options->address, options->json);
  };
}

}  // namespace postrider::app
