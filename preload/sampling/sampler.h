// Sampler: which allocations are recorded.
//
// Sample points are a Poisson process on the bytes that a thread requests: gaps are exponential
// with mean `interval`. An allocation of s bytes is sampled when at least one point falls into it,
// which happens with p = 1 - exp(-s/interval); it then stands for s/p bytes. E[weight * sampled] =
// s for every size, so every sum over any set of objects (a site, the live ones, the freed ones) is
// unbiased whatever the mix of sizes. The process has no memory: after a sample the next gap is
// drawn anew from the object's end. Var[weight * sampled] = s^2 (1-p)/p, which is estimated from
// the sampled objects alone by the sum of weight^2 (1-p) (Horvitz-Thompson).
//
// Fast path: one comparison and one subtraction on a thread-local counter.
#pragma once

#include <cstdint>

namespace wrackline::preload {

// Thread-local, initial-exec, all zero at the thread's start: the first allocation takes the slow
// path, which seeds it.
struct ThreadState {
  std::uint64_t bytes_until_sample;  // an allocation of more than this is sampled
  std::uint64_t random;              // 0: not seeded
  std::uint32_t depth;               // >0: inside wrackline on this thread, do not sample
  std::uint32_t thread_id;
  std::uint32_t entry;  // in the table of threads (thread_table.h); 0: none yet
};

// exp(-x) for x >= 0 and -log(u) for 0 < u <= 1, to 1e-12 relative: our own, because libm's need
// GLIBC_2.29.
double ExpOfMinus(double x);
double MinusLog(double u);

// The bytes to the next sample point: -log(uniform) * interval, rounded down. Exact in distribution
// for integer sizes: an allocation of s bytes is sampled if gap < s, and floor(gap) < s is the
// same. 0 when interval <= 1: then every allocation is sampled.
std::uint64_t DrawGap(std::uint64_t* random, std::uint64_t interval);

// size / (1 - exp(-size/interval)), rounded to the nearest; size when interval <= 1.
std::uint64_t SampleWeight(std::uint64_t size, std::uint64_t interval);

}  // namespace wrackline::preload
