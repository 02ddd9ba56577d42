#include "app/report_house.hpp"

#include <future>
#include <utility>

#include "sys/log.hpp"

namespace postrider::app {
namespace {

// Of the domain itself, or one below it.
bool is_ours(const directory::Directory& directory, const mail::Domain& domain) {
  for (std::string_view name = domain.ascii(); !name.empty();) {
    const auto parsed = mail::Domain::parse(name);
    if (parsed && directory.is_local(*parsed)) return true;
    const std::size_t dot = name.find('.');
    name = dot == name.npos ? std::string_view() : name.substr(dot + 1);
  }
  return false;
}

base::Result<base::MessageId> accept(queue::Queue& queue, mail::Envelope envelope,
                                     const std::function<std::string(base::MessageId)>& text,
                                     std::string decision) {
  auto draft = queue.open_draft();
  if (!draft) return std::unexpected(std::move(draft.error()));
  const std::string content = text(draft->id());
  draft->append(content);
  envelope.size = content.size();
  std::promise<base::Result<base::MessageId>> committed;
  queue.accept({.envelope = std::move(envelope),
                .draft = std::move(*draft),
                .decisions = {std::move(decision)},
                .content = queue::facts_of(content)},
               [&](base::Result<base::MessageId> id) { committed.set_value(std::move(id)); });
  return committed.get_future().get();
}

}  // namespace

ReportHouse::ReportHouse(const Settings& settings, queue::Courier& mailbox, sys::Clock& clock)
    : settings_(settings), clock_(clock) {
  if (auto store = open()) recorder_ = std::make_unique<reports::Recorder>(std::move(store));
  if (auto store = open())
    courier_ = std::make_unique<reports::ReportCourier>(reports::ReportCourier::Parts{
        .store = std::move(store),
        .mailbox = mailbox,
        .clock = clock,
        .is_ours =
            [&settings](const mail::Domain& domain) { return is_ours(*settings.get().directory, domain); },
        .hostname = settings.get().config->hostname});
}

std::unique_ptr<reports::ReportStore> ReportHouse::open() const {
  const auto folder = reports::ReportStore::folder_in(settings_.get().config->data_dir);
  auto store = reports::ReportStore::open(folder);
  if (store) return std::move(*store);
  sys::log::error("dmarc_reports_off", {{"why", store.error().log_text()}});
  return nullptr;
}

void ReportHouse::start(queue::Queue& queue, sys::Resolver& resolver) {
  const auto config = [this] { return settings_.get().config; };
  const reports::AcceptMail make_mail = [&queue](mail::Envelope envelope,
                                                 std::function<std::string(base::MessageId)> text,
                                                 std::string decision) {
    return accept(queue, std::move(envelope), text, std::move(decision));
  };
  const auto parts = [&](std::unique_ptr<reports::ReportStore> store) {
    return reports::SenderParts{.store = std::move(store),
                                .resolver = resolver,
                                .clock = clock_,
                                .config = config,
                                .accept = make_mail};
  };
  if (auto store = open()) {
    sender_ = std::make_unique<reports::ReportSender>(parts(std::move(store)));
    sender_->start();
  }
  if (auto store = open()) {
    failures_ = std::make_unique<reports::FailureSender>(parts(std::move(store)));
    failures_->start();
  }
}

void ReportHouse::stop() {
  sender_.reset();
  if (failures_) failures_->stop();  // a session that outlived its patience may still tell it of a message
}

void ReportHouse::judged(const policy::Judged& message) {
  if (recorder_) recorder_->judged(message);
  if (failures_) failures_->judged(message);
}

}  // namespace postrider::app
