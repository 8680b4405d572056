// pthread_create as the hook serves it, with the real function as a parameter (sampling/thread_start.h says what for).
#pragma once

#include <pthread.h>

#include "preload/sampling/thread_start.h"

namespace wrackline::preload {

template <typename Real>
int CreateThrough(Real real, const void* caller, pthread_t* thread,
                  const pthread_attr_t* attributes, ThreadRoutine routine, void* argument) {
  ThreadStart* start = BeforeThread(attributes, routine, argument, caller);
  if (start == nullptr) return real(thread, attributes, routine, argument);
  const int error = real(thread, attributes, BeginThread, start);
  if (error != 0) ThreadFailed(start);
  return error;
}

// Finds the function behind ours. Called by the library's constructor; a call that comes earlier looks itself.
void ResolveThreadHooks();

}  // namespace wrackline::preload
