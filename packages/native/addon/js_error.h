#pragma once

#include <napi.h>

#include <string>

namespace flannel {

/**
 * A JavaScript Error of a failed system call, with the fields `errno` (positive), `code` (`EPERM`, …) and
 * `syscall`, as Node's own system errors have them.
 */
Napi::Error systemError(Napi::Env env, int errorNumber, const std::string& operation);

}  // namespace flannel
