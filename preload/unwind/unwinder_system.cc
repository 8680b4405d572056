// What libunwind calls instead of the system's functions; cmake/libunwind.cmake gives it these
// names and says why.
#include <errno.h>
#include <link.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>

#include "preload/unwind/local_objects.h"

namespace wrackline::preload {
namespace {

// ---- unwind information for code outside every object

// Where an object has no information for a pc, libunwind guesses a frame pointer: right for
// hand-written assembly, wrong for compiled Java, which uses rbp freely. So such a pc gets an object made up here, whose one
// function covers all addresses and whose return address is "undefined": DWARF's way to say that
// this is the outermost frame. libunwind remembers that.
struct __attribute__((packed)) EhFrame {
  struct __attribute__((packed)) {
    std::uint32_t length = 20;
    std::uint32_t cie = 0;
    std::uint8_t version = 1;
    char augmentation = '\0';
    std::uint8_t code_alignment = 1;
    std::uint8_t data_alignment = 0x78;  // -8
    std::uint8_t return_address_register = 16;
    std::uint8_t instructions[11] = {0x0c, 7, 8,  // DW_CFA_def_cfa rsp + 8
                                     0x07, 16};   // DW_CFA_undefined rip; then DW_CFA_nop
  } cie;
  struct __attribute__((packed)) {
    std::uint32_t length = 28;
    std::uint32_t cie_distance = 28;  // from this field back to the CIE
    std::uint64_t start = 1;
    std::uint64_t size = 0x7fffffffffffffffull;
    std::uint8_t instructions[8] = {};
  } fde;
  std::uint32_t end = 0;
};
static_assert(offsetof(EhFrame, fde) + 4 == 28);

// As dwarf_eh_frame_hdr of the Linux Standard Base, eh_frame_hdr: no search table, one pointer to
// .eh_frame.
struct __attribute__((packed)) EhFrameHeader {
  std::uint8_t version = 1;
  std::uint8_t eh_frame_encoding = 0x04;  // DW_EH_PE_absptr | DW_EH_PE_udata8
  std::uint8_t count_encoding = 0xff;     // DW_EH_PE_omit
  std::uint8_t table_encoding = 0xff;
  const EhFrame* eh_frame = nullptr;
};

alignas(16) const EhFrame kEndOfStack;
alignas(16) EhFrameHeader g_end_of_stack_header = {.eh_frame = &kEndOfStack};

}  // namespace
}  // namespace wrackline::preload

extern "C" {

// libunwind looks for the object that holds a pc. The pc is the first field of what it passes on to
// its callback (struct dwarf_callback_data, "in: ip", the same in 1.1 to 1.8).
__attribute__((visibility("hidden"))) int wrackline_unw_dl_iterate_phdr(
    int (*callback)(struct dl_phdr_info*, size_t, void*), void* data) {
  using namespace wrackline::preload;
  const std::uint64_t pc = *static_cast<const std::uint64_t*>(data);
  LocalObject object;
  // An object without a table is left like none: libunwind would open its file to look for one.
  if (!FindLocalObject(pc, &object) || object.eh_frame_header == 0) {
    object.start = 1;
    object.end = 0x7fffffffffffffffull;
    object.eh_frame_header = reinterpret_cast<std::uint64_t>(&g_end_of_stack_header);
  }
  ElfW(Phdr) headers[2] = {};
  headers[0].p_type = PT_LOAD;
  headers[0].p_vaddr = object.start;
  headers[0].p_filesz = headers[0].p_memsz = object.end - object.start;
  headers[1].p_type = PT_GNU_EH_FRAME;
  headers[1].p_vaddr = object.eh_frame_header;
  struct dl_phdr_info info = {};
  info.dlpi_name = "";
  info.dlpi_phdr = headers;
  info.dlpi_phnum = 2;
  return callback(&info, sizeof info, data);
}

// libunwind, which is not instrumented, gives a thread's memory back in the last of its destructors,
// when ThreadSanitizer has taken its leave of the thread.
#if defined(__SANITIZE_THREAD__)
#define WRACKLINE_UNSEEN __attribute__((no_sanitize("thread")))
#else
#define WRACKLINE_UNSEEN
#endif

// A spin lock in the mutex's first word. What it guards are a few pointer moves in libunwind's
// object pools, entered when a thread meets a frame for the first time. A forked child may find it
// taken for ever, and never comes here: it does not sample.
__attribute__((visibility("hidden"))) int wrackline_unw_pthread_mutex_init(
    pthread_mutex_t* mutex, const pthread_mutexattr_t*) {
  __atomic_store_n(reinterpret_cast<std::uint32_t*>(mutex), 0u, __ATOMIC_RELEASE);
  return 0;
}

WRACKLINE_UNSEEN __attribute__((visibility("hidden"))) int wrackline_unw_pthread_mutex_lock(
    pthread_mutex_t* mutex) {
  auto* word = reinterpret_cast<std::uint32_t*>(mutex);
  for (std::uint32_t spins = 0; __atomic_exchange_n(word, 1u, __ATOMIC_ACQUIRE) != 0; ++spins) {
    if (spins >= 100) sched_yield();
    // A thread of real-time priority yields to none of a lower one, which may be the holder. Not nanosleep, where a thread may be cancelled.
    if (spins >= 200) {
      const int saved_errno = errno;
      const timespec moment{0, 50'000};
      syscall(SYS_nanosleep, &moment, nullptr);
      errno = saved_errno;
    }
  }
  return 0;
}

WRACKLINE_UNSEEN __attribute__((visibility("hidden"))) int wrackline_unw_pthread_mutex_unlock(
    pthread_mutex_t* mutex) {
  __atomic_store_n(reinterpret_cast<std::uint32_t*>(mutex), 0u, __ATOMIC_RELEASE);
  return 0;
}

// First called by PrepareUnwinder, before any sample: no two threads are here while it is not done.
__attribute__((visibility("hidden"))) int wrackline_unw_pthread_once(pthread_once_t* once,
                                                                     void (*routine)()) {
  if (__atomic_load_n(once, __ATOMIC_ACQUIRE) == 0) {
    routine();
    __atomic_store_n(once, 1, __ATOMIC_RELEASE);
  }
  return 0;
}

// ---- "can this address be read?"
// -----------------------------------------------------------------------------------------
// libunwind asks mincore whether the page is mapped, then writes a byte from it into a pipe. The
// first answers for both: the kernel reads the new mask before it looks at `how`, so EFAULT means
// unreadable and EINVAL readable (as abseil's AddressIsReadable does).
__attribute__((visibility("hidden"))) int wrackline_unw_mincore(void* address, size_t,
                                                                unsigned char*) {
  const auto start = reinterpret_cast<std::uintptr_t>(address) & ~std::uintptr_t{7};
  // NOLINTNEXTLINE(performance-no-int-to-ptr)
  return syscall(SYS_rt_sigprocmask, ~0, reinterpret_cast<void*>(start), nullptr, 8) == -1 &&
                 errno == EFAULT
             ? -1
             : 0;
}
__attribute__((visibility("hidden"))) int wrackline_unw_msync(void* address, size_t size, int) {
  return wrackline_unw_mincore(address, size, nullptr);
}
// The pipe: never made, always empty, takes every byte.
__attribute__((visibility("hidden"))) int wrackline_unw_pipe(int*) { return 0; }
__attribute__((visibility("hidden"))) int wrackline_unw_pipe2(int*, int) { return 0; }
__attribute__((visibility("hidden"))) int wrackline_unw_close(int) { return 0; }
__attribute__((visibility("hidden"))) ssize_t wrackline_unw_read(int, void*, size_t) {
  errno = EAGAIN;
  return -1;
}
__attribute__((visibility("hidden"))) long wrackline_unw_syscall(long, ...) {
  errno = 0;
  return 1;
}

}  // extern "C"
