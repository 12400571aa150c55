#include "js_error.h"

#include <uv.h>

#include <array>
#include <cstring>

namespace flannel {

Napi::Error systemError(Napi::Env env, int errorNumber, const std::string& operation) {
  std::array<char, 64> name;
  const std::string code = uv_err_name_r(-errorNumber, name.data(), name.size());
  Napi::Error error = Napi::Error::New(env, operation + ": " + code + " (" + std::strerror(errorNumber) + ")");
  error.Set("errno", Napi::Number::New(env, errorNumber));
  error.Set("code", Napi::String::New(env, code));
  error.Set("syscall", Napi::String::New(env, operation));
  return error;
}

}  // namespace flannel
