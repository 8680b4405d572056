// Where the library comes to life: its one constructor.
#include <dlfcn.h>
#include <sys/auxv.h>
#include <unistd.h>

#include <cstdint>
#include <cstring>

#include "preload/credential_hooks.h"
#include "preload/exit_hooks.h"
#include "preload/hooks/mapping_hooks.h"
#include "preload/hooks/next_allocator.h"
#include "preload/jvm/jvm_watch.h"
#include "preload/recorder_thread.h"
#include "preload/sampling/allocation.h"
#include "preload/settings.h"
#include "preload/text.h"
#include "preload/unwind/native_unwinder.h"

// Made by the linker: where this library lies.
extern "C" {
extern const char __ehdr_start[] __attribute__((visibility("hidden")));
extern const char _end[] __attribute__((visibility("hidden")));
}

namespace wrackline::preload {
namespace {

const char* BaseName(const char* path) {
  const char* slash = std::strrchr(path, '/');
  return slash != nullptr ? slash + 1 : path;
}

// WRACKLINE_ONLY means the executable; a name it was started by (python3 for python3.11) counts as
// well.
bool Wanted(int count, char** arguments, char** environment, Settings* settings) {
  char executable[4096];
  const ssize_t length = readlink("/proc/self/exe", executable, sizeof(executable) - 1);
  executable[length > 0 ? length : 0] = '\0';
  if (ReadSettings(environment, BaseName(executable), settings)) return true;
  return count > 0 && arguments[0] != nullptr &&
         ReadSettings(environment, BaseName(arguments[0]), settings);
}

// Whether the program's calls come here: not so in a library that a VM loads as its agent, without LD_PRELOAD.
bool IsInFront() {
  const auto malloc_at = reinterpret_cast<std::uintptr_t>(dlsym(RTLD_DEFAULT, "malloc"));
  return malloc_at >= reinterpret_cast<std::uintptr_t>(__ehdr_start) &&
         malloc_at < reinterpret_cast<std::uintptr_t>(_end);
}

__attribute__((constructor)) void Load(int count, char** arguments, char** environment) {
  // Found now, before the program has threads; also in a program that is not wanted, whose calls
  // pass through.
  (void)Next();
  ResolveMappingHooks();
  // A program with more rights than its user writes no file where its user's environment says.
  if (getauxval(AT_SECURE) != 0) return;
  Settings settings;
  if (!Wanted(count, arguments, environment, &settings)) return;
  if (!IsInFront()) {
    settings.interval = 0;
    settings.mappings = false;
    g_jvm.alone.store(true, std::memory_order_relaxed);
    if (settings.verbose) Say("loaded without LD_PRELOAD: no allocation is seen");
  }
  PrepareUnwinder();
  InstallCredentialHooks();
  if (const int error = StartRecording(settings); error != 0) {
    if (settings.verbose) {
      Text<96> line;
      Say(line.Append("not recording: error ")
              .AppendNumber(static_cast<std::uint64_t>(error))
              .c_str());
    }
    return;
  }
  SampleThisThreadFromNow();
  InstallExitHooks();
}

}  // namespace
}  // namespace wrackline::preload
