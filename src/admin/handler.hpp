// From a request's line to the answer's line.
#pragma once

#include <string>
#include <string_view>

#include "directory/login_guard.hpp"
#include "queue/operator.hpp"
#include "sys/clock.hpp"

namespace postrider::admin {

// One line with its end; {"error":...} where it could not be done. Blocks as queue::Operator does. Any thread. `guard`
// may be null: nobody can log in.
std::string answer(std::string_view line, queue::Operator& desk, const sys::Clock& clock,
                   directory::LoginGuard* guard = nullptr);

}  // namespace postrider::admin
