#include "notify.h"

#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>

#include "js_error.h"
#include "tunnel/file_descriptor.h"

namespace flannel {
namespace {

/** One datagram to systemd's notification socket (sd_notify(3)); `@` starts an abstract address. */
Napi::Value notifySystemd(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const std::string path = info[0].As<Napi::String>();
  const std::string text = info[1].As<Napi::String>();
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.empty() || path.size() >= sizeof(address.sun_path)) throw systemError(env, EINVAL, "connect " + path);
  std::copy(path.begin(), path.end(), address.sun_path);
  if (path[0] == '@') address.sun_path[0] = '\0';
  const socklen_t length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path.size());
  const tunnel::FileDescriptor fd(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (fd.get() < 0) throw systemError(env, errno, "socket");
  const auto* to = reinterpret_cast<const sockaddr*>(&address);
  if (::sendto(fd.get(), text.data(), text.size(), MSG_NOSIGNAL | MSG_DONTWAIT, to, length) < 0) {
    throw systemError(env, errno, "sendto " + path);
  }
  return env.Undefined();
}

}  // namespace

void initNotify(Napi::Env env, Napi::Object exports) {
  exports.Set("notifySystemd", Napi::Function::New(env, notifySystemd, "notifySystemd"));
}

}  // namespace flannel
