// Who is next, of many who want something of different size: deficit round robin in a ring of those that wait.
#pragma once

#include <cstdint>

namespace postrider::queue {

// What takes turns has this as its base. In one ring at a time; taken out before it is destroyed.
template <class T>
struct Turn {
  T* before = nullptr;
  T* behind = nullptr;
  std::int64_t credit = 0;
  bool waits_in_ring() const { return behind != nullptr; }
};

template <class T>
class Turns {
 public:
  bool empty() const { return !front_; }

  // At the end; nothing where it waits already. A newcomer has no credit.
  void add(T& one) {
    if (one.waits_in_ring()) return;
    one.credit = 0;
    T& front = front_ ? *front_ : one;
    one.behind = &front;
    one.before = front_ ? front.before : &one;
    one.before->behind = &one;
    front.before = &one;
    front_ = &front;
  }
  void remove(T& one) {
    if (!one.waits_in_ring()) return;
    if (front_ == &one) front_ = one.behind == &one ? nullptr : one.behind;
    one.before->behind = one.behind;
    one.behind->before = one.before;
    one.before = one.behind = nullptr;
  }

  // The first; those behind it come one place nearer. Requires that there is one.
  T& rotate() {
    T& first = *front_;
    front_ = first.behind;
    return first;
  }
  // The first whose credit pays for what it wants next, which is cost(T) and more than 0; each one before it gets
  // `quantum`. Requires that there is one. It has paid when this returns.
  template <class Cost>
  T& pay(std::int64_t quantum, Cost cost) {
    if (front_->behind == front_) return *front_;  // alone, nobody is held up by it
    while (true) {
      const std::int64_t price = cost(*front_);
      if (front_->credit >= price) {
        front_->credit -= price;
        return *front_;
      }
      rotate().credit += quantum;
    }
  }
  // Where the price is known only afterwards: the first that is not in debt; each one before it gets `quantum`. Requires
  // that there is one. What it takes is charged to it before it is taken out of the ring.
  T& next(std::int64_t quantum) {
    while (front_->credit < 0) rotate().credit += quantum;
    return *front_;
  }
  void charge(T& one, std::int64_t price) const { one.credit = one.behind == &one ? 0 : one.credit - price; }
  // In their order, for looking only: f(T) must not change the ring.
  template <class F>
  void each(F f) const {
    if (!front_) return;
    const T* one = front_;
    do {
      f(*one);
      one = one->behind;
    } while (one != front_);
  }
  T* front() const { return front_; }

 private:
  T* front_ = nullptr;
};

}  // namespace postrider::queue
