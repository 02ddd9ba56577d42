#include "app/access.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>

#include "base/testing/temporary_folder.hpp"

namespace postrider::app {
namespace {

namespace fs = std::filesystem;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Not;

config::Config config_of(const std::string& more) {
  const auto parsed = config::parse(
      "hostname = \"mx.example.com\"\ndata_dir = \"/srv/postrider\"\n[[listener]]\naddress = "
      "\"127.0.0.1:25\"\n" +
          more,
      "/etc/postrider/postrider.toml");
  EXPECT_TRUE(parsed.has_value());
  return **parsed;
}

std::vector<std::string> paths_of(const config::Config& config) {
  std::vector<std::string> found;
  for (const auto& one : needed_paths(config))
    found.push_back((one.use == Use::write ? "write " : "read ") + one.path.string());
  return found;
}

TEST(NeededPaths, AreThoseOfTheConfiguration) {
  EXPECT_THAT(paths_of(config_of("")), ElementsAre("write /srv/postrider", "write /srv/postrider/run",
                                                   "read /etc/postrider/postrider.toml"));
}

TEST(NeededPaths, OfMailboxesEndBeforeWhatIsFilledIn) {
  EXPECT_THAT(
      paths_of(config_of("[delivery]\nmailbox = \"maildir:/home/mail/{domain}/{user}\"\n"
                         "[dns]\ntrust_anchors = \"/var/lib/unbound/root.key\"\n"
                         "[[route]]\ndomain = \"a.example\"\nvia = \"maildir:/srv/other/box-{user}/in\"\n"
                         "[[route]]\ndomain = \"b.example\"\nvia = \"maildir:/srv/other/{user}\"\n"
                         "[[route]]\ndomain = \"c.example\"\nvia = \"maildir:/srv/postrider/c/{user}\"\n")),
      ElementsAre("write /srv/postrider", "write /srv/postrider/run", "read /etc/postrider/postrider.toml",
                  "write /home/mail", "write /srv/other", "read /var/lib/unbound/root.key"));
}

TEST(NeededPaths, AreThoseOfTls) {
  EXPECT_THAT(
      paths_of(
          config_of("[tls]\ncertificate = [\"/c/1.pem\", \"/c/2.pem\"]\nkey = [\"/k/1.pem\", \"/k/2.pem\"]\n"
                    "client_ca = \"/c/clients.pem\"\n[delivery]\ntls_ca = \"/c/servers.pem\"\n"
                    "[auth.oauth]\njwks = \"https://id.example/\"\nissuer = \"i\"\naudience = \"a\"\n"
                    "ca = \"/c/id.pem\"\n")),
      ElementsAre("write /srv/postrider", "write /srv/postrider/run", "read /etc/postrider/postrider.toml",
                  "read /c/1.pem", "read /k/1.pem", "read /c/2.pem", "read /k/2.pem", "read /c/clients.pem",
                  "read /c/servers.pem", "read /c/id.pem"));
}

TEST(NeededPaths, HaveTheSubmitFolderWhereProgramsMaySubmit) {
  const std::string folder = "folder = \"/var/spool/mail-in\"\n";
  EXPECT_THAT(paths_of(config_of("[submit]\n" + folder)), Contains("write /var/spool/mail-in"));
  EXPECT_THAT(paths_of(config_of("[submit]\nallow = \"nobody\"\n" + folder)),
              Not(Contains("write /var/spool/mail-in")));
}

class Denials : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_EQ(geteuid(), 0u) << "to be run as root, as ./test does";
    chmod(top.c_str(), 0755);
    fs::create_directory(top / "mail");
    std::ofstream(top / "key") << "secret";
    chmod((top / "key").c_str(), 0600);
  }
  std::vector<std::string> faults(const std::vector<Needed>& needed) const {
    std::vector<std::string> lines;
    for (const auto& one : denied_paths_of("nobody", needed, "p.toml").value())
      lines.push_back(one.fault.to_string());
    return lines;
  }
  const base::testing::TemporaryFolder temporary;
  const fs::path top = temporary.path();
};

TEST_F(Denials, NameTheUserThePathAndTheMend) {
  const std::string key = top / "key", mail = top / "mail";
  EXPECT_THAT(faults({{key, Use::read, "tls.key"}, {mail, Use::write, "data_dir", true}}),
              ElementsAre("p.toml: user nobody can't read tls.key " + key +
                              ": Permission denied; chgrp nogroup " + key + " && chmod g+r " + key,
                          "p.toml: user nobody can't write in data_dir " + mail +
                              ": Permission denied; chown -R nobody: " + mail));
}

TEST_F(Denials, PointAtTheFolderOnTheWay) {
  chmod(top.c_str(), 0700);
  EXPECT_THAT(faults({{top / "mail" / "box", Use::read, "route.via"}}),
              ElementsAre("p.toml: user nobody can't read route.via " + (top / "mail/box").string() +
                          ": Permission denied; chmod o+x " + top.string()));
}

TEST_F(Denials, PointAtTheFolderThatALinkLeadsInto) {
  fs::create_directories(top / "archive" / "mx");
  fs::create_directories(top / "live" / "mx");
  std::ofstream(top / "archive/mx/key1") << "secret";
  fs::create_symlink("../../archive/mx/key1", top / "live/mx/key");
  chmod((top / "archive").c_str(), 0700);
  EXPECT_THAT(faults({{top / "live/mx/key", Use::read, "tls.key", false, 7, 3}}),
              ElementsAre("p.toml:7:3: user nobody can't read tls.key " + (top / "live/mx/key").string() +
                          ": Permission denied; chmod o+x " + (top / "archive").string()));
}

TEST_F(Denials, AreNoneWhereTheMendWasDone) {
  chmod((top / "key").c_str(), 0604);
  chmod((top / "mail").c_str(), 0777);
  EXPECT_THAT(faults({{top / "key", Use::read, "tls.key"},
                      {top / "mail", Use::write, "data_dir"},
                      {top / "later", Use::write, "runtime_dir"}}),
              IsEmpty());
}

TEST_F(Denials, ThisProcessStaysRoot) {
  faults({});
  EXPECT_EQ(geteuid(), 0u);
}

TEST_F(Denials, OfAUserThatThereIsNotCantBeKnown) {
  const auto denied = denied_paths_of("no-such-user", {}, "p.toml");
  ASSERT_FALSE(denied);
  EXPECT_EQ(denied.error().text, "no such user: no-such-user");
}

}  // namespace
}  // namespace postrider::app
