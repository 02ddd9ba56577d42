// Asks the DNS what the checks of one message want to know: all at once, under one deadline.
#pragma once

#include <functional>
#include <memory>

#include "base/time.hpp"
#include "policy/lookups.hpp"
#include "sys/clock.hpp"
#include "sys/resolver.hpp"

namespace postrider::policy {

// All of it, the destructor too, belongs to one thread: its home. Let go of before `done`, it is silent for ever.
class Inquiry : public std::enable_shared_from_this<Inquiry> {
 public:
  // Brings what it is given to the home thread, in order or not, at once or later. Called on any thread, as long as
  // answers may come (see sys::Resolver); not for answers that are there at once.
  using Post = std::function<void(std::move_only_function<void()>)>;
  // True when it needs no more answers. It is called at the start and with each answer, not from within itself.
  using Check = std::move_only_function<bool(Lookups&)>;

  // `resolver` and `clock` outlive it.
  static std::shared_ptr<Inquiry> make(sys::Resolver& resolver, const sys::Clock& clock, Post post);

  // All of it on the calling thread, which is its home and blocks until the check has said true.
  static void ask_and_wait(sys::Resolver& resolver, const sys::Clock& clock, base::Milliseconds within,
                           Check check);

  // Once. `done` is called once, perhaps before this returns, when the check has said true. After `within` every
  // question has the answer `timeout`: a check that asks no endless chain of questions then ends at once.
  void run(base::Milliseconds within, Check check, std::move_only_function<void()> done);
  // What the check stands on, besides answers, has changed: it is called again. The deadline moves to `within` from now,
  // if that is later. Nothing after `done`. Not from within the check.
  void look_again(base::Milliseconds within);

 private:
  Inquiry(sys::Resolver& resolver, const sys::Clock& clock, Post post)
      : resolver_(resolver), clock_(clock), post_(std::make_shared<const Post>(std::move(post))) {}

  void go_on();
  void ask(const Question& question);
  void take(const Question& question, AnyAnswer answer);
  // `question` lives as long as lookups_.
  template <class T>
  sys::dns::Done<T> bring_home(const Question& question);

  sys::Resolver& resolver_;
  const sys::Clock& clock_;
  const std::shared_ptr<const Post> post_;  // what is on its way holds it, too
  base::SteadyTime deadline_{};
  Check check_;
  std::move_only_function<void()> done_;
  Lookups lookups_;
  bool running_ = false;  // an answer that is there at once must not call the check within itself
  bool news_ = false;
};

}  // namespace postrider::policy
