#include "wire/dmarc_report/xml_stream.hpp"

#include <algorithm>
#include <utility>

#include "base/ascii.hpp"
#include "wire/mime/charset.hpp"

namespace postrider::wire::dmarc_report {
namespace {

// Between a namespace and a name; neither can have it.
constexpr char kSeparator = '\x1F';
// A token grows by no more before its size is looked at.
constexpr std::size_t kPiece = 16u << 10;

bool is_space(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }

// The number of a character that is all of `text`; -1: it is none.
int code_point(std::string_view text) {
  if (text.empty()) return -1;
  const auto octet = [&](std::size_t at) { return static_cast<unsigned char>(text[at]); };
  if (octet(0) < 0x80) return text.size() == 1 ? octet(0) : -1;
  if (text.size() == 2) return (octet(0) & 0x1F) << 6 | (octet(1) & 0x3F);
  if (text.size() == 3) return (octet(0) & 0x0F) << 12 | (octet(1) & 0x3F) << 6 | (octet(2) & 0x3F);
  return -1;
}

}  // namespace

XmlStream::XmlStream(XmlBounds bounds, Handlers handlers)
    : bounds_(bounds), handlers_(std::move(handlers)), parser_(XML_ParserCreateNS(nullptr, kSeparator)) {
  XML_SetUserData(parser_.get(), this);
  XML_SetElementHandler(parser_.get(), on_start, on_end);
  XML_SetCharacterDataHandler(parser_.get(), on_text);
  XML_SetStartDoctypeDeclHandler(parser_.get(), on_doctype);
  XML_SetUnknownEncodingHandler(parser_.get(), on_encoding, nullptr);
}

void XmlStream::refuse(std::string why) {
  if (!why_.empty()) return;
  why_ = std::move(why);
  XML_StopParser(parser_.get(), XML_FALSE);
}

bool XmlStream::feed(std::string_view piece) {
  while (!piece.empty() && why_.empty()) {
    const std::string_view part = piece.substr(0, kPiece);
    piece.remove_prefix(part.size());
    fed_ += part.size();
    if (fed_ > bounds_.octets) {
      refuse("the XML is larger than " + std::to_string(bounds_.octets >> 20) + " MiB");
      break;
    }
    if (!parse(part, false)) break;
    // Expat looks at a token that is not complete anew with each piece.
    const auto done = XML_GetCurrentByteIndex(parser_.get());
    if (done >= 0 && fed_ - std::min(fed_, static_cast<std::size_t>(done)) > bounds_.token)
      refuse("a tag or comment is longer than " + std::to_string(bounds_.token) + " octets");
  }
  return why_.empty();
}

bool XmlStream::finish() { return why_.empty() && parse({}, true) && why_.empty(); }

bool XmlStream::parse(std::string_view piece, bool last) {
  if (XML_Parse(parser_.get(), piece.data(), static_cast<int>(piece.size()), last) != XML_STATUS_ERROR)
    return true;
  if (why_.empty())
    why_ = "no well-formed XML: " + std::string(XML_ErrorString(XML_GetErrorCode(parser_.get()))) +
           " in line " + std::to_string(XML_GetCurrentLineNumber(parser_.get()));
  return false;
}

void XMLCALL XmlStream::on_start(void* self, const XML_Char* name, const XML_Char**) {
  static_cast<XmlStream*>(self)->start(name);
}

void XMLCALL XmlStream::on_end(void* self, const XML_Char*) { static_cast<XmlStream*>(self)->end(); }

void XMLCALL XmlStream::on_doctype(void* self, const XML_Char*, const XML_Char*, const XML_Char*, int) {
  static_cast<XmlStream*>(self)->refuse("a document type declaration, which no report needs");
}

void XMLCALL XmlStream::on_text(void* self, const XML_Char* text, int size) {
  auto& stream = *static_cast<XmlStream*>(self);
  const std::size_t room = stream.bounds_.text - std::min(stream.bounds_.text, stream.text_.size());
  stream.text_.append(text, std::min(room, static_cast<std::size_t>(size)));
}

// windows-1252 and its like, of which a character of ASCII must be itself.
int XMLCALL XmlStream::on_encoding(void*, const XML_Char* name, XML_Encoding* encoding) {
  for (int octet = 0; octet < 256; ++octet) {
    const char c = static_cast<char>(octet);
    const auto text = mime::to_utf8(std::string_view(&c, 1), base::lower(name));
    if (!text) return XML_STATUS_ERROR;
    const int number = code_point(*text);
    if (octet < 128 && number != octet) return XML_STATUS_ERROR;
    encoding->map[octet] = number;
  }
  encoding->data = nullptr;
  encoding->convert = nullptr;
  encoding->release = nullptr;
  return XML_STATUS_OK;
}

void XmlStream::start(std::string_view name) {
  // Expat may call on after it was stopped, to the end of an empty element.
  if (!why_.empty()) return;
  if (++depth_ > bounds_.depth) return refuse("elements too deep within each other");
  const std::size_t separator = name.rfind(kSeparator);
  const std::string_view space = separator == name.npos ? std::string_view() : name.substr(0, separator);
  if (separator != name.npos) name.remove_prefix(separator + 1);
  if (!has_root_) {
    has_root_ = true;
    space_ = space;
  }
  if (foreign_ > 0 || space != space_) {
    ++foreign_;
    return;
  }
  if (!path_.empty()) path_ += '/';
  path_ += name;
  text_.clear();
  if (handlers_.begin) handlers_.begin(path_);
}

void XmlStream::end() {
  if (!why_.empty()) return;
  --depth_;
  if (foreign_ > 0) {
    --foreign_;
    return;
  }
  std::string_view text = text_;
  while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
  handlers_.end(path_, std::string(text));
  text_.clear();
  path_.resize(std::min(path_.size(), path_.rfind('/') == path_.npos ? 0 : path_.rfind('/')));
}

}  // namespace postrider::wire::dmarc_report
