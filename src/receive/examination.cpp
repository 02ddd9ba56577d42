#include "receive/examination.hpp"

#include <utility>

namespace postrider::receive {

Examination::Examination(policy::AuthenticationFacts facts, std::string_view header,
                         wire::dkim::BodyHasher& bodies, Means means)
    : check_(std::move(facts), header, bodies),
      timeout_(means.timeout),
      inquiry_(policy::Inquiry::make(means.resolver, means.clock, std::move(means.post))) {
  // It is not complete before the body is, so that done_ is there then.
  inquiry_->run(
      timeout_, [this](policy::Lookups& lookups) { return check_.go_on(lookups); }, [this] { done_(); });
}

void Examination::end_of_body(std::move_only_function<void()> done) {
  done_ = std::move(done);
  check_.end_of_body();
  inquiry_->look_again(timeout_);
}

}  // namespace postrider::receive
