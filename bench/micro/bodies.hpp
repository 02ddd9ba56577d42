// Message bodies of a given size, in lines that end in CRLF.
#pragma once

#include <cstddef>
#include <string>

namespace postrider::bench {

using Body = std::string (*)(std::size_t size);

// Lines of 76 octets, as base64 and quoted-printable have them; the last one is cut short.
std::string lines_of_76(std::size_t size);
// Every line starts with a dot, as it stands in the message.
std::string dot_lines(std::size_t size);
// One line.
std::string long_line(std::size_t size);
// As DATA has it: dots doubled, end of data behind it.
std::string as_data(const std::string& body);

}  // namespace postrider::bench
