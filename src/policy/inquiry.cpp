#include "policy/inquiry.hpp"

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <utility>

namespace postrider::policy {

namespace {

// Which one asks on this thread just now.
thread_local const Inquiry* asking = nullptr;

// Answers on their way to the thread that waits for them. Shared with the resolver, which may come late.
class Home {
 public:
  using Task = std::move_only_function<void()>;
  void post(Task task) {
    std::lock_guard lock(mutex_);
    tasks_.push_back(std::move(task));
    arrived_.notify_one();
  }
  // Runs tasks until `done`.
  void run_until(const bool& done) {
    while (!done) {
      std::unique_lock lock(mutex_);
      arrived_.wait(lock, [this] { return !tasks_.empty(); });
      Task task = std::move(tasks_.front());
      tasks_.pop_front();
      lock.unlock();
      task();
    }
  }

 private:
  std::mutex mutex_;
  std::condition_variable arrived_;
  std::deque<Task> tasks_;  // at most as many as there are questions
};

}  // namespace

std::shared_ptr<Inquiry> Inquiry::make(sys::Resolver& resolver, const sys::Clock& clock, Post post) {
  return std::shared_ptr<Inquiry>(new Inquiry(resolver, clock, std::move(post)));
}

void Inquiry::ask_and_wait(sys::Resolver& resolver, const sys::Clock& clock, base::Milliseconds within,
                           Check check) {
  const auto home = std::make_shared<Home>();
  const auto inquiry = make(resolver, clock, [home](Home::Task task) { home->post(std::move(task)); });
  bool done = false;
  inquiry->run(within, std::move(check), [&done] { done = true; });
  home->run_until(done);
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
    asking = this;
    for (const Question& question : lookups_.take_wanted()) ask(question);
    asking = nullptr;
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
  // The question is one of lookups_.
  return [this, weak = weak_from_this(), post = post_, &question](sys::dns::Result<T> result) {
    AnyAnswer answer(std::move(result));
    // What is known at once needs no way home. Elsewhere nobody may hold it, for its end belongs to its home.
    if (asking == this) {
      if (const auto self = weak.lock()) self->take(question, std::move(answer));
      return;
    }
    (*post)([weak, &question, answer = std::move(answer)]() mutable {
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
