#pragma once

#include <napi.h>

namespace flannel {

/** (instructions, data, initial values of maps, number of programs) → { maps, programs }; see src/bpf.ts. */
Napi::Value loadSkeleton(const Napi::CallbackInfo& info);

}  // namespace flannel
