#include "bpf.h"

#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <cstring>

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

// As Linux 6.6 has them: older headers, with which the addon is compiled, do not know programs of interfaces.
constexpr std::uint32_t kBefore = 1U << 3;
constexpr std::uint32_t kAfter = 1U << 4;
constexpr std::uint32_t kById = 1U << 5;
struct Attachment {
  std::uint32_t interfaceIndex;
  std::uint32_t program;
  std::uint32_t type;
  std::uint32_t flags;
  std::uint32_t replaced;
  std::uint32_t relative;
  std::uint64_t revision;
};
struct Query {
  std::uint32_t interfaceIndex;
  std::uint32_t type;
  std::uint64_t flags;
  std::uint64_t programs;
  std::uint64_t count;
  std::uint64_t unused[3];
  std::uint64_t revision;
};
/** More programs than the kernel lets an interface have. */
constexpr std::size_t kMostPrograms = 64;

template <typename T>
long bpfWith(bpf_cmd command, T& values) {
  static_assert(sizeof values <= sizeof(bpf_attr));
  bpf_attr attributes{};
  std::memcpy(&attributes, &values, sizeof values);
  const long result = bpf(command, attributes);
  std::memcpy(&values, &attributes, sizeof values);
  return result;
}

/** (program, interface index, attach type, id of the program before which it is to run, or 0) */
Napi::Value attachProgramForGood(const Napi::CallbackInfo& info) {
  Attachment attachment{};
  attachment.program = number(info[0]);
  attachment.interfaceIndex = number(info[1]);
  attachment.type = number(info[2]);
  attachment.relative = number(info[3]);
  if (attachment.relative != 0) attachment.flags = kBefore | kById;
  if (bpfWith(BPF_PROG_ATTACH, attachment) < 0) throw systemError(info.Env(), errno, "bpf BPF_PROG_ATTACH");
  return info.Env().Undefined();
}

/** (interface index, attach type) → { ids, revision } */
Napi::Value queryPrograms(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  std::array<std::uint32_t, kMostPrograms> ids{};
  Query query{};
  query.interfaceIndex = number(info[0]);
  query.type = number(info[1]);
  query.programs = pointer(ids.data());
  query.count = ids.size();
  // ENOENT: there was never one.
  if (bpfWith(BPF_PROG_QUERY, query) < 0) {
    if (errno != ENOENT) throw systemError(env, errno, "bpf BPF_PROG_QUERY");
    query.count = 0;
  }
  Napi::Array found = Napi::Array::New(env);
  for (std::uint32_t index = 0; index < query.count; index++) found[index] = Napi::Number::New(env, ids[index]);
  Napi::Object result = Napi::Object::New(env);
  result.Set("ids", found);
  result.Set("revision", static_cast<double>(query.revision));
  return result;
}

/** (interface index, attach type, id of the program before it, or 0 for the first one, revision) */
Napi::Value detachProgramBehind(const Napi::CallbackInfo& info) {
  Attachment attachment{};
  attachment.interfaceIndex = number(info[0]);
  attachment.type = number(info[1]);
  attachment.relative = number(info[2]);
  attachment.flags = attachment.relative == 0 ? kBefore : kAfter | kById;
  attachment.revision = static_cast<std::uint64_t>(info[3].As<Napi::Number>().Int64Value());
  if (bpfWith(BPF_PROG_DETACH, attachment) < 0) throw systemError(info.Env(), errno, "bpf BPF_PROG_DETACH");
  return info.Env().Undefined();
}

/** (program) → its number in the kernel */
Napi::Value programId(const Napi::CallbackInfo& info) {
  bpf_prog_info found{};
  bpf_attr attributes{};
  attributes.info.bpf_fd = number(info[0]);
  attributes.info.info_len = sizeof found;
  attributes.info.info = pointer(&found);
  if (bpf(BPF_OBJ_GET_INFO_BY_FD, attributes) < 0) {
    throw systemError(info.Env(), errno, "bpf BPF_OBJ_GET_INFO_BY_FD");
  }
  return Napi::Number::New(info.Env(), found.id);
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
  set("bpfQueryPrograms", queryPrograms);
  set("bpfDetachProgramBehind", detachProgramBehind);
  set("bpfProgramId", programId);
  set("closeDescriptor", closeDescriptor);
}

}  // namespace flannel
