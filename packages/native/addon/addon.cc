// The addon's entry: each part adds its own exports.
#include <napi.h>

#include "bpf.h"
#include "namespace.h"
#include "netlink_port.h"
#include "notify.h"
#include "signal_mask.h"
#include "tunnel/binding.h"

static Napi::Object init(Napi::Env env, Napi::Object exports) {
  flannel::initBpf(env, exports);
  flannel::initNamespace(env, exports);
  flannel::initNetlinkPort(env, exports);
  flannel::initNotify(env, exports);
  flannel::initSignalMask(env, exports);
  flannel::tunnel::initPacketTunnel(env, exports);
  return exports;
}

NODE_API_MODULE(flannel_native, init)
