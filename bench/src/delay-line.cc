// Forwards Ethernet frames between two interfaces, each after a fixed time: `delay-line ONE OTHER MICROSECONDS`.
// It stands in for netem, which not every kernel has. Super-packets stay whole: with PACKET_VNET_HDR, packet(7), a frame
// comes and goes with what the kernel knows of its segmentation and checksum.
#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <system_error>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;

/** A frame of the largest IP packet, with the header that says what is left to do with it. */
constexpr std::size_t largestFrame = 65535 + ETH_HLEN + 64;
constexpr int bufferBytes = 64 << 20;
/** Frames that are taken from one side before it is the other one's turn. */
constexpr int burst = 64;

int checked(int result, const char* what) {
  if (result < 0) throw std::system_error(errno, std::system_category(), what);
  return result;
}

template <typename Value>
void set(int fd, int level, int option, const Value& value, const char* what) {
  checked(setsockopt(fd, level, option, &value, sizeof value), what);
}

/** One of the two interfaces. */
class Side {
 public:
  explicit Side(const char* name) {
    fd_ = checked(socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), "open a packet socket");
    set(fd_, SOL_PACKET, PACKET_VNET_HDR, 1, "PACKET_VNET_HDR");
    set(fd_, SOL_PACKET, PACKET_IGNORE_OUTGOING, 1, "PACKET_IGNORE_OUTGOING");
    set(fd_, SOL_SOCKET, SO_RCVBUFFORCE, bufferBytes, "SO_RCVBUFFORCE");
    set(fd_, SOL_SOCKET, SO_SNDBUFFORCE, bufferBytes, "SO_SNDBUFFORCE");
    sockaddr_ll address{};
    address.sll_family = AF_PACKET;
    address.sll_protocol = htons(ETH_P_ALL);
    address.sll_ifindex = static_cast<int>(if_nametoindex(name));
    packet_mreq all{};
    all.mr_ifindex = address.sll_ifindex;
    all.mr_type = PACKET_MR_PROMISC;
    set(fd_, SOL_PACKET, PACKET_ADD_MEMBERSHIP, all, name);
    checked(bind(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address), name);
  }

  int fd() const { return fd_; }

  bool receive(std::vector<char>& frame) const {
    frame.resize(largestFrame);
    const ssize_t size = read(fd_, frame.data(), frame.size());
    // A frame that this socket cannot describe is lost, like one of another error on a wire.
    if (size < 0) return false;
    frame.resize(static_cast<std::size_t>(size));
    return true;
  }

  /** A full queue loses the frame, as a link does. */
  void send(const std::vector<char>& frame) const { (void)!write(fd_, frame.data(), frame.size()); }

 private:
  int fd_;
};

/** The frames under way in one direction. */
class Direction {
 public:
  Direction(const Side& from, const Side& to, Clock::duration delay) : from_(from), to_(to), delay_(delay) {}

  void take() {
    for (int frames = 0; frames < burst; frames++) {
      std::vector<char> frame;
      if (!spare_.empty()) {
        frame = std::move(spare_.back());
        spare_.pop_back();
      }
      if (!from_.receive(frame)) return;
      waiting_.push_back({Clock::now() + delay_, std::move(frame)});
    }
  }

  void deliver() {
    while (!waiting_.empty() && waiting_.front().due <= Clock::now()) {
      to_.send(waiting_.front().frame);
      spare_.push_back(std::move(waiting_.front().frame));
      waiting_.pop_front();
    }
  }

  Clock::time_point due() const { return waiting_.empty() ? Clock::time_point::max() : waiting_.front().due; }

 private:
  struct Waiting {
    Clock::time_point due;
    std::vector<char> frame;
  };

  const Side& from_;
  const Side& to_;
  Clock::duration delay_;
  std::deque<Waiting> waiting_;
  std::vector<std::vector<char>> spare_;
};

void forward(const char* one, const char* other, Clock::duration delay) {
  const Side sides[] = {Side(one), Side(other)};
  Direction directions[] = {{sides[0], sides[1], delay}, {sides[1], sides[0], delay}};
  pollfd readable[] = {{sides[0].fd(), POLLIN, 0}, {sides[1].fd(), POLLIN, 0}};
  std::puts("ready");
  std::fflush(stdout);
  for (;;) {
    const Clock::time_point due = std::min(directions[0].due(), directions[1].due());
    timespec timeout{};
    const auto left = std::chrono::duration_cast<std::chrono::nanoseconds>(due - Clock::now()).count();
    if (left > 0) timeout.tv_nsec = left;
    const bool idle = due == Clock::time_point::max();
    if (ppoll(readable, 2, idle ? nullptr : &timeout, nullptr) < 0 && errno != EINTR) checked(-1, "poll");
    for (Direction& direction : directions) {
      direction.deliver();
      direction.take();
    }
  }
}

}  // namespace

int main(int argc, char** argv) {
  const int microseconds = argc == 4 ? std::atoi(argv[3]) : 0;
  if (microseconds < 1 || microseconds >= 1'000'000) {
    std::fputs("usage: delay-line ONE OTHER MICROSECONDS (1 to 999999)\n", stderr);
    return 2;
  }
  // Else the kernel may wake a thread 50 µs late.
  prctl(PR_SET_TIMERSLACK, 1UL);
  try {
    forward(argv[1], argv[2], std::chrono::microseconds(microseconds));
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
