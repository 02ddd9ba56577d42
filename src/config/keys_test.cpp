#include "config/keys.hpp"

#include <gmock/gmock.h>

#include <set>

namespace postrider::config {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr std::string_view kTop = "hostname = \"mx.example.com\"\ndata_dir = \"/d\"\n";
constexpr std::string_view kListener = "[[listener]]\naddress = \"127.0.0.1:25\"\n";

std::shared_ptr<const Config> config_of(std::string_view top, std::string_view below) {
  auto loaded =
      parse(std::string(kTop) + std::string(top) + std::string(kListener) + std::string(below), "t");
  if (!loaded) ADD_FAILURE() << loaded.error().at(0).to_string();
  return loaded ? *loaded : nullptr;
}

TEST(Keys, HaveNamesOfTheirOwn) {
  std::set<std::string> names;
  for (const Key& key : keys()) EXPECT_TRUE(names.insert(key.name).second) << key.name;
}

TEST(Keys, HaveTheDefaultsThatTheTableTells) {
  std::string top;
  std::string listener;
  std::map<std::string, std::string> tables;
  for (const Spec& spec : specs()) {
    if (spec.fallback == "by mode") continue;
    if (spec.fallback == "required" || spec.fallback == "none") {
      // A default "none" of a word is the word.
      if (spec.kind != KeyKind::choice) continue;
    }
    const bool bare =
        spec.kind == KeyKind::integer || spec.kind == KeyKind::number || spec.kind == KeyKind::boolean;
    std::string value = bare ? std::string(spec.fallback) : '"' + std::string(spec.fallback) + '"';
    if (spec.kind == KeyKind::list) {
      for (std::size_t at = 0; (at = value.find(", ", at)) != std::string::npos; at += 4)
        value.replace(at, 2, "\", \"");
      value = '[' + value + ']';
    }
    const auto dot = spec.name.rfind('.');
    const std::string line = std::string(spec.name.substr(dot + 1)) + " = " + value + "\n";
    const std::string table(spec.name.substr(0, dot == std::string_view::npos ? 0 : dot));
    if (table.empty())
      top += line;
    else if (table == "listener[]")
      listener += line;
    else if (table != "domain[]" && table != "route[]")
      tables[table] += line;
  }
  for (const auto& [table, lines] : tables) listener.append("[").append(table).append("]\n").append(lines);
  const auto stated = config_of(top, listener);
  const auto silent = config_of("", "");
  ASSERT_TRUE(stated && silent);
  EXPECT_EQ(*stated, *silent) << top << listener;
}

TEST(Keys, AreLiveUnlessTheyNeedARestart) {
  std::vector<std::string> restart;
  for (const Key& key : keys())
    if (!key.live) restart.push_back(key.name);
  EXPECT_THAT(
      restart,
      ElementsAre("data_dir", "runtime_dir", "user", "threads", "node", "sandbox.seccomp", "sandbox.landlock",
                  "log.format", "log.level", "listener[].address", "listener[].mode", "listener[].tls",
                  "listener[].proxy_protocol", "listener[].xclient", "listener[].greeting_delay",
                  "listener[].extensions", "listener[].auth", "auth.oauth.ca", "queue.min_free",
                  "queue.min_free_inodes", "directory.password_cost", "directory.password_threads",
                  "submit.allow", "submit.folder", "http.address", "timeline.keep", "timeline.size",
                  "dns.servers", "dns.trust_anchors"));
}

TEST(Keys, ThatNeedARestartKeepTheirValueAtAReload) {
  const auto running = config_of("", "");
  // Every restart key another one, and one that is live.
  const std::string file = R"(
hostname = "other.test"
data_dir = "/elsewhere"
user = "x"
threads = 2
node = 1
[sandbox]
seccomp = false
landlock = false
[log]
format = "json"
level = "debug"
[[listener]]
address = "[::1]:2525"
mode = "submission"
greeting_delay = "1s"
proxy_protocol = ["127.0.0.1"]
xclient = ["::1"]
extensions = ["deliverby"]
[auth]
without_tls_on_loopback = true
[auth.oauth]
ca = "/x"
[queue]
min_free = 5
min_free_inodes = 5
[directory]
password_cost = "moderate"
password_threads = 3
[submit]
allow = "nobody"
folder = "/x/submit"
[http]
address = "127.0.0.1:8080"
[timeline]
keep = "1d"
size = "1MiB"
[dns]
servers = ["::1"]
trust_anchors = "/x"
[[domain]]
name = "example.com"
[[route]]
domain = "example.org"
via = "maildir:{data_dir}/x/{user}"
)";
  const auto reloaded = reload(*running, file, "postrider.toml");
  ASSERT_TRUE(reloaded);
  EXPECT_EQ(reloaded->config->hostname.ascii(), "other.test");
  EXPECT_THAT(restart_differences(*running, *reloaded->config), IsEmpty());
  EXPECT_EQ(reloaded->config->mailbox, running->mailbox);
  EXPECT_EQ(std::get<ViaMaildir>(reloaded->config->routes.front().via).path,
            running->data_dir.string() + "/x/{user}");
  std::vector<std::string> restart;
  for (const Key& key : keys())
    if (!key.live && key.name != "listener[].tls") restart.push_back(key.name);
  EXPECT_EQ(reloaded->kept, restart);
}

TEST(Keys, TellWhatAReloadCanNotBringIn) {
  const auto now = config_of("", "");
  EXPECT_THAT(restart_differences(*now, *now), IsEmpty());
  EXPECT_THAT(restart_differences(*now, *config_of("networks = [\"::1\"]\n", "[limits]\nerrors = 3\n")),
              IsEmpty());
  EXPECT_THAT(restart_differences(
                  *now, *config_of("threads = 2\nnode = 1\nuser = \"x\"\n", "[queue]\nmin_free = 5\n")),
              ElementsAre("user", "threads", "node", "queue.min_free"));
  EXPECT_THAT(restart_differences(*now, *config_of("", "xclient = [\"::1\"]\n[dns]\nservers = [\"::1\"]\n")),
              ElementsAre("listener[].xclient", "dns.servers"));
  EXPECT_THAT(
      restart_differences(*now, *config_of("", "[[listener]]\naddress = \"[::1]:25\"\nmode = \"mx\"\n")),
      ElementsAre("listener[].address"));
  EXPECT_THAT(restart_differences(*now, *config_of("",
                                                   "greeting_delay = \"1s\"\n[log]\nlevel = \"debug\"\n"
                                                   "[limits]\nconnections = 5\n")),
              ElementsAre("log.level", "listener[].greeting_delay"));
}

TEST(Keys, PrintTheirBounds) {
  const auto bounds = [](std::string_view name) { return find_spec(name)->bounds_text(); };
  EXPECT_EQ(bounds("limits.message_size"), "64KiB to 4GiB");
  EXPECT_EQ(bounds("timeouts.command"), "100ms to 1h");
  EXPECT_EQ(bounds("queue.retry.factor"), "1 to 10");
  EXPECT_EQ(bounds("log.format"), "logfmt, json");
}

}  // namespace
}  // namespace postrider::config
