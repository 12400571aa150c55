#include <netinet/udp.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <vector>

#include "check.h"
#include "tunnel/send_queue.h"

namespace {

/** What the kernel was asked to cut, by port, and what it refused to cut for one port, as it does for a path through IPsec. */
struct Kernel {
  int refusedPort = 0;
  std::vector<int> cut;
  std::vector<int> refused;
  /** All that were sent. */
  int messages = 0;
} kernel;

bool isToBeCut(const msghdr& message) {
  for (cmsghdr* control = CMSG_FIRSTHDR(&message); control; control = CMSG_NXTHDR(const_cast<msghdr*>(&message), control)) {
    if (control->cmsg_level == SOL_UDP && control->cmsg_type == UDP_SEGMENT) return true;
  }
  return false;
}

int portOf(const msghdr& message) { return ntohs(static_cast<const sockaddr_in*>(message.msg_name)->sin_port); }

}  // namespace

/** In place of the C library's, because no path of a test machine refuses segmentation. */
extern "C" int sendmmsg(int fd, mmsghdr* messages, unsigned count, int flags) {
  for (unsigned index = 0; index < count; index++) {
    const msghdr& message = messages[index].msg_hdr;
    if (!isToBeCut(message)) continue;
    const int port = portOf(message);
    if (port != kernel.refusedPort) {
      kernel.cut.push_back(port);
      continue;
    }
    if (index > 0) {
      count = index;
      break;
    }
    kernel.refused.push_back(port);
    errno = EIO;
    return -1;
  }
  kernel.messages += static_cast<int>(count);
  return static_cast<int>(::syscall(SYS_sendmmsg, fd, messages, count, flags));
}

namespace flannel::tunnel {
namespace {

const Address loopback{Family::ipv4, {std::uint64_t{0x7f000001} << 32, 0}};

struct Counter final : SendListener {
  void onSent(const Route&, std::uint32_t packets, std::uint32_t) override { sent += packets; }
  void onRefused(const Route&, const Segment&, int) override { refused++; }
  std::uint32_t sent = 0;
  int refused = 0;
};

/** A peer that receives on the loopback interface. */
struct Peer {
  Peer() {
    route.peer = socket.local();
    route.states = std::make_shared<PeerStates>(1);
  }

  int port() const { return route.peer.port(); }
  std::size_t received() {
    std::uint8_t buffer[2000];
    std::size_t count = 0;
    while (::recv(socket.fd(), buffer, sizeof buffer, 0) >= 0) count++;
    return count;
  }

  UdpSocket socket{Endpoint(loopback, 0), false};
  Route route;
};

void refusedSegmentationIsOnePathsAndTemporary() {
  UdpSocket socket(Endpoint(loopback, 0), true);
  CHECK(socket.segmentation());
  StopSignal stop;
  Counter counter;
  SendQueue queue(socket, stop, counter, 16, 0);
  Peer first, second;
  const std::vector<std::uint8_t> packet(1000);
  const auto sendToBoth = [&] {
    kernel.cut = kernel.refused = {};
    for (int count = 0; count < 4; count++) {
      queue.add(first.route, {packet, {}});
      queue.add(second.route, {packet, {}});
    }
    queue.flush();
    CHECK(first.received() == 4 && second.received() == 4);
  };
  using Ports = std::vector<int>;

  kernel.refusedPort = second.port();
  sendToBoth();
  CHECK((kernel.cut == Ports{first.port()}) && (kernel.refused == Ports{second.port()}));
  // It is not asked again so soon, and the other path is used as before.
  sendToBoth();
  CHECK((kernel.cut == Ports{first.port()}) && kernel.refused.empty());
  // When the pause is over, it is.
  kernel.refusedPort = 0;
  second.route.state(0).path.segmentationRefusedUntil = PeerPath::Clock::now();
  sendToBoth();
  CHECK((kernel.cut == Ports{first.port(), second.port()}));
  CHECK(counter.sent == 24 && counter.refused == 0);
}

void packetsOfOneClassShareAMessage() {
  UdpSocket socket(Endpoint(loopback, 0), true);
  StopSignal stop;
  Counter counter;
  SendQueue queue(socket, stop, counter, 16, 0);
  Peer peer;
  const std::vector<std::uint8_t> packet(1000);
  const auto messagesOf = [&](std::initializer_list<int> classes) {
    kernel = {};
    for (const int trafficClass : classes) queue.add(peer.route, {packet, {}}, static_cast<std::uint8_t>(trafficClass));
    queue.flush();
    CHECK(peer.received() == classes.size());
    return kernel.messages;
  };
  CHECK(messagesOf({0, 0, 0, 0}) == 1);
  CHECK(messagesOf({0xb8, 0, 0xb8, 0}) == 2);
  // A flow may have packets of several ECN fields, which must not pass each other.
  CHECK(messagesOf({2, 0, 2, 2}) == 3);
}

}  // namespace

void sendQueueTests() {
  refusedSegmentationIsOnePathsAndTemporary();
  packetsOfOneClassShareAMessage();
}

}  // namespace flannel::tunnel
