// Who may log in: the one place where passwords are checked.
//
// What an attacker can measure is the same for a name that does not exist, a wrong password and an account
// that is disabled: one Argon2id hash. (An account whose imported hash has not been upgraded yet costs that
// hash too; an account whose hash was made with another directory.password_cost costs what that costs, until
// its next login.)
#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "directory/password.hpp"
#include "directory/registry.hpp"
#include "directory/scram.hpp"
#include "sys/clock.hpp"
#include "sys/pool.hpp"

namespace postrider::directory {

// Who has logged in.
struct Identity {
  mail::Address account;     // as directory.hpp's account() takes it, in lower case
  std::string app_password;  // its name; empty: the account's own password
  bool operator==(const Identity&) const = default;
};

// What a server needs for one SCRAM-SHA-256 exchange. RFC 5802 5.1
class ScramOffer {
 public:
  std::string salt;
  std::uint32_t iterations = 0;

  struct Match {
    Identity identity;
    std::string server_key;  // for the server's signature
  };
  // Whose proof it is; nothing: refuse. An account may have several passwords, so the keys are chosen by the
  // proof. The same work for a name that does not exist. See match_proof().
  std::optional<Match> match(std::string_view auth_message, std::string_view client_proof) const;

  std::vector<ScramKeys> keys;                      // at least one
  std::vector<std::optional<Identity>> identities;  // of each; nothing: never matches
};

struct CredentialsOptions {
  std::filesystem::path folder;  // of directory.db
  Cost cost;
  std::size_t threads = 2;  // each needs the memory of one hash: 64 MiB or 256 MiB
  std::size_t bound = 100;  // logins that wait
};

// Any thread. The calls never block: work runs on a pool of threads named "hash".
class Credentials {
 public:
  static base::Result<std::unique_ptr<Credentials>> open(CredentialsOptions options, sys::Clock& clock,
                                                         sys::Random& random);

  using Verified = std::move_only_function<void(base::Result<Identity>)>;
  // Is this the password, or an app password, of the account? `login` is its full address; case makes no
  // difference. `done` is called on a thread of the pool: Identity; permanent 5.7.8, refused (RFC 4954 6);
  // temporary 4.7.0, can't be told now. False, and `done` is not called: too many wait, which is a 454 4.7.0.
  // On success an imported or outdated hash is replaced, and the use of an app password noted, both after
  // `done`.
  [[nodiscard]] bool verify(std::string login, std::string password, Verified done);

  using Offered = std::move_only_function<void(base::Result<ScramOffer>)>;
  // For SCRAM-SHA-256. A name that does not exist has a salt too, always the same, and keys that match no
  // proof. False as above.
  [[nodiscard]] bool scram(std::string login, Offered done);
  // After a SCRAM exchange that succeeded. Dropped where too many wait.
  void note_use(const Identity& identity);

  // Waits for the hashes that are being computed; logins that wait for a thread get 4.7.0.
  ~Credentials();

  // How many Argon2id hashes were computed.
  std::uint64_t hashes() const { return argon2_.runs(); }
  sys::PoolStatistics statistics() const { return pool_->statistics(); }

 private:
  Credentials(const CredentialsOptions& options, sys::Clock& clock, std::unique_ptr<Registry> reading,
              std::unique_ptr<Registry> writing);
  struct Checked;
  base::Result<std::optional<StoredCredentials>> find(const mail::Address& account);
  base::Result<Checked> check(const std::string& login, const std::string& password);
  bool check_password(const StoredCredentials& stored, const std::string& password, Checked& checked);
  void improve(const Checked& checked, const std::string& password);
  void note(const Identity& identity, std::optional<base::UtcTime> last_used);
  base::Result<ScramOffer> offer(const std::string& login);
  const std::string& dummy();

  sys::Clock& clock_;
  Argon2 argon2_;
  std::once_flag dummy_made_;
  std::string dummy_;
  std::mutex reading_mutex_, writing_mutex_;  // a writer may wait for other processes; readers never do
  std::unique_ptr<Registry> reading_, writing_;
  std::atomic<bool> ending_ = false;
  std::unique_ptr<sys::Pool> pool_;  // last: its work uses all that stands above
};

}  // namespace postrider::directory
