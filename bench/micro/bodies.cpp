#include "bodies.hpp"

#include <string_view>

#include "wire/smtp/data_encoder.hpp"

namespace postrider::bench {
namespace {

std::string repeat(std::string_view line, std::size_t size) {
  std::string body;
  body.reserve(size + line.size());
  while (body.size() < size) body += line;
  body.resize(size - 2);
  if (body.ends_with('\r')) body.back() = 'x';
  return body += "\r\n";
}

}  // namespace

std::string lines_of_76(std::size_t size) {
  return repeat("The quick brown fox jumps over the lazy dog. Pack my box with five dozen jug\r\n", size);
}

std::string dot_lines(std::size_t size) {
  return repeat(".The quick brown fox jumps over the lazy dog. Pack my box with five dozen ju\r\n", size);
}

std::string long_line(std::size_t size) { return std::string(size - 2, 'x') + "\r\n"; }

std::string as_data(const std::string& body) {
  wire::smtp::DataEncoder encoder;
  std::string data = encoder.feed(body);
  data += encoder.finish();
  return data;
}

}  // namespace postrider::bench
