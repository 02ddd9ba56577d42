// From events as they are noted to a batch in the order in which the file takes it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "store/address_hash.hpp"
#include "store/timeline.hpp"
#include "store/timeline_file.hpp"

namespace postrider::store {

// Appends the event as a frame of this process's own; any thread.
void append_frame(std::string& frames, const Event& event, const HashKey& key);

// Keeps its memory from batch to batch. One thread.
class TimelineSorter {
 public:
  // What it gives points into the sorter and is good until the next call. `frames` holds whole frames.
  TimelineBatch sort(std::string_view frames);
  // Of the last batch.
  std::size_t events() const { return pieces_.size(); }

 private:
  struct Piece {
    base::MessageId message;
    std::string_view event;
  };
  std::vector<Piece> pieces_;
  std::vector<AddressEntry> entries_;
  std::vector<TimelineRow> rows_;
  std::string events_;
};

}  // namespace postrider::store
