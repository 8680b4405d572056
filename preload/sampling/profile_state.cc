#include "preload/sampling/profile_state.h"

namespace wrackline::preload::internal {

// Constant-initialized: hooks run before any constructor of ours.
constinit std::atomic<ProfileState*> g_state{nullptr};

}  // namespace wrackline::preload::internal
