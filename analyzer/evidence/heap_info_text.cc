#include "analyzer/evidence/heap_info_text.h"

#include <algorithm>
#include <array>
#include <utility>

#include "analyzer/evidence/convert.h"
#include "analyzer/evidence/vm_figures.h"
#include "analyzer/evidence/vm_lines.h"
#include "preload/jvm/heap_info.h"

namespace wrackline::evidence {
namespace {

using namespace vm_lines;

constexpr std::size_t kMostPools = 64;
// The VM's own texts are a few KiB; only their lines of the heap are given to the parser of heaps.
constexpr std::size_t kMostHeapText = std::size_t{64} * 1024;

// The first lines of each text, and the collector that they tell.
constexpr std::array kHeaps = {
    std::pair(std::string_view("garbage-first heap"), "G1"),
    std::pair(std::string_view("PSYoungGen"), "Parallel"),
    std::pair(std::string_view("def new generation"), "Serial"),
    std::pair(std::string_view("DefNew"), "Serial"),
    std::pair(std::string_view("par new generation"), "CMS"),
    std::pair(std::string_view("ZHeap"), "ZGC"),
    std::pair(std::string_view("Shenandoah Heap"), "Shenandoah"),
};

class Reader {
 public:
  HeapText Read(std::string_view text) {
    std::string_view rest = text, line;
    while (NextLine(&rest, &line)) TakeLine(Trimmed(line), text);
    FinishJmap();
    if (!text_.reserved_code_cache && code_.count > 0) text_.reserved_code_cache = code_;
    return std::move(text_);
  }

 private:
  void TakeLine(std::string_view line, std::string_view text) {
    if (text_.collector.empty()) {
      for (const auto& [begin, collector] : kHeaps) {
        if (!StartsWith(line, begin)) continue;
        text_.collector = collector;
        const std::size_t at = static_cast<std::size_t>(line.data() - text.data());
        TakeHeap(text.substr(at, kMostHeapText));
        return;
      }
    }
    if (StartsWith(line, "Metaspace ") && Contains(line, "committed")) {
      Fill(AmountAfter(line, "used "), &text_.figures.metaspace_used);
      Fill(AmountAfter(line, "committed "), &text_.figures.metaspace_committed);
    } else if (StartsWith(line, "class space ") && Contains(line, "committed")) {
      Fill(AmountAfter(line, "used "), &text_.figures.class_space_used);
      Fill(AmountAfter(line, "committed "), &text_.figures.class_space_committed);
    } else if (StartsWith(line, "CodeHeap '") || StartsWith(line, "CodeCache: size=")) {
      TakeCode(line);
    } else if (StartsWith(line, "bounds [")) {
      TakeBounds(line);
    } else if (StartsWith(line, "MaxMetaspaceSize: ")) {
      Fill(AmountAfter(line, ": "), &text_.max_metaspace);
    } else if (StartsWith(line, "CompressedClassSpaceSize: ")) {
      Fill(AmountAfter(line, ": "), &text_.compressed_class_space);
    } else {
      TakeMetaspace(line);
      TakeJmap(line);
    }
  }

  template <typename T>
  static void Fill(std::optional<T> from, std::optional<T>* to) {
    if (!*to) *to = from;
  }

  void TakeHeap(std::string_view text) {
    // To the blank line behind it, which Shenandoah has before metaspace: what is not a heap's is not looked at.
    const std::size_t end = text.find("\n\n");
    const preload::HeapInfo info = preload::ParseHeapInfo(text.data(), std::min(end, text.size()));
    JvmFigures& figures = text_.figures;
    const auto set = [](std::optional<std::uint64_t> from, std::optional<Bytes>* to) {
      if (from && !*to) *to = ToBytes(*from);
    };
    set(info.used, &figures.heap_used);
    set(info.committed, &figures.heap_committed);
    set(info.max, &figures.heap_max);
    set(info.metaspace_used, &figures.metaspace_used);
    set(info.metaspace_committed, &figures.metaspace_committed);
    set(info.class_space_used, &figures.class_space_used);
    set(info.class_space_committed, &figures.class_space_committed);
    for (int i = 0; i < info.part_count; ++i) {
      const preload::HeapPart& part = info.parts[i];
      JvmPool& pool = figures.pools.emplace_back();
      pool.name = part.name;
      pool.heap = true;
      pool.used = ToBytes(part.used);
      if (part.committed) pool.committed = ToBytes(*part.committed);
    }
    for (int i = 0; i < info.range_count; ++i)
      text_.ranges.push_back({info.ranges[i].start, info.ranges[i].end, "Java Heap"});
  }

  // "CodeHeap 'profiled nmethods': size=120036Kb used=3Kb max_used=3Kb free=120032Kb"; before JDK 25 no line of the whole.
  void TakeCode(std::string_view line) {
    const auto size = AmountAfter(line, "size="), used = AmountAfter(line, " used=");
    code_pool_ = false;
    if (!size || !used) return;
    std::string_view name = "CodeCache";
    if (std::string_view quoted = line; SkipPast(&quoted, "'")) {
      name = Before(quoted, "'").substr(0, 64);
      if (code_heaps_++ < kMostPools) code_ += *size;
    } else {
      text_.reserved_code_cache = size;
      // The sum of those before it.
      if (code_.count > 0) return;
    }
    if (text_.figures.pools.size() == kMostPools) return;
    JvmPool& pool = text_.figures.pools.emplace_back();
    pool.name = name;
    pool.used = *used;
    pool.max = size;
    code_pool_ = true;
  }

  // "bounds [begin, end of what is committed, end)"
  void TakeBounds(std::string_view line) {
    if (!code_pool_) return;
    code_pool_ = false;
    SkipPast(&line, "[");
    std::array<std::uint64_t, 3> bounds{};
    for (std::uint64_t& bound : bounds) {
      const auto address = TakeAddress(&line);
      if (!address) return;
      bound = *address;
      Skip(&line, ",");
    }
    if (bounds[0] > bounds[1] || bounds[1] > bounds[2] || bounds[0] == bounds[2]) return;
    text_.figures.pools.back().committed = ToBytes(bounds[1] - bounds[0]);
    text_.ranges.push_back({bounds[0], bounds[2], "Code"});
  }

  // VM.metaspace: "Both:  5 chunks,  4.38 MB capacity,  3.02 MB ( 69%) used, ..." below "Total Usage", and
  // "Both:  1.01 GB reserved,  4.75 MB ( <1%) committed" below "Virtual space:".
  void TakeMetaspace(std::string_view line) {
    if (StartsWith(line, "Total Usage") || line == "Usage:") return void(part_ = Part::kUsage);
    if (line == "Virtual space:") return void(part_ = Part::kVirtual);
    if (StartsWith(line, "Chunk freelists")) return void(part_ = Part::kNone);
    if (part_ == Part::kNone) return;
    const bool both = StartsWith(line, "Both:");
    if (!both && !StartsWith(line, "Class:") && !StartsWith(line, "Class space:")) return;
    const bool usage = part_ == Part::kUsage;
    JvmFigures& figures = text_.figures;
    SkipPast(&line, ":");
    while (!line.empty()) {
      std::string_view piece = Before(line, ",");
      line.remove_prefix(std::min(line.size(), piece.size() + 1));
      if (!Contains(piece, usage ? " used" : " committed")) continue;
      const auto amount = TakeAmount(&piece);
      if (usage)
        Fill(amount, both ? &figures.metaspace_used : &figures.class_space_used);
      else
        Fill(amount, both ? &figures.metaspace_committed : &figures.class_space_committed);
      return;
    }
  }

  // jmap: a name alone in its line, then "capacity = 67108864 (64.0MB)", "used     = 1342200 (1.28MB)".
  void TakeJmap(std::string_view line) {
    if (line == "Heap Usage:") return void(jmap_ = true);
    if (StartsWith(line, "MaxHeapSize ") && Contains(line, "="))
      return Fill(AmountAfter(line, "= "), &text_.figures.heap_max);
    if (StartsWith(line, "Total ") && histogram_) {
      // Instances, then bytes.
      std::string_view rest = line.substr(6);
      SkipBlanks(&rest);
      if (TakeNumber(&rest)) text_.histogram = TakeAmount(&rest);
      return;
    }
    if (StartsWith(line, "num ") && Contains(line, "#instances")) histogram_ = true;
    if (!jmap_ || line.empty()) return;
    if (!Contains(line, "=") && !Contains(line, "% used")) {
      name_ = line.back() == ':' ? line.substr(0, line.size() - 1) : line;
      return;
    }
    const auto capacity = StartsWith(line, "capacity") ? AmountAfter(line, "= ") : std::nullopt;
    const auto used = StartsWith(line, "used") ? AmountAfter(line, "= ") : std::nullopt;
    if (name_ == "G1 Heap") {
      Fill(capacity, &text_.figures.heap_committed);
      Fill(used, &text_.figures.heap_used);
      return;
    }
    // A sum of what follows it.
    if (StartsWith(name_, "New Generation") || name_.empty()) return;
    if (capacity) capacity_ = capacity;
    if (!used || text_.figures.pools.size() == kMostPools) return;
    JvmPool& pool = text_.figures.pools.emplace_back();
    pool.name = name_.substr(0, 64);
    pool.heap = true;
    pool.used = *used;
    pool.committed = std::exchange(capacity_, std::nullopt);
  }

  void FinishJmap() {
    JvmFigures& figures = text_.figures;
    if (!jmap_ || figures.heap_used) return;
    for (const JvmPool& pool : figures.pools) {
      if (!pool.heap) continue;
      figures.heap_used = figures.heap_used.value_or(Bytes{}) + pool.used;
      figures.heap_committed =
          figures.heap_committed.value_or(Bytes{}) + pool.committed.value_or(Bytes{});
    }
  }

  enum class Part { kNone, kUsage, kVirtual };

  HeapText text_;
  Part part_ = Part::kNone;
  Bytes code_;
  std::size_t code_heaps_ = 0;
  bool code_pool_ = false, jmap_ = false, histogram_ = false;
  std::string_view name_;
  std::optional<Bytes> capacity_;
};

bool OfHeapText(std::string_view line) {
  for (const auto& [begin, collector] : kHeaps) {
    if (StartsWith(line, begin) && (Contains(line, "used ") || collector[0] == 'S')) return true;
  }
  return StartsWith(line, "CodeHeap '") || StartsWith(line, "CodeCache: size=") ||
         (StartsWith(line, "Total Usage - ") && Contains(line, " loaders")) ||
         (StartsWith(line, "Metaspace ") && Contains(line, "committed ")) ||
         (StartsWith(line, "Non-class:") && Contains(line, " used")) ||
         line == "Heap Configuration:" ||
         (StartsWith(line, "num ") && Contains(line, "#instances"));
}

void Say(std::optional<Bytes> amount, const char* what, std::string* text) {
  if (!amount) return;
  if (!text->empty()) *text += ", ";
  *text += FormatBytes(*amount) + what;
}

}  // namespace

bool HeapText::Empty() const {
  return !figures.heap_used && !figures.metaspace_used && !figures.metaspace_committed &&
         figures.pools.empty() && !reserved_code_cache && !histogram;
}

HeapText ParseHeapText(std::string_view text) { return Reader().Read(text); }

void AddHeapText(HeapText text, Time time, const std::string& file, Jvm* vm) {
  if (vm->collector.empty()) vm->collector = text.collector;
  if (!vm->max_metaspace) vm->max_metaspace = text.max_metaspace;
  if (!vm->compressed_class_space) vm->compressed_class_space = text.compressed_class_space;
  if (!vm->reserved_code_cache) vm->reserved_code_cache = text.reserved_code_cache;
  // Native Memory Tracking's own ranges are exact, and of all categories.
  const std::size_t known = vm->ranges.size();
  for (VmRange& range : text.ranges) {
    const auto end = vm->ranges.begin() + static_cast<std::ptrdiff_t>(known);
    const bool there = std::any_of(vm->ranges.begin(), end, [&](const VmRange& one) {
      return one.category == range.category;
    });
    if (!there) vm->ranges.push_back(std::move(range));
  }
  std::stable_sort(vm->ranges.begin(), vm->ranges.end(),
                   [](const VmRange& a, const VmRange& b) { return a.begin < b.begin; });
  text.figures.time = time;
  text.figures.file = file;
  AddFigures(std::move(text.figures), vm);
}

bool IsHeapText(const SourceFile& file) {
  std::string_view rest = file.Head(), line;
  for (int i = 0; i < 12 && NextLine(&rest, &line); ++i) {
    if (StartsWith(line, "#") || Contains(line, "Native Memory Tracking:")) return false;
    if (OfHeapText(Trimmed(line))) return true;
  }
  return false;
}

Result<std::string> AddHeapInfo(const SourceFile& file, Evidence* evidence) {
  HeapText text = ParseHeapText(file.text);
  if (text.Empty())
    return Error{"it says nothing of heap, metaspace or code cache that is understood",
                 "jcmd PID GC.heap_info, VM.metaspace and Compiler.codecache are read"};
  std::string remark;
  const JvmFigures& figures = text.figures;
  Say(figures.heap_used, " of heap used", &remark);
  Say(figures.heap_committed, " committed", &remark);
  Say(figures.metaspace_used, " of metaspace used", &remark);
  Say(figures.metaspace_committed, " committed", &remark);
  Say(text.reserved_code_cache, " reserved for code", &remark);
  Say(text.histogram, " of live objects by class, which are in the heap", &remark);
  if (remark.empty()) remark = "parts of the heap";
  // A histogram alone says nothing of memory.
  if (!figures.heap_used && !figures.metaspace_used && !figures.metaspace_committed &&
      figures.pools.empty())
    return remark;
  AddHeapText(std::move(text), file.modified, file.name, &VmOf("jcmd", evidence));
  return remark;
}

}  // namespace wrackline::evidence
