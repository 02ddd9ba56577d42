#include "store/record.hpp"

namespace postrider::store {

void put_varint(std::string& out, std::uint64_t value) {
  for (; value >= 0x80; value >>= 7) out += static_cast<char>(value | 0x80u);
  out += static_cast<char>(value);
}

std::optional<std::uint64_t> take_varint(std::string_view& bytes) {
  std::uint64_t value = 0;
  for (int shift = 0; shift < 64 && !bytes.empty(); shift += 7) {
    const auto byte = static_cast<std::uint8_t>(bytes.front());
    bytes.remove_prefix(1);
    // The tenth byte has room for one bit; more would be lost.
    if (shift == 63 && byte > 1) return {};
    value |= static_cast<std::uint64_t>(byte & 0x7Fu) << shift;
    if (byte < 0x80) return value;
  }
  return {};
}

FieldWriter FieldWriter::record(std::size_t size) {
  FieldWriter writer;
  writer.out_.reserve(size);
  writer.out_ += static_cast<char>(kRecordVersion);
  return writer;
}

std::size_t FieldWriter::open(std::uint64_t tag) {
  put_varint(out_, tag);
  return out_.size();
}

void FieldWriter::close(std::size_t begin) {
  std::string length;
  put_varint(length, out_.size() - begin);
  out_.insert(begin, length);
}

void FieldWriter::bytes(std::uint64_t tag, std::string_view value) {
  put_varint(out_, tag);
  put_varint(out_, value.size());
  out_ += value;
}

void FieldWriter::number(std::uint64_t tag, std::uint64_t value) {
  if (value == 0) return;
  std::string digits;
  put_varint(digits, value);
  bytes(tag, digits);
}

void FieldWriter::signed_number(std::uint64_t tag, std::int64_t value) {
  number(tag, (static_cast<std::uint64_t>(value) << 1) ^ static_cast<std::uint64_t>(value >> 63));
}

void FieldWriter::time(std::uint64_t tag, base::UtcTime value) {
  const std::int64_t count = value.time_since_epoch().count();
  if (count == 0) return bytes(tag, std::string_view("\0", 1));
  signed_number(tag, count);
}

std::optional<FieldReader> FieldReader::record(std::string_view bytes) {
  if (bytes.empty() || static_cast<std::uint8_t>(bytes.front()) != kRecordVersion) return {};
  return FieldReader(bytes.substr(1));
}

bool FieldReader::next() {
  if (!ok_ || rest_.empty()) return false;
  const std::string_view start = rest_;
  const auto tag = take_varint(rest_);
  const auto length = tag ? take_varint(rest_) : std::nullopt;
  if (!length || *length > rest_.size()) {
    ok_ = false;
    return false;
  }
  tag_ = *tag;
  value_ = rest_.substr(0, *length);
  rest_.remove_prefix(*length);
  raw_ = start.substr(0, start.size() - rest_.size());
  return true;
}

std::uint64_t FieldReader::number(std::uint64_t max) {
  std::string_view digits = value_;
  const auto value = take_varint(digits);
  if (!value || !digits.empty() || *value > max) {
    ok_ = false;
    return 0;
  }
  return *value;
}

std::int64_t FieldReader::signed_number() {
  const std::uint64_t value = number();
  return static_cast<std::int64_t>(value >> 1) ^ -static_cast<std::int64_t>(value & 1);
}

}  // namespace postrider::store
