#include "signal_mask.h"

#include <csignal>

#include "js_error.h"

namespace flannel {
namespace {

/** Lets this thread receive a signal that was blocked when the process started. */
Napi::Value unblockSignal(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  sigset_t signals;
  ::sigemptyset(&signals);
  ::sigaddset(&signals, info[0].As<Napi::Number>().Int32Value());
  const int error = ::pthread_sigmask(SIG_UNBLOCK, &signals, nullptr);
  if (error != 0) throw systemError(env, error, "pthread_sigmask");
  return env.Undefined();
}

}  // namespace

void initSignalMask(Napi::Env env, Napi::Object exports) {
  exports.Set("unblockSignal", Napi::Function::New(env, unblockSignal, "unblockSignal"));
}

}  // namespace flannel
