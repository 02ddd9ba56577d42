#include "policy/inquiry.hpp"

#include <algorithm>
#include <utility>

namespace postrider::policy {

std::shared_ptr<Inquiry> Inquiry::make(sys::Resolver& resolver, const sys::Clock& clock, Post post) {
  return std::shared_ptr<Inquiry>(new Inquiry(resolver, clock, std::move(post)));
}

void Inquiry::run(base::Milliseconds within, Check check, std::move_only_function<void()> done) {
  deadline_ = clock_.steady() + within;
  check_ = std::move(check);
  done_ = std::move(done);
  go_on();
}

void Inquiry::look_again(base::Milliseconds within) {
  deadline_ = std::max(deadline_, clock_.steady() + within);
  go_on();
}

void Inquiry::go_on() {
  if (running_ || !done_) return;
  const auto alive = shared_from_this();
  running_ = true;
  bool complete = false;
  do {
    news_ = false;
    complete = check_(lookups_);
    for (const Question& question : lookups_.take_wanted()) ask(question);
  } while (!complete && news_);
  running_ = false;
  if (complete) std::exchange(done_, {})();
}

void Inquiry::take(const Question& question, AnyAnswer answer) {
  lookups_.answer(question, std::move(answer));
  news_ = true;
  go_on();
}

template <class T>
sys::dns::Done<T> Inquiry::bring_home(const Question& question) {
  return [weak = weak_from_this(), post = post_, question](sys::dns::Result<T> result) {
    post([weak, question, answer = AnyAnswer(std::move(result))]() mutable {
      if (const auto self = weak.lock()) self->take(question, std::move(answer));
    });
  };
}

void Inquiry::ask(const Question& question) {
  const auto left = std::chrono::duration_cast<base::Milliseconds>(deadline_ - clock_.steady());
  using enum QuestionType;
  if (left <= base::Milliseconds(0)) {
    const std::unexpected late(sys::dns::Failure{sys::dns::Error::timeout, false, "the time was up"});
    if (question.type == a || question.type == aaaa) return take(question, AddressAnswer(late));
    if (question.type == mx) return take(question, ExchangeAnswer(late));
    return take(question, TextAnswer(late));
  }
  switch (question.type) {
    case a:
      return resolver_.a(question.name, left, bring_home<base::IpAddress>(question));
    case aaaa:
      return resolver_.aaaa(question.name, left, bring_home<base::IpAddress>(question));
    case mx:
      return resolver_.mx(question.name, left, bring_home<sys::dns::Mx>(question));
    case txt:
      return resolver_.txt(question.name, left, bring_home<std::string>(question));
    case ptr:
      return resolver_.ptr(base::IpAddress::parse(question.name).value(), left,
                           bring_home<std::string>(question));
  }
}

}  // namespace postrider::policy
