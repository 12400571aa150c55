#include "bpf.h"

#include <linux/bpf.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <string>
#include <vector>

#include "js_error.h"
#include "tunnel/file_descriptor.h"

namespace flannel {
namespace {

/** What the verifier may say of a program before its refusal counts as ENOSPC. */
constexpr std::size_t kLogBytes = 256 * 1024;

long bpf(bpf_cmd command, bpf_attr& attributes) { return ::syscall(SYS_bpf, command, &attributes, sizeof attributes); }

std::uint64_t pointer(const void* address) { return reinterpret_cast<std::uintptr_t>(address); }

std::uint32_t number(const Napi::Value& value) { return value.As<Napi::Number>().Uint32Value(); }

Napi::Value descriptor(Napi::Env env, long result, const char* operation) {
  if (result < 0) throw systemError(env, errno, operation);
  return Napi::Number::New(env, static_cast<double>(result));
}

/** (type, keyBytes, valueBytes, maxEntries, flags) → descriptor */
Napi::Value createMap(const Napi::CallbackInfo& info) {
  bpf_attr attributes{};
  attributes.map_type = number(info[0]);
  attributes.key_size = number(info[1]);
  attributes.value_size = number(info[2]);
  attributes.max_entries = number(info[3]);
  attributes.map_flags = number(info[4]);
  return descriptor(info.Env(), bpf(BPF_MAP_CREATE, attributes), "bpf BPF_MAP_CREATE");
}

bpf_attr elementOf(const Napi::CallbackInfo& info) {
  bpf_attr attributes{};
  attributes.map_fd = number(info[0]);
  attributes.key = pointer(info[1].As<Napi::Uint8Array>().Data());
  return attributes;
}

/** (map, key, value) */
Napi::Value updateElement(const Napi::CallbackInfo& info) {
  bpf_attr attributes = elementOf(info);
  attributes.value = pointer(info[2].As<Napi::Uint8Array>().Data());
  if (bpf(BPF_MAP_UPDATE_ELEM, attributes) < 0) throw systemError(info.Env(), errno, "bpf BPF_MAP_UPDATE_ELEM");
  return info.Env().Undefined();
}

/** (map, key, value to fill) → whether there is one */
Napi::Value readElement(const Napi::CallbackInfo& info) {
  bpf_attr attributes = elementOf(info);
  attributes.value = pointer(info[2].As<Napi::Uint8Array>().Data());
  const bool found = bpf(BPF_MAP_LOOKUP_ELEM, attributes) == 0;
  if (!found && errno != ENOENT) throw systemError(info.Env(), errno, "bpf BPF_MAP_LOOKUP_ELEM");
  return Napi::Boolean::New(info.Env(), found);
}

/** (map, key): what is not there is deleted already. */
Napi::Value deleteElement(const Napi::CallbackInfo& info) {
  bpf_attr attributes = elementOf(info);
  if (bpf(BPF_MAP_DELETE_ELEM, attributes) < 0 && errno != ENOENT) {
    throw systemError(info.Env(), errno, "bpf BPF_MAP_DELETE_ELEM");
  }
  return info.Env().Undefined();
}

bpf_attr programOf(std::uint32_t type, const Napi::Uint8Array& instructions, const std::string& license) {
  bpf_attr attributes{};
  attributes.prog_type = type;
  attributes.insns = pointer(instructions.Data());
  attributes.insn_cnt = static_cast<std::uint32_t>(instructions.ByteLength() / sizeof(bpf_insn));
  attributes.license = pointer(license.c_str());
  return attributes;
}

/** (type, instructions, license) → descriptor; an error carries what the verifier says as `log`. */
Napi::Value loadProgram(const Napi::CallbackInfo& info) {
  const auto instructions = info[1].As<Napi::Uint8Array>();
  const std::string license = info[2].As<Napi::String>();
  bpf_attr attributes = programOf(number(info[0]), instructions, license);
  const long program = bpf(BPF_PROG_LOAD, attributes);
  if (program >= 0) return Napi::Number::New(info.Env(), static_cast<double>(program));

  // The log costs time, so it is only asked for when there is something to say.
  Napi::Error error = systemError(info.Env(), errno, "bpf BPF_PROG_LOAD");
  std::vector<char> log(kLogBytes);
  attributes.log_level = 1;
  attributes.log_buf = pointer(log.data());
  attributes.log_size = static_cast<std::uint32_t>(log.size());
  const long again = bpf(BPF_PROG_LOAD, attributes);
  if (again >= 0) ::close(static_cast<int>(again));
  error.Set("log", Napi::String::New(info.Env(), log.data()));
  throw error;
}

/** (program, interface index, attach type) → descriptor of a link, which ends with it */
Napi::Value attachProgram(const Napi::CallbackInfo& info) {
  bpf_attr attributes{};
  attributes.link_create.prog_fd = number(info[0]);
  attributes.link_create.target_ifindex = number(info[1]);
  attributes.link_create.attach_type = number(info[2]);
  return descriptor(info.Env(), bpf(BPF_LINK_CREATE, attributes), "bpf BPF_LINK_CREATE");
}

/** (program, interface index, attach type): until the interface is deleted */
Napi::Value attachProgramForGood(const Napi::CallbackInfo& info) {
  bpf_attr attributes{};
  attributes.attach_bpf_fd = number(info[0]);
  // Called target_ifindex in newer headers.
  attributes.target_fd = number(info[1]);
  attributes.attach_type = number(info[2]);
  if (bpf(BPF_PROG_ATTACH, attributes) < 0) throw systemError(info.Env(), errno, "bpf BPF_PROG_ATTACH");
  return info.Env().Undefined();
}

/** (name) → { index, type }, or undefined */
Napi::Value findInterface(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const std::string name = info[0].As<Napi::String>();
  const tunnel::FileDescriptor socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (socket.get() < 0) throw systemError(env, errno, "socket");
  const unsigned int index = ::if_nametoindex(name.c_str());
  ifreq request{};
  name.copy(request.ifr_name, sizeof request.ifr_name - 1);
  if (index == 0 || ::ioctl(socket.get(), SIOCGIFHWADDR, &request) != 0) return env.Undefined();
  Napi::Object found = Napi::Object::New(env);
  found.Set("index", index);
  found.Set("type", static_cast<int>(request.ifr_hwaddr.sa_family));
  return found;
}

Napi::Value closeDescriptor(const Napi::CallbackInfo& info) {
  ::close(static_cast<int>(number(info[0])));
  return info.Env().Undefined();
}

}  // namespace

void initBpf(Napi::Env env, Napi::Object exports) {
  const auto set = [&](const char* name, Napi::Value (*call)(const Napi::CallbackInfo&)) {
    exports.Set(name, Napi::Function::New(env, call, name));
  };
  set("bpfCreateMap", createMap);
  set("bpfUpdateElement", updateElement);
  set("bpfReadElement", readElement);
  set("bpfDeleteElement", deleteElement);
  set("bpfLoadProgram", loadProgram);
  set("bpfAttachProgram", attachProgram);
  set("bpfAttachProgramForGood", attachProgramForGood);
  set("findInterface", findInterface);
  set("closeDescriptor", closeDescriptor);
}

}  // namespace flannel
