#include "preload/thread_comms.h"

#include <cerrno>
#include <cstring>

#include "lib/container/process.h"
#include "preload/clock.h"
#include "preload/pages.h"
#include "preload/text.h"

namespace wrackline::preload {
namespace {

constexpr std::uint32_t kLongestPeriodS = 64;

// The name between the first and the last parenthesis of a stat file, which it may hold itself.
bool CommOf(const char* text, std::size_t length, char* comm, std::size_t room) {
  const char* const begin = static_cast<const char*>(std::memchr(text, '(', length));
  const char* const end = static_cast<const char*>(memrchr(text, ')', length));
  if (begin == nullptr || end == nullptr || end < begin) return false;
  std::size_t size = static_cast<std::size_t>(end - begin) - 1;
  if (size > room - 1) size = room - 1;
  // Any bytes may be in it; a record holds UTF-8.
  for (std::size_t i = 0; i < size; ++i) {
    const char c = begin[1 + i];
    comm[i] = c >= ' ' && c < 0x7F ? c : '?';
  }
  comm[size] = '\0';
  return true;
}

}  // namespace

int ThreadComms::Open() {
  seen_ = MapArray<Seen>(ThreadTable::kSlots);
  return seen_ != nullptr ? 0 : ENOMEM;
}

void ThreadComms::Look(ThreadTable* threads, std::uint64_t now_ns, std::uint32_t most,
                       const char* root, const char* pid) {
  const std::uint32_t used = threads->used();
  for (std::uint32_t slot = 0; slot < used && most > 0; ++slot) {
    Seen& seen = seen_[slot];
    const bool fresh = seen.next_ns == 0;
    const bool ended = !fresh && seen.period_s == 0;
    if (ended ? threads->SinceOf(slot) == seen.since_ms : !fresh && now_ns < seen.next_ns) continue;
    ThreadEntry thread;
    if (!threads->Read(slot, &thread)) continue;
    --most;
    const bool another =
        fresh || thread.thread_id != seen.thread_id || thread.since_ms != seen.since_ms;
    if (another) seen = {thread.thread_id, thread.since_ms, 0, 1, 0};
    Text<512> path;
    path.Append(root).Append("/proc/").Append(pid).Append("/task/");
    path.AppendNumber(thread.thread_id).Append("/stat");
    char text[1024];
    char comm[sizeof(thread.comm)];
    errno = 0;
    const long length = container::ReadSmallFile(path.c_str(), text, sizeof(text));
    const bool gone = length < 0 && (errno == ENOENT || errno == ESRCH);
    const std::size_t size = length > 0 ? static_cast<std::size_t>(length) : 0;
    const auto start = container::ParseProcessStat(text, size).start_ticks;
    if (gone || (start && !another && seen.start_ticks != 0 && *start != seen.start_ticks)) {
      seen.next_ns = now_ns;
      seen.period_s = 0;
      threads->End(slot, thread);
      continue;
    }
    if (start) seen.start_ticks = *start;
    // Somebody is at the entry: the next call comes soon.
    if (CommOf(text, size, comm, sizeof(comm)) && !threads->SetComm(slot, thread, comm)) continue;
    seen.next_ns = now_ns + seen.period_s * kSecond;
    if (seen.period_s < kLongestPeriodS) seen.period_s *= 2;
  }
}

std::size_t ThreadComms::resident_bytes() const {
  return ResidentBytes(seen_, ThreadTable::kSlots * sizeof(Seen));
}

}  // namespace wrackline::preload
