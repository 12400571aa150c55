#include "netlink_port.h"

#include <linux/netlink.h>
#include <sys/socket.h>
#include <unistd.h>
#include <uv.h>

#include <cerrno>
#include <cstdint>
#include <memory>
#include <vector>

#include "js_error.h"

namespace flannel {
namespace {

/** Largest datagram read: dumps come in up to 32 KiB (linux/netlink.h, NLMSG_GOODSIZE), acks far smaller. */
constexpr std::size_t kBufferBytes = 64 * 1024;
/** Datagrams delivered per wake-up, so that a burst does not starve the rest of the event loop. */
constexpr int kDatagramsPerWakeUp = 256;

/** A netlink socket on the event loop (netlink(7)): whole datagrams in and out, never blocking. */
class NetlinkPort : public Napi::ObjectWrap<NetlinkPort> {
 public:
  static Napi::Function define(Napi::Env env) {
    return DefineClass(env, "NetlinkPort",
                       {
                           InstanceMethod("send", &NetlinkPort::send),
                           InstanceMethod("exchange", &NetlinkPort::exchange),
                           InstanceMethod("listen", &NetlinkPort::listen),
                           InstanceMethod("close", &NetlinkPort::closeMethod),
                       });
  }

  explicit NetlinkPort(const Napi::CallbackInfo& info) : Napi::ObjectWrap<NetlinkPort>(info), env_(info.Env()) {
    const int protocol = info[0].As<Napi::Number>();
    const auto groups = info[1].As<Napi::Array>();
    const int receiveBuffer = info[2].As<Napi::Number>();
    fd_ = ::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, protocol);
    if (fd_ < 0) throw systemError(env_, errno, "socket AF_NETLINK");
    try {
      configure(groups, receiveBuffer);
    } catch (...) {
      ::close(fd_);
      throw;
    }
  }

  ~NetlinkPort() override { close(); }

 private:
  void configure(const Napi::Array& groups, int receiveBuffer) {
    enable(NETLINK_EXT_ACK);
    enable(NETLINK_CAP_ACK);
    enable(NETLINK_GET_STRICT_CHK);
    // Beyond rmem_max with CAP_NET_ADMIN; else as much as allowed.
    if (::setsockopt(fd_, SOL_SOCKET, SO_RCVBUFFORCE, &receiveBuffer, sizeof(receiveBuffer)) != 0) {
      ::setsockopt(fd_, SOL_SOCKET, SO_RCVBUF, &receiveBuffer, sizeof(receiveBuffer));
    }
    sockaddr_nl address{};
    address.nl_family = AF_NETLINK;
    if (::bind(fd_, reinterpret_cast<sockaddr*>(&address), sizeof(address)) != 0) fail("bind AF_NETLINK");
    for (std::uint32_t index = 0; index < groups.Length(); index++) {
      const int group = groups.Get(index).As<Napi::Number>();
      if (::setsockopt(fd_, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &group, sizeof(group)) != 0) {
        fail("setsockopt NETLINK_ADD_MEMBERSHIP");
      }
    }
  }

  /** Older kernels lack some of these; they only make answers richer. */
  void enable(int option) {
    const int on = 1;
    ::setsockopt(fd_, SOL_NETLINK, option, &on, sizeof(on));
  }

  Napi::Value send(const Napi::CallbackInfo& info) {
    const auto datagram = info[0].As<Napi::Uint8Array>();
    sockaddr_nl kernel{};
    kernel.nl_family = AF_NETLINK;
    const ssize_t sent = ::sendto(fd_, datagram.Data(), datagram.ByteLength(), 0,
                                  reinterpret_cast<sockaddr*>(&kernel), sizeof(kernel));
    if (sent < 0) fail("sendto AF_NETLINK");
    return env_.Undefined();
  }

  /** The kernel works a request of the routing netlink off within sendto, so that the answer is there when it returns. */
  Napi::Value exchange(const Napi::CallbackInfo& info) {
    send(info);
    const ssize_t length = ::recv(fd_, buffer_.data(), buffer_.size(), 0);
    if (length < 0) fail("recv AF_NETLINK");
    return Napi::Buffer<std::uint8_t>::Copy(env_, buffer_.data(), static_cast<std::size_t>(length));
  }

  Napi::Value listen(const Napi::CallbackInfo& info) {
    if (fd_ < 0) throw systemError(env_, EBADF, "listen AF_NETLINK");
    if (poll_ != nullptr) throw systemError(env_, EALREADY, "listen AF_NETLINK");
    onDatagram_ = Napi::Persistent(info[0].As<Napi::Function>());
    onError_ = Napi::Persistent(info[1].As<Napi::Function>());
    uv_loop_t* loop = nullptr;
    napi_get_uv_event_loop(env_, &loop);
    auto poll = std::make_unique<uv_poll_t>();
    poll->data = this;
    if (const int status = uv_poll_init(loop, poll.get(), fd_); status < 0) {
      throw systemError(env_, -status, "listen AF_NETLINK");
    }
    poll_ = poll.release();
    startPolling();
    // The loop owns a pointer to this object until close.
    Ref();
    return env_.Undefined();
  }

  void startPolling() {
    uv_poll_start(poll_, UV_READABLE, [](uv_poll_t* poll, int status, int) {
      static_cast<NetlinkPort*>(poll->data)->receive(status);
    });
  }

  Napi::Value closeMethod(const Napi::CallbackInfo&) {
    close();
    return env_.Undefined();
  }

  void close() {
    if (fd_ < 0) return;
    if (poll_ != nullptr) {
      uv_poll_stop(poll_);
      uv_close(reinterpret_cast<uv_handle_t*>(poll_),
               [](uv_handle_t* handle) { delete reinterpret_cast<uv_poll_t*>(handle); });
      poll_ = nullptr;
      // They refer to this port, as a rule: a cycle that no garbage collection sees.
      onDatagram_.Reset();
      onError_.Reset();
      Unref();
    }
    ::close(fd_);
    fd_ = -1;
  }

  void receive(int status) {
    const Napi::HandleScope scope(env_);
    // A listener may close the port, or drop its last reference, in the middle of this loop.
    Ref();
    for (int count = 0; count < kDatagramsPerWakeUp && fd_ >= 0; count++) {
      const ssize_t length = ::recv(fd_, buffer_.data(), buffer_.size(), 0);
      if (length < 0 && (errno == EAGAIN || errno == EINTR)) break;
      deliver(length, errno);
    }
    // The loop stops polling a socket with a pending error, such as ENOBUFS; recv has taken it off by now.
    if (status < 0 && poll_ != nullptr) startPolling();
    Unref();
  }

  void deliver(ssize_t length, int errorNumber) {
    const Napi::HandleScope scope(env_);
    const Napi::CallbackScope callback(env_, Napi::AsyncContext(env_, "NetlinkPort"));
    try {
      if (length < 0) {
        onError_.Call({systemError(env_, errorNumber, "recv AF_NETLINK").Value()});
      } else {
        const auto size = static_cast<std::size_t>(length);
        onDatagram_.Call({Napi::Buffer<std::uint8_t>::Copy(env_, buffer_.data(), size)});
      }
    } catch (const Napi::Error& error) {
      napi_fatal_exception(env_, error.Value());
    }
  }

  [[noreturn]] void fail(const char* operation) { throw systemError(env_, errno, operation); }

  Napi::Env env_;
  int fd_ = -1;
  uv_poll_t* poll_ = nullptr;
  Napi::FunctionReference onDatagram_;
  Napi::FunctionReference onError_;
  std::vector<std::uint8_t> buffer_ = std::vector<std::uint8_t>(kBufferBytes);
};

}  // namespace

void initNetlinkPort(Napi::Env env, Napi::Object exports) { exports.Set("NetlinkPort", NetlinkPort::define(env)); }

}  // namespace flannel
