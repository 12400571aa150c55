#include "packet_threads.h"

#include <poll.h>
#include <pthread.h>
#include <signal.h>

#include <chrono>
#include <utility>

namespace flannel::tunnel {
namespace {

/** A turn that carries more has work for two threads: more than one super-packet, or than a burst of small ones. */
constexpr std::uint64_t bytesForOne = 65536;
constexpr std::uint64_t packetsForOne = 64;
/** A thread of a transfer that has found nothing lets others run this often, and looks again, before it sleeps. */
constexpr int yieldsBeforeSleep = 3;
/** Longer than the pauses within a transfer, shorter than those between messages that somebody waits for. */
constexpr auto silence = std::chrono::milliseconds(1);

}  // namespace

PacketThreads::PacketThreads(Context& context, Transmitter& transmitter, Receiver& receiver, OnFailure onFailure)
    : context_(context), transmitter_(transmitter), receiver_(receiver), onFailure_(std::move(onFailure)) {
  // Signals are for the main thread; new threads inherit the mask.
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  first_ = start("tunnel", &PacketThreads::carry);
  second_ = start("tunnel-helper", &PacketThreads::help);
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

std::thread PacketThreads::start(const char* name, void (PacketThreads::*run)()) {
  std::thread thread([this, run] {
    try {
      (this->*run)();
    } catch (const std::exception& error) {
      onFailure_(error);
    }
  });
  pthread_setname_np(thread.native_handle(), name);
  return thread;
}

void PacketThreads::carry() {
  bool both = true;
  Courtesy courtesy;
  while (context_.stop.waitFor({context_.tun.fd(), both ? context_.socket.fd() : returned_.fd()}, POLLIN)) {
    if (!both) both = returned_.take();
    if (both) both = carryBoth();
    if (!both) carryOne(courtesy, [this] { return transmitter_.forwardBurst(); });
  }
}

bool PacketThreads::carryBoth() {
  for (bool more = true; more && !context_.stop.raised();) {
    const Amount before = carried();
    more = transmitter_.forwardBurst();
    more |= receiver_.deliverBurst();
    const Amount after = carried();
    if (after.packets - before.packets > packetsForOne || after.bytes - before.bytes > bytesForOne) {
      given_.raise();
      return false;
    }
  }
  return true;
}

template <typename Burst>
void PacketThreads::carryOne(Courtesy& courtesy, Burst burst) {
  int yields = 0;
  do {
    while (burst()) {
      if (context_.stop.raised()) return;
      yields = 0;
    }
  } while (yields++ < yieldsBeforeSleep && courtesy.yield());
}

void PacketThreads::help() {
  Courtesy courtesy;
  while (context_.stop.waitFor({given_.fd()}, POLLIN)) {
    given_.take();
    receiveUntilSilence(courtesy);
    returned_.raise();
  }
}

void PacketThreads::receiveUntilSilence(Courtesy& courtesy) {
  using Clock = std::chrono::steady_clock;
  // By the clock, not by a timer: that would have to be set before every wait.
  auto waiting = Clock::now();
  bool silent = false;
  while (!silent && context_.stop.waitFor({context_.socket.fd()}, POLLIN)) {
    silent = Clock::now() - waiting > silence;
    carryOne(courtesy, [this] { return receiver_.deliverBurst(); });
    waiting = Clock::now();
  }
}

PacketThreads::Amount PacketThreads::carried() const {
  const Traffic& sent = transmitter_.traffic();
  const Traffic& received = receiver_.traffic();
  return {sent.packets.get() + received.packets.get(), sent.bytes.get() + received.bytes.get()};
}

void PacketThreads::stop() {
  context_.stop.raise();
  if (first_.joinable()) first_.join();
  if (second_.joinable()) second_.join();
}

}  // namespace flannel::tunnel
