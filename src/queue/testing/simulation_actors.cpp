#include "queue/testing/simulation_actors.hpp"

#include <algorithm>

#include "queue/failure.hpp"

namespace postrider::queue::testing {
namespace {

mail::Outcome outcome(mail::Action action, mail::Reply reply) {
  mail::Outcome made;
  made.action = action;
  made.reply = std::move(reply);
  made.relay = "simulated";
  return made;
}
mail::Outcome deferred(std::uint16_t subject, std::uint16_t detail, std::string text) {
  return outcome(mail::Action::deferred, mail::reply(451, subject, detail, std::move(text)));
}

}  // namespace

void SimulatedCourier::locate(const Destination& destination, std::move_only_function<void(Located)> done) {
  const std::size_t number = stage_.world.destination(mail::to_ascii(destination.host));
  const SimulatedDestination& to = stage_.world.destinations[number];
  const Moment asked = stage_.ledger.now();
  Located located = std::unexpected(deferred(4, 3, "no answer from the name servers"));
  Moment takes(stage_.dice.between(1, 200));
  if (to.no_such_domain) {
    located = std::unexpected(outcome(mail::Action::failed, mail::reply(550, 1, 2, "no such domain")));
  } else if (std::ranges::any_of(to.no_answer, [&](const Period& one) { return one.has(asked); })) {
    takes = Moment(stage_.dice.between(1000, 10'000));
  } else {
    const SimulatedSite& site = stage_.world.sites[to.site_at(asked)];
    located = Site{site.name, site.concurrency, site.max_per_minute};
    if (stage_.dice.chance(0.1)) return done(std::move(located));
  }
  stage_.events.after(takes, [this, number, asked, process = stage_.life.process,
                              located = std::move(located), done = std::move(done)]() mutable {
    if (stage_.life.crashed >= process) return;
    if (stage_.life.is_alive(process)) stage_.ledger.located(number, asked, located);
    done(std::move(located));
  });
}

void SimulatedCourier::deliver(Job job, std::move_only_function<void(Report)> done) {
  stage_.ledger.begins(job);
  const auto found = std::ranges::find(stage_.world.sites, job.site, &SimulatedSite::name);
  if (found == stage_.world.sites.end()) {
    stage_.ledger.fault("a job for a site that is not there: " + job.site);
    return done({std::vector(job.recipients.size(), deferred(4, 0, "no such site")), Contact::none, {}});
  }
  const auto site = static_cast<std::size_t>(found - stage_.world.sites.begin());
  const std::uint32_t process = stage_.life.process;
  if (site == 0 && stage_.dice.chance(0.1)) {
    Report report = judge(job, site);
    return answer(job, std::move(report), process, done);
  }
  Moment takes(stage_.dice.between(found->fastest, found->slowest));
  const bool up = found->is_up(stage_.ledger.now());
  // Refused at once, or nobody answers.
  if (!up) takes = stage_.dice.chance(0.3) ? Moment(100) : Moment(30'000);
  stage_.events.after(
      takes, [this, job = std::move(job), site, up, process, done = std::move(done)]() mutable {
        const bool up_still = stage_.world.sites[site].is_up(stage_.ledger.now()) || stage_.dice.chance(0.5);
        Report report = judge(job, site);
        if (!up || !up_still) {
          report.outcomes.assign(job.recipients.size(), deferred(4, 1, up ? "it broke off" : "no answer"));
          report.contact = Contact::failed;
        }
        answer(job, std::move(report), process, done);
      });
}

void SimulatedCourier::answer(const Job& job, Report report, std::uint32_t process,
                              std::move_only_function<void(Report)>& done) {
  stage_.ledger.answered(job, report, stage_.life.is_alive(process));
  if (stage_.life.crashed < process) done(std::move(report));
}

Report SimulatedCourier::judge(const Job& job, std::size_t site) {
  Report report;
  if (stage_.dice.chance(0.003)) {
    report.outcomes.assign(job.recipients.size(), deferred(3, 0, "no descriptors here"));
    report.contact = Contact::none;
    return report;
  }
  for (const std::uint32_t index : job.recipients) report.outcomes.push_back(judge_one(job, index, site));
  if (site > 0) {
    Trial& trial = report.trials.emplace_back();
    trial.host = job.site;
    trial.address = "192.0.2.1:25";
    trial.result = report.outcomes.front().reply.text;
  }
  return report;
}

mail::Outcome SimulatedCourier::judge_one(const Job& job, std::uint32_t index, std::size_t site) {
  const Temper temper = stage_.world.sites[site].temper;
  const std::uint64_t who = mix(static_cast<std::uint64_t>(job.id.value), index);
  if (mix(who, 1) % 1000 < (temper == Temper::refusing ? 50 : 3))
    return outcome(mail::Action::failed, mail::reply(550, 1, 1, "no such user"));
  if (temper == Temper::greylisting) {
    const Moment first = greylist_.try_emplace(who, stage_.ledger.now()).first->second;
    if (stage_.ledger.now() < first + std::chrono::minutes(5)) return deferred(7, 1, "greylisted");
  }
  if (stage_.dice.chance(0.01)) return deferred(2, 2, "mailbox full");
  mail::Outcome taken =
      outcome(site == 0 ? mail::Action::delivered : mail::Action::relayed, mail::reply(250, 0, 0, "taken"));
  taken.dsn_passed_on = site % 2 == 1;
  return taken;
}

SimulatedRouter::SimulatedRouter(Stage stage, Courier& courier)
    : stage_(stage), courier_(courier), route_(std::make_shared<const config::Route>()) {}

Router::Choice SimulatedRouter::choose(const mail::Envelope&, const mail::Recipient& recipient) {
  const auto& to = stage_.world.destinations[stage_.world.destination(recipient.final.domain()->ascii())];
  Choice choice;
  if (to.discards) {
    choice.instead = outcome(mail::Action::discarded, mail::reply(250, 0, 0, "discarded by a route"));
  } else if (holds && to.holds.has(stage_.ledger.now())) {
    choice.hold = true;
  } else {
    choice.courier = &courier_;
    choice.route = route_;
  }
  return choice;
}

bool SimulatedTeller::cannot() const { return fails || stage_.backlog.writes_fail; }

void SimulatedTeller::tell(store::Claimed untold, std::function<void(base::Result<void>)> done) {
  stage_.ledger.telling(untold);
  stage_.events.after(
      Moment(stage_.dice.between(1, 50)),
      [this, process = stage_.life.process, untold = std::move(untold), done = std::move(done)] {
        if (!stage_.life.is_alive(process)) return;
        if (cannot()) {
          stage_.ledger.tell_failed(untold.id);
          return done(base::temporary({4, 3, 1}, "no room for a notification"));
        }
        store::Told now;
        for (const auto index : untold.recipients) now.ended.push_back({untold.id, index});
        stage_.ledger.told(now.ended);
        stage_.backlog.apply(now);
        done({});
      });
}

void SimulatedTeller::warn(Delayed delayed, std::function<void(base::Result<bool>)> done) {
  stage_.events.after(Moment(stage_.dice.between(1, 50)),
                      [this, process = stage_.life.process, id = delayed.message, done = std::move(done)] {
                        if (!stage_.life.is_alive(process)) return;
                        if (cannot()) return done(base::temporary({4, 3, 1}, "no room for a notification"));
                        const auto found = stage_.backlog.find(id);
                        if (found && stage_.clock.utc() < late_from(*found->envelope, stage_.settings))
                          return done(false);
                        const store::Told now{.ended = {}, .warned = to_be_warned(stage_.backlog, id)};
                        stage_.ledger.warned(now.warned);
                        stage_.backlog.apply(now);
                        done(true);
                      });
}

}  // namespace postrider::queue::testing
