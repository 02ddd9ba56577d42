// Puts copies that backup made back in place. Blocking; nobody uses the folders meanwhile.
#pragma once

#include <cstdint>
#include <filesystem>

#include "base/result.hpp"
#include "store/spool_file.hpp"

namespace postrider::store {

enum class Waiting : std::uint8_t {
  goes_on,  // is tried as soon as a server runs
  is_held,  // until an operator releases it: nothing is sent twice unseen
};

// `copy` becomes the spool of `directory`, which is made where it is missing. It is checked as a whole before anything
// is put in place. Failure: permanent, where a server works on the directory, a spool with mail in it is there already,
// or the copy is damaged, no spool, or of a newer format; temporary, where it can't be written. Then all is as it was.
base::Result<SpoolCounts> restore_spool(const std::filesystem::path& copy,
                                        const std::filesystem::path& directory, Waiting waiting);

// The same for a timeline. False: there is one already, and it stays.
base::Result<bool> restore_timeline(const std::filesystem::path& copy,
                                    const std::filesystem::path& directory);

}  // namespace postrider::store
