#include "wire/mime/charset.hpp"

#include <iconv.h>

#include <algorithm>
#include <array>

#include "base/ascii.hpp"

namespace postrider::wire::mime {
namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";

struct Charset {
  std::string_view label;  // lower case
  const char* converter;   // the C library's name of it, or of what includes it and is written in its place
};

constexpr auto kCharsets = std::to_array<Charset>({
    {"big5", "BIG5-HKSCS"},
    {"big5-hkscs", "BIG5-HKSCS"},
    {"cp1250", "CP1250"},
    {"cp1251", "CP1251"},
    {"cp1252", "CP1252"},
    {"cp437", "CP437"},
    {"cp850", "CP850"},
    {"cp866", "CP866"},
    {"cp932", "CP932"},
    {"cp936", "GB18030"},
    {"cp949", "CP949"},
    {"euc-jp", "EUC-JP"},
    {"euc-kr", "CP949"},
    {"gb18030", "GB18030"},
    {"gb2312", "GB18030"},
    {"gbk", "GB18030"},
    {"ibm437", "CP437"},
    {"ibm850", "CP850"},
    {"ibm866", "CP866"},
    {"iso-2022-jp", "ISO-2022-JP"},
    {"iso-8859-10", "ISO-8859-10"},
    {"iso-8859-11", "ISO-8859-11"},
    {"iso-8859-13", "ISO-8859-13"},
    {"iso-8859-14", "ISO-8859-14"},
    {"iso-8859-15", "ISO-8859-15"},
    {"iso-8859-16", "ISO-8859-16"},
    {"iso-8859-2", "ISO-8859-2"},
    {"iso-8859-3", "ISO-8859-3"},
    {"iso-8859-4", "ISO-8859-4"},
    {"iso-8859-5", "ISO-8859-5"},
    {"iso-8859-6", "ISO-8859-6"},
    {"iso-8859-7", "ISO-8859-7"},
    {"iso-8859-8", "ISO-8859-8"},
    {"iso-8859-8-i", "ISO-8859-8"},
    {"iso-8859-9", "ISO-8859-9"},
    {"koi8-r", "KOI8-R"},
    {"koi8-u", "KOI8-U"},
    {"ks_c_5601-1987", "CP949"},
    {"macintosh", "MACINTOSH"},
    {"shift_jis", "CP932"},
    {"tis-620", "TIS-620"},
    {"windows-1250", "CP1250"},
    {"windows-1251", "CP1251"},
    {"windows-1252", "CP1252"},
    {"windows-1253", "CP1253"},
    {"windows-1254", "CP1254"},
    {"windows-1255", "CP1255"},
    {"windows-1256", "CP1256"},
    {"windows-1257", "CP1257"},
    {"windows-1258", "CP1258"},
    {"windows-31j", "CP932"},
    {"windows-874", "CP874"},
});

std::string latin1_to_utf8(std::string_view bytes) {
  std::string out;
  out.reserve(bytes.size());
  for (char c : bytes) {
    const auto u = static_cast<unsigned char>(c);
    if (u < 128) {
      out.push_back(c);
    } else {
      out.push_back(static_cast<char>(0xC0 | (u >> 6)));
      out.push_back(static_cast<char>(0x80 | (u & 0x3F)));
    }
  }
  return out;
}

// One conversion descriptor, closed with its scope.
class Converter {
 public:
  explicit Converter(const char* from) : handle_(iconv_open("UTF-8", from)) {}
  ~Converter() {
    if (usable()) iconv_close(handle_);
  }
  Converter(const Converter&) = delete;
  Converter& operator=(const Converter&) = delete;

  bool usable() const { return handle_ != reinterpret_cast<iconv_t>(-1); }

  std::string convert(std::string bytes) {
    std::string out;
    char* in = bytes.data();
    std::size_t left = bytes.size();
    while (left > 0) {
      const std::size_t left_before = left;
      const std::size_t size_before = out.size();
      step(&in, &left, out);
      if (left != left_before || out.size() != size_before) continue;
      out += kReplacement;
      ++in;
      --left;
    }
    step(nullptr, nullptr, out);  // what a stateful charset held back
    return out;
  }

 private:
  // Goes on until the buffer is full or something can't be converted.
  void step(char** in, std::size_t* left, std::string& out) {
    std::array<char, 1024> buffer;
    char* to = buffer.data();
    std::size_t room = buffer.size();
    iconv(handle_, in, left, &to, &room);
    out.append(buffer.data(), buffer.size() - room);
  }

  iconv_t handle_;
};

// The size of the UTF-8 character that `text` starts with, or 0 where it starts with none.
std::size_t character_size(std::string_view text) {
  const auto lead = static_cast<unsigned char>(text[0]);
  const std::size_t size = lead < 0x80 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
  return size <= text.size() && base::is_utf8(text.substr(0, size)) ? size : 0;
}

}  // namespace

std::optional<std::string> to_utf8(std::string_view bytes, std::string_view charset) {
  const std::string label = base::lower(charset);
  if (label == "utf-8" || label == "utf8" || label == "us-ascii" || label == "ascii")
    return repair_utf8(bytes);
  if (label == "iso-8859-1" || label == "latin1") return latin1_to_utf8(bytes);
  const auto* known = std::ranges::find(kCharsets, label, &Charset::label);
  if (known == kCharsets.end()) return std::nullopt;
  Converter converter(known->converter);
  if (!converter.usable()) return std::nullopt;
  return repair_utf8(converter.convert(std::string(bytes)));
}

std::string repair_utf8(std::string_view text) {
  if (base::is_utf8(text)) return std::string(text);
  std::string out;
  while (!text.empty()) {
    const std::size_t size = character_size(text);
    out += size > 0 ? text.substr(0, size) : kReplacement;
    text.remove_prefix(std::max<std::size_t>(size, 1));
  }
  return out;
}

std::string without_controls(std::string text) {
  for (char& c : text) {
    if ((c >= 0 && c < 32 && c != '\t') || c == 127) c = ' ';
  }
  return text;
}

}  // namespace postrider::wire::mime
