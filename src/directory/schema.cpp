#include "directory/schema.hpp"

#include <array>
#include <cstdint>

namespace postrider::directory {
namespace {

// Names are lower case (domains: A-labels), addresses as mail::Address writes them, times in ms since 1970.
// docs/directory.md
constexpr const char* kFormat1 = R"sql(
CREATE TABLE meta(
  key TEXT NOT NULL PRIMARY KEY,
  value BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE domain(
  id INTEGER NOT NULL PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  kind INTEGER NOT NULL,
  state INTEGER NOT NULL,
  separator TEXT NOT NULL,
  catch_all TEXT,
  listed INTEGER NOT NULL);
CREATE TABLE recipient(
  domain INTEGER NOT NULL REFERENCES domain(id) ON DELETE CASCADE,
  name TEXT NOT NULL,
  PRIMARY KEY(domain, name)) WITHOUT ROWID;
CREATE TABLE account(
  id INTEGER NOT NULL PRIMARY KEY,
  domain INTEGER NOT NULL REFERENCES domain(id) ON DELETE CASCADE,
  name TEXT NOT NULL,
  state INTEGER NOT NULL,
  scram INTEGER NOT NULL,
  quota INTEGER,
  messages_per_hour INTEGER NOT NULL,
  messages_per_day INTEGER NOT NULL,
  recipients_per_hour INTEGER NOT NULL,
  recipients_per_day INTEGER NOT NULL,
  salt BLOB NOT NULL,
  iterations INTEGER NOT NULL,
  UNIQUE(domain, name));
CREATE TABLE send_as(
  account INTEGER NOT NULL REFERENCES account(id) ON DELETE CASCADE,
  pattern TEXT NOT NULL,
  PRIMARY KEY(account, pattern)) WITHOUT ROWID;
CREATE TABLE alias(
  id INTEGER NOT NULL PRIMARY KEY,
  domain INTEGER NOT NULL REFERENCES domain(id) ON DELETE CASCADE,
  name TEXT NOT NULL,
  state INTEGER NOT NULL,
  UNIQUE(domain, name));
CREATE TABLE target(
  alias INTEGER NOT NULL REFERENCES alias(id) ON DELETE CASCADE,
  position INTEGER NOT NULL,
  address TEXT NOT NULL,
  PRIMARY KEY(alias, position)) WITHOUT ROWID;
CREATE TABLE password(
  account INTEGER NOT NULL PRIMARY KEY REFERENCES account(id) ON DELETE CASCADE,
  hash TEXT NOT NULL,
  stored_key BLOB,
  server_key BLOB);
CREATE TABLE app_password(
  id INTEGER NOT NULL PRIMARY KEY,
  account INTEGER NOT NULL REFERENCES account(id) ON DELETE CASCADE,
  name TEXT NOT NULL,
  hash BLOB NOT NULL,
  stored_key BLOB NOT NULL,
  server_key BLOB NOT NULL,
  created INTEGER NOT NULL,
  last_used INTEGER,
  UNIQUE(account, name));
)sql";

constexpr std::int32_t kApplicationId = 0x50526469;  // "PRdi"

constexpr std::array<const char*, 1> kSteps = {kFormat1};

}  // namespace

store::Format schema() { return {.application_id = kApplicationId, .what = "directory", .steps = kSteps}; }

}  // namespace postrider::directory
