/* What the preload of the tests tells the program it is in; declared weak, so that programs also
 * run without it. */
#pragma once

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct WracklineTestCounts {
  uint64_t allocated_samples, allocated_bytes, freed_samples, freed_bytes, live, active, reentrant,
      unwind_failed;
} WracklineTestCounts;

__attribute__((weak)) int wrackline_test_counts(WracklineTestCounts* out);

#ifdef __cplusplus
}
#endif
