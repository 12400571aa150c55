#pragma once

#include <cstdint>
#include <exception>
#include <functional>
#include <thread>

#include "context.h"
#include "courtesy.h"
#include "event.h"
#include "receiver.h"
#include "transmitter.h"

namespace flannel::tunnel {

/**
 * The two threads that carry packets. While there is little to carry, the first does it in both directions and the
 * second sleeps: a question and its answer then wake one thread of a host, where they would wake two. When there is
 * more, the second takes over what is received, until nothing has come in for a while. A direction is one thread's at
 * any time, so that packets keep their order.
 */
class PacketThreads {
 public:
  using OnFailure = std::function<void(const std::exception&)>;

  /**
   * Starts; the threads belong to the network namespace of the calling thread.
   * @param onFailure called on a packet thread when that has ended with an error.
   */
  PacketThreads(Context& context, Transmitter& transmitter, Receiver& receiver, OnFailure onFailure);
  ~PacketThreads() { stop(); }

  /** Ends both, within the time that a burst of packets takes. Idempotent. */
  void stop();

 private:
  struct Amount {
    std::uint64_t packets;
    std::uint64_t bytes;
  };

  std::thread start(const char* name, void (PacketThreads::*run)());
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
  /** In both directions so far. */
  Amount carried() const;

  Context& context_;
  Transmitter& transmitter_;
  Receiver& receiver_;
  OnFailure onFailure_;
  /** The first gives the second what is received, and gets it back. */
  Event given_;
  Event returned_;
  std::thread first_;
  std::thread second_;
};

}  // namespace flannel::tunnel
