#include "wire/dmarc_report/archive.hpp"

#include <zlib.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <vector>

namespace postrider::wire::dmarc_report {
namespace {

using Take = std::function<bool(std::string_view)>;

constexpr std::size_t kPiece = 64u << 10;

std::unexpected<base::Failure> refuse(std::string why) { return base::permanent({5, 6, 0}, std::move(why)); }

std::uint32_t little(std::string_view bytes, std::size_t at, std::size_t size) {
  std::uint32_t out = 0;
  for (std::size_t i = 0; i < size; ++i)
    out |= static_cast<std::uint32_t>(static_cast<unsigned char>(bytes[at + i])) << (8 * i);
  return out;
}

// One deflate stream, or gzip member; what is behind it stays in `input`.
class Inflater {
 public:
  enum class Form : int { gzip = 15 + 16, raw = -15 };
  explicit Inflater(Form form) : buffer_(kPiece) {
    if (inflateInit2(&stream_, static_cast<int>(form)) != Z_OK) std::abort();  // no memory
  }
  ~Inflater() { inflateEnd(&stream_); }
  Inflater(const Inflater&) = delete;
  Inflater& operator=(const Inflater&) = delete;

  // True: to the end. False: `take` wants no more.
  base::Result<bool> run(std::string_view& input, const Take& take) {
    const std::size_t offered = input.size();
    stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(input.data()));
    stream_.avail_in = static_cast<uInt>(input.size());
    for (int code = Z_OK; code != Z_STREAM_END;) {
      stream_.next_out = buffer_.data();
      stream_.avail_out = static_cast<uInt>(buffer_.size());
      code = inflate(&stream_, Z_NO_FLUSH);
      if (code != Z_OK && code != Z_STREAM_END)
        return refuse(stream_.avail_in == 0 ? "the archive is cut off" : "the archive is damaged");
      const std::string_view out(reinterpret_cast<const char*>(buffer_.data()),
                                 buffer_.size() - stream_.avail_out);
      given_ += out.size();
      crc_ = crc32(crc_, buffer_.data(), static_cast<uInt>(out.size()));
      if (given_ > kFreeOctets && given_ / kMostRatio > offered - stream_.avail_in)
        return refuse("the archive expands to more than " + std::to_string(kMostRatio) + " times its size");
      if (!out.empty() && !take(out)) return false;
    }
    input.remove_prefix(offered - stream_.avail_in);
    return true;
  }
  std::uint32_t crc() const { return static_cast<std::uint32_t>(crc_); }

 private:
  z_stream stream_{};
  std::vector<Bytef> buffer_;
  std::size_t given_ = 0;
  uLong crc_ = crc32(0, nullptr, 0);
};

// Several members are one content. RFC 1952 2.2
base::Result<void> unpack_gzip(std::string_view packed, const Take& take) {
  for (std::size_t members = 0; packed.starts_with("\x1F\x8B"); ++members) {
    if (members == kMostEntries) return refuse("the archive has too many members");
    auto more = Inflater(Inflater::Form::gzip).run(packed, take);
    if (!more) return std::unexpected(std::move(more.error()));
    if (!*more) break;
  }
  return {};
}

// The header that stands before each file of a zip.
struct LocalHeader {
  static constexpr std::size_t kSize = 30;
  static constexpr std::string_view kMark{"PK\x03\x04", 4};
  enum Method : std::uint32_t { stored = 0, deflated = 8 };

  explicit LocalHeader(std::string_view bytes)
      : flags(little(bytes, 6, 2)),
        method(little(bytes, 8, 2)),
        crc(little(bytes, 14, 4)),
        packed_size(little(bytes, 18, 4)),
        name_size(little(bytes, 26, 2)),
        extra_size(little(bytes, 28, 2)) {}
  bool is_encrypted() const { return (flags & 1) != 0; }
  // Sizes and checksum follow the content.
  bool is_described_behind() const { return (flags & 8) != 0; }

  std::uint32_t flags, method, crc, packed_size, name_size, extra_size;
};

base::Result<void> unpack_stored(std::string_view content, const LocalHeader& header, const Take& take) {
  const auto crc = crc32(crc32(0, nullptr, 0), reinterpret_cast<const Bytef*>(content.data()),
                         static_cast<uInt>(content.size()));
  if (crc != header.crc) return refuse("the archive is damaged");
  while (!content.empty()) {
    const std::string_view piece = content.substr(0, kPiece);
    if (!take(piece)) break;
    content.remove_prefix(piece.size());
  }
  return {};
}

base::Result<void> unpack_deflated(std::string_view packed, const LocalHeader& header, const Take& take) {
  Inflater inflater(Inflater::Form::raw);
  auto whole = inflater.run(packed, take);
  if (!whole) return std::unexpected(std::move(whole.error()));
  if (!*whole) return {};
  std::uint32_t crc = header.crc;
  if (header.is_described_behind()) {
    // The mark before it may be missing.
    if (packed.starts_with("PK\x07\x08")) packed.remove_prefix(4);
    if (packed.size() < 4) return refuse("the archive is cut off");
    crc = little(packed, 0, 4);
  }
  if (crc != inflater.crc()) return refuse("the archive is damaged");
  return {};
}

base::Result<void> unpack_zip(std::string_view packed, const Take& take) {
  for (std::size_t entries = 0; packed.starts_with(LocalHeader::kMark); ++entries) {
    if (entries == kMostEntries) return refuse("the archive has too many entries without a report");
    if (packed.size() < LocalHeader::kSize) return refuse("the archive is cut off");
    const LocalHeader header(packed);
    packed.remove_prefix(LocalHeader::kSize);
    if (packed.size() < header.name_size + header.extra_size) return refuse("the archive is cut off");
    const std::string_view name = packed.substr(0, header.name_size);
    packed.remove_prefix(header.name_size + header.extra_size);
    if (header.is_encrypted()) return refuse("the archive is encrypted");
    if (name.ends_with('/')) {
      packed.remove_prefix(std::min<std::size_t>(packed.size(), header.packed_size));
      continue;
    }
    if (header.method == LocalHeader::deflated) return unpack_deflated(packed, header, take);
    if (header.method != LocalHeader::stored || header.is_described_behind())
      return refuse("the archive is packed in a way that is not known here");
    if (packed.size() < header.packed_size) return refuse("the archive is cut off");
    return unpack_stored(packed.substr(0, header.packed_size), header, take);
  }
  return refuse("the archive has no file in it");
}

}  // namespace

base::Result<void> unpack(std::string_view packed, const Take& take) {
  if (packed.size() > kMostPacked)
    return refuse("the report is larger than " + std::to_string(kMostPacked >> 20) + " MiB");
  if (packed.starts_with("\x1F\x8B")) return unpack_gzip(packed, take);
  if (packed.starts_with("PK")) return unpack_zip(packed, take);
  while (!packed.empty() && take(packed.substr(0, kPiece)))
    packed.remove_prefix(std::min(packed.size(), kPiece));
  return {};
}

std::string gzip(std::string_view content) {
  z_stream stream{};
  if (deflateInit2(&stream, Z_BEST_COMPRESSION, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK)
    std::abort();  // no memory
  std::string out(deflateBound(&stream, static_cast<uLong>(content.size())), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(content.data()));
  stream.avail_in = static_cast<uInt>(content.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  if (deflate(&stream, Z_FINISH) != Z_STREAM_END) std::abort();  // deflateBound() is enough
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

}  // namespace postrider::wire::dmarc_report
