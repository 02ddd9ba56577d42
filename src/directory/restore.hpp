// Puts a copy of the directory's database, as Registry::copy_to() made it, back in place. Blocking; no server
// runs meanwhile.
#pragma once

#include <filesystem>

#include "base/result.hpp"
#include "store/restore.hpp"
#include "sys/random.hpp"

namespace postrider::directory {

// The copy is read as a whole before it is put in place. False: there is one already, and it stays. Failure:
// permanent, where the copy is damaged, no directory, or of a newer format; temporary, where it can't be
// written. Then all is as it was.
base::Result<bool> restore(const store::OpenCopy& copy, const std::filesystem::path& folder,
                           sys::Random& random);

}  // namespace postrider::directory
