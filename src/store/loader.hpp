// Puts a message together again: its envelope, and what has changed of its recipients since.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "base/id.hpp"
#include "mail/envelope.hpp"
#include "store/quarantine.hpp"
#include "store/sqlite.hpp"

namespace postrider::store {

// One thread at a time.
class Loader {
 public:
  // `report` is told of each record that can't be read. `database` outlives it.
  Loader(Database& database, std::function<void(BadRecord)> report);

  struct Loaded {
    mail::Envelope envelope;
    std::vector<std::uint32_t>
        present;  // recipients with a row that can be read and not in quarantine, by index
  };
  // Nothing where the envelope can't be read or is not there; that is reported. Sees one state of the file.
  // Throws SqlError.
  std::optional<Loaded> load(base::MessageId id);

 private:
  std::optional<mail::Envelope> load_envelope(base::MessageId id);
  void load_recipients(base::MessageId id, Loaded& loaded);

  std::function<void(BadRecord)> report_;
  Statement begin_, rollback_, select_envelope_, select_recipients_;
};

}  // namespace postrider::store
