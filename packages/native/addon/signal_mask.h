#pragma once

#include <napi.h>

namespace flannel {

/** Adds `unblockSignal(number)` to the addon's exports. */
void initSignalMask(Napi::Env env, Napi::Object exports);

}  // namespace flannel
