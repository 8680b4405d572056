#pragma once

inline int Inlined(int x) {
  if (x > 1000) {
    return x * 3;
  }
  return x ^ 0x55;
}
