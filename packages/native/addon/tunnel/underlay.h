#pragma once

#include <chrono>
#include <string>

namespace flannel::tunnel {

/**
 * The interface that peers' datagrams arrive on. It is known by its name: an interface that is deleted and created again has
 * another index. For one thread at a time.
 */
class Underlay {
 public:
  /**
   * @param name empty for every interface.
   * @param socket any socket of the network namespace.
   * @throws std::system_error when no interface can have this name.
   */
  Underlay(std::string name, int socket);

  /** Whether datagrams that arrived on the interface with this index came from the underlay. */
  bool includes(int index);

 private:
  using Clock = std::chrono::steady_clock;
  /** How often the index is looked up at the most, however many datagrams arrive on other interfaces. */
  static constexpr auto lookupInterval = std::chrono::milliseconds(100);

  void lookUp();

  std::string name_;
  int socket_;
  /** 0 while there is no such interface. */
  int index_ = 0;
  Clock::time_point nextLookup_;
};

}  // namespace flannel::tunnel
