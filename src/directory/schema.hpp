// The tables of the directory's database, and the way to them from an older format.
#pragma once

#include "store/migration.hpp"

namespace postrider::directory {

// For store::migrate(). Good as long as the process lives.
store::Format schema();

}  // namespace postrider::directory
