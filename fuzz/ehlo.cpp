// A server's reply to EHLO: any reply that the parser takes is read, and a keyword more changes nothing but its own
// member.
#include <algorithm>
#include <string>

#include "wire/smtp/extensions.hpp"
#include "wire/smtp/reply.hpp"

using namespace postrider;
using namespace postrider::wire::smtp;

namespace {

void require(bool ok) {
  if (!ok) __builtin_trap();
}

void check(const mail::Reply& reply) {
  auto expected = read_extensions(reply);
  require(!expected.most || (expected.size && *expected.most > 0));
  mail::Reply more = reply;
  more.text += "\ndsn";
  expected.dsn = true;
  require(read_extensions(more) == expected);
  more.text += "\nSIZE 1000\nX-UNKNOWN";
  expected.size = true;
  expected.most = 1000;
  require(read_extensions(more) == expected);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  check(mail::plain_reply(250, std::string(text)));
  ReplyParser parser;
  for (std::size_t begin = 0; begin < text.size();) {
    const auto end = std::min(text.find('\n', begin), text.size());
    if (parser.feed(text.substr(begin, end - begin))) check(parser.take());
    begin = end + 1;
  }
  return 0;
}
