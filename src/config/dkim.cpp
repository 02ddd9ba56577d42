// [dkim]: how mail is signed that goes out in our name. [arc]: how that of others is sealed.
#include <algorithm>
#include <array>

#include "base/ascii.hpp"
#include "config/sections.hpp"

namespace postrider::config {
namespace {

constexpr std::size_t kMostHeaders = 20;

// Those that servers on the way add, change or take out. RFC 6376 5.4.1
constexpr std::array<std::string_view, 8> kChanging = {
    "received",       "return-path", "delivered-to", "authentication-results",
    "dkim-signature", "comments",    "keywords",     "bcc"};

Parsed<std::string> parse_field_name(std::string_view text) {
  constexpr std::size_t kMost = 70;  // with its colon on one line of the signature
  const auto is_good = [](char c) { return c > ' ' && c < 127 && c != ':' && c != ';'; };
  if (text.empty() || text.size() > kMost || !std::ranges::all_of(text, is_good))
    return std::unexpected(Problem{"\"" + std::string(text) + "\" is no name of a header field",
                                   "write it without a colon, such as \"Feedback-ID\""});
  if (std::ranges::find(kChanging, base::lower(text)) != kChanging.end() || base::istarts_with(text, "arc-"))
    return std::unexpected(
        Problem{std::string(text) + " changes on the way, and would break the signature", "take it out"});
  return std::string(text);
}

}  // namespace

void read_dkim(const Value& root, Config& config, Report& report) {
  Section section(table_of(root, "dkim", report), "dkim.", report);
  Dkim& dkim = config.dkim;
  section.read("sign", dkim.sign);
  section.read_list("except", dkim.except, parse_domain);
  section.read_list("headers", dkim.headers, parse_field_name);
  section.read("expire", dkim.expire);
  if (dkim.headers.size() > kMostHeaders)
    report.add(section.at("headers"), "more than 20 names", "sign what a reader sees; the rest is no use");
  Section(table_of(root, "arc", report), "arc.", report).read("seal", config.arc.seal);
  // It may wait as long for its next server, and must still be good there.
  if (dkim.expire > base::Milliseconds(0) && dkim.expire <= config.queue.expire)
    report.add(section.at("expire"),
               "a signature is over (" + show_duration(dkim.expire) + ") no later than mail expires (" +
                   show_duration(config.queue.expire) + ")",
               "make it longer than queue.expire, or \"0s\" for no end");
}

}  // namespace postrider::config
