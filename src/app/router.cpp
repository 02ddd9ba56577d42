#include "app/router.hpp"

#include <algorithm>

#include "base/ascii.hpp"

namespace postrider::app {
namespace {

constexpr std::string_view kLocalSite = "local";

const config::Route* find_route(const config::Config& config, const mail::Host& host) {
  const auto found =
      std::ranges::find_if(config.routes, [&](const auto& route) { return route.matches(host); });
  return found == config.routes.end() ? nullptr : &*found;
}

bool is_safe_segment(std::string_view name) {
  return !name.empty() && name.size() <= 64 && name != "." && name != ".." &&
         name.find_first_of(std::string_view("/\0", 2)) == std::string_view::npos;
}

std::string fill_in(std::string path, std::string_view domain, std::string_view user) {
  const auto replace = [&](std::string_view placeholder, std::string_view value) {
    for (auto at = path.find(placeholder); at != std::string::npos;
         at = path.find(placeholder, at + value.size())) {
      path.replace(at, placeholder.size(), value);
    }
  };
  replace("{domain}", domain);
  replace("{user}", user);
  return path;
}

std::string_view maildir_path(std::string_view via) {
  constexpr std::string_view kScheme = "maildir:";
  return via.starts_with(kScheme) ? via.substr(kScheme.size()) : via;
}

}  // namespace

std::optional<deliver::MailboxTarget> mailbox_target(const receive::Setting& setting,
                                                     const mail::Address& recipient) {
  const auto& config = *setting.config;
  const auto mailbox = setting.directory->mailbox(recipient);
  std::string_view path = config.mailbox;
  if (const auto* route = find_route(config, recipient.host())) {
    const auto* maildir = std::get_if<config::ViaMaildir>(&route->via);
    if (!maildir) return {};
    path = maildir->path;
  } else if (!mailbox) {
    return {};
  }
  // A route may lead domains here that have no accounts: then the local part is the user.
  const auto* domain = recipient.domain();
  const std::string user = mailbox ? mailbox->user : base::lower(recipient.local());
  if (!is_safe_segment(user) || (!mailbox && !domain)) return {};
  return deliver::MailboxTarget{
      .directory =
          fill_in(std::string(maildir_path(path)), mailbox ? mailbox->domain.ascii() : domain->ascii(), user),
      .quota = mailbox ? mailbox->quota : 0};
}

Router::Choice Router::choose(const mail::Envelope&, const mail::Recipient& recipient) {
  const auto setting = settings_.get();
  if (const auto* route = find_route(*setting.config, recipient.final.host())) return by_route(route->via);
  if (setting.directory->mailbox(recipient.final)) {
    return {.courier = &maildir_, .site = std::string(kLocalSite), .instead = {}};
  }
  const auto* domain = recipient.final.domain();
  const auto* ours = domain ? setting.config->find_domain(*domain) : nullptr;
  if (ours && ours->kind == config::DomainKind::local) {
    return instead(mail::Action::failed,
                   mail::reply(550, 1, 1, '<' + recipient.final.to_string() + ">: no such mailbox here"),
                   "local");
  }
  return by_route(config::ViaMx{});
}

Router::Choice Router::by_route(const config::Via& via) {
  if (std::holds_alternative<config::ViaMaildir>(via)) {
    return {.courier = &maildir_, .site = std::string(kLocalSite), .instead = {}};
  }
  if (std::holds_alternative<config::ViaHold>(via)) return {.site = "hold", .instead = {}, .hold = true};
  if (std::holds_alternative<config::ViaDiscard>(via)) {
    return instead(mail::Action::discarded, mail::reply(250, 0, 0, "discarded by the route"), "discard");
  }
  return instead(mail::Action::deferred,
                 mail::reply(451, 4, 4, "this version does not send to other servers; the message is kept"),
                 "none");
}

Router::Choice Router::instead(mail::Action action, mail::Reply reply, std::string relay) const {
  return {.site = relay,
          .instead = mail::Outcome{
              .action = action, .reply = std::move(reply), .relay = relay, .detail = {}, .at = clock_.utc()}};
}

}  // namespace postrider::app
