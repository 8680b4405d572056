#include "preload/jvm/heap_info.h"

#include "preload/jvm/vm_text.h"

namespace wrackline::preload {
namespace {

using namespace vm_text;

void AddPart(HeapInfo* info, Span name, std::uint64_t used,
             std::optional<std::uint64_t> committed) {
  if (info->part_count == HeapInfo::kMostParts) return;
  HeapPart& part = info->parts[info->part_count++];
  CopyName(part.name, name);
  part.used = used;
  part.committed = committed;
}

void AddRange(HeapInfo* info, const std::uint64_t* addresses, int count) {
  if (count < 2 || addresses[count - 1] <= addresses[0] ||
      info->range_count == HeapInfo::kMostRanges) {
    return;
  }
  info->ranges[info->range_count++] = {addresses[0], addresses[count - 1]};
}

void Sum(std::optional<std::uint64_t>* sum, std::optional<std::uint64_t> more) {
  if (!more) return;
  std::uint64_t total = 0;
  if (!__builtin_add_overflow(sum->value_or(0), *more, &total)) *sum = total;
}

// "garbage-first heap   total 262144K, used 144889K [", "PSYoungGen      total 76288K, used 21361K [";
// JDK 25's G1: "total reserved 262144K, committed 262144K, used 145096K [".
void TakeGeneration(Span line, HeapInfo* info) {
  const auto used = SizeAfter(line, "used ");
  const auto committed =
      SizeAfter(line, "committed ") ? SizeAfter(line, "committed ") : SizeAfter(line, "total ");
  if (!used || !committed) return;
  Sum(&info->used, used);
  Sum(&info->committed, committed);
  std::uint64_t addresses[4];
  AddRange(info, addresses, TakeAddresses(line, addresses, 4));
  // G1's parts are not in addresses but in the next line.
  Span rest = line;
  SkipPast(&rest, " total ");
  const std::size_t before = line.size - rest.size - std::strlen(" total ");
  if (!line.StartsWith("garbage-first")) AddPart(info, {line.data, before}, *used, committed);
}

// "region size 1024K, 5 young (5120K), 1 survivors (1024K)"
void TakeG1Regions(Span line, HeapInfo* info) {
  const auto young = SizeAfter(line, " young (");
  const auto survivors = SizeAfter(line, " survivors (");
  if (!young || !survivors || *survivors > *young || !info->used) return;
  static constexpr char kEden[] = "eden", kSurvivor[] = "survivors", kOld[] = "old and humongous";
  AddPart(info, {kEden, sizeof(kEden) - 1}, *young - *survivors, std::nullopt);
  AddPart(info, {kSurvivor, sizeof(kSurvivor) - 1}, *survivors, std::nullopt);
  // `young` is whole regions, `used` what is used of the one being filled.
  AddPart(info, {kOld, sizeof(kOld) - 1}, *info->used > *young ? *info->used - *young : 0,
          std::nullopt);
}

// "eden space 69952K,  30% used [0x.., 0x.., 0x..)": the second address is the end of what is used.
void TakeSpace(Span line, Span name, HeapInfo* info) {
  // The one space of an old generation, whose figures its own line has.
  if (name.StartsWith("the ") || name.StartsWith("object")) return;
  Span rest = line;
  SkipPast(&rest, "space ");
  container::scan::SkipBlanks(&rest);
  const auto committed = TakeSize(&rest);
  std::uint64_t addresses[4];
  const int count = TakeAddresses(line, addresses, 4);
  if (!committed || count < 2 || addresses[1] < addresses[0]) return;
  AddPart(info, name, addresses[1] - addresses[0], committed);
}

// "ZHeap           used 144M, capacity 256M, max capacity 256M"
void TakeZHeap(Span line, HeapInfo* info) {
  info->used = SizeAfter(line, "used ");
  info->committed = SizeAfter(line, ", capacity ");
  info->max = SizeAfter(line, "max capacity ");
}

// "256M max, 256M soft max, 256M committed, 72449K used"
void TakeShenandoah(Span line, HeapInfo* info) {
  while (line.size > 0) {
    Span piece = Trimmed(container::scan::TakeUntil(&line, ','));
    const auto bytes = TakeSize(&piece);
    if (!bytes) continue;
    if (piece.EndsWith(" used")) info->used = bytes;
    if (piece.EndsWith(" committed")) info->committed = bytes;
    if (piece.EndsWith(" max") && !piece.EndsWith(" soft max")) info->max = bytes;
  }
}

// "Metaspace       used 79K, committed 320K, reserved 1114112K", "class space    used 3K, ..."
bool TakeMetaspace(Span line, HeapInfo* info) {
  if (line.StartsWith("Metaspace ")) {
    info->metaspace_used = SizeAfter(line, "used ");
    info->metaspace_committed = SizeAfter(line, "committed ");
    info->metaspace_reserved = SizeAfter(line, "reserved ");
    return true;
  }
  if (!line.StartsWith("class space ")) return false;
  info->class_space_used = SizeAfter(line, "used ");
  info->class_space_committed = SizeAfter(line, "committed ");
  return true;
}

}  // namespace

void ParseMetaspaceLines(const char* text, std::size_t size, HeapInfo* info) {
  Span rest = TextOf(text, size);
  Span line;
  while (NextLine(&rest, &line)) TakeMetaspace(Trimmed(line), info);
}

HeapInfo ParseHeapInfo(const char* text, std::size_t size) {
  HeapInfo info;
  Span rest = TextOf(text, size);
  Span raw;
  bool shenandoah = false;
  bool reserved = false;
  while (NextLine(&rest, &raw)) {
    const Span line = Trimmed(raw);
    if (TakeMetaspace(line, &info)) {
      continue;
    }
    if (line.StartsWith("ZHeap ")) {
      TakeZHeap(line, &info);
    } else if (line.StartsWith("Shenandoah Heap")) {
      shenandoah = true;
    } else if (shenandoah && line.EndsWith(" used") && !info.used) {
      TakeShenandoah(line, &info);
    } else if (line.StartsWith("Reserved region:")) {
      reserved = true;
    } else if (reserved && line.StartsWith("- [")) {
      std::uint64_t addresses[2];
      AddRange(&info, addresses, TakeAddresses(line, addresses, 2));
      reserved = false;
    } else if (line.StartsWith("region size ")) {
      TakeG1Regions(line, &info);
    } else if (Span after = line; SkipPast(&after, " total ")) {
      TakeGeneration(line, &info);
    } else if (Span behind = line; SkipPast(&behind, "space ")) {
      TakeSpace(line, {line.data, line.size - behind.size - 1}, &info);
    }
  }
  return info;
}

}  // namespace wrackline::preload
