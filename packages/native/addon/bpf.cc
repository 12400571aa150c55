#include "bpf.h"

#include <unistd.h>

#include <cerrno>
#include <cstdint>

#include "bpf_call.h"
#include "bpf_loader.h"
#include "js_error.h"

namespace flannel {
namespace {

Napi::Value descriptor(Napi::Env env, long result, const char* operation) {
  if (result < 0) throw systemError(env, errno, operation);
  return Napi::Number::New(env, static_cast<double>(result));
}

/** (map) → { keyBytes, valueBytes, maxEntries } */
Napi::Value describeMap(const Napi::CallbackInfo& info) {
  bpf_map_info found{};
  bpf_attr attributes{};
  attributes.info.bpf_fd = number(info[0]);
  attributes.info.info_len = sizeof found;
  attributes.info.info = pointer(&found);
  if (bpf(BPF_OBJ_GET_INFO_BY_FD, attributes) < 0) {
    throw systemError(info.Env(), errno, "bpf BPF_OBJ_GET_INFO_BY_FD");
  }
  Napi::Object description = Napi::Object::New(info.Env());
  description.Set("type", found.type);
  description.Set("keyBytes", found.key_size);
  description.Set("valueBytes", found.value_size);
  description.Set("maxEntries", found.max_entries);
  return description;
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

/** (map, position, keys to fill, values to fill, most entries, whether to begin) → { entries, more } */
Napi::Value readBatch(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const std::uint64_t position = pointer(info[1].As<Napi::Uint8Array>().Data());
  bpf_attr attributes{};
  attributes.batch.map_fd = number(info[0]);
  attributes.batch.in_batch = info[5].As<Napi::Boolean>() ? 0 : position;
  attributes.batch.out_batch = position;
  attributes.batch.keys = pointer(info[2].As<Napi::Uint8Array>().Data());
  attributes.batch.values = pointer(info[3].As<Napi::Uint8Array>().Data());
  attributes.batch.count = number(info[4]);
  // ENOENT is the end, with what was read before it.
  const bool more = bpf(BPF_MAP_LOOKUP_BATCH, attributes) == 0;
  if (!more && errno != ENOENT) throw systemError(env, errno, "bpf BPF_MAP_LOOKUP_BATCH");
  Napi::Object read = Napi::Object::New(env);
  read.Set("entries", attributes.batch.count);
  read.Set("more", more);
  return read;
}

/** (program, packet, context, room for the packet that comes out) → { result, bytes } */
Napi::Value testRun(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const auto packet = info[1].As<Napi::Uint8Array>();
  auto context = info[2].As<Napi::Uint8Array>();
  auto output = info[3].As<Napi::Uint8Array>();
  bpf_attr attributes{};
  attributes.test.prog_fd = number(info[0]);
  attributes.test.data_in = pointer(packet.Data());
  attributes.test.data_size_in = static_cast<std::uint32_t>(packet.ByteLength());
  attributes.test.ctx_in = pointer(context.Data());
  attributes.test.ctx_size_in = static_cast<std::uint32_t>(context.ByteLength());
  attributes.test.data_out = pointer(output.Data());
  attributes.test.data_size_out = static_cast<std::uint32_t>(output.ByteLength());
  if (bpf(BPF_PROG_TEST_RUN, attributes) < 0) throw systemError(env, errno, "bpf BPF_PROG_TEST_RUN");
  Napi::Object ran = Napi::Object::New(env);
  ran.Set("result", static_cast<std::int32_t>(attributes.test.retval));
  ran.Set("bytes", attributes.test.data_size_out);
  return ran;
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

Napi::Value closeDescriptor(const Napi::CallbackInfo& info) {
  ::close(static_cast<int>(number(info[0])));
  return info.Env().Undefined();
}

}  // namespace

void initBpf(Napi::Env env, Napi::Object exports) {
  const auto set = [&](const char* name, Napi::Value (*call)(const Napi::CallbackInfo&)) {
    exports.Set(name, Napi::Function::New(env, call, name));
  };
  set("bpfLoadSkeleton", loadSkeleton);
  set("bpfDescribeMap", describeMap);
  set("bpfReadBatch", readBatch);
  set("bpfTestRun", testRun);
  set("bpfUpdateElement", updateElement);
  set("bpfReadElement", readElement);
  set("bpfDeleteElement", deleteElement);
  set("bpfAttachProgram", attachProgram);
  set("bpfAttachProgramForGood", attachProgramForGood);
  set("closeDescriptor", closeDescriptor);
}

}  // namespace flannel
