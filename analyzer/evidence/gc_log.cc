#include "analyzer/evidence/gc_log.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "analyzer/evidence/java_errors.h"
#include "analyzer/evidence/vm_figures.h"
#include "analyzer/evidence/vm_lines.h"

namespace wrackline::evidence {
namespace {

using namespace vm_lines;

// A report's series: more would not be seen, and a set of figures is large.
constexpr std::size_t kMostFigures = 2000;
constexpr std::size_t kMostPoints = 1'000'000;

// "2026-11-28T20:53:23.328+0000"
std::optional<Time> TakeDate(std::string_view text) {
  const auto year = TakeNumber<int>(&text);
  if (!year || !Skip(&text, "-")) return std::nullopt;
  const auto month = TakeNumber<unsigned>(&text);
  if (!month || !Skip(&text, "-")) return std::nullopt;
  const auto day = TakeNumber<unsigned>(&text);
  if (!day || !Skip(&text, "T")) return std::nullopt;
  const auto hour = TakeNumber<unsigned>(&text);
  if (!hour || !Skip(&text, ":")) return std::nullopt;
  const auto minute = TakeNumber<unsigned>(&text);
  if (!minute || !Skip(&text, ":")) return std::nullopt;
  const auto second = TakeNumber<unsigned>(&text);
  if (!second || *hour > 23 || *minute > 59 || *second > 60 || *year < 1990 || *year > 2200)
    return std::nullopt;
  std::uint64_t milliseconds = 0;
  if (Skip(&text, ".") || Skip(&text, ",")) milliseconds = TakeNumber(&text).value_or(0) % 1000;
  int zone = 0;
  if (!text.empty() && (text.front() == '+' || text.front() == '-')) {
    const bool behind = text.front() == '-';
    text.remove_prefix(1);
    const int number = TakeNumber<int>(&text).value_or(0);
    if (number < 0 || number > 1800) return std::nullopt;
    zone = (number / 100 * 60 + number % 100) * (behind ? -1 : 1);
  }
  const std::chrono::year_month_day date{std::chrono::year(*year), std::chrono::month(*month),
                                         std::chrono::day(*day)};
  if (!date.ok()) return std::nullopt;
  return std::chrono::sys_days(date) + std::chrono::hours(*hour) + std::chrono::minutes(*minute) +
         std::chrono::seconds(*second) + std::chrono::milliseconds(milliseconds) -
         std::chrono::minutes(zone);
}

// "0.242s", "429ms", "429123456ns", "1.234" of JDK 8. Absurd ones are none.
std::optional<Duration> TakeUptime(std::string_view text) {
  const auto whole = TakeNumber<std::int64_t>(&text);
  if (!whole || *whole < 0) return std::nullopt;
  std::int64_t thousandths = 0;
  if (Skip(&text, ".") || Skip(&text, ",")) {
    std::string_view digits = text.substr(0, 3);
    thousandths = TakeNumber<std::int64_t>(&digits).value_or(0);
  }
  constexpr std::int64_t kMostSeconds = 100ll * 365 * 86400;
  if (EndsWith(text, "ms"))
    return *whole < kMostSeconds * 1000 ? std::optional<Duration>(std::chrono::milliseconds(*whole))
                                        : std::nullopt;
  if (EndsWith(text, "ns")) return Duration(*whole);
  if (*whole > kMostSeconds) return std::nullopt;
  return std::chrono::seconds(*whole) + std::chrono::milliseconds(thousandths);
}

struct Stamp {
  std::optional<Time> date;
  std::optional<Duration> uptime;
};

// The decorations before the text: "[2026-11-28T20:53:23.328+0000][0.242s][info][gc          ] ".
Stamp TakeDecorations(std::string_view* line) {
  Stamp stamp;
  for (int i = 0; i < 12 && Skip(line, "["); ++i) {
    const std::string_view part = Before(line->substr(0, 80), "]");
    line->remove_prefix(std::min(line->size(), part.size() + 1));
    if (part.empty() || !IsDigit(part.front())) continue;
    if (part.size() > 11 && part[4] == '-' && part[10] == 'T') {
      stamp.date = TakeDate(part);
    } else if (EndsWith(part, "s")) {
      const auto uptime = TakeUptime(part);
      // Milliseconds since 1970 are a date.
      if (uptime && *uptime > std::chrono::hours(24 * 365 * 20))
        stamp.date = Time(*uptime);
      else if (!stamp.uptime)
        stamp.uptime = uptime;
    }
  }
  SkipBlanks(line);
  return stamp;
}

// "2026-11-28T20:53:23.328+0000: 1.234: [GC ...", of JDK 8.
Stamp TakeOldStamp(std::string_view* line) {
  Stamp stamp;
  for (int i = 0; i < 2 && !line->empty() && IsDigit(line->front()); ++i) {
    const std::size_t end = line->substr(0, 40).find(": ");
    if (end == std::string_view::npos) break;
    const std::string_view part = line->substr(0, end);
    line->remove_prefix(end + 2);
    if (part.size() > 11 && part[10] == 'T')
      stamp.date = TakeDate(part);
    else
      stamp.uptime = TakeUptime(part);
  }
  return stamp;
}

struct Change {
  Bytes before, after;
  std::optional<Bytes> capacity;
};

// "91M->45M(96M)", "26M(10%)->14M(5%)", "24.0M(256.0M)->11.6M(256.0M)" at the beginning of `text`.
std::optional<Change> TakeChangeOfHeap(std::string_view text) {
  Change change;
  const auto before = TakeAmount(&text);
  if (!before) return std::nullopt;
  if (Skip(&text, "(")) SkipPast(&text, ")");
  if (!Skip(&text, "->")) return std::nullopt;
  const auto after = TakeAmount(&text);
  if (!after) return std::nullopt;
  change.before = *before;
  change.after = *after;
  if (Skip(&text, "(")) {
    const auto capacity = TakeAmount(&text);
    if (capacity && Skip(&text, ")")) change.capacity = capacity;
  }
  return change;
}

// The last change in a line of unified logging; it is near the end.
std::optional<Change> LastChange(std::string_view line) {
  const std::size_t arrow = line.rfind("->");
  if (arrow == std::string_view::npos) return std::nullopt;
  const std::size_t blank = line.substr(0, arrow).rfind(' ');
  return TakeChangeOfHeap(blank == std::string_view::npos ? line : line.substr(blank + 1));
}

// The change of the whole heap in a line of JDK 8: the one in the outer brackets.
std::optional<Change> OuterChange(std::string_view line) {
  int depth = 0;
  for (std::size_t i = 0; i < line.size(); ++i) {
    if (line[i] == '[') ++depth;
    if (line[i] == ']') --depth;
    if (depth != 1 || line[i] != ' ' || i + 1 == line.size() || !IsDigit(line[i + 1])) continue;
    if (const auto change = TakeChangeOfHeap(line.substr(i + 1, 100))) return change;
  }
  return std::nullopt;
}

// Whether a line "GC(N) NAME ..." is a collection that ended, and a full one.
bool IsCollection(std::string_view name, bool* full) {
  *full = StartsWith(name, "Pause Full");
  if (*full) return true;
  for (const std::string_view one :
       {"Pause Young", "Pause Mixed", "Pause Degenerated GC", "Concurrent cleanup",
        "Garbage Collection", "Minor Collection", "Major Collection"}) {
    if (StartsWith(name, one)) return true;
  }
  return false;
}

class Reader {
 public:
  GcLog Read(std::string_view text, Time end) {
    std::string_view line;
    while (NextLine(&text, &line)) {
      if (StartsWith(line, "[") || StartsWith(line, "GC(") || StartsWith(line, "Using "))
        TakeUnified(line);
      else if (!line.empty())
        TakeOld(line);
    }
    Date(end);
    return std::move(log_);
  }

 private:
  struct Raw {
    GcPoint point;
    std::optional<Duration> uptime;
  };

  void TakeUnified(std::string_view line) {
    const std::string_view whole = line;
    const Stamp stamp = TakeDecorations(&line);
    if (stamp.uptime) last_uptime_ = std::max(last_uptime_, *stamp.uptime);
    if (line.empty() || StartsWith(whole, "[GC") || StartsWith(whole, "[Full GC"))
      return TakeOld(whole);
    if (Skip(&line, "GC(")) {
      const auto number = TakeNumber(&line);
      if (!number || !Skip(&line, ") ")) return;
      bool full = false;
      if (IsCollection(line, &full)) {
        const auto change = LastChange(line);
        if (!change) return;
        // Shenandoah cleans up twice: the second says what is left.
        if (number == last_number_ && !full && !raw_.empty() && !raw_.back().point.full)
          raw_.back().point.after = change->after;
        else
          Add(*change, full, stamp);
        last_number_ = number;
      } else if (StartsWith(line, "Metaspace: ")) {
        TakeMetaspace(line);
      }
      return;
    }
    if (StartsWith(line, "Heap Max Capacity: ") || StartsWith(line, "Max Capacity: ")) {
      log_.max_heap = AmountAfter(line, ": ");
    } else if (StartsWith(line, "Version: ")) {
      log_.vm_version = Trimmed(Before(line.substr(9, 100), " ("));
    } else if (log_.collector.empty()) {
      for (const auto& [begin, name] :
           {std::pair("Using G1", "G1"), std::pair("Using Parallel", "Parallel"),
            std::pair("Using Serial", "Serial"), std::pair("Using Shenandoah", "Shenandoah"),
            std::pair("Using Concurrent Mark Sweep", "CMS"),
            std::pair("Using The Z Garbage Collector", "ZGC"),
            std::pair("Initializing The Z Garbage Collector", "ZGC")}) {
        if (StartsWith(line, begin)) log_.collector = name;
      }
    }
  }

  // "Metaspace: 131K(320K)->131K(320K) NonClass: ..." says what is committed; JDK 11's "3031K->3031K(1056768K)" what is reserved.
  void TakeMetaspace(std::string_view line) {
    const std::size_t arrow = line.find("->");
    if (arrow == std::string_view::npos) return;
    std::string_view after = line.substr(arrow + 2);
    const auto used = TakeAmount(&after);
    if (!used) return;
    log_.metaspace_used = used;
    if (Contains(line.substr(0, arrow), "(") && Skip(&after, "("))
      log_.metaspace_committed = TakeAmount(&after);
  }

  void TakeOld(std::string_view line) {
    const Stamp stamp = TakeOldStamp(&line);
    if (stamp.uptime) last_uptime_ = std::max(last_uptime_, *stamp.uptime);
    const bool full = StartsWith(line, "[Full GC");
    if (full || StartsWith(line, "[GC")) {
      if (log_.collector.empty()) {
        for (const auto& [piece, name] :
             {std::pair("[PSYoungGen: ", "Parallel"), std::pair("[DefNew: ", "Serial"),
              std::pair("[ParNew: ", "CMS"), std::pair("[GC pause (", "G1")}) {
          if (Contains(line, piece)) log_.collector = name;
        }
      }
      if (const std::size_t metaspace = line.find("[Metaspace: ");
          metaspace != std::string_view::npos)
        TakeMetaspace(line.substr(metaspace));
      if (const auto change = OuterChange(line))
        Add(*change, full, stamp);
      else
        pending_ = stamp;  // G1 says it some lines below
    } else if (const std::size_t heap = line.find(" Heap: ");
               heap != std::string_view::npos && Contains(line, "[Eden: ")) {
      if (const auto change = TakeChangeOfHeap(line.substr(heap + 7)); change && pending_) {
        Add(*change, false, *pending_);
        pending_.reset();
      }
    }
  }

  void Add(const Change& change, bool full, const Stamp& stamp) {
    ++log_.collections;
    log_.full += full;
    if (log_.collections % stride_ != 0 && !full) return;
    if (raw_.size() == kMostPoints) {
      std::size_t kept = 0;
      for (std::size_t i = 1; i < raw_.size(); i += 2) raw_[kept++] = raw_[i];
      raw_.resize(kept);
      stride_ *= 2;
    }
    raw_.push_back(
        {{stamp.date, change.before, change.after, change.capacity, full, log_.collections},
         stamp.uptime});
  }

  // Lines with an uptime are dated by the last one, which was written when the file was.
  void Date(Time end) {
    log_.points.reserve(raw_.size());
    for (Raw& raw : raw_) {
      if (!raw.point.time && raw.uptime && Known(end))
        raw.point.time = end - (last_uptime_ - *raw.uptime);
      log_.points.push_back(raw.point);
    }
  }

  GcLog log_;
  std::vector<Raw> raw_;
  Duration last_uptime_{};
  std::uint64_t stride_ = 1;
  std::optional<std::uint64_t> last_number_;
  std::optional<Stamp> pending_;
};

JvmFigures FiguresOf(const GcPoint& point, const std::string& file) {
  JvmFigures figures;
  figures.time = point.time.value_or(Time{});
  figures.heap_used = point.after;
  figures.heap_used_after_collection = point.after;
  figures.heap_committed = point.capacity;
  figures.collections = point.collections;
  figures.file = file;
  return figures;
}

// Of many points that with the most left after its collection, of each stretch of the log; and the last.
std::vector<JvmFigures> Series(const GcLog& log, const std::string& file) {
  std::vector<JvmFigures> series;
  const std::size_t count = log.points.size();
  const std::size_t stretch = (count + kMostFigures - 1) / kMostFigures;
  for (std::size_t begin = 0; begin < count; begin += stretch) {
    const auto from = log.points.begin() + static_cast<std::ptrdiff_t>(begin);
    const auto to =
        log.points.begin() + static_cast<std::ptrdiff_t>(std::min(count, begin + stretch));
    const auto most = std::max_element(
        from, to, [](const GcPoint& a, const GcPoint& b) { return a.after < b.after; });
    if (most->time) series.push_back(FiguresOf(*most, file));
  }
  if (count > 0 && stretch > 1 && log.points.back().time)
    series.push_back(FiguresOf(log.points.back(), file));
  return series;
}

}  // namespace

GcLog ParseGcLog(std::string_view text, Time end) { return Reader().Read(text, end); }

bool IsGcLog(const SourceFile& file) {
  std::string_view rest = file.Head(), line;
  for (int i = 0; i < 60 && NextLine(&rest, &line); ++i) {
    if (StartsWith(line, "[") &&
        (Contains(line, "[gc]") || Contains(line, "[gc,") || Contains(line, "[gc ")))
      return true;
    std::string_view text = line;
    TakeDecorations(&text);
    if (StartsWith(text, "GC(") && Contains(text, "->") && Contains(text, ") ")) return true;
    text = line;
    TakeOldStamp(&text);
    if (StartsWith(text, "[GC (") || StartsWith(text, "[Full GC (") ||
        StartsWith(text, "[GC pause ("))
      return true;
    if (StartsWith(line, "#")) return false;
  }
  return false;
}

Result<std::string> AddGcLog(const SourceFile& file, Evidence* evidence) {
  const GcLog log = ParseGcLog(file.text, file.modified);
  const std::string errors = AddJavaErrorsOf(file, evidence);
  if (log.points.empty() && errors.empty())
    return Error{"no collection with the heap before and after it is in it",
                 "log with -Xlog:gc (JDK 8: -XX:+PrintGCDetails), and keep the last file"};
  std::string remark = std::to_string(log.collections) + " collections";
  if (log.full > 0) remark += " (" + std::to_string(log.full) + " full)";
  if (!log.points.empty()) {
    const GcPoint& last = log.points.back();
    remark += ", " + FormatBytes(last.after) + " left after the last";
    if (last.capacity) remark += " of " + FormatBytes(*last.capacity);
  }
  if (!errors.empty()) remark += "; " + errors;
  if (log.points.empty()) return remark;

  const bool asked_inside = evidence->jvm && !evidence->jvm->figures.empty() &&
                            evidence->jvm->origin == "the VM, from inside";
  if (asked_inside) return remark + "; the recording's own figures are kept";
  Jvm& vm = VmOf("the garbage collector's log", evidence);
  if (vm.collector.empty()) vm.collector = log.collector;
  if (vm.vm_version.empty()) vm.vm_version = log.vm_version;
  if (!vm.max_heap) vm.max_heap = log.max_heap;
  std::vector<JvmFigures> series = Series(log, file.name);
  if (series.empty()) {
    // No times at all: the last is of when the file was written.
    series.push_back(FiguresOf(log.points.back(), file.name));
    series.back().time = file.modified;
  }
  series.back().metaspace_used = log.metaspace_used;
  series.back().metaspace_committed = log.metaspace_committed;
  AddSeries(std::move(series), &vm);
  return remark;
}

}  // namespace wrackline::evidence
