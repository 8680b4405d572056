#include "tests/unit/rocksdb_probe/fake_shim.h"

#include <atomic>
#include <mutex>
#include <utility>

namespace {
std::atomic<int> g_recording{0};
std::atomic<int> g_answer{0};
std::mutex g_mutex;
std::vector<wrackline::probe::Submitted> g_submitted;
}  // namespace

extern "C" int wrackline_submit(std::uint64_t key, std::uint32_t kind, const void* record,
                                std::size_t size) {
  if (g_answer != 0) return g_answer;
  const std::lock_guard lock(g_mutex);
  g_submitted.push_back({key, kind, std::string(static_cast<const char*>(record), size)});
  return 0;
}
extern "C" int wrackline_recording() { return g_recording; }

namespace wrackline::probe {

FakeShim::FakeShim() {
  Take();
  g_answer = 0;
  g_recording = 1;
}
FakeShim::~FakeShim() { g_recording = 0; }
void FakeShim::AnswerWith(int error) { g_answer = error; }
std::vector<Submitted> FakeShim::Take() {
  const std::lock_guard lock(g_mutex);
  return std::exchange(g_submitted, {});
}

}  // namespace wrackline::probe
