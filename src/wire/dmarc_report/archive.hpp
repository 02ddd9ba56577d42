// What reports come packed in: gzip (RFC 1952), zip, or nothing. Pure; the streams are zlib's.
//
// The container of zip is read here: libzip would bring liblzma, bzip2 and a cryptography library into a process that reads
// what strangers send, and of all that only one stored or deflated file is wanted.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace postrider::wire::dmarc_report {

inline constexpr std::size_t kMostPacked = 16u << 20;  // octets
// Octets out of one octet in, where more than kFreeOctets came out. A report of like records comes to about 60; what deflate
// can make of zeros is 1032.
inline constexpr std::size_t kMostRatio = 250;
inline constexpr std::size_t kFreeOctets = 1u << 20;
inline constexpr std::size_t kMostEntries = 20;  // of a zip, that are passed over for one with a report

// Tells the content in pieces of at most 64 KiB; `take` says false to end it there, which is no failure here. Who takes bounds
// how much it is. Of a zip it is the first file that is no folder. Failure: permanent 5.6.0, its text says what is wrong: it
// is cut, damaged (the checksum is wrong), encrypted, or expands beyond kMostRatio.
base::Result<void> unpack(std::string_view packed, const std::function<bool(std::string_view)>& take);

// One member, without a name and a time: the same octets for the same content. RFC 1952 2.3
std::string gzip(std::string_view content);

}  // namespace postrider::wire::dmarc_report
