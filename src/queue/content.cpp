#include "queue/content.hpp"

#include <optional>
#include <ranges>
#include <utility>
#include <variant>

#include "base/ascii.hpp"

namespace postrider::queue {
namespace {

class EditedContent final : public Content {
 public:
  EditedContent(store::Spool& spool, base::MessageId id) : spool_(spool), id_(id), fresh_(spool.fresh(id)) {}

  bool is_in_memory() const override { return fresh_ != nullptr; }

  base::Result<std::string> next() override {
    if (fresh_) return next_fresh();
    if (!reader_) {
      auto edits = spool_.edits(id_);
      if (!edits) return std::unexpected(std::move(edits.error()));
      applier_.emplace(std::move(*edits));
      reader_.emplace(spool_.read(id_));
    }
    while (!ended_) {
      auto piece = reader_->next();
      if (!piece) return piece;
      ended_ = piece->empty();
      std::string out = ended_ ? applier_->finish() : applier_->feed(*piece);
      if (!out.empty()) return out;
    }
    return std::string();
  }

 private:
  // All at once.
  std::string next_fresh() {
    if (std::exchange(ended_, true)) return {};
    EditApplier applier(fresh_->edits);
    std::string out = applier.feed(fresh_->body);
    out += applier.finish();
    return out;
  }

  store::Spool& spool_;
  base::MessageId id_;
  const std::shared_ptr<const store::FreshMessage> fresh_;
  std::optional<EditApplier> applier_;
  std::optional<store::MessageReader> reader_;
  bool ended_ = false;
};

}  // namespace

EditApplier::EditApplier(mail::Edits edits) : edits_(std::move(edits)) {
  for (const mail::Edit& edit : edits_) {
    if (const auto* replace = std::get_if<mail::ReplaceBody>(&edit)) new_body_ = &replace->body;
    if (!std::holds_alternative<mail::PrependField>(edit)) edits_header_ = true;
  }
}

std::string EditApplier::feed(std::string_view piece) {
  std::string out;
  out.reserve(piece.size() + 1024);
  if (place_ == Place::top) {
    for (const mail::Edit& edit : std::views::reverse(edits_))
      if (const auto* prepend = std::get_if<mail::PrependField>(&edit)) out += prepend->field;
    // With nothing but fields on top there is no need to look at the rest.
    place_ = edits_header_ ? Place::line_start : Place::body;
  }
  while (!piece.empty() && place_ != Place::body) feed_header(piece, out);
  if (!skipping_) out += piece;
  return out;
}

std::string EditApplier::finish() {
  std::string out = feed({});
  if (place_ == Place::empty_line) {  // the message ends in a lone CR at the start of a line
    begin_field(out);
    if (!skipping_) out += '\r';
  }
  if (place_ != Place::body && new_body_) {
    if (place_ != Place::line_start && !skipping_) out += "\r\n";
    out += "\r\n";
    begin_body(out);
  }
  return out;
}

void EditApplier::feed_header(std::string_view& piece, std::string& out) {
  if (place_ == Place::line_start) return start_line(piece, out);
  if (place_ != Place::empty_line) return copy_line(piece, out);
  if (piece.front() == '\n') {
    piece.remove_prefix(1);
    out += "\r\n";
    begin_body(out);
    return;
  }
  begin_field(out);
  if (!skipping_) out += '\r';
  place_ = Place::line_cr;
}

void EditApplier::start_line(std::string_view& piece, std::string& out) {
  if (piece.front() == '\r') {
    piece.remove_prefix(1);
    place_ = Place::empty_line;
    return;
  }
  if (fields_ == 0 || !base::is_wsp(piece.front())) begin_field(out);
  place_ = Place::line;
}

void EditApplier::copy_line(std::string_view& piece, std::string& out) {
  std::size_t taken = 0;
  if (place_ == Place::line_cr && piece.front() == '\n') {
    taken = 1;
    place_ = Place::line_start;
  } else if (const auto end = piece.find("\r\n"); end != std::string_view::npos) {
    taken = end + 2;
    place_ = Place::line_start;
  } else {
    taken = piece.size();
    place_ = piece.back() == '\r' ? Place::line_cr : Place::line;
  }
  if (!skipping_) out += piece.substr(0, taken);
  piece.remove_prefix(taken);
}

void EditApplier::begin_field(std::string& out) {
  const std::uint32_t index = fields_++;
  const mail::Edit* last = nullptr;
  for (const mail::Edit& edit : edits_) {
    const auto* change = std::get_if<mail::ChangeField>(&edit);
    const auto* remove = std::get_if<mail::RemoveField>(&edit);
    if ((change && change->index == index) || (remove && remove->index == index)) last = &edit;
  }
  skipping_ = last != nullptr;
  if (last && std::holds_alternative<mail::ChangeField>(*last))
    out += std::get<mail::ChangeField>(*last).field;
}

void EditApplier::begin_body(std::string& out) {
  place_ = Place::body;
  skipping_ = new_body_ != nullptr;
  if (new_body_) out += *new_body_;
}

std::string edited_header(std::string_view header, mail::Edits edits) {
  std::erase_if(edits, [](const auto& edit) { return std::holds_alternative<mail::ReplaceBody>(edit); });
  EditApplier applier(std::move(edits));
  std::string out = applier.feed(header);
  out += applier.finish();
  return out;
}

std::unique_ptr<Content> open_content(store::Spool& spool, base::MessageId id) {
  return std::make_unique<EditedContent>(spool, id);
}

}  // namespace postrider::queue
