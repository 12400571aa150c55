#include "tunnel.h"

#include <pthread.h>
#include <signal.h>

#include <utility>

namespace flannel::tunnel {

Tunnel::Tunnel(const TunnelOptions& options, OnFailure onFailure)
    : context_(options), onFailure_(std::move(onFailure)) {
  // Signals are for the main thread; new threads inherit the mask.
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  transmitting_ = start("tunnel-tx", transmitter_);
  receiving_ = start("tunnel-rx", receiver_);
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

template <typename Direction>
std::thread Tunnel::start(const char* name, Direction& direction) {
  std::thread thread([this, &direction] {
    try {
      direction.run();
    } catch (const std::exception& error) {
      onFailure_(error);
    }
  });
  pthread_setname_np(thread.native_handle(), name);
  return thread;
}

std::uint64_t Tunnel::drops(Drop reason) const {
  const std::uint64_t byKernel = reason == Drop::socketFull ? context_.socket.overruns() : 0;
  return transmitter_.drops().get(reason) + receiver_.drops().get(reason) + byKernel;
}

void Tunnel::close() {
  context_.stop.raise();
  if (transmitting_.joinable()) transmitting_.join();
  if (receiving_.joinable()) receiving_.join();
}

}  // namespace flannel::tunnel
