#pragma once

#include <linux/bpf.h>
#include <napi.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdint>

namespace flannel {

inline long bpf(bpf_cmd command, bpf_attr& attributes) { return ::syscall(SYS_bpf, command, &attributes, sizeof attributes); }

inline std::uint64_t pointer(const void* address) { return reinterpret_cast<std::uintptr_t>(address); }

inline std::uint32_t number(const Napi::Value& value) { return value.As<Napi::Number>().Uint32Value(); }

}  // namespace flannel
