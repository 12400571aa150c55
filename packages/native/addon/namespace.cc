#include "namespace.h"

#include <fcntl.h>
#include <sched.h>
#include <unistd.h>

#include <cerrno>

#include "js_error.h"
#include "tunnel/file_descriptor.h"

namespace flannel {
namespace {

using tunnel::FileDescriptor;

FileDescriptor openNamespace(Napi::Env env, const std::string& path) {
  FileDescriptor fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (fd.get() < 0) throw systemError(env, errno, "open " + path);
  return fd;
}

/** Takes this thread back to its own network namespace at the end of the scope. */
class Homeward {
 public:
  explicit Homeward(FileDescriptor home) : home_(std::move(home)) {}
  Homeward(const Homeward&) = delete;
  ~Homeward() {
    // A thread that stays in the wrong namespace would do everything else there: better to end here.
    if (::setns(home_.get(), CLONE_NEWNET) != 0) std::abort();
  }

 private:
  FileDescriptor home_;
};

Napi::Value inNamespace(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const std::string path = info[0].As<Napi::String>();
  FileDescriptor home = openNamespace(env, "/proc/thread-self/ns/net");
  const FileDescriptor target = openNamespace(env, path);
  if (::setns(target.get(), CLONE_NEWNET) != 0) throw systemError(env, errno, "setns " + path);
  const Homeward homeward(std::move(home));
  return info[1].As<Napi::Function>().Call({});
}

}  // namespace

void initNamespace(Napi::Env env, Napi::Object exports) {
  exports.Set("inNamespace", Napi::Function::New(env, inNamespace, "inNamespace"));
}

}  // namespace flannel
