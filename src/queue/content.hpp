// A message as it goes out: the bytes as received, with its edits applied while they stream by.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/id.hpp"
#include "mail/edit.hpp"
#include "queue/courier.hpp"
#include "store/spool.hpp"

namespace postrider::queue {

// Applies edits to a message that comes in pieces. What comes out does not depend on where the pieces are cut.
// Holds no bytes of the message but a single CR; memory is that of the edits.
//
// The header section ends at the first empty line; a message without one is all header. A field is a line that
// does not begin with a space or tab, and those after it that do (RFC 5322 2.2.3); the first line is always a
// field, whatever it holds. Lines end with CRLF. Edits of fields that are not there do nothing; of several
// edits of one field, or of the body, the last one counts. Used by one thread at a time.
class EditApplier {
 public:
  explicit EditApplier(mail::Edits edits);
  EditApplier(const EditApplier&) = delete;
  EditApplier& operator=(const EditApplier&) = delete;
  // What the piece becomes. At most the piece, one octet, and the edits it meets.
  std::string feed(std::string_view piece);
  // The rest, after the last piece. Once.
  std::string finish();

 private:
  enum class Place : std::uint8_t { top, line_start, empty_line, line, line_cr, body };
  void feed_header(std::string_view& piece, std::string& out);
  void start_line(std::string_view& piece, std::string& out);
  void copy_line(std::string_view& piece, std::string& out);
  void begin_field(std::string& out);
  void begin_body(std::string& out);

  mail::Edits edits_;
  const std::string* new_body_ = nullptr;
  bool edits_header_ = false;
  Place place_ = Place::top;
  std::uint32_t fields_ = 0;  // begun so far
  bool skipping_ = false;     // the present field (or the body) is changed or removed
};

// What the edits make of a header section, with what they put on top of it; without the blank line. Edits of the body are left out.
std::string edited_header(std::string_view header, mail::Edits edits);

// A reader of the spool's message with its edits. Opening does nothing yet: reading happens in next(). The
// spool outlives it.
std::unique_ptr<Content> open_content(store::Spool& spool, base::MessageId id);

}  // namespace postrider::queue
