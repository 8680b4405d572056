#include "preload/own_thread.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <ctime>

#include "preload/clock.h"

namespace wrackline::preload {
namespace {

int Create(void* (*body)(void*), void* argument, std::size_t stack_bytes) {
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
  pthread_attr_setstacksize(&attributes, stack_bytes);
  // A thread takes over the mask: signals stay the program's.
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  pthread_t thread;
  int error = pthread_create(&thread, &attributes, body, argument);
  if (error == EINVAL) {
    // Static TLS is carved out of the stack: with a lot of it this size is too small.
    pthread_attr_destroy(&attributes);
    pthread_attr_init(&attributes);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    error = pthread_create(&thread, &attributes, body, argument);
  }
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  pthread_attr_destroy(&attributes);
  return error;
}

}  // namespace

void* OwnThread::Run(void* self) {
  auto* thread = static_cast<OwnThread*>(self);
  thread->tid_.store(static_cast<std::int32_t>(syscall(SYS_gettid)), std::memory_order_release);
  thread->body_(thread);
  return nullptr;
}

int OwnThread::Start(void (*body)(OwnThread*), std::size_t stack_bytes) {
  body_ = body;
  stack_bytes_ = stack_bytes;
  tid_.store(0, std::memory_order_relaxed);
  state_.store(kRunning, std::memory_order_release);
  const int error = Create(Run, this, stack_bytes);
  if (error != 0) state_.store(kNone, std::memory_order_release);
  return error;
}

bool OwnThread::LeavesNow() {
  std::uint32_t asked = kAsked;
  return state_.compare_exchange_strong(asked, kLeft, std::memory_order_acq_rel);
}

bool OwnThread::Leave(void (*wake)(), std::uint64_t until_ns) {
  std::uint32_t running = kRunning;
  if (!state_.compare_exchange_strong(running, kAsked, std::memory_order_acq_rel)) {
    return running == kNone;
  }
  for (;;) {
    wake();
    // Gone from the kernel's list, which is what counts; a thread that has not run yet has no number.
    const std::int32_t tid = tid_.load(std::memory_order_acquire);
    if (tid != 0 && state_.load(std::memory_order_acquire) == kLeft &&
        syscall(SYS_tgkill, getpid(), tid, 0) != 0 && errno == ESRCH) {
      return true;
    }
    if (MonotonicNs() >= until_ns) return false;
    const timespec moment{0, 50'000};
    nanosleep(&moment, nullptr);
  }
}

int OwnThread::Return() {
  std::uint32_t asked = kAsked;
  if (state_.compare_exchange_strong(asked, kRunning, std::memory_order_acq_rel)) return 0;
  return asked == kLeft ? Start(body_, stack_bytes_) : 0;
}

}  // namespace wrackline::preload
