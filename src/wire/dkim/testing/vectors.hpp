// Test vectors that others wrote. Only for tests: it has the path of the sources from CMake.
#pragma once

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>

namespace postrider::wire::dkim::testing {

// "$POSTRIDER_VECTORS/NAME", else beside the checkout.
inline std::string vectors(std::string_view name) {
  const char* folder = std::getenv("POSTRIDER_VECTORS");
  const std::string beside = POSTRIDER_SOURCE_DIR "/../shared/vectors";
  return (folder ? std::string(folder) : beside) + '/' + std::string(name);
}

inline std::string read_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

}  // namespace postrider::wire::dkim::testing
