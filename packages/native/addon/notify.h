#pragma once

#include <napi.h>

namespace flannel {

/** Adds `notifySystemd(socketPath, text)` to the addon's exports. */
void initNotify(Napi::Env env, Napi::Object exports);

}  // namespace flannel
