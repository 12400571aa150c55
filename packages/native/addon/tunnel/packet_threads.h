#pragma once

#include <atomic>
#include <deque>
#include <exception>
#include <functional>
#include <thread>
#include <vector>

#include "context.h"
#include "courtesy.h"
#include "event.h"
#include "lane.h"
#include "receiver.h"
#include "transmitter.h"

namespace flannel::tunnel {

/**
 * The threads that carry packets. While there is little to carry, the first does it in both directions and the
 * second sleeps: a question and its answer then wake one thread of a host, where they would wake two. When there is
 * more, the second takes over what is received, until nothing has come in for a while. A direction is one thread's at
 * any time, so that packets keep their order.
 *
 * With several lanes, each further queue of the TUN device has a thread that sends what the kernel puts there, and each lane
 * one that writes what was received for it: the packets of a flow keep to one of each.
 */
class PacketThreads {
 public:
  using OnFailure = std::function<void(const std::exception&)>;

  /**
   * Starts; the threads belong to the network namespace of the calling thread.
   * @param transmitters one for each queue of the TUN device.
   * @param onFailure called on a packet thread when that has ended with an error, the first one only.
   */
  PacketThreads(Context& context, std::deque<Transmitter>& transmitters, Receiver& receiver, std::deque<Lane>& lanes,
                OnFailure onFailure);
  ~PacketThreads() { stop(); }

  /** Ends all, within the time that a burst of packets takes. Idempotent. */
  void stop();

 private:
  template <typename Run>
  std::thread start(const char* name, Run run);
  /** The first thread. */
  void carry();
  /** Carries what is there in both directions; false when there was so much that it gave one to the second. */
  bool carryBoth();
  /** Carries in one direction until nothing has come for a few turns. */
  template <typename Burst>
  void carryOne(Courtesy& courtesy, Burst burst);
  /** The second thread. */
  void help();
  /** Receives until the first datagram after a silence. */
  void receiveUntilSilence(Courtesy& courtesy);
  /** The thread of a further queue. */
  void send(Transmitter& transmitter);
  /** By the first two, so far. */
  Amount carried() const;

  Context& context_;
  std::deque<Transmitter>& transmitters_;
  Receiver& receiver_;
  std::deque<Lane>& lanes_;
  OnFailure onFailure_;
  std::atomic_flag failed_;
  /** The first gives the second what is received, and gets it back. */
  Event given_;
  Event returned_;
  /** Those that wait for packets. */
  std::vector<std::thread> carriers_;
  /** Those that wait for the receiver. */
  std::vector<std::thread> writers_;
};

}  // namespace flannel::tunnel
