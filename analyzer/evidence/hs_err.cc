#include "analyzer/evidence/hs_err.h"

#include <array>
#include <chrono>
#include <utility>

#include "analyzer/evidence/java_error_kind.h"
#include "analyzer/evidence/java_errors.h"
#include "analyzer/evidence/vm_figures.h"
#include "analyzer/evidence/vm_lines.h"

namespace wrackline::evidence {
namespace {

using namespace vm_lines;

constexpr std::string_view kFatal = "A fatal error has been detected by the Java Runtime";
constexpr std::string_view kNoMemory = "There is insufficient memory for the Java Runtime";
constexpr std::size_t kMostText = 4000;

// What stands between the first `open` and the next `close`.
std::string_view Between(std::string_view line, std::string_view open, std::string_view close) {
  if (!SkipPast(&line, open)) return {};
  const std::size_t end = line.find(close);
  return end == std::string_view::npos ? std::string_view{} : line.substr(0, end);
}

// "Sat Nov 28 20:46:49 2026 UTC elapsed time: ..."; JDK 8 has the zone in a line of its own.
std::optional<Time> TimeOf(std::string_view text) {
  constexpr std::array<std::string_view, 12> kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                        "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  text = Trimmed(text);
  if (text.size() < 20) return std::nullopt;
  text.remove_prefix(4);
  unsigned month = 0;
  while (month < 12 && !StartsWith(text, kMonths[month])) ++month;
  if (month == 12) return std::nullopt;
  text.remove_prefix(3);
  SkipBlanks(&text);
  const auto day = TakeNumber<unsigned>(&text);
  SkipBlanks(&text);
  const auto hour = TakeNumber<unsigned>(&text);
  Skip(&text, ":");
  const auto minute = TakeNumber<unsigned>(&text);
  Skip(&text, ":");
  const auto second = TakeNumber<unsigned>(&text);
  SkipBlanks(&text);
  const auto year = TakeNumber<int>(&text);
  SkipBlanks(&text);
  if (!StartsWith(text, "UTC") && !StartsWith(text, "GMT")) return std::nullopt;
  if (!day || !hour || !minute || !second || !year || *hour > 23 || *minute > 59 || *second > 60 ||
      *year < 1990 || *year > 2200)
    return std::nullopt;
  const std::chrono::year_month_day date{std::chrono::year(*year), std::chrono::month(month + 1),
                                         std::chrono::day(*day)};
  if (!date.ok()) return std::nullopt;
  return std::chrono::sys_days(date) + std::chrono::hours(*hour) + std::chrono::minutes(*minute) +
         std::chrono::seconds(*second);
}

// "j  com.example.Orders.add(I)V+12", "J 1234 c2 com.example.Orders.add(I)V (10 bytes) @ ..."
std::string_view JavaMethodOf(std::string_view line) {
  if (!StartsWith(line, "j ") && !StartsWith(line, "J ")) return {};
  const std::size_t open = line.find('(');
  if (open == std::string_view::npos) return {};
  line = line.substr(0, open);
  return line.substr(line.rfind(' ') + 1);
}

bool OfTheJdk(std::string_view method) {
  for (const std::string_view package : {"java.", "javax.", "jdk.", "sun.", "com.sun."}) {
    if (StartsWith(method, package)) return true;
  }
  return false;
}

class Reader {
 public:
  Result<FatalError> Read(std::string_view text) {
    std::string_view banner = text.substr(0, text.find("\n-----"));
    std::vector<JavaError> errors =
        FindJavaErrors(banner.substr(0, std::size_t{16} * 1024), std::string_view());
    if (errors.empty())
      return Error{"no cause of a fatal error is at its beginning",
                   "hs_err_pidN.log is in the folder the VM was started in, or at -XX:ErrorFile"};
    fatal_.error = std::move(errors.front());
    std::string_view rest = text, line;
    while (NextLine(&rest, &line)) TakeLine(line);
    JavaError& error = fatal_.error;
    // Where the memory ran out, the Java method that wanted it; of a crash, where it was.
    error.where = error.kind != JavaErrorKind::kCrash && !method_.empty() ? method_ : frame_;
    if (error.where.empty()) error.where = method_;
    fatal_.heap = ParseHeapText(text);
    if (Contains(text, "\nNative Memory Tracking:")) {
      Result<NmtReport> report = ParseNmt(text);
      if (report.ok()) fatal_.native_memory = std::move(report.value());
    }
    return std::move(fatal_);
  }

 private:
  void TakeLine(std::string_view line) {
    if (StartsWith(line, "#")) return TakeBanner(Trimmed(line.substr(1)));
    if (StartsWith(line, "Command Line: ")) {
      fatal_.command_line = Trimmed(line.substr(14)).substr(0, kMostText);
    } else if (StartsWith(line, "Time: ") || StartsWith(line, "time: ")) {
      if (!fatal_.error.time.empty()) return;
      fatal_.time = TimeOf(line.substr(6));
      fatal_.error.time = Trimmed(Before(line.substr(6), "elapsed time")).substr(0, 100);
    } else if (StartsWith(line, "Current thread (")) {
      if (fatal_.error.thread.empty()) fatal_.error.thread = Between(line, "Thread \"", "\"");
    } else if (StartsWith(line, "Stack: [")) {
      in_frames_ = true;
    } else if (in_frames_) {
      TakeFrame(line);
    } else {
      TakeFigures(line);
    }
  }

  void TakeBanner(std::string_view line) {
    if (problematic_) {
      // "C  [libc.so.6+0x85f14]", "C  [librocksdbjni.so+0x2b1c40]  rocksdb::Arena::Allocate(unsigned long)+0x20"
      problematic_ = false;
      std::string_view frame = line;
      frame_ = Between(frame, "[", "]").substr(0, 300);
      if (SkipPast(&frame, "]") && !Trimmed(frame).empty())
        frame_ = std::string(Trimmed(frame).substr(0, 300)) + " in " + frame_;
      if (frame_.empty()) frame_ = JavaMethodOf(line);
    } else if (line == "Problematic frame:") {
      problematic_ = true;
    } else if (StartsWith(line, "JRE version: ")) {
      fatal_.java_version = Between(line, "(", ")").substr(0, 100);
    } else if (StartsWith(line, "Java VM: ")) {
      fatal_.vm_name = Trimmed(Before(line.substr(9), "(")).substr(0, 200);
      fatal_.vm_version = Before(Between(line, "(", ")"), ",").substr(0, 200);
      for (const auto& [text, name] :
           {std::pair("g1 gc", "G1"), std::pair("parallel gc", "Parallel"),
            std::pair("serial gc", "Serial"), std::pair("shenandoah gc", "Shenandoah"),
            std::pair(" z gc", "ZGC"), std::pair("concurrent mark sweep gc", "CMS")}) {
        if (Contains(line, text)) fatal_.collector = name;
      }
    } else if (Contains(line, ", pid=") && !fatal_.pid) {
      std::string_view pid = line;
      SkipPast(&pid, ", pid=");
      fatal_.pid = TakeNumber<std::uint32_t>(&pid);
    }
  }

  // The stack of the thread, native frames and Java's between them, to the blank line behind it.
  void TakeFrame(std::string_view line) {
    if (line.empty() || StartsWith(line, "---")) return void(in_frames_ = false);
    const std::string_view method = JavaMethodOf(line);
    if (method.empty() || method.size() > 300) return;
    if (method_.empty() || (OfTheJdk(method_) && !OfTheJdk(method))) method_ = method;
  }

  void TakeFigures(std::string_view line) {
    for (const auto& [key, member] :
         {std::pair("memory_limit_in_bytes: ", &FatalError::limit),
          std::pair("memory_usage_in_bytes: ", &FatalError::usage),
          std::pair("memory_max_usage_in_bytes: ", &FatalError::usage_peak),
          std::pair("Heap address: ", &FatalError::max_heap),
          std::pair("Resident Set Size: ", &FatalError::resident)}) {
      if (!StartsWith(line, key)) continue;
      const bool heap = Contains(key, "Heap");
      fatal_.*member = AmountAfter(line, heap ? "size: " : key);
      if (Contains(key, "Resident")) fatal_.resident_anonymous = AmountAfter(line, "(anon: ");
      return;
    }
    if (!StartsWith(line, "   ")) return;
    // "   size_t MaxHeapSize                = 134217728      {product} {ergonomic}"
    for (const auto& [flag, member] :
         {std::pair(" MaxHeapSize ", &FatalError::max_heap),
          std::pair(" MaxDirectMemorySize ", &FatalError::max_direct),
          std::pair(" MaxMetaspaceSize ", &FatalError::max_metaspace)}) {
      if (Contains(line, flag)) fatal_.*member = AmountAfter(line, "= ");
    }
  }

  FatalError fatal_;
  std::string frame_, method_;
  bool problematic_ = false, in_frames_ = false;
};

void AddToVm(const FatalError& fatal, Jvm* vm) {
  for (const auto& [from, to] :
       {std::pair(&fatal.java_version, &vm->java_version), std::pair(&fatal.vm_name, &vm->vm_name),
        std::pair(&fatal.vm_version, &vm->vm_version),
        std::pair(&fatal.collector, &vm->collector)}) {
    if (to->empty()) *to = *from;
  }
  for (const auto& [from, to] : {std::pair(&fatal.max_heap, &vm->max_heap),
                                 std::pair(&fatal.max_direct, &vm->max_direct_memory),
                                 std::pair(&fatal.max_metaspace, &vm->max_metaspace)}) {
    if (!*to) *to = *from;
  }
}

void AddFigure(std::optional<Bytes> amount, Time time, const std::string& origin,
               std::optional<Figure>* to) {
  if (amount && !*to) *to = Figure{*amount, time, origin};
}

}  // namespace

Result<FatalError> ParseHsErr(std::string_view text) { return Reader().Read(text); }

bool IsHsErr(const SourceFile& file) {
  std::string_view rest = file.Head(), line;
  bool banner = false;
  for (int i = 0; i < 4 && NextLine(&rest, &line); ++i) {
    if (!StartsWith(line, "#")) break;
    banner |= Contains(line, kFatal) || Contains(line, kNoMemory);
  }
  // The banner alone is what the VM prints to its standard output: a log.
  return banner && (Contains(rest, "S U M M A R Y") || Contains(rest, "T H R E A D") ||
                    Contains(rest, "P R O C E S S"));
}

Result<std::string> AddHsErr(const SourceFile& file, Evidence* evidence) {
  Result<FatalError> parsed = ParseHsErr(file.text);
  if (!parsed.ok()) return parsed.error();
  FatalError& fatal = parsed.value();
  const Time time = fatal.time.value_or(file.modified);
  std::string remark = Title(fatal.error.kind);
  if (fatal.error.requested) remark += ", " + FormatBytes(*fatal.error.requested) + " wanted";
  if (fatal.native_memory) remark += "; Native Memory Tracking";
  if (fatal.limit) remark += "; container limit " + FormatBytes(*fatal.limit);

  fatal.error.source = file.name;
  evidence->java_errors.push_back(fatal.error);
  if (evidence->process.command_line.empty()) evidence->process.command_line = fatal.command_line;
  if (evidence->process.pid == 0) evidence->process.pid = fatal.pid.value_or(0);
  AddFigure(fatal.limit, time, "hs_err: memory_limit_in_bytes", &evidence->limit);
  AddFigure(fatal.usage, time, "hs_err: memory_usage_in_bytes", &evidence->last_charge);
  AddFigure(fatal.usage_peak, time, "hs_err: memory_max_usage_in_bytes", &evidence->peak_charge);
  if (evidence->timeline.empty() && (fatal.usage || fatal.resident)) {
    TimelinePoint point;
    point.time = time;
    point.charge = fatal.usage;
    point.limit = fatal.limit;
    point.resident = fatal.resident;
    if (fatal.resident && fatal.resident_anonymous && *fatal.resident >= *fatal.resident_anonymous)
      point.resident_shared = *fatal.resident - *fatal.resident_anonymous;
    evidence->timeline.push_back(point);
  }

  Jvm& vm = VmOf("a fatal error log", evidence);
  AddToVm(fatal, &vm);
  if (fatal.native_memory) {
    NmtReport& report = *fatal.native_memory;
    if (vm.native_memory_tracking.empty()) vm.native_memory_tracking = "summary";
    report.figures.time = time;
    report.figures.file = file.name;
    AddFigures(std::move(report.figures), &vm);
  }
  if (!fatal.heap.Empty()) AddHeapText(std::move(fatal.heap), time, file.name, &vm);
  return remark;
}

}  // namespace wrackline::evidence
