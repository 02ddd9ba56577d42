#include "receive/examination.hpp"

#include <utility>

namespace postrider::receive {

Examination::Examination(policy::AuthenticationFacts facts, std::string_view header,
                         wire::dkim::BodyHasher& bodies, Means means)
    : check_(std::move(facts), header, bodies, &means.known),
      timeout_(means.timeout),
      inquiry_(policy::Inquiry::make(means.resolver, means.clock, std::move(means.post))) {
  inquiry_->run(
      timeout_, [this](policy::Lookups& lookups) { return check_.go_on(lookups); },
      [this] {
        complete_ = true;
        if (done_) std::exchange(done_, {})();
      });
}

bool Examination::end_of_body() {
  check_.end_of_body();
  inquiry_->look_again(timeout_);
  return complete_;
}

}  // namespace postrider::receive
