// The functions of wrackline/shim.h. Declared weak there for their users; a weak definition is
// found like any other.
#include <unistd.h>

#include <cerrno>

#include "preload/recording_control.h"
#include "preload/sampling/profile_state.h"
#include "wrackline/shim.h"

namespace {

// A vfork child shares this memory and speaks for its parent for a moment: it is not the recorded
// process.
bool Recording() {
  using wrackline::preload::g_control;
  return wrackline::preload::Active() && g_control.no_file.load(std::memory_order_relaxed) == 0 &&
         g_control.pid.load(std::memory_order_relaxed) == getpid();
}

}  // namespace

extern "C" int wrackline_submit(uint64_t key, uint32_t kind, const void* record, size_t size) {
  using namespace wrackline::preload;
  if (!Recording()) return ENODEV;
  if (kind != WRACKLINE_SUBMIT_STATE && kind != WRACKLINE_SUBMIT_HISTORY &&
      kind != WRACKLINE_SUBMIT_ENDED) {
    return EINVAL;
  }
  ProfileState* state = State();
  const int error = state->mailbox.Put(key, kind, record, size);
  if (error == EAGAIN) state->losses.submitted_refused.fetch_add(1, std::memory_order_relaxed);
  return error;
}

extern "C" int wrackline_recording(void) { return Recording() ? 1 : 0; }
