#include "store/edits_record.hpp"

#include "store/record.hpp"

namespace postrider::store {
namespace {

enum Tag : std::uint64_t {
  kPrependField = 1,
  kChangeField = 2,
  kRemoveField = 3,
  kReplaceBody = 4,
  kFirstOptional = 64,  // below it each tag is an edit, which must be understood
};

struct Encoder {
  FieldWriter& out;

  void operator()(const mail::PrependField& edit) { out.bytes(kPrependField, edit.field); }
  void operator()(const mail::ChangeField& edit) {
    std::string value;
    put_varint(value, edit.index);
    value += edit.field;
    out.bytes(kChangeField, value);
  }
  void operator()(const mail::RemoveField& edit) {
    std::string value;
    put_varint(value, edit.index);
    out.bytes(kRemoveField, value);
  }
  void operator()(const mail::ReplaceBody& edit) { out.bytes(kReplaceBody, edit.body); }
};

std::optional<std::uint32_t> take_index(std::string_view& bytes) {
  const auto index = take_varint(bytes);
  if (!index || *index > UINT32_MAX) return {};
  return static_cast<std::uint32_t>(*index);
}

std::optional<mail::Edit> decode_edit(std::uint64_t tag, std::string_view value) {
  switch (tag) {
    case kPrependField:
      return mail::PrependField{std::string(value)};
    case kReplaceBody:
      return mail::ReplaceBody{std::string(value)};
    case kChangeField: {
      const auto index = take_index(value);
      if (!index) return {};
      return mail::ChangeField{*index, std::string(value)};
    }
    case kRemoveField: {
      const auto index = take_index(value);
      if (!index || !value.empty()) return {};
      return mail::RemoveField{*index};
    }
    default:
      return {};
  }
}

}  // namespace

std::string encode(const EditsRecord& record) {
  FieldWriter out = FieldWriter::record();
  for (const mail::Edit& edit : record.edits) std::visit(Encoder{out}, edit);
  out.raw(record.unknown);
  return out.take();
}

std::optional<EditsRecord> decode_edits(std::string_view bytes) {
  auto in = FieldReader::record(bytes);
  if (!in) return {};
  EditsRecord record;
  while (in->next()) {
    if (in->tag() >= kFirstOptional) {
      record.unknown += in->raw();
      continue;
    }
    auto edit = decode_edit(in->tag(), in->bytes());
    if (!edit) return {};
    record.edits.push_back(std::move(*edit));
  }
  if (!in->ok()) return {};
  return record;
}

}  // namespace postrider::store
