#include "policy/spf.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "base/ascii.hpp"
#include "policy/iprev.hpp"
#include "sys/dns_rdata.hpp"

namespace postrider::policy {
namespace {

namespace dns = sys::dns;
namespace spf = wire::spf;

// RFC 7208 4.6.4
constexpr unsigned kMostTerms = 10;
constexpr unsigned kMostVoids = 2;
constexpr std::size_t kMostExchanges = 10;
// Ours: what is longer would be a burden to keep.
constexpr std::size_t kLongestRecord = 16384;
constexpr std::size_t kLongestExplanation = 500;
constexpr std::size_t kLongestStep = 2000;

SpfResult result_of(spf::Qualifier qualifier) {
  switch (qualifier) {
    case spf::Qualifier::pass:
      return SpfResult::pass;
    case spf::Qualifier::fail:
      return SpfResult::fail;
    case spf::Qualifier::softfail:
      return SpfResult::softfail;
    case spf::Qualifier::neutral:
      break;
  }
  return SpfResult::neutral;
}

bool asks_the_dns(const spf::Mechanism& mechanism) {
  return mechanism.kind != spf::MechanismKind::all && mechanism.kind != spf::MechanismKind::ip4 &&
         mechanism.kind != spf::MechanismKind::ip6;
}

// Of several labels, and one that can be asked for. RFC 7208 4.3
bool is_checkable(std::string_view domain) {
  if (domain.ends_with('.')) domain.remove_suffix(1);
  return !domain.starts_with('[') && domain.contains('.') && dns::is_name(domain);
}

bool is_within(std::string_view name, std::string_view domain) {
  if (name.size() == domain.size()) return base::iequals(name, domain);
  return name.size() > domain.size() && name[name.size() - domain.size() - 1] == '.' &&
         base::iequals(name.substr(name.size() - domain.size()), domain);
}

bool is_printable(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return c >= ' ' && c <= '~'; });
}

std::string without_dot(std::string name) {
  if (name.ends_with('.')) name.pop_back();
  return name;
}

// RFC 7208 4.3: U-labels are converted. Nothing where that can't be done.
std::optional<std::string> to_a_labels(const std::string& domain) {
  if (base::is_ascii(domain)) return without_dot(domain);
  const auto parsed = mail::Domain::parse(domain);
  return parsed ? std::optional(parsed->ascii()) : std::nullopt;
}

}  // namespace

std::string_view to_string(SpfResult result) {
  constexpr std::array<std::string_view, 7> kNames = {"none",     "neutral",   "pass",     "fail",
                                                      "softfail", "temperror", "permerror"};
  return kNames.at(static_cast<std::size_t>(result));
}

SpfCheck::SpfCheck(SpfRequest request) : request_(std::move(request)) {
  if (request_.local.empty()) request_.local = "postmaster";
  auto domain = to_a_labels(request_.domain);
  finding_.domain = base::printable(domain ? *domain : request_.domain);
  if (!domain || !is_checkable(*domain)) {
    end(SpfResult::none, SpfFault::not_a_domain, request_.domain,
        "not a domain that could have an SPF record");
    return;
  }
  request_.domain = std::move(*domain);
  frames_.push_back({.domain = request_.domain, .top = true});
}

SpfCheck SpfCheck::of_helo(base::IpAddress client, std::string helo, const mail::Domain& receiver,
                           base::UtcTime now) {
  return SpfCheck({client, helo, {}, helo, receiver.ascii(), now});
}

SpfCheck SpfCheck::of_mail_from(base::IpAddress client, std::string helo, const mail::ReversePath& sender,
                                const mail::Domain& receiver, base::UtcTime now) {
  if (sender.is_null()) return of_helo(client, std::move(helo), receiver, now);
  const mail::Address& address = sender.address();
  return SpfCheck(
      {client, std::move(helo), address.local(), to_ascii(address.host()), receiver.ascii(), now});
}

bool SpfCheck::go_on(Lookups& lookups) {
  while (!done_) {
    const Frame& frame = frames_.back();
    bool went_on = false;
    if (explaining_)
      went_on = explain(lookups);
    else if (!frame.record)
      went_on = read_record(lookups);
    else if (frame.next < frame.record->mechanisms.size())
      went_on = try_mechanism(lookups);
    else
      went_on = take_redirect(lookups);
    if (!went_on) return false;
  }
  return true;
}

// RFC 7208 4.4, 4.5
bool SpfCheck::read_record(Lookups& lookups) {
  Frame& frame = frames_.back();
  const TextAnswer* answer = lookups.txt(frame.domain);
  if (!answer) return false;
  if (!*answer && !is_void(*answer)) {
    end(SpfResult::temperror, SpfFault::dns, frame.domain,
        "the SPF record of " + frame.domain +
            " can't be read: " + std::string(to_string(answer->error().error)));
    return true;
  }
  std::vector<std::string_view> records;
  if (*answer) std::ranges::copy_if((*answer)->records, std::back_inserter(records), spf::is_record);
  for (const std::string_view record : records) note(record, "record");
  if (records.empty()) {
    // Of an include or redirect it is an error. RFC 7208 5.2, 6.1
    end(frame.top ? SpfResult::none : SpfResult::permerror, SpfFault::no_record, frame.domain,
        frame.domain + " has no SPF record");
  } else if (records.size() > 1) {
    end(SpfResult::permerror, SpfFault::several_records, frame.domain,
        frame.domain + " has more than one SPF record");
  } else if (records.front().size() > kLongestRecord) {
    end(SpfResult::permerror, SpfFault::too_long, frame.domain,
        "the SPF record of " + frame.domain + " is too long");
  } else if (auto record = spf::parse_record(records.front())) {
    frame.record = std::move(*record);
  } else {
    note(record.error().term, record.error().what);
    end(SpfResult::permerror, SpfFault::syntax, frame.domain,
        "the SPF record of " + frame.domain + " has an error in \"" +
            base::printable(record.error().term).substr(0, 100) + "\": " + record.error().what);
  }
  return true;
}

bool SpfCheck::try_mechanism(Lookups& lookups) {
  const spf::Mechanism& mechanism = frames_.back().record->mechanisms[frames_.back().next];
  if (asks_the_dns(mechanism) && !count_term()) return true;
  switch (match(mechanism, lookups)) {
    case Match::no:
      not_matched();
      return true;
    case Match::yes:
      matched();
      return true;
    case Match::left:
      return true;
    case Match::pending:
      return false;
  }
  return false;
}

// RFC 7208 5
SpfCheck::Match SpfCheck::match(const spf::Mechanism& mechanism, Lookups& lookups) {
  using enum spf::MechanismKind;
  const auto when = [](bool yes) { return yes ? Match::yes : Match::no; };
  if (mechanism.kind == all) return Match::yes;
  if (!asks_the_dns(mechanism))
    return when(request_.client.is_v4() == (mechanism.kind == ip4) &&
                mechanism.network.contains(request_.client));
  const Name name = target(mechanism, lookups);
  if (!name) return Match::pending;
  if (mechanism.kind == include) return enter(*name);
  // What can't be a name does not exist. RFC 7208 4.8 leaves it open.
  if (name->empty()) return Match::no;
  switch (mechanism.kind) {
    case a:
      return match_a(mechanism, *name, lookups);
    case mx:
      return match_mx(mechanism, *name, lookups);
    case ptr:
      return match_ptr(*name, lookups);
    default:
      return match_exists(*name, lookups);
  }
}

// RFC 7208 5.2
SpfCheck::Match SpfCheck::enter(std::string name) {
  if (!is_checkable(name)) {
    end(SpfResult::permerror, SpfFault::bad_target, frames_.back().domain,
        "an include of what is no domain with an SPF record");
    return Match::left;
  }
  frames_.push_back({.domain = std::move(name)});
  return Match::left;
}

// RFC 7208 5.3
SpfCheck::Match SpfCheck::match_a(const spf::Mechanism& mechanism, const std::string& name,
                                  Lookups& lookups) {
  const AddressAnswer* answer = lookups.address(name, request_.client.is_v4());
  if (!answer) return Match::pending;
  if (!*answer) return no_answer(answer->error().error, name);
  return is_near(*answer, mechanism) ? Match::yes : Match::no;
}

// RFC 7208 5.4. All exchanges are asked for at once: their order means nothing here. One that matches is enough,
// whatever becomes of the others.
SpfCheck::Match SpfCheck::match_mx(const spf::Mechanism& mechanism, const std::string& name,
                                   Lookups& lookups) {
  const ExchangeAnswer* exchanges = lookups.mx(name);
  if (!exchanges) return Match::pending;
  if (!*exchanges) return no_answer(exchanges->error().error, name);
  if ((*exchanges)->records.size() > kMostExchanges) {
    end(SpfResult::permerror, SpfFault::too_many_exchanges, frames_.back().domain,
        name + " has more than 10 mail exchanges");  // RFC 7208 4.6.4
    return Match::left;
  }
  bool pending = false;
  const AddressAnswer* trouble = nullptr;
  std::string_view troubled;
  for (const dns::Mx& exchange : (*exchanges)->records) {
    if (!dns::is_name(exchange.exchange)) continue;  // "." too: RFC 7505
    const AddressAnswer* answer = lookups.address(exchange.exchange, request_.client.is_v4());
    if (!answer) {
      pending = true;
    } else if (*answer) {
      if (is_near(*answer, mechanism)) return Match::yes;
    } else if (!is_void(*answer)) {
      trouble = answer;
      troubled = exchange.exchange;
    }
  }
  if (pending) return Match::pending;
  return trouble ? no_answer(trouble->error().error, std::string(troubled)) : Match::no;
}

// RFC 7208 5.5. Troubles of the DNS are the client's here, not the domain's: they only mean that nothing matches.
SpfCheck::Match SpfCheck::match_ptr(const std::string& name, Lookups& lookups) {
  const auto client = check_iprev(request_.client, lookups);
  if (!client) return Match::pending;
  const bool within =
      std::ranges::any_of(client->names, [&](const std::string& own) { return is_within(own, name); });
  return within ? Match::yes : Match::no;
}

// RFC 7208 5.7: an A record, whatever the client's address is.
SpfCheck::Match SpfCheck::match_exists(const std::string& name, Lookups& lookups) {
  const AddressAnswer* answer = lookups.a(name);
  if (!answer) return Match::pending;
  return *answer ? Match::yes : no_answer(answer->error().error, name);
}

// RFC 7208 6.1
bool SpfCheck::take_redirect(Lookups& lookups) {
  Frame& frame = frames_.back();
  if (!frame.record->redirect) {
    if (frames_.size() == 1)
      because("no mechanism of " + frame.domain + " matches " + request_.client.to_string());
    leave(SpfResult::neutral);  // RFC 7208 4.7
    return true;
  }
  if (!count_term()) return true;
  Name name = expand(*frame.record->redirect, lookups);
  if (!name) return false;
  if (is_checkable(*name)) {
    note("redirect=" + *name, "followed");
    frame = {.domain = std::move(*name)};
  } else {
    end(SpfResult::permerror, SpfFault::bad_target, frame.domain,
        "a redirect to what is no domain with an SPF record");
  }
  return true;
}

bool SpfCheck::explain(Lookups& lookups) {
  Name text = explanation(lookups);
  if (!text) return false;
  finding_.explanation = std::move(*text);
  done_ = true;
  return true;
}

// RFC 7208 6.2: whatever is wrong with it, there is no explanation then.
SpfCheck::Name SpfCheck::explanation(Lookups& lookups) {
  const Name name = expand(*frames_.back().record->exp, lookups);
  if (!name || name->empty()) return name;
  const TextAnswer* answer = lookups.txt(*name);
  if (!answer) return {};
  if (!*answer || (*answer)->records.size() != 1) return "";
  const auto text = spf::parse_macro_string((*answer)->records.front(), spf::MacroPlace::explanation);
  if (!text) return "";
  look_for_sender(*text);
  const Name validated = text->uses('p') ? validated_name(lookups) : Name("");
  if (!validated) return {};
  auto expanded = spf::expand(*text, values(*validated));
  const bool good = expanded && expanded->size() <= kLongestExplanation && is_printable(*expanded);
  return good ? std::move(*expanded) : "";
}

bool SpfCheck::is_near(const AddressAnswer& answer, const spf::Mechanism& mechanism) const {
  const int prefix = request_.client.is_v4() ? mechanism.prefix4 : mechanism.prefix6;
  const base::Network network = base::Network::around(request_.client, prefix);
  return std::ranges::any_of(answer->records, [&](const auto& address) { return network.contains(address); });
}

SpfCheck::Name SpfCheck::target(const spf::Mechanism& mechanism, Lookups& lookups) {
  return mechanism.domain ? expand(*mechanism.domain, lookups) : frames_.back().domain;
}

// RFC 7208 4.8
SpfCheck::Name SpfCheck::expand(const spf::MacroString& spec, Lookups& lookups) {
  look_for_sender(spec);
  // No name of the DNS has such a local part in it. RFC 8616 4
  if (!base::is_ascii(request_.local) && (spec.uses('s') || spec.uses('l'))) return "";
  const Name validated = spec.uses('p') ? validated_name(lookups) : Name("");
  if (!validated) return {};
  auto name = spf::expand_domain(spec, values(*validated));
  return name && dns::is_name(*name) ? std::move(*name) : "";
}

// The domain itself, or a name in it, where there is one. RFC 7208 7.3
SpfCheck::Name SpfCheck::validated_name(Lookups& lookups) const {
  const auto client = check_iprev(request_.client, lookups);
  if (!client) return {};
  if (client->names.empty()) return "unknown";
  const std::string& domain = frames_.back().domain;
  const auto best = std::ranges::min_element(client->names, {}, [&](const std::string& name) {
    return base::iequals(name, domain) ? 0 : is_within(name, domain) ? 1 : 2;
  });
  return *best;
}

spf::MacroValues SpfCheck::values(std::string_view validated) const {
  return {.client = request_.client,
          .local = request_.local,
          .sender_domain = request_.domain,
          .domain = frames_.back().domain,
          .helo = request_.helo,
          .validated = validated,
          .receiver = request_.receiver,
          .seconds = std::chrono::floor<std::chrono::seconds>(request_.now).time_since_epoch().count()};
}

// RFC 7208 7.2
void SpfCheck::look_for_sender(const spf::MacroString& text) {
  is_personal_ = is_personal_ || text.uses('s') || text.uses('l') || text.uses('t');
}

// False: it was one too many. RFC 7208 4.6.4
bool SpfCheck::count_term() {
  Frame& frame = frames_.back();
  if (std::exchange(frame.counted, true)) return true;
  if (++terms_ <= kMostTerms) return true;
  end(SpfResult::permerror, SpfFault::too_many_terms, request_.domain,
      "more than 10 terms that ask the DNS, reached in " + frame.domain);
  return false;
}

SpfCheck::Match SpfCheck::no_answer(dns::Error error, const std::string& name) {
  const bool is_void = error == dns::Error::nxdomain || error == dns::Error::nodata;
  if (!is_void) {
    end(SpfResult::temperror, SpfFault::dns, name,
        "the DNS does not tell about " + name + ": " + std::string(to_string(error)));
    return Match::left;
  }
  if (++voids_ <= kMostVoids) return Match::no;
  // RFC 7208 4.6.4
  end(SpfResult::permerror, SpfFault::too_many_voids, request_.domain,
      "more than 2 terms ask for what the DNS does not have, the last for " + name);
  return Match::left;
}

void SpfCheck::matched() {
  const Frame& frame = frames_.back();
  const spf::Mechanism& mechanism = frame.record->mechanisms[frame.next];
  note(mechanism.text, "match");
  if (frames_.size() == 1) {
    finding_.mechanism = base::printable(mechanism.text).substr(0, kLongestStep);
    because(request_.client.to_string() + " matches " + finding_.mechanism + " of " + frame.domain);
  }
  leave(result_of(mechanism.qualifier));
}

void SpfCheck::not_matched() {
  Frame& frame = frames_.back();
  const spf::Mechanism& mechanism = frame.record->mechanisms[frame.next];
  if (asks_the_dns(mechanism)) note(mechanism.text, "no match");
  ++frame.next;
  frame.counted = false;
}

// The record of the last frame has come to a result that is no error.
void SpfCheck::leave(SpfResult result) {
  if (frames_.size() > 1) {
    frames_.pop_back();
    return result == SpfResult::pass ? matched() : not_matched();  // RFC 7208 5.2
  }
  finding_.result = result;
  explaining_ = result == SpfResult::fail && frames_.back().record->exp;
  done_ = !explaining_;
}

void SpfCheck::end(SpfResult result, SpfFault fault, std::string_view where, std::string_view reason) {
  finding_.result = result;
  finding_.fault = fault;
  finding_.faulty = base::printable(where);
  because(reason);
  done_ = true;
}

// Domains that stem from macros may hold any octets.
void SpfCheck::because(std::string_view reason) { finding_.reason = base::printable(reason); }

void SpfCheck::note(std::string_view text, std::string outcome) {
  const Frame& frame = frames_.back();
  finding_.trace.push_back({static_cast<unsigned>(frames_.size() - 1), base::printable(frame.domain),
                            base::printable(text.substr(0, kLongestStep)), std::move(outcome)});
}

}  // namespace postrider::policy
