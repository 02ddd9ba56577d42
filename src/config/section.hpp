// One table of the file, read by the names of the table of keys.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "config/document.hpp"
#include "config/keys.hpp"
#include "config/values.hpp"

namespace postrider::config {

// Gathers faults.
class Report {
 public:
  explicit Report(std::string_view file) : file_(file) {}
  // Control characters of the file's own words are written as "?", so that a fault is one line.
  void add(Position at, std::string_view what, std::string_view mend);
  void add(Position at, const Problem& problem) { add(at, problem.what, problem.mend); }
  bool empty() const { return faults_.empty(); }
  // In the order of the file.
  std::vector<Fault> sorted() &&;

 private:
  std::string file_;
  std::vector<Fault> faults_;
};

// A string of the file. Lives as long as the document.
struct Text {
  std::string_view text;
  Position at;
};

// Reads are by the last part of a key's name; a name that is not in specs() aborts: a bug of ours. A key that
// is absent leaves its target as it was, and so does a fault. Document and report outlive the section.
class Section {
 public:
  // `scope`: what stands before its keys in specs(): "", "queue.", "listener[].". Unknown keys are faults.
  Section(const Value& table, std::string scope, Report& report);

  Position at() const { return table_.at; }
  Report& report() { return report_; }
  // Where the key's value stands, or the table where the key is absent.
  Position at(std::string_view key) const;
  bool has(std::string_view key) const { return find(key) != nullptr; }
  // A fault where the key is absent.
  bool require(std::string_view key);

  // The value where it is a string; a fault where it is something else.
  std::optional<Text> text(std::string_view key);
  // The strings of a list.
  std::vector<Text> texts(std::string_view key);
  // The same, or a single string.
  std::vector<Text> text_or_texts(std::string_view key);
  // The entries of a table with free names.
  std::vector<const Entry*> entries(std::string_view key);
  // The strings of an entry of such a table: one, or a list.
  std::vector<Text> texts_of(const Entry& entry);

  template <class T>
    requires(std::unsigned_integral<T> && !std::same_as<T, bool>)
  void read(std::string_view key, T& target) {
    if (const auto number = whole(key)) target = static_cast<T>(*number);
  }
  void read(std::string_view key, base::Milliseconds& target);
  void read(std::string_view key, double& target);
  void read(std::string_view key, bool& target);
  // The n-th word of the key's bounds is the enumerator of value n.
  template <class E>
    requires std::is_enum_v<E>
  void read(std::string_view key, E& target) {
    if (const auto place = word(key)) target = static_cast<E>(*place);
  }
  // `parse` makes Parsed<something T can be set to> of a string_view. True where the value was there and good.
  template <class T, class Parse>
  bool read(std::string_view key, T& target, Parse&& parse) {
    const auto value = text(key);
    if (!value) return false;
    auto parsed = parse(value->text);
    if (!parsed) {
      report_.add(value->at, parsed.error());
      return false;
    }
    target = *std::move(parsed);
    return true;
  }
  template <class T, class Parse>
  void read_list(std::string_view key, std::vector<T>& target, Parse&& parse) {
    add_to(target, texts(key), parse);
  }
  template <class T, class Parse>
  void read_one_or_list(std::string_view key, std::vector<T>& target, Parse&& parse) {
    add_to(target, text_or_texts(key), parse);
  }

 private:
  template <class T, class Parse>
  void add_to(std::vector<T>& target, const std::vector<Text>& values, Parse& parse) {
    for (const Text& value : values) {
      auto parsed = parse(value.text);
      if (parsed)
        target.push_back(*std::move(parsed));
      else
        report_.add(value.at, parsed.error());
    }
  }
  const Spec& spec(std::string_view key) const;
  const Value* find(std::string_view key) const;
  void unknown(const Entry& entry);
  void wrong_type(const Spec& spec, const Value& value);
  // An integer or a size, within its bounds.
  std::optional<std::uint64_t> whole(std::string_view key);
  std::optional<std::size_t> word(std::string_view key);
  bool within(const Spec& spec, const Value& value, double number);

  const Value& table_;
  std::string scope_;
  Report& report_;
};

// The tables under `name` in `root`: "queue" gives one, or an empty one where it is absent; "listener" each
// [[listener]]. What is no table is a fault.
const Value& table_of(const Value& root, std::string_view name, Report& report);
std::vector<const Value*> tables_of(const Value& root, std::string_view name, Report& report);

}  // namespace postrider::config
