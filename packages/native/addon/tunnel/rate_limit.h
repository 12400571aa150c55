#pragma once

#include <algorithm>
#include <chrono>

namespace flannel::tunnel {

/** A token bucket for ICMP errors (RFC 1812, section 4.3.2.8; RFC 4443, section 2.4 (f)). For one thread at a time. */
class RateLimit {
 public:
  using Clock = std::chrono::steady_clock;

  RateLimit(double perSecond, double burst) : perSecond_(perSecond), burst_(burst), tokens_(burst) {}

  /** Whether there is a token to take. */
  bool allows(Clock::time_point now = Clock::now()) {
    const std::chrono::duration<double> elapsed = now - last_;
    last_ = now;
    tokens_ = std::min(burst_, tokens_ + elapsed.count() * perSecond_);
    return tokens_ >= 1;
  }

  void take() { tokens_ -= 1; }

 private:
  double perSecond_;
  double burst_;
  double tokens_;
  Clock::time_point last_ = Clock::now();
};

}  // namespace flannel::tunnel
