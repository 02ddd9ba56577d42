#include "config/section.hpp"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <tuple>

#include "base/ascii.hpp"

namespace postrider::config {
namespace {

const Value* find_in(const Value& table, std::string_view key) {
  const auto found = std::ranges::find(table.entries, key, &Entry::key);
  return found == table.entries.end() ? nullptr : &found->value;
}

std::string_view last_part(std::string_view name) {
  const auto dot = name.rfind('.');
  return dot == std::string_view::npos ? name : name.substr(dot + 1);
}

// "listener[].mode" is in "[[listener]]", "queue.retry.max" in "[queue.retry]".
std::string header_of(std::string_view name) {
  const auto dot = name.rfind('.');
  if (dot == std::string_view::npos) return "the top of the file, before the first [table]";
  const auto table = name.substr(0, dot);
  if (table.ends_with("[]")) return "[[" + std::string(table.substr(0, table.size() - 2)) + "]]";
  return '[' + std::string(table) + ']';
}

// The names that may stand directly under `scope`: keys and tables.
std::vector<std::string> names_under(std::string_view scope) {
  std::vector<std::string> names;
  for (const Spec& spec : specs()) {
    if (!spec.name.starts_with(scope)) continue;
    const auto rest = spec.name.substr(scope.size());
    const std::string name(rest.substr(0, rest.find_first_of(".[")));
    if (std::ranges::find(names, name) == names.end()) names.push_back(name);
  }
  return names;
}

std::string example(const Spec& spec) {
  const std::string key(last_part(spec.name));
  switch (spec.kind) {
    case KeyKind::integer:
    case KeyKind::number:
      return key + " = " + (spec.fallback == "none" ? std::to_string(spec.low) : std::string(spec.fallback));
    case KeyKind::list:
      return key + " = [\"...\", \"...\"]";
    case KeyKind::table:
      return key + " = { name = [\"...\"] }";
    case KeyKind::duration:
    case KeyKind::size:
      return key + " = \"" + std::string(spec.fallback) + "\"";
    case KeyKind::boolean:
      return key + " = " + std::string(spec.fallback);
    case KeyKind::text:
    case KeyKind::choice:
      break;
  }
  return key + " = \"...\"";
}

}  // namespace

void Report::add(Position at, std::string_view what, std::string_view mend) {
  constexpr std::size_t kLongest = 500;
  Fault fault{file_, at.line, at.column, std::string(what.substr(0, kLongest)), std::string(mend)};
  for (std::string* words : {&fault.what, &fault.mend})
    std::ranges::replace_if(*words, [](unsigned char c) { return c < ' ' || c == 0x7F; }, '?');
  faults_.push_back(std::move(fault));
}

std::vector<Fault> Report::sorted() && {
  std::ranges::sort(faults_, {},
                    [](const Fault& fault) { return std::tie(fault.line, fault.column, fault.what); });
  return std::move(faults_);
}

Section::Section(const Value& table, std::string scope, Report& report)
    : table_(table), scope_(std::move(scope)), report_(report) {
  const auto names = names_under(scope_);
  for (const Entry& entry : table.entries)
    if (std::ranges::find(names, entry.key) == names.end()) unknown(entry);
}

void Section::unknown(const Entry& entry) {
  const std::string what = "unknown key \"" + entry.key + '"';
  if (is_later_key(scope_ + entry.key))
    return report_.add(entry.at, what, "this version doesn't have it; take it out");
  if (const auto meant = nearest(entry.key, names_under(scope_)))
    return report_.add(entry.at, what, "did you mean \"" + *meant + "\"?");
  for (const Spec& spec : specs())
    if (last_part(spec.name) == entry.key)
      return report_.add(entry.at, what + " here", "it belongs to " + header_of(spec.name));
  report_.add(entry.at, what, "take it out; docs/config.md lists all keys");
}

const Spec& Section::spec(std::string_view key) const {
  const std::string name = scope_ + std::string(key);
  if (const Spec* found = find_spec(name)) return *found;
  std::fprintf(stderr, "config: key %s is not in the table of keys\n", name.c_str());
  std::abort();
}

const Value* Section::find(std::string_view key) const {
  spec(key);
  return find_in(table_, key);
}

Position Section::at(std::string_view key) const {
  const Value* value = find(key);
  return value ? value->at : table_.at;
}

bool Section::require(std::string_view key) {
  if (has(key)) return true;
  const std::string name(key);
  const std::string where = scope_.empty() ? "" : " of " + header_of(scope_ + name);
  report_.add(table_.at, "\"" + name + "\"" + where + " is missing", "add " + example(spec(key)));
  return false;
}

void Section::wrong_type(const Spec& spec, const Value& value) {
  report_.add(value.at,
              "\"" + std::string(last_part(spec.name)) + "\" can't be " + std::string(name_of(value.kind)),
              "write it as " + example(spec) + " (" + std::string(spec.type) + ')');
}

bool Section::within(const Spec& spec, const Value& value, double number) {
  if (number >= static_cast<double>(spec.low) && number <= static_cast<double>(spec.high)) return true;
  report_.add(value.at, "\"" + std::string(last_part(spec.name)) + "\" is out of bounds",
              "it may be " + spec.bounds_text());
  return false;
}

std::optional<Text> Section::text(std::string_view key) {
  const Value* value = find(key);
  if (!value) return {};
  if (value->kind == Value::Kind::text) return Text{value->text, value->at};
  wrong_type(spec(key), *value);
  return {};
}

std::vector<Text> Section::texts(std::string_view key) {
  const Value* value = find(key);
  if (!value) return {};
  std::vector<Text> found;
  if (value->kind != Value::Kind::list) wrong_type(spec(key), *value);
  for (const Value& item : value->list) {
    if (item.kind == Value::Kind::text)
      found.push_back({item.text, item.at});
    else
      report_.add(item.at, "\"" + std::string(key) + "\" holds " + std::string(name_of(item.kind)),
                  "it may hold strings only: " + example(spec(key)));
  }
  return found;
}

std::vector<Text> Section::text_or_texts(std::string_view key) {
  const Value* value = find(key);
  if (value && value->kind == Value::Kind::text) return {{value->text, value->at}};
  return texts(key);
}

std::vector<const Entry*> Section::entries(std::string_view key) {
  const Value* value = find(key);
  if (!value) return {};
  std::vector<const Entry*> found;
  if (value->kind != Value::Kind::table) wrong_type(spec(key), *value);
  for (const Entry& entry : value->entries) found.push_back(&entry);
  return found;
}

std::vector<Text> Section::texts_of(const Entry& entry) {
  const auto fault = [&](const Value& value) {
    report_.add(value.at, "\"" + entry.key + "\" holds " + std::string(name_of(value.kind)),
                "write it as name = [\"alice\", \"bob@example.com\"]");
  };
  if (entry.value.kind == Value::Kind::text) return {{entry.value.text, entry.value.at}};
  std::vector<Text> found;
  if (entry.value.kind != Value::Kind::list) fault(entry.value);
  for (const Value& item : entry.value.list) {
    if (item.kind == Value::Kind::text)
      found.push_back({item.text, item.at});
    else
      fault(item);
  }
  return found;
}

std::optional<std::uint64_t> Section::whole(std::string_view key) {
  const Value* value = find(key);
  if (!value) return {};
  const Spec& its = spec(key);
  std::uint64_t number = 0;
  if (its.kind == KeyKind::size && value->kind == Value::Kind::text) {
    const auto octets = parse_size(value->text);
    if (!octets) return report_.add(value->at, octets.error()), std::nullopt;
    number = *octets;
  } else if (value->kind == Value::Kind::integer) {
    if (value->integer < 0) return within(its, *value, value->number), std::nullopt;
    number = static_cast<std::uint64_t>(value->integer);
  } else {
    return wrong_type(its, *value), std::nullopt;
  }
  if (!within(its, *value, static_cast<double>(number))) return {};
  return number;
}

void Section::read(std::string_view key, base::Milliseconds& target) {
  const auto value = text(key);
  if (!value) return;
  const auto duration = parse_duration(value->text);
  if (!duration) return report_.add(value->at, duration.error());
  if (within(spec(key), *find(key), static_cast<double>(duration->count()))) target = *duration;
}

void Section::read(std::string_view key, double& target) {
  const Value* value = find(key);
  if (!value) return;
  if (value->kind != Value::Kind::number && value->kind != Value::Kind::integer)
    return wrong_type(spec(key), *value);
  if (within(spec(key), *value, value->number)) target = value->number;
}

void Section::read(std::string_view key, bool& target) {
  const Value* value = find(key);
  if (!value) return;
  if (value->kind != Value::Kind::boolean) return wrong_type(spec(key), *value);
  target = value->boolean;
}

std::optional<std::size_t> Section::word(std::string_view key) {
  const auto value = text(key);
  if (!value) return {};
  const auto words = spec(key).choices();
  const auto found = std::ranges::find(words, value->text);
  if (found != words.end()) return static_cast<std::size_t>(found - words.begin());
  const auto meant = nearest(value->text, words);
  report_.add(value->at, "\"" + std::string(value->text) + "\" is no " + std::string(key),
              meant ? "did you mean \"" + *meant + "\"?" : "it may be " + spec(key).bounds_text());
  return {};
}

const Value& table_of(const Value& root, std::string_view name, Report& report) {
  static const Value kEmpty;
  const Value* value = find_in(root, name);
  if (!value) return kEmpty;
  if (value->kind == Value::Kind::table) return *value;
  report.add(value->at, "\"" + std::string(name) + "\" is " + std::string(name_of(value->kind)),
             "make it a table: [" + std::string(name) + "] on a line of its own, its keys below");
  return kEmpty;
}

std::vector<const Value*> tables_of(const Value& root, std::string_view name, Report& report) {
  const Value* value = find_in(root, name);
  if (!value) return {};
  const std::string mend = "begin each with [[" + std::string(name) + "]] on a line of its own";
  std::vector<const Value*> tables;
  if (value->kind != Value::Kind::list)
    report.add(value->at, "\"" + std::string(name) + "\" is " + std::string(name_of(value->kind)), mend);
  for (const Value& item : value->list) {
    if (item.kind == Value::Kind::table)
      tables.push_back(&item);
    else
      report.add(item.at, "\"" + std::string(name) + "\" holds " + std::string(name_of(item.kind)), mend);
  }
  return tables;
}

}  // namespace postrider::config
