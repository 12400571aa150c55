#pragma once

#include <cerrno>
#include <string>
#include <system_error>

namespace flannel::tunnel {

/** Throws the current errno, with the operation that failed in words. */
[[noreturn]] inline void throwErrno(const std::string& operation) {
  throw std::system_error(errno, std::generic_category(), operation);
}

/** Passes on the result of a system call, or throws its error. */
inline int checked(int result, const char* operation) {
  if (result < 0) throwErrno(operation);
  return result;
}

}  // namespace flannel::tunnel
