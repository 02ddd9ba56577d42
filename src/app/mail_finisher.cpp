#include "app/mail_finisher.hpp"

#include <algorithm>

#include "policy/arc_sealing.hpp"
#include "policy/signing.hpp"
#include "policy/trace.hpp"
#include "queue/content.hpp"
#include "sys/metrics.hpp"

namespace postrider::app {
namespace {

using Result = policy::SignedMail::Result;

constexpr std::size_t kUnreadable = 3;
// By SignedMail::Result, or kUnreadable.
sys::Counters signed_mail("postrider_dkim_messages_total",
                          "Messages of our own users, and what became of their signature.",
                          {{"result", {"signed", "no_key", "no_author", "unreadable"}}});

bool replaces_body(const mail::Edits& edits) {
  return std::ranges::any_of(
      edits, [](const auto& edit) { return std::holds_alternative<mail::ReplaceBody>(edit); });
}

// As it goes out: with the edits that are there so far. Received is not signed.
void sign(const config::Config& config, const policy::SigningKeys& keys, const queue::Unfinished& message,
          queue::Finish& finish) {
  if (!message.content) {
    signed_mail.count(kUnreadable);
    finish.decisions.emplace_back("not signed: where its body begins can be read in two ways");
    return;
  }
  // It was under way already when there was the first key.
  if (!message.content->body_hash || replaces_body(message.edits)) return;
  const std::string header = queue::edited_header(message.content->header, message.edits);
  auto made = policy::sign_mail(config, keys, message.envelope, header, *message.content->body_hash);
  signed_mail.count(made.result);
  for (auto& field : made.fields) finish.edits.emplace_back(mail::PrependField{std::move(field)});
  finish.decisions.push_back(std::move(made.why));
}

// What others sent, and an alias sends on: as it goes out, with what is put above it.
void seal(const config::Config& config, const policy::SigningKeys& keys, const queue::Unfinished& message,
          queue::Finish& finish) {
  if (!message.content || !message.content->body_hash || replaces_body(message.edits)) return;
  mail::Edits edits = message.edits;
  edits.insert(edits.end(), message.above.begin(), message.above.end());
  const std::string header = queue::edited_header(message.content->header, std::move(edits));
  auto made = policy::seal_mail(config.hostname, keys, header, *message.content->body_hash,
                                message.envelope.received);
  for (auto& field : made.fields) finish.edits.emplace_back(mail::PrependField{std::move(field)});
  finish.decisions.push_back(std::move(made.why));
}

}  // namespace

queue::Finish MailFinisher::finish(const queue::Unfinished& message) const {
  const auto setting = settings_.get();
  const auto& config = setting.config;
  queue::Finish finish;
  const bool ours = policy::is_our_mail(*config, message.envelope.origin);
  if (ours && config->dkim.sign && signing_.keys()->size() > 0)
    sign(*config, *signing_.keys(), message, finish);
  if (!ours && config->arc.seal && policy::is_sent_on(message.envelope, *setting.directory))
    seal(*config, *signing_.keys(), message, finish);
  const bool hidden = config->submission.hide_client && !message.envelope.origin.identity.empty();
  // On top of all else. RFC 5321 4.4
  finish.edits.emplace_back(
      mail::PrependField{policy::received_field(message.envelope, message.id, config->hostname,
                                                hidden ? policy::Client::hidden : policy::Client::shown)});
  return finish;
}

// Without a key nothing is said of signing at all.
bool MailFinisher::wants_body_hash(const mail::Origin& origin) const {
  const auto config = settings_.get().config;
  if (signing_.keys()->size() == 0) return false;
  return policy::is_our_mail(*config, origin) ? config->dkim.sign : config->arc.seal;
}

}  // namespace postrider::app
