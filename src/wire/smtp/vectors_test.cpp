// Inputs that others found worth feeding to a mail server, through every parser of this folder: none may
// crash, and what is accepted must be written so that it is read back the same.
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <variant>
#include <vector>

#include "mail/address.hpp"
#include "wire/proxy/proxy_header.hpp"
#include "wire/smtp/command.hpp"
#include "wire/smtp/data_decoder.hpp"
#include "wire/smtp/line_splitter.hpp"
#include "wire/smtp/reply.hpp"

namespace postrider::wire::smtp {
namespace {

namespace fs = std::filesystem;

fs::path vectors() {
  const char* folder = std::getenv("POSTRIDER_VECTORS");
  return folder ? fs::path(folder) : fs::path(POSTRIDER_SOURCE_DIR) / "../shared/vectors";
}

// A Go string literal's content: the escapes that the corpus files use.
std::string unescape(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\\' || i + 1 == text.size()) {
      out += text[i];
      continue;
    }
    switch (const char c = text[++i]) {
      case 'n':
        out += '\n';
        break;
      case 'r':
        out += '\r';
        break;
      case 't':
        out += '\t';
        break;
      case 'x':
        out += static_cast<char>(std::stoi(std::string(text.substr(i + 1, 2)), nullptr, 16));
        i += 2;
        break;
      default:
        out += c;
    }
  }
  return out;
}

// The texts of a file in the format "go test fuzz v1": one Go value a line, of which strings and octets are
// taken.
std::vector<std::string> read_corpus_file(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  std::vector<std::string> texts;
  for (std::string line; std::getline(in, line);) {
    const auto open = line.find("(\"");
    const auto close = line.rfind("\")");
    if (open == std::string::npos || close == std::string::npos) continue;
    texts.push_back(unescape(std::string_view(line).substr(open + 2, close - open - 2)));
  }
  return texts;
}

std::vector<std::string> corpus(const fs::path& folder) {
  std::vector<std::string> texts;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    if (!entry.is_regular_file()) continue;
    auto some = read_corpus_file(entry.path());
    EXPECT_FALSE(some.empty()) << entry.path();
    texts.insert(texts.end(), some.begin(), some.end());
  }
  return texts;
}

void feed_addresses(const std::string& text) {
  if (const auto domain = mail::Domain::parse(text)) {
    EXPECT_EQ(mail::Domain::parse(domain->ascii()), *domain) << text;
    EXPECT_EQ(mail::Domain::parse(domain->text()), *domain) << text;
  }
  const auto address = mail::Address::parse(text);
  if (address) EXPECT_EQ(mail::Address::parse(address->to_string()), *address) << text;
}

void feed_line(std::string_view line) {
  for (const bool smtputf8 : {false, true}) {
    const auto command = parse_command(line, {.extensions = true, .smtputf8 = smtputf8});
    if (command) continue;
    EXPECT_GE(command.error().code, 500) << line;
    std::string out;
    encode(command.error(), out);
    EXPECT_EQ(next_line(out, 512).result, LineResult::line) << out;
  }
  ReplyParser parser;
  parser.feed(line);
}

void feed_connection(const std::string& text) {
  std::string_view rest = text;
  while (!rest.empty()) {
    const auto line = next_line(rest, kMaxCommandLine);
    if (line.result == LineResult::need_more) break;
    ASSERT_GT(line.consumed, 0u);
    feed_line(line.text);
    rest.remove_prefix(line.consumed);
  }
  DataDecoder decoder;
  for (rest = text; !rest.empty();) {
    const auto step = decoder.step(rest);
    rest.remove_prefix(step.consumed);
    if (step.ended) break;
  }
  proxy::parse_header(text);
}

TEST(SmtpVectors, OfAddressesDoNoHarm) {
  const auto folder = vectors() / "fuzz-chasquid/normalize";
  if (!fs::exists(folder)) GTEST_SKIP() << "vectors missing: fuzz-chasquid";
  const auto texts = corpus(folder);
  EXPECT_EQ(texts.size(), 20u);
  for (const auto& text : texts) {
    feed_addresses(text);
    feed_addresses("a@" + text);
    feed_addresses(text + "@b");
    feed_line("MAIL FROM:<" + text + "> SMTPUTF8");
  }
}

TEST(SmtpVectors, OfConnectionsDoNoHarm) {
  const auto folder = vectors() / "fuzz-chasquid/smtpsrv";
  if (!fs::exists(folder)) GTEST_SKIP() << "vectors missing: fuzz-chasquid";
  const auto texts = corpus(folder);
  EXPECT_EQ(texts.size(), 11u);
  for (const auto& text : texts) feed_connection(text);
}

}  // namespace
}  // namespace postrider::wire::smtp
