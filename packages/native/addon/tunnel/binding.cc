#include "binding.h"

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "js_error.h"
#include "records.h"
#include "tunnel.h"

namespace flannel::tunnel {
namespace {

Napi::Error toJsError(Napi::Env env, const std::system_error& error) {
  const std::string what = error.what();
  // std::system_error appends the text of the error number, which systemError() does too.
  return systemError(env, error.code().value(), what.substr(0, what.rfind(": ")));
}

/** Runs `work` and turns its C++ exceptions into JavaScript ones. */
template <typename Work>
auto guarded(Napi::Env env, Work work) {
  try {
    return work();
  } catch (const std::system_error& error) {
    throw toJsError(env, error);
  } catch (const std::invalid_argument& error) {
    throw Napi::RangeError::New(env, error.what());
  }
}

Records recordsOf(const Napi::Value& value) {
  if (!value.IsTypedArray()) throw std::invalid_argument("records come as a Uint8Array");
  const auto array = value.As<Napi::Uint8Array>();
  return {array.Data(), array.ByteLength()};
}

TunnelOptions readOptions(const Napi::Object& options) {
  return {
      .tun =
          {
              .name = options.Get("device").As<Napi::String>(),
              .mtu = options.Get("mtu").As<Napi::Number>(),
              .persistent = options.Get("persistent").As<Napi::Boolean>(),
              .offloads = options.Get("offloads").As<Napi::Boolean>(),
              .queues = options.Get("threads").As<Napi::Number>().Uint32Value(),
          },
      .socket = readEndpoint(recordsOf(options.Get("socket"))),
      .accept = options.Get("acceptAny").As<Napi::Boolean>() ? Accept::any : Accept::peers,
      .underlay = options.Get("underlay").As<Napi::String>(),
      .outerClass = options.Get("inheritTrafficClass").As<Napi::Boolean>() ? OuterClass::inherit : OuterClass::zero,
  };
}

Napi::Object toJs(Napi::Env env, const Amount& amount) {
  auto counter = Napi::Object::New(env);
  counter.Set("packets", static_cast<double>(amount.packets));
  counter.Set("bytes", static_cast<double>(amount.bytes));
  return counter;
}

class PacketTunnel : public Napi::ObjectWrap<PacketTunnel> {
 public:
  static void init(Napi::Env env, Napi::Object exports) {
    exports.Set("PacketTunnel", DefineClass(env, "PacketTunnel",
                                            {
                                                InstanceAccessor<&PacketTunnel::device>("device"),
                                                InstanceAccessor<&PacketTunnel::port>("port"),
                                                InstanceMethod<&PacketTunnel::setLocal>("setLocal"),
                                                InstanceMethod<&PacketTunnel::setRoutes>("setRoutes"),
                                                InstanceMethod<&PacketTunnel::updateRoutes>("updateRoutes"),
                                                InstanceMethod<&PacketTunnel::stats>("stats"),
                                                InstanceMethod<&PacketTunnel::close>("close"),
                                            }));
  }

  explicit PacketTunnel(const Napi::CallbackInfo& info) : ObjectWrap(info) {
    const auto options = info[0].As<Napi::Object>();
    onFailure_ = Napi::ThreadSafeFunction::New(info.Env(), options.Get("onFailure").As<Napi::Function>(),
                                               "tunnel failure", 0, 1);
    onFailure_.Unref(info.Env());
    guarded(info.Env(), [&] {
      try {
        tunnel_.emplace(readOptions(options), [this](const std::exception& error) { fail(error); });
      } catch (...) {
        end();
        throw;
      }
    });
  }

  ~PacketTunnel() { end(); }

 private:
  Napi::Value device(const Napi::CallbackInfo& info) {
    return Napi::String::New(info.Env(), open(info.Env()).device().name());
  }

  Napi::Value port(const Napi::CallbackInfo& info) {
    return guarded(info.Env(), [&] { return Napi::Number::New(info.Env(), open(info.Env()).socket().local().port()); });
  }

  void setLocal(const Napi::CallbackInfo& info) {
    guarded(info.Env(), [&] { open(info.Env()).local().assign(readLocalSubnets(recordsOf(info[0]))); });
  }

  void setRoutes(const Napi::CallbackInfo& info) {
    guarded(info.Env(), [&] { open(info.Env()).routes().assign(readRoutes(recordsOf(info[0]))); });
  }

  void updateRoutes(const Napi::CallbackInfo& info) {
    guarded(info.Env(), [&] {
      open(info.Env()).routes().update(readRoutes(recordsOf(info[0])), readPrefixes(recordsOf(info[1])));
    });
  }

  Napi::Value stats(const Napi::CallbackInfo& info) {
    const Napi::Env env = info.Env();
    Tunnel& tunnel = open(env);
    auto stats = Napi::Object::New(env);
    stats.Set("sent", toJs(env, tunnel.sent()));
    stats.Set("received", toJs(env, tunnel.received()));

    auto drops = Napi::Array::New(env, dropReasons);
    for (std::uint32_t reason = 0; reason < dropReasons; reason++) {
      drops.Set(reason, static_cast<double>(tunnel.drops(static_cast<Drop>(reason))));
    }
    stats.Set("drops", drops);

    auto offloads = Napi::Object::New(env);
    offloads.Set("deviceTcp", tunnel.device().offloads().tcp);
    offloads.Set("deviceUdp", tunnel.device().offloads().udp);
    offloads.Set("socketSend", tunnel.socket().segmentation());
    offloads.Set("socketReceive", tunnel.socket().coalescing());
    stats.Set("offloads", offloads);

    std::vector<std::uint8_t> peers;
    tunnel.routes().forEach([&](const Route& route) { appendPeer(peers, route); });
    stats.Set("peers", Napi::Buffer<std::uint8_t>::Copy(env, peers.data(), peers.size()));
    return stats;
  }

  void close(const Napi::CallbackInfo&) { end(); }

  void end() {
    tunnel_.reset();
    if (!ended_) onFailure_.Release();
    ended_ = true;
  }

  /** The tunnel, or a JavaScript error once it is closed. */
  Tunnel& open(Napi::Env env) {
    if (!tunnel_) throw Napi::Error::New(env, "the tunnel is closed");
    return *tunnel_;
  }

  /** On a packet thread. */
  void fail(const std::exception& error) {
    const auto* systemError = dynamic_cast<const std::system_error*>(&error);
    if (!systemError) std::terminate();
    onFailure_.NonBlockingCall([error = *systemError](Napi::Env env, Napi::Function callback) {
      callback.Call({toJsError(env, error).Value()});
    });
  }

  std::optional<Tunnel> tunnel_;
  Napi::ThreadSafeFunction onFailure_;
  bool ended_ = false;
};

}  // namespace

void initPacketTunnel(Napi::Env env, Napi::Object exports) { PacketTunnel::init(env, exports); }

}  // namespace flannel::tunnel
