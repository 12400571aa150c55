#pragma once

#include <napi.h>

namespace flannel {

/** Adds the class `NetlinkPort` to the addon's exports. */
void initNetlinkPort(Napi::Env env, Napi::Object exports);

}  // namespace flannel
