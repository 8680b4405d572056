// Who allocates and does not free, as the rules of leaks see it: for who counts on it, such as sizing. Pure; any thread.
#pragma once

#include <optional>
#include <vector>

#include "analyzer/diagnosis/age_test.h"
#include "analyzer/diagnosis/jni_handles.h"
#include "analyzer/evidence/evidence.h"

namespace wrackline::diagnosis {

struct SiteLeak {
  const evidence::Site* site = nullptr;
  LeakTest test;
};

// Sites whose objects pass the test of ages, the one that keeps the most first. Not RocksDB's, not those of a JniHandle.
std::vector<SiteLeak> LeakingSites(const evidence::Evidence& evidence);

// All sites that make objects of one kind.
struct HandleLeak {
  const JniHandle* handle = nullptr;
  const evidence::Site* top = nullptr;  // that makes the most of them
  Bytes live, resident;
  LeakTest test;
};

// The kinds whose objects pass the test of ages, the one that holds the most first.
std::vector<HandleLeak> LeakingHandles(const evidence::Evidence& evidence);

}  // namespace wrackline::diagnosis
