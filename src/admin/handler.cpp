#include "admin/handler.hpp"

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>

#include "admin/answer.hpp"
#include "admin/metrics_text.hpp"
#include "admin/request.hpp"

namespace postrider::admin {
namespace {

using boost::json::array;
using boost::json::object;

constexpr std::size_t kSample = 20;  // rows that a dry run shows of a page

// The rows of messages with lower ids; the last page, where others would follow.
void cut(store::ListedPage& page, base::MessageId before) {
  const auto begin =
      std::ranges::lower_bound(page.rows, before, {}, [](const auto& row) { return row.id.message; });
  // The next place may be that of the last row: what is below `before` may still follow in its message.
  if (begin != page.rows.end() || (page.next && page.next->message >= before)) page.next.reset();
  page.rows.erase(begin, page.rows.end());
}

class Handler {
 public:
  Handler(queue::Operator& desk, const sys::Clock& clock, directory::LoginGuard* guard)
      : desk_(desk), clock_(clock), guard_(guard) {}

  object operator()(const ListRequest& request) {
    const auto page = desk_.list(request.selection, request.after, request.limit);
    return page ? to_json(*page) : to_json(page.error());
  }

  object operator()(const ChangeRequest& request) {
    const base::MessageId before = request.before ? *request.before : desk_.boundary();
    auto page = desk_.list(request.selection, request.after, request.limit);
    if (!page) return to_json(page.error());
    cut(*page, before);
    std::vector<store::RecipientId> fit;
    array sample;
    for (const auto& row : page->rows) {
      if (row.quarantined || !queue::fits(request.change, row.state)) continue;
      fit.push_back(row.id);
      if (request.dry_run && sample.size() < kSample) sample.push_back(to_json(row));
    }
    queue::Changed changed{.changed = fit.size()};
    const std::uint64_t unfit = page->rows.size() - fit.size();
    if (!request.dry_run && !fit.empty()) {
      const auto done = desk_.change(std::move(fit), request.change, request.reason);
      if (!done) return to_json(done.error());
      changed = *done;
    }
    object out{{"changed", changed.changed}, {"unfit", changed.unfit + unfit}, {"busy", changed.busy}};
    if (request.dry_run) out["sample"] = std::move(sample);
    out["before"] = before.to_string();
    out["next"] = nullptr;
    if (page->next) out["next"] = to_string(*page->next);
    return out;
  }

  object operator()(const ShowRequest& request) {
    const auto shown = desk_.show(request.message);
    return shown ? to_json(*shown) : to_json(shown.error());
  }

  object operator()(const SuspendRequest& request) {
    store::Suspension suspension = request.suspension;
    if (request.lasting) suspension.until = clock_.utc() + *request.lasting;
    const auto made = desk_.suspend(suspension);
    if (!made) return to_json(made.error());
    suspension.id = *made;
    suspension.made = clock_.utc();
    return to_json(suspension);
  }

  object operator()(const SuspensionsRequest&) {
    const auto all = desk_.suspensions();
    return all ? object{{"suspensions", each(*all)}} : to_json(all.error());
  }

  object operator()(const ResumeRequest& request) {
    const auto done = desk_.resume(request.suspension);
    return done ? object{{"resumed", request.suspension}} : to_json(done.error());
  }

  object operator()(const SitesRequest&) {
    const auto all = desk_.sites();
    return all ? object{{"sites", each(*all)}} : to_json(all.error());
  }

  object operator()(const DestinationsRequest& request) {
    const auto all = desk_.destinations_of(request.site);
    if (!all) return to_json(all.error());
    return {{"destinations", array(all->names.begin(), all->names.end())}, {"not_told", all->not_told}};
  }

  object operator()(const BansRequest&) {
    array bans;
    if (guard_)
      for (const auto& ban : guard_->bans(kPage))
        bans.push_back(object{{"what", clean_utf8(ban.what)},
                              {"failures", ban.failures},
                              {"until", base::to_rfc3339(ban.until)}});
    return {{"bans", std::move(bans)}};
  }

  object operator()(const MetricsRequest&) { return {{"text", metrics_text()}}; }

  object operator()(const UnbanRequest& request) {
    return {{"cleared", guard_ ? guard_->clear(request.what) : 0}};
  }

 private:
  template <class T>
  static array each(const std::vector<T>& all) {
    array out;
    for (const auto& one : all) out.push_back(to_json(one));
    return out;
  }

  queue::Operator& desk_;
  const sys::Clock& clock_;
  directory::LoginGuard* guard_;
};

}  // namespace

std::string answer(std::string_view line, queue::Operator& desk, const sys::Clock& clock,
                   directory::LoginGuard* guard) {
  const auto request = parse_request(line);
  const object out = request ? std::visit(Handler(desk, clock, guard), *request) : to_json(request.error());
  return boost::json::serialize(out) + '\n';
}

}  // namespace postrider::admin
