#pragma once

#include <napi.h>

namespace flannel::tunnel {

/** Adds the class `PacketTunnel` to the addon's exports. */
void initPacketTunnel(Napi::Env env, Napi::Object exports);

}  // namespace flannel::tunnel
