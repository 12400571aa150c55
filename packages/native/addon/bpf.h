#pragma once

#include <napi.h>

namespace flannel {

/** Adds the calls of bpf(2) and `closeDescriptor` to the addon's exports. */
void initBpf(Napi::Env env, Napi::Object exports);

}  // namespace flannel
