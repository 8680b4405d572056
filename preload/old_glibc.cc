// Functions that the preload's code calls under names that only glibc 2.33 and newer export: before, `stat` and its kind were
// inline functions around __xstat. These are found first by the linker and stay inside of the library. The kernel's structure
// is glibc's on the 64-bit machines that are supported.
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static_assert(sizeof(void*) == 8);

extern "C" {

__attribute__((visibility("hidden"))) int fstatat(int folder, const char* path, struct stat* status,
                                                  int flags) noexcept {
  return static_cast<int>(syscall(SYS_newfstatat, folder, path, status, flags));
}

__attribute__((visibility("hidden"))) int stat(const char* path, struct stat* status) noexcept {
  return fstatat(AT_FDCWD, path, status, 0);
}

__attribute__((visibility("hidden"))) int fstat(int file, struct stat* status) noexcept {
  return static_cast<int>(syscall(SYS_fstat, file, status));
}

}  // extern "C"
