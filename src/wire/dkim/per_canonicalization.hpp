// What is kept of a body for each of the two canonicalizations. RFC 6376 3.4
#pragma once

#include <array>
#include <memory>
#include <string_view>

#include "wire/dkim/canonicalization.hpp"

namespace postrider::wire::dkim {

// A Stream(Canonicalization) for each that is asked for, with feed(piece) and finish(results). It stays where it is.
template <class Stream>
class PerCanonicalization {
 public:
  Stream& of(Canonicalization canonicalization) {
    auto& stream = streams_[static_cast<std::size_t>(canonicalization)];
    if (!stream) stream = std::make_unique<Stream>(canonicalization);
    return *stream;
  }
  void feed(std::string_view piece) {
    for (const auto& stream : streams_)
      if (stream) stream->feed(piece);
  }
  template <class Results>
  void finish(Results& results) {
    for (const auto& stream : streams_)
      if (stream) stream->finish(results);
  }

 private:
  std::array<std::unique_ptr<Stream>, 2> streams_;
};

}  // namespace postrider::wire::dkim
