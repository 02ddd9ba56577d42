// One message that is read for several recipients.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "queue/courier.hpp"

namespace postrider::deliver {

// Readers of one message. A message that comes in one piece is read from its source once and kept (a piece is
// bounded by the source: 256 KiB and the edits); a longer one is read anew by each. One thread at a time; outlives
// its readers.
class SharedContent {
 public:
  using Open = std::function<std::unique_ptr<queue::Content>()>;

  SharedContent() = default;
  explicit SharedContent(Open source) : source_(std::move(source)) {}
  std::unique_ptr<queue::Content> open();

 private:
  Open source_;
  bool tried_ = false;
  std::optional<std::string> whole_;
};

}  // namespace postrider::deliver
