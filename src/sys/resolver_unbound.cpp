// libunbound in its thread mode: its own thread resolves; ours, with an io_context, hands questions in, reads
// the answers when ub_fd() has some, and keeps the deadlines, which libunbound has none of.
#include <sys/socket.h>
#include <unbound.h>

#include <algorithm>
#include <atomic>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <fstream>
#include <optional>
#include <sstream>
#include <thread>
#include <unordered_map>
#include <utility>

#include "sys/dns_rdata.hpp"
#include "sys/log.hpp"
#include "sys/resolver.hpp"
#include "sys/thread_name.hpp"

namespace postrider::sys {
namespace {

namespace asio = boost::asio;

constexpr std::size_t kOpen = 500;  // questions that somebody waits for
constexpr std::size_t kAbandoned =
    4500;  // questions that ran out of time here, but which libunbound still asks
constexpr int kClassIn = 1;
// RFC 1035 3.2.2, RFC 3596 2.1, RFC 4034 2.1
enum Type : int { kA = 1, kPtr = 12, kMx = 15, kTxt = 16, kAaaa = 28, kDnskey = 48 };

using Raw = std::expected<const ub_result*, dns::Failure>;
using Finish = std::move_only_function<void(Raw)>;

struct Context {
  void operator()(ub_ctx* context) const { ub_ctx_delete(context); }
};
using ContextPtr = std::unique_ptr<ub_ctx, Context>;

std::unexpected<dns::Failure> failure(dns::Error error, std::string text, bool secure = false) {
  return std::unexpected(dns::Failure{error, secure, std::move(text)});
}

std::optional<dns::Failure> failure_of(const ub_result& result) {
  const bool secure = result.secure != 0;
  if (result.bogus)
    return dns::Failure{dns::Error::bogus, false, result.why_bogus ? result.why_bogus : "bogus"};
  if (result.nxdomain) return dns::Failure{dns::Error::nxdomain, secure, "no such name"};
  if (result.rcode != 0)
    return dns::Failure{dns::Error::servfail, false, "rcode " + std::to_string(result.rcode)};
  if (!result.havedata) return dns::Failure{dns::Error::nodata, secure, "no such record"};
  return {};
}

template <class T>
using Parser = std::optional<T> (*)(std::string_view rdata);

template <class T>
dns::Result<T> answer_of(const Raw& raw, Parser<T> parse) {
  if (!raw) return std::unexpected(raw.error());
  const ub_result& result = **raw;
  if (auto failed = failure_of(result)) return std::unexpected(*std::move(failed));
  dns::Answer<T> answer{{}, std::chrono::seconds(result.ttl), result.secure != 0};
  for (int i = 0; result.data[i]; ++i) {
    auto record = parse({result.data[i], static_cast<std::size_t>(result.len[i])});
    if (!record) return failure(dns::Error::malformed, "a record that can't be read");
    answer.records.push_back(*std::move(record));
  }
  return answer;
}

dns::DnssecPath path_of(const Raw& raw) {
  if (!raw) return dns::DnssecPath::unknown;
  if ((*raw)->bogus) return dns::DnssecPath::stripped;
  if ((*raw)->rcode != 0) return dns::DnssecPath::unknown;
  return (*raw)->secure ? dns::DnssecPath::works : dns::DnssecPath::stripped;
}

class UnboundResolver final : public Resolver {
 public:
  UnboundResolver(ContextPtr context, std::vector<std::string> anchors)
      : context_(std::move(context)),
        anchors_(std::move(anchors)),
        work_(asio::make_work_guard(io_)),
        answers_(io_, ub_fd(context_.get())) {
    watch();
    thread_ = std::jthread([this] {
      name_this_thread("resolver");
      io_.run();
    });
  }

  ~UnboundResolver() override {
    asio::post(io_, [this] { close(); });
    thread_.join();
    answers_.release();  // libunbound closes it
  }

  void a(std::string name, base::Milliseconds within, dns::Done<base::IpAddress> done) override {
    ask<base::IpAddress>({std::move(name), kA, within}, dns::parse_a, std::move(done));
  }
  void aaaa(std::string name, base::Milliseconds within, dns::Done<base::IpAddress> done) override {
    ask<base::IpAddress>({std::move(name), kAaaa, within}, dns::parse_aaaa, std::move(done));
  }
  void mx(std::string name, base::Milliseconds within, dns::Done<dns::Mx> done) override {
    ask<dns::Mx>({std::move(name), kMx, within}, dns::parse_mx, std::move(done));
  }
  void ptr(base::IpAddress address, base::Milliseconds within, dns::Done<std::string> done) override {
    ask<std::string>({reverse_name(address), kPtr, within}, dns::parse_name, std::move(done));
  }
  void txt(std::string name, base::Milliseconds within, dns::Done<std::string> done) override {
    ask<std::string>({std::move(name), kTxt, within}, dns::parse_txt, std::move(done));
  }
  void check_dnssec(base::Milliseconds within, std::move_only_function<void(dns::DnssecPath)> done) override {
    if (anchors_.empty()) return done(dns::DnssecPath::unused);
    struct Check {
      std::size_t open;
      dns::DnssecPath worst = dns::DnssecPath::works;
      std::move_only_function<void(dns::DnssecPath)> done;
    };
    const auto check =
        std::make_shared<Check>(Check{anchors_.size(), dns::DnssecPath::works, std::move(done)});
    const auto deadline = std::chrono::steady_clock::now() + within;
    for (const std::string& zone : anchors_) {
      asio::post(io_, [this, question = Question{zone, kDnskey, within}, deadline, check] {
        start(question, deadline, [check](const Raw& raw) {
          const auto path = path_of(raw);
          if (check->worst != dns::DnssecPath::stripped && path != dns::DnssecPath::works)
            check->worst = path;
          if (--check->open == 0) check->done(check->worst);
        });
      });
    }
  }

 private:
  struct Question {
    std::string name;
    Type type;
    base::Milliseconds within;
  };
  // Lives until libunbound answers, also when nobody waits for it any more: in thread mode ub_cancel() only
  // mutes the callback while the work goes on, and what isn't counted isn't bounded.
  struct Query {
    UnboundResolver* home;
    std::uint64_t number;
    Finish finish;  // empty: its time ran out
    asio::steady_timer timer;
  };

  template <class T>
  void ask(Question question, Parser<T> parse, dns::Done<T> done) {
    const auto deadline = std::chrono::steady_clock::now() + question.within;
    asio::post(
        io_, [this, question = std::move(question), parse, done = std::move(done), deadline]() mutable {
          start(question, deadline,
                [parse, done = std::move(done)](const Raw& raw) mutable { done(answer_of<T>(raw, parse)); });
        });
  }

  void start(const Question& question, base::SteadyTime deadline, Finish finish) {
    if (open_ >= kOpen || queries_.size() - open_ >= kAbandoned)
      return finish(failure(dns::Error::servfail, "too many questions open"));
    if (!dns::is_name(question.name)) return finish(failure(dns::Error::malformed, "not a name"));
    const std::uint64_t number = ++last_number_;
    Query& query =
        *queries_
             .emplace(number,
                      std::unique_ptr<Query>(new Query{this, number, {}, asio::steady_timer(io_, deadline)}))
             .first->second;
    const int error = ub_resolve_async(context_.get(), question.name.c_str(), question.type, kClassIn, &query,
                                       &UnboundResolver::on_answer, nullptr);
    if (error != UB_NOERROR) {
      queries_.erase(number);
      return finish(
          failure(error == UB_SYNTAX ? dns::Error::malformed : dns::Error::servfail, ub_strerror(error)));
    }
    query.finish = std::move(finish);
    ++open_;
    query.timer.async_wait([this, number](const boost::system::error_code& cancelled) {
      if (!cancelled) expire(number);
    });
  }

  static void on_answer(void* argument, int error, ub_result* result) {
    const auto* query = static_cast<const Query*>(argument);
    query->home->answered(query->number, error, result);
    ub_resolve_free(result);
  }

  void answered(std::uint64_t number, int error, const ub_result* result) {
    const auto node = queries_.extract(number);
    if (!node.mapped()->finish) return;
    --open_;
    if (error != UB_NOERROR)
      node.mapped()->finish(failure(dns::Error::servfail, ub_strerror(error)));
    else
      node.mapped()->finish(result);
  }

  void expire(std::uint64_t number) {
    const auto found = queries_.find(number);
    if (found == queries_.end()) return;
    --open_;
    std::exchange(found->second->finish, {})(failure(dns::Error::timeout, "no answer in time"));
  }

  void watch() {
    answers_.async_wait(asio::posix::stream_descriptor::wait_read,
                        [this](const boost::system::error_code& error) {
                          if (error) return;
                          if (const int failed = ub_process(context_.get()); failed != UB_NOERROR)
                            log::error("resolver_broken", {{"reason", ub_strerror(failed)}});
                          watch();
                        });
  }

  void close() {
    work_.reset();
    answers_.cancel();
    for (auto& [number, query] : std::exchange(queries_, {})) {
      if (query->finish) query->finish(failure(dns::Error::servfail, "shutting down"));
    }
  }

  ContextPtr context_;
  const std::vector<std::string> anchors_;
  asio::io_context io_{1};
  asio::executor_work_guard<asio::io_context::executor_type> work_;
  asio::posix::stream_descriptor answers_;
  std::unordered_map<std::uint64_t, std::unique_ptr<Query>> queries_;
  std::size_t open_ = 0;  // of queries_, those with a finish
  std::uint64_t last_number_ = 0;
  std::jthread thread_;
};

// libunbound's defaults are for one question at a time.
constexpr std::pair<const char*, const char*> kSettings[] = {
    {"outgoing-range:", "512"},  // sockets: one for each open question
    {"outgoing-num-tcp:", "32"},       {"msg-cache-size:", "16m"},    {"rrset-cache-size:", "32m"},
    {"infra-keep-probing:", "yes"},     // a server that was down is asked again at once, not after 15 minutes
    {"infra-cache-max-rtt:", "12000"},  // ms; and after 13 s at the latest. With less, 1.17 never asks it again
    {"aggressive-nsec:", "no"},  // what asks whether the servers live is not to be answered from memory
    {"do-not-query-localhost:", "no"}, {"unblock-lan-zones:", "yes"},  // names of private addresses are the local servers' business
    {"insecure-lan-zones:", "yes"},
};

// Zones that libunbound would answer by itself, although a private network may well use them.
constexpr const char* kUnblocked[] = {"test.", "127.in-addr.arpa.", "home.arpa."};

int configure_servers(ub_ctx* context, const ResolverOptions& options) {
  if (options.servers.empty()) {
    if (ub_ctx_resolvconf(context, nullptr) != UB_NOERROR)
      log::warning("no_resolv_conf", {{"effect", "the DNS is asked from its root"}});
    return UB_NOERROR;
  }
  for (const std::string& server : options.servers) {
    if (const int error = ub_ctx_set_fwd(context, server.c_str()); error != UB_NOERROR) return error;
  }
  return UB_NOERROR;
}

// The zones of a file of DS and DNSKEY records, as in a zone file: "example. 3600 IN DS ...".
std::vector<std::string> anchor_zones(const std::string& path) {
  constexpr std::size_t kZones = 4;
  std::vector<std::string> zones;
  std::ifstream file(path);
  for (std::string line; zones.size() < kZones && std::getline(file, line);) {
    std::istringstream words(line.substr(0, line.find(';')));
    std::string owner, word;
    words >> owner;
    bool key = false;
    while (words >> word) key = key || word == "DS" || word == "DNSKEY";
    if (owner.size() > 1 && owner.ends_with('.')) owner.pop_back();
    if (key && std::ranges::find(zones, owner) == zones.end()) zones.push_back(owner);
  }
  return zones;
}

}  // namespace

void report_dnssec(Resolver& resolver) {
  constexpr std::chrono::seconds kPatience{30};
  resolver.check_dnssec(kPatience, [](dns::DnssecPath path) {
    if (path == dns::DnssecPath::stripped)
      log::warning("dns_strips_dnssec",
                   {{"effect", "DNS answers can't be validated: mail to other servers waits (4.4.3)"},
                    {"mend", "name validating servers in dns.servers, or take out dns.trust_anchors"}});
    if (path == dns::DnssecPath::unknown)
      log::warning("dns_does_not_answer",
                   {{"effect", "DNSSEC could not be checked; mail to other servers may wait"}});
  });
}

std::expected<std::unique_ptr<Resolver>, std::string> make_unbound_resolver(const ResolverOptions& options) {
  const auto failed = [](std::string what, int error) {
    return std::unexpected(std::move(what) + ": " + ub_strerror(error));
  };
  ContextPtr context(ub_ctx_create());
  if (!context) return std::unexpected("libunbound does not start: out of memory or descriptors");
  ub_ctx_debugout(context.get(), nullptr);
  for (const auto& [name, value] : kSettings) {
    if (const int error = ub_ctx_set_option(context.get(), name, value); error != UB_NOERROR)
      return failed(std::string("libunbound setting ") + name, error);
  }
  if (const int error = ub_ctx_async(context.get(), 1); error != UB_NOERROR)
    return failed("libunbound's thread", error);
  if (const int error = configure_servers(context.get(), options); error != UB_NOERROR)
    return failed("dns.servers", error);
  if (!options.trust_anchors.empty()) {
    const int error = ub_ctx_add_ta_file(context.get(), options.trust_anchors.c_str());
    if (error != UB_NOERROR) return failed("dns.trust_anchors", error);
  }
  for (const char* zone : kUnblocked) {
    // The first call also reads the anchors; nothing can be set after it.
    if (const int error = ub_ctx_zone_remove(context.get(), zone); error != UB_NOERROR)
      return failed("dns.trust_anchors", error);
  }
  return std::make_unique<UnboundResolver>(std::move(context), anchor_zones(options.trust_anchors));
}

}  // namespace postrider::sys
