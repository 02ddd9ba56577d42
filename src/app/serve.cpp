#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <iostream>
#include <thread>

#include "admin/control_server.hpp"
#include "admin/http_server.hpp"
#include "app/certificates.hpp"
#include "app/commands.hpp"
#include "app/launch.hpp"
#include "app/login_house.hpp"
#include "app/mail_finisher.hpp"
#include "app/metrics.hpp"
#include "app/report_house.hpp"
#include "app/router.hpp"
#include "app/settings.hpp"
#include "app/signing_watch.hpp"
#include "app/supervision.hpp"
#include "deliver/hosts.hpp"
#include "deliver/maildir.hpp"
#include "deliver/maildir_courier.hpp"
#include "deliver/pipe_courier.hpp"
#include "deliver/probe.hpp"
#include "deliver/smtp_courier.hpp"
#include "directory/problems.hpp"
#include "directory/watcher.hpp"
#include "receive/collector.hpp"
#include "receive/server.hpp"
#include "receive/submit_folder.hpp"
#include "sys/caching_resolver.hpp"
#include "sys/log.hpp"
#include "sys/random.hpp"
#include "sys/resolver.hpp"
#include "sys/supervisor.hpp"

namespace postrider::app {
namespace {

constexpr int kCouldNotStart = 1;
constexpr int kStoreBroke = 75;  // EX_TEMPFAIL
constexpr base::Milliseconds kSessionPatience = std::chrono::seconds(5);
// From a failed sync to the end of the process: time for sessions to hear 451.
constexpr std::chrono::seconds kBrokenPatience(10);

sigset_t our_signals() {
  sigset_t signals;
  sigemptyset(&signals);
  for (const int signal : {SIGTERM, SIGINT, SIGHUP, SIGUSR1}) sigaddset(&signals, signal);
  return signals;
}

int refuse_to_start(const base::Failure& failure) {
  sys::log::error("cannot_start", {{"why", failure.log_text()}});
  return kCouldNotStart;
}

void log_effective_settings(const config::Config& config, const store::Spool& spool, std::size_t threads,
                            std::size_t descriptors) {
  sys::log::info("settings", {{"version", POSTRIDER_VERSION},
                              {"config", config.file},
                              {"hostname", config.hostname.ascii()},
                              {"data_dir", config.data_dir.string()},
                              {"threads", threads},
                              {"descriptors", descriptors},
                              {"connections", config.limits.connections},
                              {"message_size", config.limits.message_size},
                              {"min_free", config.queue.min_free}});
  const auto statistics = spool.statistics();
  sys::log::info("store", {{"settings", spool.describe()},
                           {"messages", statistics.messages},
                           {"recipients", statistics.recipients},
                           {"quarantined", statistics.quarantined}});
}

// Told by SIGUSR1, which others may send too.
std::atomic<bool> store_broke = false;

// Where it is time. What can't be written is tried again at the next look, and the old ones serve until then.
void renew_secrets(Settings& settings) {
  const auto now = sys::system_clock().utc();
  const auto setting = settings.get();
  const auto max_age = setting.config->srs.max_age;
  if (!directory::are_due(setting.forwarding->secrets(), now, max_age)) return;
  auto registry = directory::Registry::open(setting.config->data_dir, sys::system_random());
  auto secrets = registry ? (*registry)->renew_srs_secrets(now, max_age, sys::system_random())
                          : std::unexpected(registry.error());
  if (!secrets) return sys::log::error("secrets_not_renewed", {{"why", secrets.error().log_text()}});
  sys::log::info("secrets_renewed", {{"secrets", secrets->size()}});
  settings.set_secrets(std::move(*secrets));
}

// Until a signal ends us.
int wait_for_the_end(Settings& settings, Certificates& certificates, SigningWatch& signing,
                     const std::filesystem::path& file, Supervision& supervision) {
  const sigset_t signals = our_signals();
  for (;;) {
    const int signal = supervision.wait_for(signals, Certificates::kLook, [&] {
      certificates.look(*settings.get().config);
      renew_secrets(settings);
    });
    if (signal == SIGHUP) {
      supervision.reload([&] {
        settings.reload(file);
        certificates.reload(*settings.get().config);
        signing.reload();
      });
    }
    if (signal == SIGTERM || signal == SIGINT) return 0;
    if (signal != SIGUSR1 || !store_broke) continue;
    const timespec patience{.tv_sec = kBrokenPatience.count(), .tv_nsec = 0};
    sigset_t ends;
    sigemptyset(&ends);
    sigaddset(&ends, SIGTERM);
    sigaddset(&ends, SIGINT);
    sigtimedwait(&ends, nullptr, &patience);
    return kStoreBroke;
  }
}

store::TimelineOptions timeline_options(const config::Config& config) {
  return {.directory = config.data_dir / "timeline",
          .keep = config.timeline.keep,
          .max_bytes = config.timeline.size};
}

store::SpoolOptions spool_options(const config::Config& config) {
  store::SpoolOptions options;
  options.directory = config.data_dir / "spool";
  options.node = config.node;
  options.min_free_bytes = config.queue.min_free;
  options.min_free_inodes = config.queue.min_free_inodes;
  options.on_broken = [](const base::Failure&) {  // the store has logged why
    store_broke = true;
    sys::log::error("exiting", {{"code", kStoreBroke}, {"in_seconds", kBrokenPatience.count()}});
    kill(getpid(), SIGUSR1);
  };
  return options;
}

base::Result<void> open_submit(const config::Config& config, receive::Server& server) {
  if (config.submit.allow == config::SubmitAllow::nobody) return {};
  if (auto prepared = receive::prepare_submit_folder(config.submit.folder); !prepared) return prepared;
  return server.open_submit(config.submit.folder);
}

int run(const std::filesystem::path& file, std::shared_ptr<const config::Config> config) {
  const std::size_t descriptors = raise_descriptor_limit();
  const std::size_t threads =
      config->io_threads ? config->io_threads : std::max(1u, std::thread::hardware_concurrency());
  auto& clock = sys::system_clock();

  auto supervisor = sys::Supervisor::of_environment();
  auto launched = launch(*config, threads);
  if (!launched) return refuse_to_start(launched.error());
  auto& [server, http, control_socket, confinement] = *launched;

  // First of all, since it is what only one server can have: it says so where another has it.
  auto spool = store::Spool::open(spool_options(*config), clock);
  if (!spool) return refuse_to_start(spool.error());
  auto registry = directory::Registry::open(config->data_dir, sys::system_random());
  if (!registry) return refuse_to_start(registry.error());
  auto snapshot = (*registry)->load();
  if (!snapshot) return refuse_to_start(snapshot.error());
  Settings settings(config, *snapshot);
  settings.admit_only([&](const config::Config& next) { return confinement.beyond(next); });
  auto secrets = (*registry)->renew_srs_secrets(clock.utc(), config->srs.max_age, sys::system_random());
  if (!secrets) return refuse_to_start(secrets.error());
  settings.set_secrets(std::move(*secrets));
  for (const auto& problem : directory::problems(config, *snapshot))
    sys::log::warning("directory_problem", {{"what", problem}});
  // As the user who will have to read them when they are renewed.
  Certificates certificates([&](const Needed& one) { return confinement.beyond(one, config->file); });
  if (const auto read = certificates.start(*config); !read) return refuse_to_start(read.error());

  if (const auto opened = open_submit(*config, *server); !opened) return refuse_to_start(opened.error());
  auto timeline = store::Timeline::open(timeline_options(*config), clock);
  if (!timeline) return refuse_to_start(timeline.error());
  log_effective_settings(*settings.get().config, **spool, threads, descriptors);

  auto resolver = sys::make_unbound_resolver({config->dns.servers, config->dns.trust_anchors});
  if (!resolver) return refuse_to_start({{5, 3, 5}, resolver.error(), {}});
  sys::report_dnssec(**resolver);
  const auto current = [&settings] { return settings.get().config; };
  deliver::SmtpRecipientProbe probe(current, **resolver, clock, {}, &certificates.client());
  deliver::Files files;
  deliver::Maildir mailboxes(files, clock, config->hostname.ascii());
  deliver::MaildirCourier maildir(mailboxes, [&settings](const mail::Address& recipient) {
    return mailbox_target(settings.get(), recipient);
  });
  deliver::HostFinder hosts(
      {.resolver = **resolver, .clock = clock, .random = sys::system_random(), .config = current});
  deliver::SmtpCourier smtp(
      {.config = current, .hosts = hosts, .clock = clock, .tls = &certificates.client()});
  deliver::PipeCourier pipe(current);
  ReportHouse reports(settings, maildir, clock);
  Router router(settings, {.maildir = maildir, .smtp = smtp, .pipe = pipe, .reports = reports.courier()},
                clock);
  SigningWatch signing(config->data_dir);
  const MailFinisher finisher(settings, signing);
  queue::Queue queue({.spool = **spool,
                      .timeline = **timeline,
                      .router = router,
                      .finisher = finisher,
                      .clock = clock,
                      .random = sys::system_random(),
                      .config = current});
  auto house = LoginHouse::open(settings, **resolver, clock);
  if (!house) return refuse_to_start(house.error());
  auto control = admin::ControlServer::start(config->runtime_dir, queue.desk(), clock, &(*house)->guard(),
                                             std::move(control_socket));
  if (!control) return refuse_to_start(control.error());

  const directory::Watcher watcher(std::move(*registry), (*snapshot)->generation(),
                                   [&settings](std::shared_ptr<const directory::Snapshot> newer) {
                                     settings.set_snapshot(std::move(newer));
                                   });

  policy::SendingCounts sending;
  sys::CachingResolver dns_of_checks(**resolver, clock, config->hostname.ascii());
  receive::Services services{[&settings] { return settings.get(); },
                             queue,
                             probe,
                             clock,
                             &certificates.server(),
                             &(*house)->logins(),
                             &sending,
                             &dns_of_checks,
                             &reports};
  std::unique_ptr<receive::Collector> collector;
  if (config->submit.allow != config::SubmitAllow::nobody) {
    auto started = receive::Collector::start(config->submit.folder, services);
    if (!started) return refuse_to_start(started.error());
    collector = std::move(*started);
  }
  const Metrics metrics(**spool, (*house)->guard());
  if (http) http->start();
  reports.start(queue, **resolver);
  server->start(services);
  for (const auto& address : server->addresses()) sys::log::info("listening", {{"address", address}});
  if (http) sys::log::info("metrics", {{"address", http->address()}});
  sys::log::info("ready", {{"listeners", config->listeners.size()}});

  Supervision supervision(supervisor, *server);
  const int code = wait_for_the_end(settings, certificates, signing, file, supervision);
  if (code == kStoreBroke) _exit(code);  // nothing more may be written, and nothing waits for what can't be
  sys::log::info("stopping");
  supervisor.stopping();
  server->stop(kSessionPatience);
  reports.stop();
  return code;
}

}  // namespace

int serve(const std::filesystem::path& file) {
  // Blocked in every thread that is started from here: only wait_for_the_end() takes them.
  const sigset_t signals = our_signals();
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  signal(SIGPIPE, SIG_IGN);
  auto loaded = config::load(file);
  if (!loaded) {
    for (const auto& fault : loaded.error()) std::cerr << fault.to_string() << '\n';
    return kCouldNotStart;
  }
  sys::log::configure(
      (*loaded)->log_format == config::LogFormat::json ? sys::log::Format::json : sys::log::Format::logfmt,
      static_cast<sys::log::Level>((*loaded)->log_level));
  const int code = run(file, std::move(*loaded));
  if (code == 0) sys::log::info("stopped");
  return code;
}

}  // namespace postrider::app
