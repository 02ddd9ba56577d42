#include <fmt/format.h>
#include <sodium.h>

#include "directory/contents.hpp"
#include "directory/scram.hpp"
#include "directory/values.hpp"

namespace postrider::directory {
namespace {

// A TOML basic string.
std::string basic_string(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\')
      (out += '\\') += c;
    else if ((c >= 0 && c < ' ') || c == 0x7f)
      out += fmt::format("\\u{:04X}", static_cast<unsigned>(c));
    else
      out += c;
  }
  return out + '"';
}

std::string hex(std::string_view bytes) {
  std::string text(bytes.size() * 2 + 1, '\0');
  sodium_bin2hex(text.data(), text.size(), reinterpret_cast<const unsigned char*>(bytes.data()),
                 bytes.size());
  text.pop_back();
  return text;
}

class Writer {
 public:
  std::string run(const Contents& contents) {
    out_ = "# Postrider's directory: `postrider directory import` makes it what this file says.\n";
    key("format", "1");
    for (const Domain& domain : contents.domains) write(domain);
    for (const Domain& domain : contents.domains)
      for (const Account& account : domain.accounts) write(domain, account, contents.credentials);
    for (const Domain& domain : contents.domains)
      for (const Alias& alias : domain.aliases) write(domain, alias);
    return std::move(out_);
  }

 private:
  void table(std::string_view name) { out_ += fmt::format("\n[[{}]]\n", name); }
  void key(std::string_view name, std::string_view value) { out_ += fmt::format("{} = {}\n", name, value); }
  void text(std::string_view name, std::string_view value) { key(name, basic_string(value)); }
  template <class List, class Show>
  void list(std::string_view name, const List& values, Show show) {
    std::string items;
    for (const auto& value : values) items += (items.empty() ? "" : ", ") + basic_string(show(value));
    key(name, '[' + items + ']');
  }
  void state(State state) {
    if (state != State::enabled) text("state", to_string(state));
  }

  void write(const Domain& domain) {
    table("domain");
    text("name", domain.name.ascii());
    if (domain.kind == config::DomainKind::relay) text("kind", "relay");
    state(domain.state);
    if (domain.separator != "+") text("separator", domain.separator);
    if (domain.catch_all) text("catch_all", domain.catch_all->to_string());
    if (domain.recipients) list("recipients", *domain.recipients, [](const auto& name) { return name; });
  }

  void write(const Domain& domain, const Account& account,
             const std::map<std::string, StoredCredentials>& credentials) {
    table("account");
    const auto address = address_of(account.name, domain.name);
    text("address", address.to_string());
    state(account.state);
    if (account.scram) key("scram", "true");
    if (account.quota) text("quota", config::show_size(*account.quota));
    for (const auto& [name, member] : kLimitNames)
      if (account.limits.*member != 0) key(name, std::to_string(account.limits.*member));
    if (!account.send_as.empty())
      list("send_as", account.send_as, [](const auto& pattern) { return pattern; });
    if (const auto found = credentials.find(canonical(address)); found != credentials.end())
      write(found->second);
  }

  void write(const StoredCredentials& stored) {
    text("password", stored.password ? stored.password->hash : "");
    if (stored.password && stored.password->scram) text("scram_keys", to_string(*stored.password->scram));
    if (stored.app_passwords.empty()) return;
    out_ += "app_passwords = [\n";
    for (const StoredAppPassword& app : stored.app_passwords)
      out_ += fmt::format("  {{ name = {}, hash = {}, scram_keys = {}, created = {} }},\n",
                          basic_string(app.name), basic_string(hex(app.hash)),
                          basic_string(to_string(app.scram)), app.created.time_since_epoch().count());
    out_ += "]\n";
  }

  void write(const Domain& domain, const Alias& alias) {
    table("alias");
    text("address", address_of(alias.name, domain.name).to_string());
    state(alias.state);
    list("to", alias.targets, [](const mail::Address& target) { return target.to_string(); });
  }

  std::string out_;
};

}  // namespace

std::string to_toml(const Contents& contents) { return Writer().run(contents); }

}  // namespace postrider::directory
