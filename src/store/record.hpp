// Records as the spool keeps them: a version byte, then fields of tag, length and value.
// docs/spool-format.md has every tag. Pure; any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/time.hpp"

namespace postrider::store {

// The version that this binary writes and reads. It is raised only where an older binary would
// misunderstand a record; a new field needs no new version, for unknown tags are kept.
inline constexpr std::uint8_t kRecordVersion = 1;

// Little-endian base 128, at most 10 bytes.
void put_varint(std::string& out, std::uint64_t value);
// Takes a number from the front of `bytes`; nothing where it does not end, or is longer than 64 bits.
std::optional<std::uint64_t> take_varint(std::string_view& bytes);

// Builds the fields of a record. Fields that hold their default are not written, so that equal values have
// equal records.
class FieldWriter {
 public:
  // Starts with the version. `size` octets are made room for at once.
  static FieldWriter record(std::size_t size = 0);

  // What is written until close() is the value of this field, fields of its own. Returns what close() wants.
  std::size_t open(std::uint64_t tag);
  void close(std::size_t begin);

  void bytes(std::uint64_t tag, std::string_view value);  // written also when empty
  void text(std::uint64_t tag, std::string_view value) {
    if (!value.empty()) bytes(tag, value);
  }
  void number(std::uint64_t tag, std::uint64_t value);  // zero is not written
  // Zero is a time like any other, so it is written.
  void time(std::uint64_t tag, base::UtcTime value);
  void signed_number(std::uint64_t tag, std::int64_t value);  // zigzag; zero is not written
  // Fields that were kept as they came.
  void raw(std::string_view fields) { out_ += fields; }

  std::string take() { return std::move(out_); }

 private:
  std::string out_;
};

// Walks over fields. A damaged record never yields a field that reaches behind its end.
class FieldReader {
 public:
  // Nothing where the version is not one that this binary reads.
  static std::optional<FieldReader> record(std::string_view bytes);
  static FieldReader nested(std::string_view bytes) { return FieldReader(bytes); }

  // False at the end and at damage: then ok() tells which.
  bool next();
  bool ok() const { return ok_; }

  std::uint64_t tag() const { return tag_; }
  std::string_view bytes() const { return value_; }
  // The whole field as it stands, for FieldWriter::raw().
  std::string_view raw() const { return raw_; }

  // The value as a number of at most `max`; the record is damaged where it is not one.
  std::uint64_t number(std::uint64_t max = UINT64_MAX);
  std::int64_t signed_number();
  base::UtcTime time() { return base::UtcTime(base::Milliseconds(signed_number())); }
  void damaged() { ok_ = false; }

 private:
  explicit FieldReader(std::string_view bytes) : rest_(bytes) {}
  std::string_view rest_;
  std::string_view value_;
  std::string_view raw_;
  std::uint64_t tag_ = 0;
  bool ok_ = true;
};

}  // namespace postrider::store
