// What line_table_test.cc compares with addr2line: loops, inlined functions of another file, code
// from a macro, a function that the linker throws away, and #line.
#include <algorithm>
#include <vector>

#include "lines_inlined.h"

#define TWICE(x) \
  do {           \
    (x);         \
    (x);         \
  } while (false)

extern "C" int LinesOther(int x);

namespace {
volatile int g_sink;
}

__attribute__((noinline)) static int Sorted(std::vector<int>* values) {
  std::sort(values->begin(), values->end());
  int sum = 0;
  for (const int value : *values) {
    if (value % 3 == 0) {
      sum += Inlined(value);
    } else {
      sum -= value;
    }
  }
  return sum;
}

extern "C" __attribute__((visibility("default"))) int LinesOne(int x) {
  std::vector<int> values;
  for (int i = 0; i < x; ++i) {
    values.push_back(i * 7 % 5);
  }
  TWICE(g_sink = g_sink + x);
  const int sorted = Sorted(&values);
  return sorted + LinesOther(x);
}

// Nobody calls it: --gc-sections leaves its lines in the table, at address 0.
extern "C" __attribute__((visibility("hidden"))) int LinesDiscarded(int x) {
  int sum = 0;
  for (int i = 0; i < x; ++i) {
    sum += i % 3 == 0 ? Inlined(i) : g_sink;
    g_sink = sum;
    sum ^= Inlined(sum);
  }
  return sum;
}

#line 9000 "made/by/a_generator.y"
extern "C" __attribute__((visibility("default"))) int LinesGenerated(int x) {
  g_sink = x;
  return x + 1;
}
