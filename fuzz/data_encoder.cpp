// Any message, cut into pieces anyhow: what the encoder writes, the decoder reads back, with a line end more where the
// message ended within a line, and the end of the data is where the encoder put it. The first octet seeds the pieces.
#include "wire/smtp/data_encoder.hpp"

#include <string>

#include "wire/smtp/data_decoder.hpp"

using namespace postrider::wire::smtp;

namespace {

void require(bool ok) {
  if (!ok) __builtin_trap();
}

template <class NextSize>
std::string encode(std::string_view message, NextSize next_size) {
  DataEncoder encoder;
  std::string out;
  while (!message.empty()) {
    const auto piece = message.substr(0, next_size());
    out += encoder.feed(std::string(piece));
    message.remove_prefix(piece.size());
  }
  return out.append(encoder.finish());
}

std::string decode(std::string_view wire) {
  DataDecoder decoder;
  std::string message;
  for (Step step; !step.ended; wire.remove_prefix(step.consumed)) {
    require(!wire.empty());
    step = decoder.step(wire);
    message += step.content;
  }
  require(wire.empty());
  return message;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const std::string message(reinterpret_cast<const char*>(data) + 1, size - 1);
  const std::string wire = encode(message, [] { return std::string_view::npos; });
  std::uint32_t state = data[0];
  require(encode(message, [] { return 1; }) == wire);
  require(encode(message, [&] { return 1 + (state = state * 1664525 + 1013904223) / 65536 % 150; }) == wire);
  const bool whole_lines = message.empty() || message.ends_with("\r\n");
  require(decode(wire) == message + (whole_lines ? "" : "\r\n"));
  return 0;
}
