#include "directory/registry.hpp"

#include <gmock/gmock.h>
#include <sys/stat.h>

#include <array>
#include <thread>

#include "directory/directory.hpp"
#include "directory/problems.hpp"
#include "directory/restore.hpp"
#include "directory/schema.hpp"
#include "directory/scram.hpp"
#include "directory/testing/house.hpp"
#include "directory/watcher.hpp"

namespace postrider::directory {
namespace {

using testing::address;
using testing::domain;
using ::testing::ElementsAre;
using testing::House;

const std::string kSmall =
    "[[domain]]\nname = \"a.example\"\n[[account]]\naddress = \"alice@a.example\"\n"
    "[[account]]\naddress = \"bob@a.example\"\n[[alias]]\naddress = \"info@a.example\"\nto = "
    "[\"alice@a.example\"]\n";

unsigned mode_of(const std::filesystem::path& path) {
  struct stat info{};
  return stat(path.c_str(), &info) == 0 ? info.st_mode & 0777u : 0;
}

std::string refused(const base::Result<void>& result) { return result ? "done" : result.error().text; }

TEST(Registry, IsReadableByItsOwnerAlone) {
  House house;
  const auto registry = house.open();
  ASSERT_TRUE(house.import(*registry, kSmall));
  EXPECT_EQ(mode_of(house.file()), 0600u);
  EXPECT_EQ(mode_of(house.file().string() + "-wal"), 0600u);
  EXPECT_EQ(mode_of(house.file().string() + "-shm"), 0600u);
}

TEST(Registry, KeepsWhatWasChanged) {
  House house;
  const std::string text = R"(
[[domain]]
name = "xn--bcher-kva.example"
separator = "-"
catch_all = "jürgen@xn--bcher-kva.example"
[[domain]]
name = "r.example"
kind = "relay"
state = "disabled"
recipients = ["dora", "emil"]
[[account]]
address = "jürgen@bücher.example"
state = "no-login"
scram = true
quota = "1GiB"
messages_per_hour = 1
messages_per_day = 2
recipients_per_hour = 3
recipients_per_day = 4
send_as = ["@r.example", "x@else.example"]
[[alias]]
address = "All@bücher.example"
state = "disabled"
to = ["jürgen@bücher.example", "\"a b\"@else.example"]
)";
  ASSERT_EQ(refused(house.import(*house.open(), text)), "done");
  const auto snapshot = *house.open()->load();
  ASSERT_EQ(snapshot->domains().size(), 2u);
  const Domain& relay = snapshot->find(domain("r.example"))->domain();
  EXPECT_EQ(relay.kind, config::DomainKind::relay);
  EXPECT_EQ(relay.state, State::disabled);
  EXPECT_THAT(*relay.recipients, ElementsAre("dora", "emil"));
  const Domain& books = snapshot->find(domain("bücher.example"))->domain();
  EXPECT_EQ(books.separator, "-");
  EXPECT_EQ(books.catch_all, address("jürgen@bücher.example"));
  const Account& account = books.accounts.at(0);
  EXPECT_EQ(account, (Account{.name = "jürgen",
                              .state = State::no_login,
                              .scram = true,
                              .quota = 1ull << 30,
                              .limits = {1, 2, 3, 4},
                              .send_as = {"@r.example", "x@else.example"}}));
  EXPECT_EQ(books.aliases.at(0),
            (Alias{.name = "all",
                   .state = State::disabled,
                   .targets = {address("jürgen@bücher.example"), address("\"a b\"@else.example")}}));
}

TEST(Registry, RefusesAFileThatIsNotOursOrNewer) {
  House house;
  house.open().reset();
  {
    store::Database database(house.file().string(), nullptr, store::Database::Access::read_write);
    database.execute("PRAGMA user_version=99");
  }
  sys::fake::Random random;
  auto newer = Registry::open(house.folder(), random);
  ASSERT_FALSE(newer);
  EXPECT_TRUE(newer.error().permanent());
  EXPECT_EQ(newer.error().log_text(), house.file().string() +
                                          " has format 99, and this postrider knows formats up to 1: "
                                          "it was written by a newer one, so install that");
  {
    store::Database database(house.file().string(), nullptr, store::Database::Access::read_write);
    database.execute("PRAGMA user_version=1; PRAGMA application_id=7");
  }
  auto foreign = Registry::open(house.folder(), random);
  ASSERT_FALSE(foreign);
  EXPECT_EQ(foreign.error().log_text(), house.file().string() + " is not a directory of postrider");
}

TEST(Registry, MigratesAnOlderFileBehindACopy) {
  House house;
  ASSERT_TRUE(house.import(*house.open(), kSmall));
  store::Database database(house.file().string(), nullptr, store::Database::Access::read_write);
  const std::array<const char*, 2> steps{schema().steps[0],
                                         "ALTER TABLE account ADD COLUMN note TEXT NOT NULL DEFAULT 'x'"};
  auto newer = schema();
  newer.steps = steps;
  ASSERT_TRUE(migrate(database, house.file(), newer));
  EXPECT_EQ(database.number("PRAGMA user_version"), 2);
  EXPECT_EQ(database.text("SELECT note FROM account WHERE name = 'alice'"), "x");
  const std::string copy = house.file().string() + ".format-1";
  EXPECT_EQ(mode_of(copy), 0600u);
  store::Database before(copy, nullptr, store::Database::Access::read_only);
  EXPECT_EQ(before.number("PRAGMA user_version"), 1);
  EXPECT_EQ(before.number("SELECT count(*) FROM account"), 2);
}

TEST(Registry, LeavesAllAsItWasWhereAStepOfAMigrationFails) {
  House house;
  ASSERT_TRUE(house.import(*house.open(), kSmall));
  {
    store::Database database(house.file().string(), nullptr, store::Database::Access::read_write);
    const std::array<const char*, 3> steps{schema().steps[0], "ALTER TABLE account ADD COLUMN note TEXT",
                                           "NONSENSE"};
    auto newer = schema();
    newer.steps = steps;
    EXPECT_THROW((void)migrate(database, house.file(), newer), store::SqlError);
  }
  EXPECT_EQ((*house.open()->load())->find(domain("a.example"))->domain().accounts.size(), 2u);
}

TEST(Registry, ChangesNothingWhereSomebodyElseWasQuicker) {
  House house;
  const auto one = house.open();
  const auto other = house.open();
  const auto seen = (*one->load())->generation();
  ASSERT_TRUE(house.import(*other, kSmall));
  const std::vector<Change> changes{PutDomain{Domain(domain("b.example"))}};
  const auto late = one->apply(changes, {seen, house.config()});
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().text, "the directory was changed by somebody else meanwhile; look again");
  EXPECT_EQ((*one->load())->find(domain("b.example")), nullptr);
}

TEST(Registry, DoesAllOrNothing) {
  House house;
  const auto registry = house.open();
  ASSERT_TRUE(house.import(*registry, kSmall));
  const std::vector<Change> changes{PutDomain{Domain(domain("b.example"))},
                                    RemoveAlias{domain("b.example"), "x"}};
  const auto applied = registry->apply(changes, {1, house.config()});
  ASSERT_FALSE(applied);
  EXPECT_EQ(applied.error().text, "there is no alias x@b.example");
  EXPECT_EQ((*registry->load())->find(domain("b.example")), nullptr);
  EXPECT_EQ(*registry->generation(), 1u);
}

TEST(Registry, RefusesANameThatIsTaken) {
  House house;
  const auto registry = house.open();
  ASSERT_TRUE(house.import(*registry, kSmall));
  const std::vector<Change> account{
      PutAccount{domain("a.example"), {.name = "info", .quota = {}, .limits = {}, .send_as = {}}}};
  EXPECT_EQ(registry->apply(account, {1, house.config()}).error().text, "info@a.example is an alias already");
  const std::vector<Change> alias{
      PutAlias{domain("a.example"), {.name = "bob", .targets = {address("alice@a.example")}}}};
  EXPECT_EQ(registry->apply(alias, {1, house.config()}).error().text, "bob@a.example is an account already");
  const std::vector<Change> nowhere{
      PutAccount{domain("c.example"), {.name = "x", .quota = {}, .limits = {}, .send_as = {}}}};
  EXPECT_EQ(registry->apply(nowhere, {1, house.config()}).error().text, "there is no domain c.example");
}

TEST(Registry, RefusesAliasesThatLeadNowhere) {
  House house;
  const auto registry = house.open();
  EXPECT_EQ(refused(house.import(
                *registry, kSmall + "[[alias]]\naddress = \"x@a.example\"\nto = [\"gone@a.example\"]\n")),
            "the alias x@a.example: an alias leads to gone@a.example, who is not there");
  EXPECT_EQ(
      refused(house.import(*registry, kSmall +
                                          "[[alias]]\naddress = \"x@a.example\"\nto = [\"y@a.example\"]\n"
                                          "[[alias]]\naddress = \"y@a.example\"\nto = [\"x@a.example\"]\n")),
      "the alias x@a.example: aliases lead in a circle\nthe alias y@a.example: aliases lead in a circle");
  std::string chain = kSmall;
  for (int i = 1; i <= 11; ++i)
    chain += "[[alias]]\naddress = \"x" + std::to_string(i) + "@a.example\"\nto = [\"" +
             (i == 1 ? "alice" : "x" + std::to_string(i - 1)) + "@a.example\"]\n";
  EXPECT_EQ(refused(house.import(*registry, chain)),
            "the alias x11@a.example: more than 10 aliases in a row");
  EXPECT_EQ(
      refused(house.import(*registry, "[[domain]]\nname = \"a.example\"\ncatch_all = \"gone@a.example\"\n")),
      "the catch-all of a.example leads to gone@a.example: aliases lead in a circle");
  ASSERT_TRUE(house.import(*registry, kSmall));
  EXPECT_EQ(
      registry->apply(std::vector<Change>{RemoveAccount{domain("a.example"), "alice"}}, {1, house.config()})
          .error()
          .text,
      "the alias info@a.example: an alias leads to alice@a.example, who is not there");
}

TEST(Registry, RefusesADomainThatTheConfigurationHas) {
  House house;
  house.configure("[[domain]]\nname = \"a.example\"\n");
  EXPECT_EQ(refused(house.import(*house.open(), kSmall)),
            "the domain a.example is in the configuration too, which goes first: take it out there, or here");
}

TEST(Registry, LetsOldProblemsBe) {
  House house;
  const auto registry = house.open();
  ASSERT_TRUE(house.import(*registry, kSmall));
  ASSERT_TRUE(
      registry->apply(std::vector<Change>{RemoveAccount{domain("a.example"), "alice"}}, {1, nullptr}));
  EXPECT_TRUE(
      registry->apply(std::vector<Change>{PutDomain{Domain(domain("b.example"))}}, {2, house.config()}));
}

TEST(Registry, TakesOutWhatLeadsToOneThatGoes) {
  House house;
  const auto registry = house.open();
  ASSERT_TRUE(house.import(
      *registry,
      kSmall + "[[alias]]\naddress = \"all@a.example\"\nto = [\"Alice+x@a.example\", \"bob@a.example\"]\n"
               "[[domain]]\nname = \"b.example\"\ncatch_all = \"alice@a.example\"\n"
               "[[alias]]\naddress = \"a@b.example\"\nto = [\"info@a.example\"]\n"));
  const auto snapshot = *registry->load();
  EXPECT_THAT(pointing_at(*snapshot, address("alice@a.example")),
              ElementsAre("all@a.example", "info@a.example", "the catch-all of b.example"));
  EXPECT_THAT(pointing_at(*snapshot, address("info@a.example")), ElementsAre("a@b.example"));
  EXPECT_THAT(pointing_at(*snapshot, domain("a.example")),
              ElementsAre("a@b.example", "the catch-all of b.example"));
  auto changes = detach(*snapshot, address("alice@a.example"));
  changes.emplace_back(RemoveAccount{domain("a.example"), "alice"});
  // a@b.example leads to info@a.example, which goes too.
  for (auto& change : detach(*snapshot, address("info@a.example"))) changes.push_back(std::move(change));
  ASSERT_TRUE(registry->apply(changes, {1, house.config()}));
  const auto after = *registry->load();
  const Domain& left = after->find(domain("a.example"))->domain();
  ASSERT_EQ(left.aliases.size(), 1u);
  EXPECT_THAT(left.aliases[0].targets, ElementsAre(address("bob@a.example")));
  EXPECT_FALSE(after->find(domain("b.example"))->domain().catch_all);
}

TEST(Registry, SaysThatItIsDamagedWhereARowCantBeRead) {
  House house;
  const auto registry = house.open();
  ASSERT_TRUE(house.import(*registry, kSmall));
  store::Database database(house.file().string(), nullptr, store::Database::Access::read_write);
  database.execute("UPDATE target SET address = 'no address'");
  const auto loaded = registry->load();
  ASSERT_FALSE(loaded);
  EXPECT_EQ(loaded.error().log_text(), "directory.db holds an alias's target that is no address: no address");
}

TEST(Registry, KeepsCredentialsThroughOtherChanges) {
  House house;
  const auto registry = house.open();
  ASSERT_TRUE(house.import(*registry, kSmall));
  const auto keys = make_scram_keys("pencil", registry->salt_for(address("alice@a.example")), 4096);
  const StoredAppPassword phone{"phone", sha256("x"), keys, base::UtcTime(base::Milliseconds(5)), {}};
  const std::vector<Change> set{SetPassword{domain("a.example"), "alice", StoredPassword{"hash", keys}},
                                PutAppPassword{domain("a.example"), "alice", phone}};
  ASSERT_TRUE(registry->apply(set, {1, house.config()}));
  ASSERT_TRUE(
      house.import(*registry, kSmall + "[[alias]]\naddress = \"x@a.example\"\nto = [\"bob@a.example\"]\n"));
  auto stored = *registry->credentials(address("ALICE@A.example"));
  ASSERT_TRUE(stored);
  EXPECT_EQ(stored->password->hash, "hash");
  EXPECT_EQ(stored->password->scram, std::nullopt);  // the account says scram = false
  EXPECT_THAT(stored->app_passwords, ElementsAre(phone));
  EXPECT_FALSE(*registry->credentials(address("info@a.example")));
  EXPECT_EQ(registry->all_credentials()->size(), 1u);

  ASSERT_TRUE(registry->note_use(address("alice@a.example"), "phone", base::UtcTime(base::Milliseconds(9))));
  ASSERT_TRUE(registry->upgrade(address("alice@a.example"), "another", {"worse", {}}));
  ASSERT_TRUE(registry->upgrade(address("alice@a.example"), "hash", {"better", {}}));
  stored = *registry->credentials(address("alice@a.example"));
  EXPECT_EQ(stored->password->hash, "better");
  EXPECT_EQ(stored->app_passwords[0].last_used, base::UtcTime(base::Milliseconds(9)));
  EXPECT_EQ(*registry->generation(), 3u);
}

TEST(Registry, KeepsOneSaltForAllKeysOfAnAccount) {
  House house;
  const auto registry = house.open();
  ASSERT_TRUE(house.import(*registry, kSmall));
  const auto put = [&](const char* name, const std::string& salt) {
    const std::vector<Change> change{
        PutAppPassword{domain("a.example"),
                       "alice",
                       {name, sha256("x"), make_scram_keys("x", salt, 4096), base::UtcTime(), {}}}};
    const auto applied = registry->apply(change, {*registry->generation(), nullptr});
    return applied ? std::string("done") : applied.error().text;
  };
  EXPECT_EQ(put("phone", "salt"), "done");
  EXPECT_EQ(put("laptop", "salt"), "done");
  EXPECT_EQ(put("third", "other"),
            "the SCRAM keys of one account must have one salt and one number of iterations");
}

TEST(Registry, HasASaltForEveryNameThatStaysTheSame) {
  House house, another;
  another.random().bits();
  const auto salt = house.open()->salt_for(address("x@a.example"));
  EXPECT_EQ(salt.size(), 16u);
  EXPECT_EQ(house.open()->salt_for(address("X@A.example")), salt);
  EXPECT_NE(house.open()->salt_for(address("y@a.example")), salt);
  EXPECT_NE(another.open()->salt_for(address("x@a.example")), salt);
}

TEST(Restore, PutsACopyInPlaceWhereThereIsNone) {
  House house, other, third;
  ASSERT_TRUE(house.import(*house.open(), kSmall));
  const auto copy = house.folder() / "copy.db";
  ASSERT_TRUE(house.open()->copy_to(copy));
  EXPECT_EQ(restore(*store::OpenCopy::open(copy), other.folder(), other.random()), true);
  EXPECT_EQ(mode_of(other.file()), 0600u);
  EXPECT_EQ((*other.open()->load())->find(domain("a.example"))->domain().accounts.size(), 2u);
  EXPECT_EQ(other.open()->salt_for(address("x@a.example")), house.open()->salt_for(address("x@a.example")));
  EXPECT_EQ(restore(*store::OpenCopy::open(copy), other.folder(), other.random()), false);
  {
    store::Database database(copy.string(), nullptr, store::Database::Access::read_write);
    database.execute("PRAGMA user_version=99");
  }
  const auto newer = restore(*store::OpenCopy::open(copy), third.folder(), third.random());
  ASSERT_FALSE(newer);
  EXPECT_TRUE(newer.error().permanent());
  EXPECT_TRUE(std::filesystem::is_empty(third.folder()));
}

TEST(Watcher, BringsWhatAnotherProcessChanged) {
  House house;
  const auto registry = house.open();
  std::mutex mutex;
  std::condition_variable came;
  std::shared_ptr<const Snapshot> newest;
  Watcher watcher(
      house.open(), 0,
      [&](std::shared_ptr<const Snapshot> snapshot) {
        std::lock_guard lock(mutex);
        newest = std::move(snapshot);
        came.notify_all();
      },
      base::Milliseconds(1));
  ASSERT_TRUE(house.import(*registry, kSmall));
  std::unique_lock lock(mutex);
  ASSERT_TRUE(
      came.wait_for(lock, std::chrono::seconds(20), [&] { return newest && newest->generation() == 1; }));
  EXPECT_EQ(newest->find(domain("a.example"))->domain().accounts.size(), 2u);
}

TEST(Registry, ServesTenThousandAccountsQuickly) {
  House house;
  const auto registry = house.open();
  std::vector<Change> changes{PutDomain{Domain(domain("a.example"))}};
  for (int i = 0; i < 10000; ++i)
    changes.emplace_back(PutAccount{
        domain("a.example"), {.name = "u" + std::to_string(i), .quota = {}, .limits = {}, .send_as = {}}});
  ASSERT_TRUE(registry->apply(changes, {0, house.config()}));
  const auto snapshot = *registry->load();
  const auto directory = make_directory(house.config(), snapshot);
  EXPECT_EQ(directory->resolve(address("u9999@a.example"))->standing, Standing::local);
  EXPECT_EQ(directory->resolve(address("u10000@a.example"))->standing, Standing::unknown);
}

}  // namespace
}  // namespace postrider::directory
