// The shim's two functions, as if libwrackline_preload.so were loaded: the probe finds these
// instead. Off by default.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace wrackline::probe {

struct Submitted {
  std::uint64_t key;
  std::uint32_t kind;
  std::string record;
};

// Records from here to the end of the object's life.
class FakeShim {
 public:
  FakeShim();
  ~FakeShim();
  FakeShim(const FakeShim&) = delete;
  FakeShim& operator=(const FakeShim&) = delete;

  // Every submission is answered with this errno value; 0: taken.
  void AnswerWith(int error);
  std::vector<Submitted> Take();
};

}  // namespace wrackline::probe
