#include "analyzer/cli/waiting.h"

#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <system_error>

#include "analyzer/render/inert.h"

namespace wrackline::cli {
namespace {

std::atomic<bool> g_shown{false};

}  // namespace

Waiting::Waiting(const std::string& what) {
  For(what);
  if (isatty(STDERR_FILENO) != 1) return;
  try {
    thread_ = std::thread([this] { Tell(); });
  } catch (const std::system_error&) {
    // No thread is to be had: nothing is told.
  }
}

Waiting::~Waiting() {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    over_ = true;
  }
  ended_.notify_one();
  if (thread_.joinable()) thread_.join();
  Hide();
}

void Waiting::For(const std::string& what) {
  const std::lock_guard<std::mutex> lock(mutex_);
  what_ = render::Fit(render::Inert(what, false), 60, false);
}

void Waiting::Hide() {
  if (!g_shown.exchange(false)) return;
  std::fputs("\r\033[K", stderr);
  std::fflush(stderr);
}

void Waiting::Tell() {
  using Clock = std::chrono::steady_clock;
  const Clock::time_point begin = Clock::now();
  std::unique_lock<std::mutex> lock(mutex_);
  for (auto next = begin + std::chrono::seconds(1);
       !ended_.wait_until(lock, next, [this] { return over_; });
       next += std::chrono::milliseconds(200)) {
    static constexpr char kTurns[] = {'|', '/', '-', '\\'};
    const double seconds = std::chrono::duration<double>(Clock::now() - begin).count();
    std::fprintf(stderr, "\r\033[Kwrackline: %s %c %.0f s", what_.c_str(),
                 kTurns[static_cast<std::size_t>(seconds * 5) % 4], seconds);
    std::fflush(stderr);
    g_shown.store(true);
  }
}

}  // namespace wrackline::cli
