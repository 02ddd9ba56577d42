#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>

#include "config/keys.hpp"
#include "config/sections.hpp"

namespace postrider::config {
namespace {

void read_top(Section& top, Config& config) {
  if (top.require("hostname")) top.read("hostname", config.hostname, parse_domain);
  if (top.require("data_dir")) top.read("data_dir", config.data_dir, parse_absolute_path);
  top.read("user", config.user, parse_system_user);
  top.read("threads", config.io_threads);
  top.read("node", config.node);
  top.read_list("networks", config.networks, parse_trusted_network);
  top.read("postmaster", config.postmaster, parse_address);
}

void read_limits(Section section, Limits& limits) {
  section.read("message_size", limits.message_size);
  section.read("recipients", limits.recipients);
  section.read("connections", limits.connections);
  section.read("connections_per_client", limits.connections_per_client);
  section.read("commands", limits.commands);
  section.read("errors", limits.errors);
  section.read("received_fields", limits.received_fields);
  section.read("header_size", limits.header_size);
  section.read("line_length", limits.line_length);
  section.read("tls_handshakes", limits.tls_handshakes);
}

void read_extensions(Section section, Extensions& extensions) {
  section.read("max_hold", extensions.max_hold);
  section.read("min_deliver_by", extensions.min_deliver_by);
  section.read("priority_policy", extensions.priority_policy);
}

void read_timeouts(Section section, Timeouts& timeouts) {
  section.read("command", timeouts.command);
  section.read("data_block", timeouts.data_block);
  section.read("transaction", timeouts.transaction);
  section.read("session", timeouts.session);
  section.read("probe", timeouts.probe);
  section.read("tls_handshake", timeouts.tls_handshake);
}

void read_access(Section section, Access& access) {
  section.read_list("allow_clients", access.allow_clients, parse_network);
  section.read_list("deny_clients", access.deny_clients, parse_network);
  section.read_list("allow_senders", access.allow_senders, parse_address_pattern);
  section.read_list("deny_senders", access.deny_senders, parse_address_pattern);
  section.read_list("allow_recipients", access.allow_recipients, parse_address_pattern);
  section.read_list("deny_recipients", access.deny_recipients, parse_address_pattern);
}

void read_queue(const Value& table, Queue& queue, Report& report) {
  Section section(table, "queue.", report);
  Section retry(table_of(table, "retry", report), "queue.retry.", report);
  retry.read("first", queue.retry.first);
  retry.read("factor", queue.retry.factor);
  retry.read("max", queue.retry.max);
  section.read("warn_after", queue.warn_after);
  section.read("expire", queue.expire);
  section.read("min_free", queue.min_free);
  section.read("min_free_inodes", queue.min_free_inodes);
  section.read("window", queue.window);
  const auto at = [](Section& its, std::string_view key) { return its.has(key) ? its.at(key) : its.at(); };
  if (queue.retry.first > queue.retry.max)
    report.add(at(retry, "first"),
               "the first retry (" + show_duration(queue.retry.first) +
                   ") is later than the longest wait (max, " + show_duration(queue.retry.max) + ")",
               "make first the shorter one");
  if (queue.expire <= queue.retry.first)
    report.add(at(section, "expire"),
               "mail expires (" + show_duration(queue.expire) +
                   ") before it is tried a second time (retry.first, " + show_duration(queue.retry.first) +
                   ")",
               "make expire longer than retry.first");
  // The default is no fault: with a short expire nobody is told that it takes long.
  if (section.has("warn_after") && queue.warn_after >= queue.expire)
    report.add(section.at("warn_after"),
               "the sender is warned (" + show_duration(queue.warn_after) +
                   ") no earlier than mail expires (" + show_duration(queue.expire) + ")",
               "make warn_after shorter than expire, or \"0s\" for no warning");
}

void read_delivery(const Value& table, Config& config, Report& report) {
  Section section(table, "delivery.", report);
  const auto mailbox = [&](std::string_view text) {
    return parse_maildir(text, config.data_dir.string(), TemplateNeeds::domain_and_user);
  };
  config.mailbox = "maildir:" + config.data_dir.string() + "/mail/{domain}/{user}";
  section.read("mailbox", config.mailbox, mailbox);
  section.read("quota", config.mailbox_quota);
  Delivery& delivery = config.delivery;
  section.read("concurrency", delivery.concurrency);
  section.read("ip", delivery.ip);
  section.read("messages_per_connection", delivery.messages_per_connection);
  section.read("tls", delivery.tls);
  section.read("tls_ca", delivery.tls_ca, parse_absolute_path);
  Section timeouts(table_of(table, "timeouts", report), "delivery.timeouts.", report);
  timeouts.read("connect", delivery.connect);
  timeouts.read("tls_handshake", delivery.tls_handshake);
  timeouts.read("greeting", delivery.greeting);
  timeouts.read("command", delivery.command);
  timeouts.read("data_start", delivery.data_start);
  timeouts.read("data_block", delivery.data_block);
  timeouts.read("data_end", delivery.data_end);
  timeouts.read("attempt", delivery.attempt);
  timeouts.read("idle", delivery.idle);
}

void read_submit(const Value& table, Config& config, Report& report) {
  Section section(table, "submit.", report);
  Submit& submit = config.submit;
  section.read("allow", submit.allow);
  section.read_list("users", submit.users, parse_system_user);
  submit.folder = config.data_dir / "submit";
  section.read("folder", submit.folder,
               [&](std::string_view path) { return parse_path_in(path, config.data_dir.string()); });
  section.read("connections_per_user", submit.connections_per_user);
  if (section.has("users") && submit.allow != SubmitAllow::listed)
    report.add(section.at("users"), "the list of users has no effect", "add allow = \"listed\"");
}

void read_rest(const Value& root, Config& config, Report& report) {
  Section log(table_of(root, "log", report), "log.", report);
  log.read("format", config.log_format);
  log.read("level", config.log_level);
  Section sandbox(table_of(root, "sandbox", report), "sandbox.", report);
  sandbox.read("seccomp", config.sandbox.seccomp);
  sandbox.read("landlock", config.sandbox.landlock);
  Section dns(table_of(root, "dns", report), "dns.", report);
  dns.read_list("servers", config.dns.servers, parse_dns_server);
  dns.read("trust_anchors", config.dns.trust_anchors, parse_absolute_path);
  Section srs(table_of(root, "srs", report), "srs.", report);
  srs.read("rewrite", config.srs.rewrite);
  srs.read("domain", config.srs.domain, parse_domain);
  srs.read("max_age", config.srs.max_age);
  Section directory(table_of(root, "directory", report), "directory.", report);
  directory.read("password_cost", config.passwords.cost);
  directory.read("password_threads", config.passwords.threads);
  Section http(table_of(root, "http", report), "http.", report);
  Endpoint endpoint;
  if (http.read("address", endpoint, parse_loopback_endpoint))
    config.http = {.address = endpoint.address, .port = endpoint.port};
  Section timeline(table_of(root, "timeline", report), "timeline.", report);
  timeline.read("keep", config.timeline.keep);
  timeline.read("size", config.timeline.size);
  read_delivery(table_of(root, "delivery", report), config, report);
  read_submit(table_of(root, "submit", report), config, report);
}

// `running` keeps its restart keys, also where others are made of them ({data_dir} in a path).
Loaded parse_for(const Config* running, std::string_view text, std::string_view name) {
  Report report(name);
  const auto document = read_document(text, name);
  if (!document) {
    const Fault& fault = document.error();
    report.add({fault.line, fault.column}, fault.what, fault.mend);
    return std::unexpected(std::move(report).sorted());
  }
  auto config = std::make_shared<Config>(*mail::Domain::parse("invalid"));
  config->file = std::string(name);
  Section top(*document, "", report);
  read_top(top, *config);
  if (running) config->data_dir = running->data_dir;
  config->runtime_dir = config->data_dir / "run";
  const auto runtime_dir = [&](std::string_view path) {
    return parse_path_in(path, config->data_dir.string());
  };
  top.read("runtime_dir", config->runtime_dir, runtime_dir);
  read_rest(*document, *config, report);
  read_limits(Section(table_of(*document, "limits", report), "limits.", report), config->limits);
  read_extensions(Section(table_of(*document, "extensions", report), "extensions.", report),
                  config->extensions);
  read_timeouts(Section(table_of(*document, "timeouts", report), "timeouts.", report), config->timeouts);
  read_access(Section(table_of(*document, "access", report), "access.", report), config->access);
  read_queue(table_of(*document, "queue", report), config->queue, report);
  read_dkim(*document, *config, report);
  read_auth(*document, *config, report);
  read_submission(*document, *config, report);
  read_authentication(*document, *config, report);
  read_tls(*document, *config, report);
  read_listeners(*document, *config, report);
  Places places = read_domains(*document, *config, report);
  places.postmaster = top.at("postmaster");
  config->index_domains();
  check_targets(*config, places, report);
  read_routes(*document, *config, report);
  if (!report.empty()) return std::unexpected(std::move(report).sorted());
  if (running) keep_restart_keys(*running, *config);
  return config;
}

std::expected<std::string, std::vector<Fault>> read_file(const std::filesystem::path& file) {
  const auto unreadable = [&](int error) {
    return std::unexpected(
        std::vector{Fault{file.string(), 0, 0, std::string("the file can't be read: ") + std::strerror(error),
                          "check its name and who may read it"}});
  };
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> stream(std::fopen(file.c_str(), "rbe"), std::fclose);
  if (!stream) return unreadable(errno);
  std::string text;
  std::array<char, 65536> piece;
  // One octet more than a document may have is enough for parse() to refuse it.
  while (text.size() <= kMaxDocument) {
    const auto count = std::fread(piece.data(), 1, piece.size(), stream.get());
    if (count == 0) break;
    text.append(piece.data(), count);
  }
  if (std::ferror(stream.get()) != 0) return unreadable(errno);
  return text;
}

}  // namespace

Loaded parse(std::string_view text, std::string_view name) { return parse_for(nullptr, text, name); }

Loaded load(const std::filesystem::path& file) {
  const auto text = read_file(file);
  return text ? parse(*text, file.string()) : Loaded(std::unexpected(text.error()));
}

std::expected<Reloaded, std::vector<Fault>> reload(const Config& running, std::string_view text,
                                                   std::string_view name) {
  const auto next = parse(text, name);
  if (!next) return std::unexpected(next.error());
  auto kept = restart_differences(running, **next);
  if (kept.empty()) return Reloaded{*next, {}};
  auto mixed = parse_for(&running, text, name);
  if (!mixed) return std::unexpected(mixed.error());
  return Reloaded{std::move(*mixed), std::move(kept)};
}

std::expected<Reloaded, std::vector<Fault>> reload(const Config& running, const std::filesystem::path& file) {
  const auto text = read_file(file);
  if (!text) return std::unexpected(text.error());
  return reload(running, *text, file.string());
}

}  // namespace postrider::config
