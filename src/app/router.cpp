#include "app/router.hpp"

#include <algorithm>

#include "base/ascii.hpp"

namespace postrider::app {
namespace {

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
  const auto route = config::route_for(setting.config, recipient.host());
  if (!route->is_default()) {
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
  auto route = config::route_for(setting.config, recipient.final.host());
  if (!route->is_default()) return by_route(std::move(route), recipient);
  if (setting.directory->mailbox(recipient.final))
    return {.courier = &mailboxes(recipient), .route = std::move(route), .instead = {}};
  const auto* domain = recipient.final.domain();
  if (domain && setting.directory->is_local(*domain)) {
    return instead(mail::Action::failed,
                   mail::reply(550, 1, 1, '<' + recipient.final.to_string() + ">: no such mailbox here"),
                   "local");
  }
  return by_route(std::move(route), recipient);
}

// The default route, which is for those alone who are nobody's here, never holds.
bool Router::holds(const mail::Recipient& recipient) const {
  const auto route = config::route_for(settings_.get().config, recipient.final.host());
  return std::holds_alternative<config::ViaHold>(route->via);
}

std::vector<mail::Recipient> Router::recipients(const mail::Address& address) const {
  const auto setting = settings_.get();
  const auto resolution = setting.forwarding->resolve(address, *setting.directory);
  std::vector<mail::Recipient> found;
  if (resolution) {
    for (const auto& target : resolution->targets) {
      found.push_back({.original = address,
                       .alias = target.alias,
                       .final = target.address,
                       .orcpt = {},
                       .notify = {},
                       .last = {}});
    }
  }
  // Nobody's, or an alias that is broken: the attempt says so.
  return found.empty() ? queue::Router::recipients(address) : found;
}

queue::Courier& Router::mailboxes(const mail::Recipient& recipient) const {
  const auto config = settings_.get().config;
  const auto& reports = config->dmarc_reports.report_address;
  if (!couriers_.reports || !reports) return couriers_.maildir;
  const auto is = [&](const mail::Address& address) {
    return address.host() == reports->host() && base::iequals(address.local(), reports->local());
  };
  const bool theirs =
      is(recipient.original) || is(recipient.final) || (recipient.alias && is(*recipient.alias));
  return theirs ? *couriers_.reports : couriers_.maildir;
}

Router::Choice Router::by_route(std::shared_ptr<const config::Route> route,
                                const mail::Recipient& recipient) {
  const auto& via = route->via;
  if (std::holds_alternative<config::ViaHold>(via)) return {.route = {}, .instead = {}, .hold = true};
  if (std::holds_alternative<config::ViaDiscard>(via)) {
    return instead(mail::Action::discarded, mail::reply(250, 0, 0, "discarded by the route"), "discard");
  }
  queue::Courier* courier = &couriers_.smtp;
  if (std::holds_alternative<config::ViaMaildir>(via)) courier = &mailboxes(recipient);
  if (std::holds_alternative<config::ViaPipe>(via)) courier = &couriers_.pipe;
  return {.courier = courier, .route = std::move(route), .instead = {}};
}

Router::Choice Router::instead(mail::Action action, mail::Reply reply, std::string relay) const {
  return {.route = {},
          .instead = mail::Outcome{
              .action = action, .reply = std::move(reply), .relay = relay, .detail = {}, .at = clock_.utc()}};
}

}  // namespace postrider::app
