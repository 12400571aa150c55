#pragma once

#include <napi.h>

namespace flannel {

/** Adds `inNamespace(path, run)` to the addon's exports. */
void initNamespace(Napi::Env env, Napi::Object exports);

}  // namespace flannel
