// What the hook of pthread_create does around the real call: the stack of a thread comes into the
// table of mappings as a range of its own (MappedRange::kThread), whose stack_id says who started
// the thread, and leaves it when the thread ends.
//
//   ThreadStart* start = BeforeThread(attributes, routine, argument, caller);
//   if (start == nullptr) return real(thread, attributes, routine, argument);   // not noted
//   const int error = real(thread, attributes, BeginThread, start);
//   if (error != 0) ThreadFailed(start);
//
// glibc maps a thread's stack, or takes one that an ended thread left, without a call that a hook
// would see; and gives it back, or keeps it, likewise. So the new thread says itself where its
// stack is: the uppermost bytes of the block, which its thread descriptor ends, as many as were asked
// for. (Where a larger one was left by another thread, its lower part is not counted.) A range
// replaces whatever the table still has at its place.
//
// Not noted: threads on stacks that the program brings (their mapping is in the table as such), those
// that glibc or the kernel start without pthread_create (thrd_create, timers, clone), wrackline's
// own, and those started while 1,024 others have not run yet, which count as mappings_missed.
//
// Any thread. No allocation, no lock but the one that glibc has for the default size of a stack.
#pragma once

#include <pthread.h>

namespace wrackline::preload {

struct ThreadStart;
using ThreadRoutine = void* (*)(void* argument);

// For StartRecording: from now on threads are noted. False: the program has used up all keys of
// thread-local data, and threads are not noted.
bool NoteThreads();

// Null: this thread is not noted. errno is kept.
ThreadStart* BeforeThread(const pthread_attr_t* attributes, ThreadRoutine routine, void* argument,
                          const void* caller);
void ThreadFailed(ThreadStart* start);
// What a noted thread begins with; goes on with its routine, leaving no frame of its own.
void* BeginThread(void* start);

}  // namespace wrackline::preload
