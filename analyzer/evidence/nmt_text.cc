#include "analyzer/evidence/nmt_text.h"

#include <algorithm>
#include <utility>

#include "analyzer/evidence/vm_figures.h"
#include "analyzer/evidence/vm_lines.h"

namespace wrackline::evidence {
namespace {

using namespace vm_lines;

constexpr std::string_view kTitle = "Native Memory Tracking:";
constexpr std::string_view kNotTracked = "Native memory tracking is not enabled";
// JDK 25 has 27 categories.
constexpr std::size_t kMostCategories = 200;
constexpr std::size_t kMostFrames = 8;  // the VM keeps four
constexpr std::size_t kMostSites = 1000;
constexpr std::size_t kMostRanges = 200'000;
constexpr std::size_t kMostName = 64;

// "reserved=72906KB +12KB": the amount, and the change of a comparison.
struct Amount {
  std::optional<Bytes> amount, change;
};

Amount AmountOf(std::string_view line, std::string_view key) {
  Amount result;
  if (!SkipPast(&line, key)) return result;
  result.amount = TakeAmount(&line);
  if (result.amount) result.change = TakeChange(&line);
  return result;
}

std::optional<std::uint32_t> CountAfter(std::string_view line, std::string_view key) {
  if (!SkipPast(&line, key)) return std::nullopt;
  return TakeNumber<std::uint32_t>(&line);
}

class Reader {
 public:
  void TakeLine(std::string_view raw) {
    const std::string_view line = Trimmed(raw);
    if (StartsWith(line, "[0x")) return TakeAddressed(raw, line);
    if (StartsWith(line, "Total: ")) return TakeTotal(line);
    if (StartsWith(line, "-") && Contains(line, "(reserved=")) return TakeCategory(line);
    if (StartsWith(line, "(")) return TakeDetail(line);
    if (!line.empty()) frames_.clear();
  }

  NmtReport Finish() {
    if (report_.sites.size() > kMostSites) Prune();
    Sort();
    std::stable_sort(report_.ranges.begin(), report_.ranges.end(),
                     [](const VmRange& a, const VmRange& b) { return a.begin < b.begin; });
    return std::move(report_);
  }

  bool HasTotal() const { return report_.figures.native_committed.has_value(); }

 private:
  void TakeTotal(std::string_view line) {
    if (HasTotal()) return;
    const Amount reserved = AmountOf(line, "reserved="), committed = AmountOf(line, "committed=");
    if (!reserved.amount || !committed.amount) return;
    JvmFigures& figures = report_.figures;
    figures.native_reserved = reserved.amount;
    figures.native_committed = committed.amount;
    figures.native_reserved_change = reserved.change;
    figures.native_committed_change = committed.change;
    report_.comparison = reserved.change || committed.change;
    std::string_view unit = line;
    SkipPast(&unit, "reserved=");
    while (!unit.empty() && IsDigit(unit.front())) unit.remove_prefix(1);
    for (const std::string_view known : {"KB", "MB", "GB"}) {
      if (StartsWith(unit, known)) report_.unit = known;
    }
  }

  void TakeCategory(std::string_view line) {
    category_ = nullptr;
    const Amount reserved = AmountOf(line, "reserved="), committed = AmountOf(line, "committed=");
    if (!reserved.amount || !committed.amount) return;
    std::vector<JvmNativeMemory>& categories = report_.figures.native_memory;
    if (categories.size() == kMostCategories) return;
    category_ = &categories.emplace_back();
    category_->category = Trimmed(Before(line.substr(1), "(")).substr(0, kMostName);
    category_->reserved = *reserved.amount;
    category_->committed = *committed.amount;
    category_->reserved_change = reserved.change;
    category_->committed_change = committed.change;
    if (reserved.change || committed.change) report_.comparison = true;
    part_ = Part::kNone;
  }

  // What stands in brackets below a category, or below the frames of a site.
  void TakeDetail(std::string_view line) {
    if (!frames_.empty()) return TakeSite(line);
    if (category_ == nullptr) return;
    JvmFigures& figures = report_.figures;
    if (StartsWith(line, "(malloc=") || StartsWith(line, "(arena=")) {
      // Arenas are malloc's too.
      if (const auto amount = AmountAfter(line, "="))
        category_->malloc = category_->malloc.value_or(Bytes{}) + *amount;
    } else if (StartsWith(line, "(classes #")) {
      figures.classes_loaded = CountAfter(line, "#");
    } else if (StartsWith(line, "(thread #") || StartsWith(line, "(threads #")) {
      figures.threads = CountAfter(line, "#");
    } else if (StartsWith(line, "(  Metadata")) {
      part_ = Part::kMetadata;
    } else if (StartsWith(line, "(  Class space")) {
      part_ = Part::kClassSpace;
    } else if (StartsWith(line, "(    ")) {
      TakeMetaspace(line);
    }
  }

  // As everywhere else, metaspace is with its class space.
  void TakeMetaspace(std::string_view line) {
    // In whole megabytes nothing is left of it.
    if (part_ == Part::kNone || report_.unit == "MB" || report_.unit == "GB") return;
    JvmFigures& figures = report_.figures;
    const auto committed = AmountAfter(line, "committed="), used = AmountAfter(line, " used=");
    if (part_ == Part::kClassSpace) {
      if (committed) figures.class_space_committed = committed;
      if (used) figures.class_space_used = used;
    }
    if (committed)
      figures.metaspace_committed = figures.metaspace_committed.value_or(Bytes{}) + *committed;
    if (used) figures.metaspace_used = figures.metaspace_used.value_or(Bytes{}) + *used;
  }

  void TakeAddressed(std::string_view raw, std::string_view line) {
    std::string_view rest = line.substr(1);
    const auto begin = TakeAddress(&rest);
    if (!begin) return;
    if (Skip(&rest, " - ")) {
      frames_.clear();
      category_ = nullptr;
      const auto end = TakeAddress(&rest);
      // Those below it, further to the right, are what is committed of it.
      if (StartsWith(raw, "[") && end && *end > *begin && SkipPast(&rest, " for ") &&
          report_.ranges.size() < kMostRanges)
        report_.ranges.push_back(
            {*begin, *end, std::string(Before(rest, " from").substr(0, kMostName))});
      return;
    }
    // Frames of a range are further to the right than those of a site.
    if (!StartsWith(raw, "[") || !Skip(&rest, "]")) return;
    category_ = nullptr;
    if (frames_.size() < kMostFrames) frames_.push_back(rest.empty() ? line : Trimmed(rest));
  }

  // "(malloc=199KB type=Native Memory Tracking +140KB #2552 +1796)", JDK 25: "((malloc=8192KB tag=Other #1) (at peak))",
  // "(reserved=512KB, committed=124KB Type=Thread Stack)"; "(mmap: reserved=..., committed=... Type=...)"
  void TakeSite(std::string_view line) {
    JvmNativeSite site;
    Amount amount = AmountOf(line, "malloc=");
    if (!amount.amount) {
      amount = AmountOf(line, "committed=");
      site.mapped = true;
    }
    std::string_view name = line;
    if (amount.amount && (SkipPast(&name, "type=") || SkipPast(&name, "tag=") ||
                          SkipPast(&name, "Type=") || SkipPast(&name, "Tag="))) {
      const std::size_t end = name.find_first_of("#+),");
      std::string_view after = end == std::string_view::npos ? "" : name.substr(end);
      // The change of what is allocated stands behind the type.
      if (!amount.change) amount.change = TakeChange(&after);
      // "-3KB": a category's own name may hold a minus sign.
      std::string_view category = Trimmed(name.substr(0, end));
      if (const std::size_t less = category.rfind(" -"); less != std::string_view::npos) {
        std::string_view change = category.substr(less);
        amount.change = TakeChange(&change);
        category = category.substr(0, less);
      }
      site.category = category.substr(0, kMostName);
      site.amount = *amount.amount;
      site.change = amount.change;
      for (const std::string_view frame : frames_) site.frames.emplace_back(frame.substr(0, 256));
      report_.sites.push_back(std::move(site));
      if (report_.sites.size() >= 4 * kMostSites) Prune();
    }
    frames_.clear();
  }

  void Sort() {
    std::stable_sort(
        report_.sites.begin(), report_.sites.end(),
        [](const JvmNativeSite& a, const JvmNativeSite& b) { return a.amount > b.amount; });
  }

  void Prune() {
    Sort();
    report_.sites_dropped += report_.sites.size() - kMostSites;
    report_.sites.resize(kMostSites);
  }

  enum class Part { kNone, kMetadata, kClassSpace };

  NmtReport report_;
  JvmNativeMemory* category_ = nullptr;
  Part part_ = Part::kNone;
  std::vector<std::string_view> frames_;
};

// Whether the line is the report's title, alone in it as the VM prints it.
bool IsTitle(std::string_view line) { return Trimmed(line) == kTitle; }

}  // namespace

Result<NmtReport> ParseNmt(std::string_view text) {
  std::string_view rest = text, line, body;
  int reports = 0;
  bool not_tracked = false;
  while (NextLine(&rest, &line)) {
    if (IsTitle(line)) {
      body = rest;
      ++reports;
    } else if (StartsWith(Trimmed(line), kNotTracked)) {
      not_tracked = true;
    }
  }
  if (reports == 0) {
    if (not_tracked)
      return Error{"the VM does not track its native memory",
                   "start it with -XX:NativeMemoryTracking=summary; 5 to 10 % of its malloc calls' "
                   "time at most"};
    return Error{"no report of Native Memory Tracking is in it",
                 "jcmd PID VM.native_memory summary prints one"};
  }
  Reader reader;
  while (NextLine(&body, &line)) {
    // The end of a fatal error log's section.
    if (StartsWith(line, "-----")) break;
    reader.TakeLine(line);
  }
  if (!reader.HasTotal())
    return Error{"the report has no line \"Total: reserved=..., committed=...\"",
                 "it was cut: run jcmd PID VM.native_memory summary again"};
  NmtReport report = reader.Finish();
  report.reports = reports;
  return report;
}

bool IsNmt(const SourceFile& file) {
  std::string_view rest = file.Head(), line;
  // "9392:" of jcmd, a date of the script that ran it.
  for (int i = 0; i < 20 && NextLine(&rest, &line); ++i) {
    if (IsTitle(line)) return Contains(rest, "Total: reserved=");
    if (i < 3 && StartsWith(Trimmed(line), kNotTracked)) return true;
    if (StartsWith(line, "#")) return false;
  }
  return false;
}

Result<std::string> AddNmt(const SourceFile& file, Evidence* evidence) {
  Result<NmtReport> parsed = ParseNmt(file.text);
  if (!parsed.ok()) return parsed.error();
  NmtReport& report = parsed.value();
  JvmFigures& figures = report.figures;
  figures.time = file.modified;
  figures.file = file.name;
  std::string remark = FormatBytes(*figures.native_committed) + " committed";
  if (figures.native_committed_change)
    remark += " (" + FormatBytes(*figures.native_committed_change) + " since the baseline)";
  remark += " in " + std::to_string(figures.native_memory.size()) + " categories";
  if (!report.ranges.empty())
    remark += ", " + std::to_string(report.ranges.size()) + " address ranges";
  if (!report.sites.empty())
    remark += ", " + std::to_string(report.sites.size() + report.sites_dropped) + " sites";
  // A tenth and more of what a category holds may be lost in the rounding.
  if (report.unit == "MB" || report.unit == "GB")
    remark += ", in whole " + report.unit + ": scale=KB says more";
  if (report.reports > 1)
    remark += "; the last of " + std::to_string(report.reports) + " reports in the file";
  Jvm& vm = VmOf("Native Memory Tracking", evidence);
  if (vm.native_memory_tracking.empty())
    vm.native_memory_tracking =
        report.ranges.empty() && report.sites.empty() ? "summary" : "detail";
  if (!report.ranges.empty()) vm.ranges = std::move(report.ranges);
  if (!report.sites.empty()) vm.native_sites = std::move(report.sites);
  AddFigures(std::move(figures), &vm);
  return remark;
}

}  // namespace wrackline::evidence
