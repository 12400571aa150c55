#include "js_error.h"

#include <cstring>

namespace flannel {

Napi::Error systemError(Napi::Env env, int errorNumber, const std::string& operation) {
  const char* name = strerrorname_np(errorNumber);
  const std::string code = name != nullptr ? name : std::to_string(errorNumber);
  Napi::Error error = Napi::Error::New(env, operation + ": " + code + " (" + std::strerror(errorNumber) + ")");
  error.Set("errno", Napi::Number::New(env, errorNumber));
  error.Set("code", Napi::String::New(env, code));
  error.Set("syscall", Napi::String::New(env, operation));
  return error;
}

}  // namespace flannel
