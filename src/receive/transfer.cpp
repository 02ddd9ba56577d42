#include "receive/transfer.hpp"

#include <algorithm>

namespace postrider::receive {

using mail::reply;
using mail::Reply;
using wire::mime::HeaderCollector;
using wire::smtp::ContentFault;
using wire::smtp::LineRepair;

Transfer::Transfer(const config::Limits& limits, queue::Draft draft, LineEnds line_ends)
    : limits_(limits),
      dots_({.line = limits.line_length}),
      chunks_({.line = limits.line_length}),
      header_(limits.header_size),
      draft_(std::move(draft)) {
  if (line_ends == LineEnds::repaired) repair_.emplace(wire::smtp::DecoderLimits{.line = limits.line_length});
}

ContentFault Transfer::fault() const {
  const auto found = dots_.fault() != ContentFault::none ? dots_.fault() : chunks_.fault();
  if (!repair_) return found;
  return repair_->line_too_long() ? ContentFault::line_too_long : ContentFault::none;
}

void Transfer::keep(std::string_view content, LineRepair::From from) {
  if (!repair_) return store(content);
  repaired_.clear();
  repair_->feed(content, from, repaired_);
  store(repaired_);
}

void Transfer::store(std::string_view content) {
  const std::uint64_t at = size_;
  size_ += content.size();
  const auto state = header_.feed(content);
  refused_ = refused_ || size_ > limits_.message_size || state == HeaderCollector::State::too_large ||
             fault() != ContentFault::none;
  if (refused_) return;
  draft_.append(content);
  hash(content, at);
}

// `content` stands at octet `at` of the message.
void Transfer::hash(std::string_view content, std::uint64_t at) {
  if (header_.state() != HeaderCollector::State::complete) return;
  if (!in_body_) {
    in_body_ = true;
    if (when_header_) when_header_(header_.header());
    bodies_.feed(header_.body_begin());
    const std::uint64_t known = header_.body_offset() + header_.body_begin().size();
    content.remove_prefix(std::min<std::uint64_t>(known - std::min(at, known), content.size()));
  }
  bodies_.feed(content);
}

Transfer::Taken Transfer::take_data(std::string_view input) {
  Taken taken;
  while (taken.consumed < input.size() && !taken.ended && !wants_flush()) {
    const auto step = dots_.step(input.substr(taken.consumed));
    keep(step.content, LineRepair::From::data);
    taken.consumed += step.consumed;
    taken.ended = step.ended;
  }
  if (taken.ended) finish();
  return taken;
}

void Transfer::take_chunk(std::string_view input) {
  chunks_.feed(input);
  keep(input, LineRepair::From::bdat);
}

void Transfer::finish_chunks() {
  chunks_.finish();
  finish();
}

void Transfer::finish() {
  if (repair_) {
    repaired_.clear();
    repair_->finish(repaired_);
    store(repaired_);
  }
  header_.finish();
  if (refused_) return;
  hash({}, size_);
  bodies_.finish();
}

std::optional<queue::ContentFacts> Transfer::facts() const {
  if (header_.end() == wire::mime::HeaderEnd::malformed_line) return {};
  queue::ContentFacts facts{.header = header_.header()};
  if (relaxed_) facts.body_hash = bodies_.hash(*relaxed_).digest;
  return facts;
}

void Transfer::give_up(Reply why) {
  refused_ = true;
  given_up_ = std::move(why);
}

std::optional<Reply> Transfer::refusal() const {
  const auto fault = this->fault();
  // Line ends are CRLF and nothing else. RFC 5321 2.3.8, 4.1.1.4
  if (fault == ContentFault::bare_lf) return reply(554, 6, 0, "bare LF in the message: lines end with CRLF");
  if (fault == ContentFault::bare_cr) return reply(554, 6, 0, "bare CR in the message: lines end with CRLF");
  if (size_ > limits_.message_size) {
    // RFC 1870 6.3
    return reply(552, 3, 4,
                 "message too big: this server takes " + std::to_string(limits_.message_size) + " octets");
  }
  if (fault == ContentFault::line_too_long) {
    return reply(554, 6, 0, "a line has more than " + std::to_string(limits_.line_length) + " octets");
  }
  if (header_.state() == HeaderCollector::State::too_large) {
    return reply(554, 6, 0,
                 "the header section has more than " + std::to_string(limits_.header_size) + " octets");
  }
  // A body without any header is RFC 5321's business; half a header is nobody's.
  if (header_.end() == wire::mime::HeaderEnd::malformed_line && !header_.header().empty()) {
    return reply(554, 6, 0, "malformed header section: a line is neither a field nor a continuation");
  }
  return given_up_;
}

}  // namespace postrider::receive
