#include "wire/mime/message_ids.hpp"

#include <algorithm>

#include "wire/mime/lexer.hpp"

namespace postrider::wire::mime {

std::vector<std::string> parse_message_ids(std::string_view raw) {
  std::vector<std::string> ids;
  bool bracket = false;
  for (std::size_t at = 0; at < raw.size() && ids.size() < kMaxMessageIds;) {
    if (raw[at] == '(') {
      at = comment(raw, at).end;
    } else if (raw[at] == '"') {
      at = quoted_string(raw, at).end;
    } else if (raw[at] != '<') {
      ++at;
    } else {
      bracket = true;
      const std::size_t end = std::min(raw.find('>', at), raw.size());
      std::string id = without_folds(raw.substr(at + 1, end - at - 1));
      if (!id.empty()) ids.push_back(std::move(id));
      at = end + 1;
    }
  }
  if (bracket) return ids;
  std::string word = without_folds(raw);
  if (!word.empty() && std::ranges::none_of(word, is_space)) ids.push_back(std::move(word));
  return ids;
}

}  // namespace postrider::wire::mime
