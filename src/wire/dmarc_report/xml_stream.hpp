// XML from strangers as a stream of elements with text, within bounds. Expat, without anything that it could expand or fetch.
#pragma once

#include <expat.h>

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace postrider::wire::dmarc_report {

struct XmlBounds {
  std::size_t octets, depth, token, text;
};

// One document. One thread at a time.
class XmlStream {
 public:
  struct Handlers {
    // Of elements in the root's namespace, by their path: "feedback/record/row". Elements below one of another namespace are
    // never told of.
    std::function<void(std::string_view path)> begin;
    // With its own text: not that of elements in it, at most bounds.text octets, trimmed. May call refuse().
    std::function<void(std::string_view path, std::string text)> end;
  };
  XmlStream(XmlBounds bounds, Handlers handlers);
  XmlStream(const XmlStream&) = delete;
  XmlStream& operator=(const XmlStream&) = delete;

  // False: refused.
  bool feed(std::string_view piece);
  bool finish();
  // The first reason stays.
  void refuse(std::string why);
  const std::string& why() const { return why_; }

 private:
  struct Free {
    void operator()(XML_Parser parser) const { XML_ParserFree(parser); }
  };
  static void XMLCALL on_start(void* self, const XML_Char* name, const XML_Char** attributes);
  static void XMLCALL on_end(void* self, const XML_Char* name);
  static void XMLCALL on_text(void* self, const XML_Char* text, int size);
  static void XMLCALL on_doctype(void* self, const XML_Char* name, const XML_Char* system,
                                 const XML_Char* publics, int internal);
  static int XMLCALL on_encoding(void* self, const XML_Char* name, XML_Encoding* encoding);
  bool parse(std::string_view piece, bool last);
  void start(std::string_view name);
  void end();

  const XmlBounds bounds_;
  const Handlers handlers_;
  std::unique_ptr<XML_ParserStruct, Free> parser_;
  std::string why_;
  std::string path_, text_, space_;
  bool has_root_ = false;
  std::size_t depth_ = 0;
  std::size_t foreign_ = 0;  // of these, from one of another namespace on
  std::size_t fed_ = 0;
};

}  // namespace postrider::wire::dmarc_report
