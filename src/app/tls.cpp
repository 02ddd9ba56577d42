// `postrider tls probe`: what a server offers of TLS, and what that is worth to us.
#include <CLI/CLI.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <future>
#include <iostream>

#include "app/certificates.hpp"
#include "app/commands.hpp"
#include "app/queue_print.hpp"
#include "config/values.hpp"
#include "deliver/hosts.hpp"
#include "deliver/tls_survey.hpp"
#include "sys/clock.hpp"
#include "sys/random.hpp"
#include "sys/resolver.hpp"

namespace postrider::app {
namespace {

using boost::json::array;
using boost::json::object;
using config::TlsLevel;

constexpr int kUsage = 2;
constexpr std::uint16_t kImplicitPort = 465;  // RFC 8314 3.3

int say(const std::string& what, int code) {
  std::cerr << "postrider tls probe: " << harmless(what) << '\n';
  return code;
}

// The policies that mail could be under, with the names that its certificate should have.
std::vector<policy::TlsPolicy> policies(const std::vector<std::string>& names) {
  return {{TlsLevel::none, {}, {}},
          {TlsLevel::may, {}, {}},
          {TlsLevel::encrypt, {}, {}},
          {TlsLevel::verify, names, {}}};
}

object show(const deliver::NextHop& hop, const deliver::TlsSurvey& survey,
            const std::vector<std::string>& names) {
  object answer{{"server", hop.to_string()}, {"offered", survey.offered}};
  if (!survey.trouble.empty()) answer["trouble"] = survey.trouble;
  array versions;
  for (const auto& each : survey.versions)
    versions.push_back(object{
        {"version", each.name}, {"taken", each.taken}, {each.taken ? "cipher" : "reason", each.words}});
  answer["versions"] = std::move(versions);
  array chain;
  for (const auto& each : survey.chain) {
    array all;
    for (const auto& name : each.names) all.emplace_back(name);
    chain.push_back(object{{"subject", each.subject},
                           {"names", std::move(all)},
                           {"not_after", each.not_after},
                           {"sha256", each.fingerprint}});
  }
  answer["chain"] = std::move(chain);
  if (!survey.chain.empty()) {
    answer["key"] = survey.key;
    answer["trusted"] = survey.trusted;
    if (!survey.trusted) answer["distrust"] = survey.distrust;
    answer["named"] = survey.named;
  }
  object judged;
  for (const auto& policy : policies(names))
    judged[policy::to_string(policy.level)] = survey.judged_by(policy);
  answer["policies"] = std::move(judged);
  return answer;
}

void line(std::string_view name, const std::string& value) {
  std::cout << "  " << name << std::string(name.size() < 12 ? 12 - name.size() : 1, ' ') << harmless(value)
            << '\n';
}

void print(const deliver::NextHop& hop, const deliver::TlsSurvey& survey,
           const std::vector<std::string>& names) {
  std::cout << harmless(hop.to_string()) << '\n';
  if (!survey.trouble.empty()) return line("trouble", survey.trouble);
  line("offers TLS", survey.offered ? "yes" : "no");
  for (const auto& each : survey.versions) line(each.name, (each.taken ? "" : "no: ") + each.words);
  std::string_view name = "certificate";
  for (const auto& each : survey.chain) {
    std::string words = each.subject;
    for (const auto& one : each.names) words += ", " + one;
    line(std::exchange(name, "signed by"), words + ", until " + each.not_after);
  }
  if (!survey.chain.empty()) {
    line("key", survey.key);
    line("trusted", survey.trusted ? "yes" : "no: " + survey.distrust);
  }
  for (const auto& policy : policies(names))
    line("tls = " + std::string(policy::to_string(policy.level)), "mail " + survey.judged_by(policy));
}

struct ProbeOptions {
  std::filesystem::path config = "/etc/postrider/postrider.toml";
  std::string server;
  std::vector<std::string> names;
  bool json = false;
};

// The server's addresses, by the DNS of the configuration.
base::Result<std::vector<deliver::NextHop>> find(const std::shared_ptr<const config::Config>& config,
                                                 const config::ViaSmtp& server) {
  const auto resolver = sys::make_unbound_resolver({config->dns.servers, config->dns.trust_anchors});
  if (!resolver) return base::temporary({4, 4, 3}, resolver.error());
  // To ask oneself is no loop here.
  const auto stranger = std::make_shared<config::Config>(*config);
  stranger->listeners.clear();
  stranger->hostname = *mail::Domain::parse("invalid");
  deliver::HostFinder hosts({.resolver = **resolver,
                             .clock = sys::system_clock(),
                             .random = sys::system_random(),
                             .config = [&stranger] { return stranger; }});
  const auto route = std::make_shared<config::Route>();
  route->via = server;
  std::promise<deliver::FoundHosts> answer;
  hosts.find({.host = *mail::Domain::parse("invalid"), .route = route},
             [&](deliver::FoundHosts found) { answer.set_value(std::move(found)); });
  auto found = answer.get_future().get();
  if (!found) return base::temporary({4, 4, 3}, found.error().reply.text);
  return std::move(found->hops);
}

int probe(const ProbeOptions& options) {
  const auto loaded = config::load(options.config);
  if (!loaded) {
    for (const auto& fault : loaded.error()) std::cerr << fault.to_string() << '\n';
    return 1;
  }
  const auto via = config::parse_via("smtp://" + options.server, {});
  if (!via) return say(via.error().what + "; " + via.error().mend, kUsage);
  const auto& server = std::get<config::ViaSmtp>(*via);
  const auto hops = find(*loaded, server);
  if (!hops) return say(hops.error().text, 1);
  net::TlsClient client;
  if (const auto trusted = client.trust((*loaded)->delivery.tls_ca); !trusted) return say(trusted.error(), 1);
  const auto names = options.names.empty() ? std::vector{server.host} : options.names;
  boost::asio::io_context context{1};
  bool good = true;
  for (const auto& hop : *hops) {
    deliver::TlsSurvey survey;
    boost::asio::co_spawn(context,
                          deliver::survey_tls(client, {.hop = hop,
                                                       .helo = (*loaded)->hostname.ascii(),
                                                       .implicit = server.port == kImplicitPort,
                                                       .names = names}),
                          [&survey](const std::exception_ptr& bug, deliver::TlsSurvey found) {
                            if (bug) std::rethrow_exception(bug);
                            survey = std::move(found);
                          });
    context.restart();
    context.run();
    good = good && survey.trouble.empty() && survey.offered;
    if (options.json)
      std::cout << boost::json::serialize(show(hop, survey, names)) << '\n';
    else
      print(hop, survey, names);
  }
  return good ? 0 : 1;
}

}  // namespace

std::function<std::optional<int>()> add_tls(CLI::App& app) {
  const auto options = std::make_shared<ProbeOptions>();
  auto* tls = app.add_subcommand("tls", "TLS of other servers.");
  tls->require_subcommand(1);
  auto* command = tls->add_subcommand(
      "probe", "Ask a server which TLS it offers, show its certificates, and say what mail would do there.");
  command->add_option("server", options->server, "HOST or HOST:PORT; port 465 is TLS from the first octet on")
      ->required();
  command->add_option("--name", options->names, "A name that its certificate should have; default: HOST");
  command->add_option("--config", options->config, "The configuration file")->capture_default_str();
  command->add_flag("--json", options->json, "For scripts");
  return [command, options]() -> std::optional<int> {
    if (!*command) return {};
    return probe(*options);
  };
}

}  // namespace postrider::app
