#include "send_queue.h"

#include <cerrno>

#include "segmenter.h"

namespace flannel::tunnel {
namespace {

/** How many messages back a message for the same peer is looked for. */
constexpr std::size_t searchDepth = 8;

/** The first segment of a message whose segments have `size` bytes, the last one less. */
Segment segmentAt(std::span<const iovec> parts, std::size_t size) {
  const auto bytesOf = [](const iovec& part) {
    return std::span<const std::uint8_t>{static_cast<const std::uint8_t*>(part.iov_base), part.iov_len};
  };
  Segment segment{bytesOf(parts[0]), {}};
  // A whole packet has one part, also when it is shorter than the others: then it is the last.
  if (parts.size() > 1 && segment.size() < size) segment.payload = bytesOf(parts[1]);
  return segment;
}

}  // namespace

SendQueue::SendQueue(UdpSocket& socket, const StopSignal& stop, SendListener& listener, std::size_t capacity,
                     std::size_t lane)
    : socket_(socket),
      stop_(stop),
      listener_(listener),
      lane_(lane),
      messages_(capacity),
      headers_(capacity),
      arena_(maximumSegments * Segmenter::maximumHeaderLength * 4) {}

std::span<std::uint8_t> SendQueue::reserveHeader(std::size_t size) {
  // Also when add() would have to flush, because that would take this header with it.
  if (arenaUsed_ + size > arena_.size() || size_ == messages_.size()) flush();
  const std::span<std::uint8_t> header{&arena_[arenaUsed_], size};
  arenaUsed_ += size;
  return header;
}

void SendQueue::add(const Route& route, const Segment& packet, std::uint8_t trafficClass) {
  const auto size = static_cast<std::uint32_t>(packet.size());
  Message* message = findOpen(route, size, trafficClass);
  if (!message) {
    if (size_ == messages_.size()) flush();
    message = &messages_[size_++];
    message->route = &route;
    message->trafficClass = trafficClass;
    message->bytes = message->segments = message->partCount = 0;
    message->segmentSize = size;
  }
  for (const auto part : {packet.header, packet.payload}) {
    if (!part.empty()) message->parts[message->partCount++] = {const_cast<std::uint8_t*>(part.data()), part.size()};
  }
  message->bytes += size;
  message->segments++;
  message->lastSize = size;
}

/**
 * A message for the same peer that a packet of this size can join: the latest one, so that packets stay in order. Messages of
 * other DSCP are passed by, because no flow has several; a flow may have several ECN fields.
 */
SendQueue::Message* SendQueue::findOpen(const Route& route, std::size_t size, std::uint8_t trafficClass) {
  if (!socket_.segmentation() || !route.state(lane_).path.takesSegmentation()) return nullptr;
  const std::size_t oldest = size_ > searchDepth ? size_ - searchDepth : 0;
  for (std::size_t index = size_; index > oldest; index--) {
    Message& message = messages_[index - 1];
    if (message.route != &route || ((message.trafficClass ^ trafficClass) & ~ecnMask) != 0) continue;
    // Only the last segment may be shorter than the others.
    const bool fits = message.trafficClass == trafficClass && size <= message.segmentSize && message.lastSize == message.segmentSize &&
                      message.segments < maximumSegments && message.bytes + size <= maximumBytes;
    return fits ? &message : nullptr;
  }
  return nullptr;
}

void SendQueue::flush() {
  for (std::size_t index = 0; index < size_; index++) headers_[index] = {describe(messages_[index]), 0};
  for (std::size_t sent = 0; sent < size_;) {
    const int count = ::sendmmsg(socket_.fd(), &headers_[sent], size_ - sent, 0);
    const int errorNumber = errno;
    if (count > 0) {
      for (const std::size_t end = sent + count; sent < end; sent++) report(messages_[sent], 0);
    } else if (errorNumber != EINTR && !(errorNumber == EAGAIN && stop_.waitFor({socket_.fd()}, POLLOUT))) {
      report(messages_[sent++], errorNumber);
    }
  }
  size_ = 0;
  arenaUsed_ = 0;
}

msghdr SendQueue::describe(Message& message) {
  msghdr header{};
  header.msg_name = const_cast<sockaddr*>(message.route->peer.data());
  header.msg_namelen = message.route->peer.size();
  header.msg_iov = message.parts.data();
  header.msg_iovlen = message.partCount;
  message.control = {};
  message.control.setTrafficClass(message.trafficClass, message.route->peer.family());
  if (message.segments > 1) message.control.setSegmentSize(static_cast<std::uint16_t>(message.segmentSize));
  message.control.attachTo(header);
  return header;
}

void SendQueue::report(const Message& message, int errorNumber) {
  if (errorNumber == 0) return listener_.onSent(*message.route, message.segments, message.bytes);
  if (message.segments > 1) return sendSeparately(message, errorNumber);
  listener_.onRefused(*message.route, segmentAt({message.parts.data(), message.partCount}, message.bytes), errorNumber);
}

/**
 * After the kernel refused to cut a message: larger than the path MTU (EMSGSIZE, EINVAL), or by a device without checksum
 * offload before Linux 6.11 or through IPsec (EIO). Other peers may be reached in another way.
 */
void SendQueue::sendSeparately(const Message& message, int errorNumber) {
  if (errorNumber == EIO) message.route->state(lane_).path.refuseSegmentation();
  std::span<const iovec> parts{message.parts.data(), message.partCount};
  while (!parts.empty()) {
    const Segment segment = segmentAt(parts, message.segmentSize);
    parts = parts.subspan(segment.payload.empty() ? 1 : 2);
    const int error = socket_.send(segment.header, segment.payload, message.route->peer, message.trafficClass);
    if (error == 0) {
      listener_.onSent(*message.route, 1, static_cast<std::uint32_t>(segment.size()));
    } else {
      listener_.onRefused(*message.route, segment, error);
    }
  }
}

}  // namespace flannel::tunnel
