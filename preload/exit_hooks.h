// The ends of a process that leave it a moment: exit, return from main, quick_exit, _exit and
// _Exit.
#pragma once

namespace wrackline::preload {

// Called once by the library's constructor when recording began.
void InstallExitHooks();

}  // namespace wrackline::preload
