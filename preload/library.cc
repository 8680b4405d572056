// Where the library comes to life: its one constructor.
#include <gnu/libc-version.h>
#include <link.h>
#include <sys/auxv.h>
#include <unistd.h>

#include <cstdint>
#include <cstring>

#include "preload/credential_hooks.h"
#include "preload/exit_hooks.h"
#include "preload/hooks/mapping_hooks.h"
#include "preload/hooks/next_allocator.h"
#include "preload/hooks/thread_hooks.h"
#include "preload/jvm/jvm_watch.h"
#include "preload/recorder_thread.h"
#include "preload/sampling/allocation.h"
#include "preload/settings.h"
#include "preload/text.h"
#include "preload/unwind/native_unwinder.h"

// Made by the linker: where this library lies.
extern "C" {
extern const char __ehdr_start[] __attribute__((visibility("hidden")));
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

bool Covers(const struct dl_phdr_info& object, const void* address) {
  const auto at = reinterpret_cast<std::uintptr_t>(address);
  for (int i = 0; i < object.dlpi_phnum; ++i) {
    const auto& header = object.dlpi_phdr[i];
    const std::uintptr_t start = object.dlpi_addr + header.p_vaddr;
    if (header.p_type == PT_LOAD && at >= start && at < start + header.p_memsz) return true;
  }
  return false;
}

// Whether the program's calls come here: not so in a library that a VM loads as its agent, without LD_PRELOAD. What is preloaded
// comes before libc in the order of loading. (Where dlsym finds malloc says nothing: in a program linked to a fixed address that is
// an entry of its own procedure linkage table, and some programs bring a malloc of their own.)
bool IsInFront() {
  bool in_front = true;
  dl_iterate_phdr(
      [](struct dl_phdr_info* object, std::size_t, void* data) {
        if (Covers(*object, __ehdr_start)) return 1;
        if (!Covers(*object, reinterpret_cast<const void*>(&gnu_get_libc_version))) return 0;
        *static_cast<bool*>(data) = false;
        return 1;
      },
      &in_front);
  return in_front;
}

__attribute__((constructor)) void Load(int count, char** arguments, char** environment) {
  // Found now, before the program has threads; also in a program that is not wanted, whose calls
  // pass through.
  (void)Next();
  ResolveMappingHooks();
  ResolveThreadHooks();
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
