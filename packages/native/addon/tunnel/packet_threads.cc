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

PacketThreads::PacketThreads(Context& context, std::deque<Transmitter>& transmitters, Receiver& receiver,
                             std::deque<Lane>& lanes, OnFailure onFailure)
    : context_(context),
      transmitters_(transmitters),
      receiver_(receiver),
      lanes_(lanes),
      onFailure_(std::move(onFailure)) {
  // Signals are for the main thread; new threads inherit the mask.
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  carriers_.push_back(start("tunnel", [this] { carry(); }));
  carriers_.push_back(start("tunnel-helper", [this] { help(); }));
  for (auto it = transmitters_.begin() + 1; it != transmitters_.end(); ++it) {
    carriers_.push_back(start("tunnel-sender", [this, &transmitter = *it] { send(transmitter); }));
  }
  if (lanes_.size() > 1) {
    for (Lane& lane : lanes_) writers_.push_back(start("tunnel-writer", [&lane] { lane.run(); }));
  }
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

template <typename Run>
std::thread PacketThreads::start(const char* name, Run run) {
  std::thread thread([this, run] {
    try {
      run();
    } catch (const std::exception& error) {
      if (!failed_.test_and_set()) onFailure_(error);
    }
  });
  pthread_setname_np(thread.native_handle(), name);
  return thread;
}

void PacketThreads::carry() {
  bool both = true;
  Courtesy courtesy;
  while (context_.stop.waitFor({transmitters_.front().fd(), both ? context_.socket.fd() : returned_.fd()}, POLLIN)) {
    if (!both) both = returned_.take();
    if (both) both = carryBoth();
    if (!both) carryOne(courtesy, [this] { return transmitters_.front().forwardBurst(); });
  }
}

bool PacketThreads::carryBoth() {
  for (bool more = true; more && !context_.stop.raised();) {
    const Amount before = carried();
    more = transmitters_.front().forwardBurst();
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

void PacketThreads::send(Transmitter& transmitter) {
  Courtesy courtesy;
  while (context_.stop.waitFor({transmitter.fd()}, POLLIN)) {
    carryOne(courtesy, [&] { return transmitter.forwardBurst(); });
  }
}

Amount PacketThreads::carried() const {
  Amount sum;
  transmitters_.front().traffic().addTo(sum);
  receiver_.taken().addTo(sum);
  return sum;
}

void PacketThreads::stop() {
  context_.stop.raise();
  for (std::thread& thread : carriers_) thread.join();
  carriers_.clear();
  // The receiver gives them no more.
  if (!writers_.empty()) {
    for (Lane& lane : lanes_) lane.stop();
  }
  for (std::thread& thread : writers_) thread.join();
  writers_.clear();
}

}  // namespace flannel::tunnel
