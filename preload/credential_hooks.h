// Hooks of capset, prctl, unshare and setns: credential_hooks.cc says why.
#pragma once

namespace wrackline::preload {

// Looks for what they forward to; before, and where nothing is recorded, that is the kernel. Called by the library's constructor, because
// a child of a program with threads, between fork and exec, may call prctl while the loader's lock is taken for ever.
void InstallCredentialHooks();

}  // namespace wrackline::preload
