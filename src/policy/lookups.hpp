// What the checks of one message want to know from the DNS, and what it said.
//
// A check (SPF, DMARC, …) is a class with `bool go_on(Lookups&)`: it goes as far as the answers reach, and is called
// again when there are more; true when it has its result. So it sees neither a thread nor a clock, several of them
// run side by side on the same answers, and a test is the DNS by calling answer(). See Inquiry for the server.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/ip.hpp"
#include "sys/caching_resolver.hpp"
#include "sys/resolver.hpp"

namespace postrider::policy {

enum class QuestionType : std::uint8_t { a, aaaa, mx, ptr, txt };

struct Question {
  QuestionType type = QuestionType::txt;
  std::string name;  // lower case, without a dot at the end; of ptr the address as text
  auto operator<=>(const Question&) const = default;
};

using AddressAnswer = sys::dns::Result<base::IpAddress>;
using ExchangeAnswer = sys::dns::Result<sys::dns::Mx>;
using TextAnswer = sys::dns::Result<std::string>;  // txt, ptr
using AnyAnswer = std::variant<AddressAnswer, ExchangeAnswer, TextAnswer>;

// One thread at a time.
class Lookups {
 public:
  // SPF of two identities comes to 250 at the very most, where each term has ten exchanges.
  static constexpr std::size_t kMostQuestions = 400;

  Lookups() = default;
  // What is wanted refers to what is here.
  Lookups(const Lookups&) = delete;
  Lookups& operator=(const Lookups&) = delete;

  // The answer; or null where there is none yet, and the question is among those of take_wanted(). A name that can't
  // be asked for has the answer `malformed`, and a question beyond kMostQuestions `servfail`, at once. Pointers
  // are good until this is destroyed.
  const AddressAnswer* a(std::string_view name);
  const AddressAnswer* aaaa(std::string_view name);
  const AddressAnswer* address(std::string_view name, bool v4) { return v4 ? a(name) : aaaa(name); }
  const ExchangeAnswer* mx(std::string_view name);
  const TextAnswer* ptr(const base::IpAddress& address);
  const TextAnswer* txt(std::string_view name);

  // What was wanted since the last call, each question once; good until this is destroyed.
  using Wanted = std::vector<std::reference_wrapper<const Question>>;
  Wanted take_wanted() { return std::exchange(wanted_, {}); }
  // Every question that was asked, and its answer; nothing where there is none yet. For who shows what a check stands on.
  const std::map<Question, std::optional<AnyAnswer>>& answers() const { return answers_; }
  // Requires an answer of the question's type. A second answer to a question is dropped.
  void answer(const Question& question, AnyAnswer answer);
  // How long what was told since the last call holds, at most kLongest: 0 where one of the answers is that there is none.
  std::chrono::seconds take_ttl() { return std::exchange(ttl_, kLongest); }
  static constexpr std::chrono::seconds kLongest = sys::CachingResolver::kLongest;

 private:
  template <class Answer>
  const Answer* find(QuestionType type, std::string name);

  std::map<Question, std::optional<AnyAnswer>> answers_;
  Wanted wanted_;
  std::size_t asked_ = 0;  // questions that were ever in wanted_
  std::chrono::seconds ttl_ = kLongest;
};

// The DNS says that there is none: the name does not exist, or has no such record.
template <class T>
bool is_void(const sys::dns::Result<T>& answer) {
  return !answer && (answer.error().error == sys::dns::Error::nxdomain ||
                     answer.error().error == sys::dns::Error::nodata);
}

}  // namespace postrider::policy
