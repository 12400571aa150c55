#include "bpf_loader.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <iterator>
#include <string>
#include <vector>

#include "bpf_call.h"
#include "js_error.h"
#include "tunnel/file_descriptor.h"

namespace flannel {
namespace {

using tunnel::FileDescriptor;
using Bytes = Napi::Uint8Array;

/** What the verifier may say of a program before its refusal counts as ENOSPC. */
constexpr std::size_t kLogBytes = 1024 * 1024;

// What bpftool's loader program reads and writes (struct bpf_loader_ctx of libbpf): this, then maps, then programs.
struct LoaderContext {
  std::uint32_t bytes;
  std::uint32_t flags;
  std::uint32_t logLevel;
  std::uint32_t logBytes;
  std::uint64_t log;
};
struct LoadedMap {
  std::int32_t descriptor;
  std::uint32_t maxEntries;
  std::uint64_t initialValue;
};
using LoadedProgram = std::int32_t;

struct Skeleton {
  Bytes instructions;
  Bytes data;
  std::vector<LoadedMap> maps;
  std::vector<LoadedProgram> programs;
};

/** A step of loading that failed. */
struct Failure {
  int errorNumber;
  const char* operation;
};

FileDescriptor checked(long result, const char* operation) {
  if (result < 0) throw Failure{errno, operation};
  return FileDescriptor(static_cast<int>(result));
}

/** The loader program finds what it loads in the only value of a map. */
FileDescriptor createDataMap(const Bytes& data) {
  bpf_attr creation{};
  creation.map_type = BPF_MAP_TYPE_ARRAY;
  creation.key_size = sizeof(std::uint32_t);
  creation.value_size = static_cast<std::uint32_t>(data.ByteLength());
  creation.max_entries = 1;
  FileDescriptor map = checked(bpf(BPF_MAP_CREATE, creation), "bpf BPF_MAP_CREATE");
  const std::uint32_t key = 0;
  bpf_attr update{};
  update.map_fd = static_cast<std::uint32_t>(map.get());
  update.key = pointer(&key);
  update.value = pointer(data.Data());
  if (bpf(BPF_MAP_UPDATE_ELEM, update) < 0) throw Failure{errno, "bpf BPF_MAP_UPDATE_ELEM"};
  return map;
}

FileDescriptor loadLoader(const Bytes& instructions, const FileDescriptor& data) {
  const int maps[] = {data.get()};
  bpf_attr attributes{};
  attributes.prog_type = BPF_PROG_TYPE_SYSCALL;
  attributes.prog_flags = BPF_F_SLEEPABLE;
  attributes.insns = pointer(instructions.Data());
  attributes.insn_cnt = static_cast<std::uint32_t>(instructions.ByteLength() / sizeof(bpf_insn));
  attributes.license = pointer("Dual BSD/GPL");
  attributes.fd_array = pointer(maps);
  std::strcpy(attributes.prog_name, "flannel_loader");
  return checked(bpf(BPF_PROG_LOAD, attributes), "bpf BPF_PROG_LOAD");
}

template <typename T>
void append(std::vector<std::uint8_t>& bytes, const T* values, std::size_t count) {
  const auto* begin = reinterpret_cast<const std::uint8_t*>(values);
  bytes.insert(bytes.end(), begin, begin + count * sizeof(T));
}

/** Loads maps and programs, whose descriptors are written to the skeleton; the loader closes them when one fails. */
void run(Skeleton& skeleton, std::vector<char>& log) {
  const FileDescriptor data = createDataMap(skeleton.data);
  const FileDescriptor loader = loadLoader(skeleton.instructions, data);
  const std::size_t mapBytes = skeleton.maps.size() * sizeof(LoadedMap);
  const std::size_t programBytes = skeleton.programs.size() * sizeof(LoadedProgram);
  LoaderContext head{};
  head.bytes = static_cast<std::uint32_t>(sizeof head + mapBytes + programBytes);
  head.logLevel = log.empty() ? 0 : 1;
  head.logBytes = static_cast<std::uint32_t>(log.size());
  head.log = log.empty() ? 0 : pointer(log.data());
  std::vector<std::uint8_t> context;
  append(context, &head, 1);
  append(context, skeleton.maps.data(), skeleton.maps.size());
  append(context, skeleton.programs.data(), skeleton.programs.size());

  bpf_attr attributes{};
  attributes.test.prog_fd = static_cast<std::uint32_t>(loader.get());
  attributes.test.ctx_in = pointer(context.data());
  attributes.test.ctx_size_in = static_cast<std::uint32_t>(context.size());
  if (bpf(BPF_PROG_TEST_RUN, attributes) < 0) throw Failure{errno, "bpf BPF_PROG_TEST_RUN"};
  const int result = static_cast<int>(attributes.test.retval);
  if (result < 0) throw Failure{-result, "bpf BPF_PROG_LOAD"};
  std::memcpy(skeleton.maps.data(), context.data() + sizeof head, mapBytes);
  std::memcpy(skeleton.programs.data(), context.data() + sizeof head + mapBytes, programBytes);
}

/** The log costs time, so it is only asked for when there is something to say. */
std::string logOf(Skeleton& skeleton) {
  std::vector<char> log(kLogBytes);
  try {
    run(skeleton, log);
    for (const LoadedMap& map : skeleton.maps) ::close(map.descriptor);
    for (const LoadedProgram program : skeleton.programs) ::close(program);
  } catch (const Failure&) {
  }
  return {log.begin(), std::find(log.begin(), log.end(), '\0')};
}

Skeleton readSkeleton(const Napi::CallbackInfo& info) {
  Skeleton skeleton{info[0].As<Bytes>(), info[1].As<Bytes>(), {}, {}};
  const auto initialValues = info[2].As<Napi::Array>();
  for (std::uint32_t index = 0; index < initialValues.Length(); index++) {
    const Napi::Value value = initialValues[index];
    skeleton.maps.push_back({0, 0, value.IsUndefined() ? 0 : pointer(value.As<Bytes>().Data())});
  }
  skeleton.programs.resize(number(info[3]));
  return skeleton;
}

}  // namespace

Napi::Value loadSkeleton(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  Skeleton skeleton = readSkeleton(info);
  std::vector<char> noLog;
  try {
    run(skeleton, noLog);
  } catch (const Failure& failure) {
    Napi::Error error = systemError(env, failure.errorNumber, failure.operation);
    error.Set("log", logOf(skeleton));
    throw error;
  }
  Napi::Array maps = Napi::Array::New(env);
  for (const LoadedMap& map : skeleton.maps) maps[maps.Length()] = Napi::Number::New(env, map.descriptor);
  Napi::Array programs = Napi::Array::New(env);
  for (const LoadedProgram program : skeleton.programs) programs[programs.Length()] = Napi::Number::New(env, program);
  Napi::Object loaded = Napi::Object::New(env);
  loaded.Set("maps", maps);
  loaded.Set("programs", programs);
  return loaded;
}

}  // namespace flannel
