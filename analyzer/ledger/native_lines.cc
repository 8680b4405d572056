#include <algorithm>

#include "analyzer/ledger/lines.h"

namespace wrackline::ledger {
namespace {

constexpr std::size_t kNamedSites = 5;
// A site has a line of its own from this part of the total on (1/100).
constexpr std::int64_t kNamedPart = 100;

std::string SiteLabel(const evidence::Site& site) {
  if (site.frames.empty()) return "(stack not recorded)";
  return site.frames[site.label].function;
}

}  // namespace

namespace {

struct Rest {
  Bytes amount;
  double variance = 0;
  std::size_t sites = 0;

  void Add(const evidence::Site& site) {
    ++sites;
    amount += site.live - site.untouched;
    const double error = static_cast<double>(site.standard_error.count);
    variance += error * error;
  }
  void AddLine(const char* id, std::string label, Ledger* ledger) const {
    if (sites == 0) return;
    const LiveEstimate estimate{amount, Bytes{}, variance};
    ledger->lines.push_back({id,
                             std::move(label),
                             Holder::kNative,
                             amount,
                             estimate.StandardError(),
                             std::nullopt,
                             "allocation samples",
                             Confidence::kSampled,
                             {}});
  }
};

std::string Sites(std::size_t count) {
  return std::to_string(count) + (count == 1 ? " site" : " sites");
}

}  // namespace

void AddNativeLines(const evidence::Evidence& evidence, Ledger* ledger) {
  Rest native, network, framework, user;
  std::size_t named = 0;
  for (const evidence::Site& site : evidence.sites) {
    if (site.in_rocksdb || site.live.count <= 0) continue;
    const DirectUse use = DirectUseOf(site);
    if (use == DirectUse::kNetwork) {
      network.Add(site);
    } else if (use == DirectUse::kFramework) {
      framework.Add(site);
    } else if (named < kNamedSites && kNamedPart * (site.live - site.untouched) >= ledger->total) {
      ++named;
      ledger->lines.push_back({use == DirectUse::kUser ? "direct.site" : "native.site",
                               SiteLabel(site),
                               Holder::kNative,
                               site.live - site.untouched,
                               site.standard_error,
                               std::nullopt,
                               "allocation samples",
                               Confidence::kSampled,
                               {}});
    } else {
      (use == DirectUse::kUser ? user : native).Add(site);
    }
  }
  network.AddLine("direct.network", "Flink's network buffers", ledger);
  framework.AddLine("direct.framework", "direct buffers of Flink's framework", ledger);
  user.AddLine("direct.other_sites", "direct buffers, " + Sites(user.sites), ledger);
  native.AddLine("native.other_sites", "native, " + Sites(native.sites), ledger);
}

Bytes MemoryChangedSince(const evidence::Evidence& evidence,
                         const evidence::AllocatorFigures& allocator) {
  std::optional<Bytes> then, now;
  for (const evidence::TimelinePoint& point : evidence.timeline) {
    const std::optional<Bytes> anonymous = point.ProcessAnonymous();
    if (!anonymous) continue;
    if (point.time <= allocator.time || !then) then = anonymous;
    now = anonymous;
  }
  if (!then || !now) return Bytes{};
  const Bytes change = *now - *then;
  const Bytes size = change.count < 0 ? -change : change;
  return 20 * size > std::max(*then, *now) ? change : Bytes{};
}

namespace {

// glibc's free chunks, less those without a page: what its heaps have that is not resident is either live and was never touched,
// or free. The main heap's residence is not known, so this stays an upper bound.
Bytes GlibcFree(const evidence::Evidence& evidence, const evidence::AllocatorFigures& allocator) {
  const Bytes chunks = *allocator.free_in_heap;
  if (!evidence.untouched_known || !allocator.heaps_mapped || !allocator.heaps_resident)
    return chunks;
  const Bytes live =
      EstimateLive(evidence.sites, true).untouched + EstimateLive(evidence.sites, false).untouched;
  const Bytes absent = *allocator.heaps_mapped - *allocator.heaps_resident - live;
  return std::max(Bytes{}, chunks - std::max(Bytes{}, absent));
}

}  // namespace

namespace {

// What jemalloc counts as in use and lies in thread caches: that has a line of its own. tcmalloc counts it as free.
Bytes CachedInUse(const evidence::AllocatorFigures& allocator) {
  return allocator.heap_size ? Bytes{} : allocator.thread_caches.value_or(Bytes{});
}

// malloc's part of the VM's lines, where they are what Native Memory Tracking says is committed.
Bytes MallocOfVmLines(const evidence::Evidence& evidence, const Ledger& ledger) {
  const bool tracked = std::any_of(ledger.lines.begin(), ledger.lines.end(), [](const Line& line) {
    return line.holder == Holder::kJvm && line.source == kTrackedCommitted;
  });
  const std::optional<evidence::JvmFigures> figures =
      tracked && evidence.jvm ? evidence.jvm->Latest() : std::nullopt;
  Bytes sum;
  if (!figures) return sum;
  for (const evidence::JvmNativeMemory& one : figures->native_memory) {
    // "Other" is the direct buffers' line.
    if (one.category != "Other") sum += one.malloc.value_or(Bytes{});
  }
  return sum;
}

// Allocations that nobody sampled: what the allocator has in use less what lines of others say of malloc's memory.
void AddUnsampled(const evidence::Evidence& evidence, Ledger* ledger) {
  Bytes known = CachedInUse(*evidence.allocator) + MallocOfVmLines(evidence, *ledger);
  for (const Line& line : ledger->lines) {
    if (line.holder == Holder::kRocksDb || line.id == "jvm.direct") known += line.amount;
  }
  const Bytes rest = *evidence.allocator->in_use - known;
  if (rest.count > 0)
    ledger->lines.push_back({"native.in_use", "native memory in use, not sampled", Holder::kNative,
                             rest, std::nullopt, std::nullopt,
                             "allocator's bytes in use (without thread caches) less RocksDB's, "
                             "direct buffers and the VM's own",
                             Confidence::kDerived});
}

// jemalloc counts whole pages as resident from the moment it hands out a part of them, and thread caches are filled with objects that
// nobody touched. Where its mappings were looked at page by page, what it keeps is no more than they have resident beyond what is live.
void KeepWithinResidentPages(const evidence::Evidence& evidence, std::size_t first,
                             Ledger* ledger) {
  Bytes pages;
  for (const evidence::MappingSite& mapping : evidence.mappings) {
    if (mapping.kind == evidence::MappingKind::kAllocator)
      pages += mapping.resident.value_or(Bytes{});
  }
  if (pages.count == 0 || evidence.sites.empty()) return;
  const Bytes live = EstimateLive(evidence.sites, true).Resident() +
                     EstimateLive(evidence.sites, false).Resident();
  const Bytes most = std::max(Bytes{}, pages - live);
  Bytes claimed;
  for (std::size_t i = first; i < ledger->lines.size(); ++i) claimed += ledger->lines[i].amount;
  if (claimed <= most || claimed.count <= 0) return;
  const double part = static_cast<double>(most.count) / static_cast<double>(claimed.count);
  for (std::size_t i = first; i < ledger->lines.size(); ++i) {
    Line& line = ledger->lines[i];
    line.amount = Bytes{static_cast<std::int64_t>(part * static_cast<double>(line.amount.count))};
    line.confidence = Confidence::kDerived;
    line.source += ", as far as its mappings are resident beyond what is live";
  }
}

// What was free when the allocator was read and has been handed out since is live by now, and no longer kept: as far as more is live
// than was in use then, by more than two standard errors. A process that grows by 200 MiB a second moves that much between two readings.
void TakeHandedOut(const evidence::Evidence& evidence, std::size_t first, Ledger* ledger) {
  const evidence::AllocatorFigures& allocator = *evidence.allocator;
  if (!allocator.in_use || evidence.sites.empty()) return;
  const LiveEstimate inside = EstimateLive(evidence.sites, true);
  const LiveEstimate outside = EstimateLive(evidence.sites, false);
  const LiveEstimate all{inside.live + outside.live, Bytes{}, inside.variance + outside.variance};
  const Bytes handed_out = all.live - *allocator.in_use - allocator.placed.value_or(Bytes{});
  if (handed_out <= 2 * all.StandardError()) return;
  for (std::size_t i = first; i < ledger->lines.size(); ++i) {
    Line& line = ledger->lines[i];
    if (line.id != "allocator.free") continue;
    line.amount = std::max(Bytes{}, line.amount - handed_out);
    line.source += ", less what was handed out since";
  }
}

void AddStatistics(const evidence::Evidence& evidence, Ledger* ledger);

}  // namespace

void AddAllocatorLines(const evidence::Evidence& evidence, Ledger* ledger) {
  if (!evidence.allocator) return;
  const std::size_t first = ledger->lines.size();
  AddStatistics(evidence, ledger);
  TakeHandedOut(evidence, first, ledger);
  if (evidence.allocator->resident) KeepWithinResidentPages(evidence, first, ledger);
}

namespace {

void AddStatistics(const evidence::Evidence& evidence, Ledger* ledger) {
  const evidence::AllocatorFigures& allocator = *evidence.allocator;
  const Bytes changed = MemoryChangedSince(evidence, allocator);
  // What was kept then has been given back since; what has grown since still may hold what was
  // kept.
  if (changed.count < 0) return;
  if (evidence.allocator->in_use && evidence.process.sampling_interval.count == 0 &&
      evidence.sites.empty() && ledger->moment == When::kEnd)
    AddUnsampled(evidence, ledger);
  // The newest reading may lag behind the samples; only figures of one moment may be subtracted
  // from each other.
  constexpr evidence::Duration kSameMoment = std::chrono::milliseconds(1500);
  const evidence::Duration lag = evidence.last_record > allocator.time
                                     ? evidence.last_record - allocator.time
                                     : allocator.time - evidence.last_record;
  const bool lossless =
      std::none_of(evidence.losses.begin(), evidence.losses.end(),
                   [](const evidence::Loss& loss) { return loss.name == "live_table_full"; });
  if (allocator.in_use && !evidence.sites.empty() && lag <= kSameMoment && lossless &&
      changed.count == 0) {
    const LiveEstimate inside = EstimateLive(evidence.sites, true);
    const LiveEstimate outside = EstimateLive(evidence.sites, false);
    const LiveEstimate all{inside.live + outside.live, Bytes{}, inside.variance + outside.variance};
    // Sampled objects in wrackline's own region are live and not in the allocator.
    const Bytes held = *allocator.in_use + allocator.placed.value_or(Bytes{});
    const Bytes rounding = held - all.live - CachedInUse(allocator);
    // Below two standard errors, or a fiftieth, it is noise.
    if (rounding > 2 * all.StandardError() && 50 * rounding > *allocator.in_use)
      ledger->lines.push_back({"allocator.rounding", "allocator headers, rounding",
                               Holder::kAllocator, rounding, all.StandardError(), std::nullopt,
                               "allocator's bytes in use (without thread caches) less sampled "
                               "live bytes",
                               Confidence::kDerived});
  }
  if (allocator.thread_caches && allocator.thread_caches->count > 0)
    ledger->lines.push_back(
        {"allocator.thread_caches", "allocator, thread caches", Holder::kAllocator,
         *allocator.thread_caches, std::nullopt, std::nullopt,
         allocator.heap_size ? "tcmalloc.thread_cache_free_bytes" : "stats.arenas.tcache_bytes",
         Confidence::kUpperBound});
  if (allocator.page_heap_free) {  // tcmalloc
    const Bytes kept = *allocator.page_heap_free + allocator.central_cache.value_or(Bytes{}) +
                       allocator.transfer_cache.value_or(Bytes{});
    ledger->lines.push_back({"allocator.free", "allocator, free memory kept", Holder::kAllocator,
                             kept, std::nullopt, std::nullopt,
                             "tcmalloc.pageheap_free_bytes, central_cache_free_bytes and "
                             "transfer_cache_free_bytes",
                             Confidence::kUpperBound});
    return;
  }
  if (allocator.resident && allocator.in_use) {  // jemalloc: says what is resident
    const Bytes metadata = allocator.metadata.value_or(Bytes{});
    const Bytes kept = std::max(Bytes{}, *allocator.resident - *allocator.in_use - metadata);
    ledger->lines.push_back({"allocator.free", "allocator, free but resident", Holder::kAllocator,
                             kept, std::nullopt, std::nullopt,
                             "stats.resident less stats.allocated and stats.metadata",
                             Confidence::kDerived});
    if (metadata.count > 0)
      ledger->lines.push_back({"allocator.metadata", "allocator, metadata", Holder::kAllocator,
                               metadata, std::nullopt, std::nullopt, "stats.metadata",
                               Confidence::kExact});
    return;
  }
  if (allocator.free_in_heap)
    ledger->lines.push_back({"allocator.free", "allocator, free memory kept", Holder::kAllocator,
                             GlibcFree(evidence, allocator), std::nullopt, std::nullopt,
                             "free chunks in the allocator's heaps", Confidence::kUpperBound});
}

}  // namespace

}  // namespace wrackline::ledger
