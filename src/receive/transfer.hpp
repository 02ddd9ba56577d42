// The content of one message on its way from the wire into the draft: decoded, checked, bounded.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string_view>

#include "config/config.hpp"
#include "mail/reply.hpp"
#include "queue/queue.hpp"
#include "wire/dkim/body_hasher.hpp"
#include "wire/mime/header_fields.hpp"
#include "wire/smtp/data_decoder.hpp"
#include "wire/smtp/line_repair.hpp"

namespace postrider::receive {

// What becomes of a CR or LF that is not half of a CRLF.
enum class LineEnds : bool { strict, repaired };

// One thread at a time.
class Transfer {
 public:
  Transfer(const config::Limits& limits, queue::Draft draft, LineEnds line_ends = LineEnds::strict);
  Transfer(const Transfer&) = delete;
  Transfer& operator=(const Transfer&) = delete;

  // The body is hashed while it streams by, as it is kept (with repaired line ends), never a second time. Who wants a hash says
  // so before the body begins: right after the construction, or when the header section is there.
  //   const auto number = transfer.bodies().want({.canonicalization = wire::dkim::Canonicalization::relaxed});
  //   … at the end of the data, where refusal() is nothing: transfer.bodies().hash(number).digest
  wire::dkim::BodyHasher& bodies() { return bodies_; }
  // `begin` is called once, when the header section is complete and before the body is hashed. Never for content that is
  // refused before. The view lives as long as the transfer.
  void when_header(std::move_only_function<void(std::string_view header)> begin) {
    when_header_ = std::move(begin);
  }

  // What our own signatures are made of is to be kept. Before the body begins.
  void want_signatures() { relaxed_ = bodies_.want({wire::dkim::Canonicalization::relaxed, {}}); }

  // DATA: takes octets of the input; how many it consumed, and whether the content has ended. Stops early when the
  // draft wants a flush.
  struct Taken {
    std::size_t consumed = 0;
    bool ended = false;
  };
  Taken take_data(std::string_view input);
  // BDAT: the next octets of a chunk. Consumes all.
  void take_chunk(std::string_view input);
  // BDAT LAST was read whole.
  void finish_chunks();

  // The draft can't be written any more: the rest is read and dropped, and this is the answer at its end.
  void give_up(mail::Reply why);

  bool wants_flush() const { return !refused_ && draft_.wants_flush(); }
  queue::Draft& draft() { return draft_; }
  queue::Draft release() { return std::move(draft_); }

  // Octets of content so far, also of what is no longer kept.
  std::uint64_t size() const { return size_; }
  // The header section, once the content has ended.
  std::string_view header() const { return header_.header(); }
  // For Queue::accept, where refusal() is nothing; lives as long as the transfer. Nothing: where the body begins is read in two ways.
  std::optional<queue::ContentFacts> facts() const;
  // What is wrong with the content, where anything is: 554 5.6.0, 552 5.3.4. Asked at the end of the data.
  std::optional<mail::Reply> refusal() const;
  // So much more than the limit that reading on makes no sense: answer and close.
  bool hopeless() const { return size_ > 2 * limits_.message_size + kSlack; }

 private:
  void keep(std::string_view content, wire::smtp::LineRepair::From from);
  void store(std::string_view content);
  void hash(std::string_view content, std::uint64_t at);
  void finish();
  wire::smtp::ContentFault fault() const;

  static constexpr std::uint64_t kSlack = 1u << 20;
  config::Limits limits_;
  wire::smtp::DataDecoder dots_;
  wire::smtp::ChunkDecoder chunks_;
  std::optional<wire::smtp::LineRepair> repair_;
  std::string repaired_;  // of one piece
  wire::mime::HeaderCollector header_;
  std::move_only_function<void(std::string_view)> when_header_;
  wire::dkim::BodyHasher bodies_;
  std::optional<std::size_t> relaxed_;  // the number of the hash that our own signatures need
  bool in_body_ = false;                // its beginning has been hashed
  queue::Draft draft_;
  std::uint64_t size_ = 0;
  bool refused_ = false;  // nothing is kept any more
  std::optional<mail::Reply> given_up_;
};

}  // namespace postrider::receive
