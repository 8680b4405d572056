#include "analyzer/evidence/kernel_reports.h"

#include <algorithm>
#include <ctime>
#include <deque>
#include <list>
#include <nlohmann/json.hpp>

#include "analyzer/evidence/kernel_log_dress.h"
#include "analyzer/evidence/kernel_oom_lines.h"
#include "analyzer/evidence/scan.h"

namespace wrackline::evidence {
namespace {

constexpr auto kNone = std::string_view::npos;
constexpr std::size_t kMostOpen = 8;      // reports at the same time
constexpr std::size_t kMostTasks = 4096;  // of one report
constexpr std::size_t kMostAllTasks = 262144;
constexpr std::size_t kMostVictims = 4096;  // of one report
constexpr std::size_t kMostPath = 4096;
// So many lines of others after its last line, a report is over. A kernel prints a thousand tasks in between at most.
constexpr std::size_t kPatience = 20000;
constexpr std::size_t kPatienceAfterKill = 200;
// Reports that are written at the same time have their lines near each other.
constexpr std::size_t kNear = 200;
constexpr double kMostPause = 30;  // seconds between two lines of one report
constexpr std::string_view kInvoked = " invoked oom-killer:";

struct OpenReport {
  KernelReport kernel;
  std::string source;  // host and caller of its lines
  std::size_t last_line = 0;
  std::optional<double> last_seconds;
  bool killed = false;  // "Killed process" was seen
  bool in_stats = false;
  std::optional<std::uint32_t> named_pid;  // by the "oom-kill:" line
  std::vector<std::string> columns;        // of its task table
};

class Reader {
 public:
  explicit Reader(std::string_view log) : log_(log) {}

  std::vector<KernelReport> Read() {
    std::string_view rest = log_;
    while (auto line = TakeLine(&rest)) {
      line_begin_ = static_cast<std::size_t>(line->data() - log_.data());
      line_end_ = line_begin_ + line->size();
      ++line_number_;
      if (StartsWith(*line, "{")) {
        JournalLine(*line);
        continue;
      }
      // Nothing is open in most lines of most logs.
      if (open_.empty() && !MayBegin(*line)) continue;
      One(PeelDress(*line), !line->empty() && IsBlank(line->front()));
    }
    while (!open_.empty()) Close(open_.begin());
    std::stable_sort(done_.begin(), done_.end(), [](const KernelReport& a, const KernelReport& b) {
      return a.begin < b.begin;
    });
    return {std::make_move_iterator(done_.begin()), std::make_move_iterator(done_.end())};
  }

 private:
  static bool MayBegin(std::string_view line) {
    return Contains(line, "oom") || Contains(line, "OOM") || Contains(line, "emory") ||
           Contains(line, "Kill") || Contains(line, "Task") || Contains(line, "total_vm");
  }

  // One line of `journalctl -o json`: MESSAGE may hold several of the kernel's lines, or be an array of bytes.
  void JournalLine(std::string_view line) {
    if (line.size() > 256 * 1024 || !Contains(line, "\"MESSAGE\"")) return;
    if (open_.empty() && !MayBegin(line) && !Contains(line, "\"MESSAGE\":[")) return;
    const auto json = nlohmann::json::parse(line, nullptr, false);
    if (!json.is_object() || !json.contains("MESSAGE")) return;
    const auto& message = json["MESSAGE"];
    std::string text;
    if (message.is_string()) {
      text = message.get<std::string>();
    } else if (message.is_array()) {
      for (const auto& byte : message)
        if (byte.is_number_integer()) text.push_back(static_cast<char>(byte.get<std::int64_t>()));
    }
    auto field = [&](const char* key) {
      const auto found = json.find(key);
      return found != json.end() && found->is_string() ? found->get<std::string>() : std::string();
    };
    const std::string host = field("_HOSTNAME");
    const auto micros = WholeNumber(field("__REALTIME_TIMESTAMP"));
    const auto boot = WholeNumber(field("_SOURCE_MONOTONIC_TIMESTAMP"));
    const std::string wall = micros ? Utc(*micros) : std::string();
    std::string_view rest = text;
    for (bool first = true; auto part = TakeLine(&rest); first = false) {
      DressedLine dressed = PeelDress(*part);
      if (dressed.host.empty()) dressed.host = host;
      if (dressed.wall.empty()) dressed.wall = wall;
      if (!dressed.seconds && boot) dressed.seconds = static_cast<double>(*boot) / 1e6;
      One(dressed, !first);
    }
  }

  static std::string Utc(std::uint64_t micros) {
    if (micros / 1'000'000 > 7'000'000'000) return {};  // the year 2191
    const auto seconds = static_cast<std::time_t>(micros / 1'000'000);
    std::tm parts{};
    gmtime_r(&seconds, &parts);
    char text[32];
    const std::size_t size = std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &parts);
    const std::string fraction = std::to_string(1'000'000 + micros % 1'000'000).substr(1);
    return std::string(text, size) + "." + fraction + "Z";
  }

  void One(const DressedLine& line, bool indented) {
    Expire();
    const std::size_t invoked = line.text.substr(0, 512).find(kInvoked);
    if (invoked != kNone) return Begin(line, invoked);
    // Without dress a line goes on where the last one ended: the kernel's record of many lines.
    const bool bare = !line.kernel && line.wall.empty();
    OpenReport* own = indented && bare ? current_ : Of(line);
    if (OpenReport* part_of = own ? Part(line, own) : nullptr) return Touch(part_of, line);
    if (!own && BeginsInTheMiddle(line.text)) {
      own = Part(line, &New(line));
      if (own) return Touch(own, line);
    }
    if (const auto kill = ParseOomKillLine(line.text)) return OomKill(line, *kill);
    if (TaskKilled(line)) return;
    if (const auto victim = ParseVictim(line.text)) return Victim(line, *victim);
    Aftermath(line);
  }

  // The log does not go back to the report's first line.
  static bool BeginsInTheMiddle(std::string_view text) {
    return StartsWith(text, "memory: usage ") || StartsWith(text, "Memory cgroup stats for ") ||
           !ParseTableHeader(text).empty();
  }

  void Begin(const DressedLine& line, std::size_t invoked) {
    OpenReport& report = New(line);
    std::string_view name = line.text.substr(0, invoked);
    // Of a dress that is not known the name is the last part: a thread's name has 15 bytes.
    if (name.size() > 15) {
      for (const std::string_view end : {"] ", ": "}) {
        const std::size_t at = name.rfind(end);
        if (at != kNone) name.remove_prefix(at + end.size());
      }
      name = name.substr(0, 64);
    }
    report.kernel.report.invoker = std::string(name);
    Touch(&report, line);
  }

  // The lines of a report that say little of whose they are: `own` is the newest of that source. nullptr: not one of them.
  OpenReport* Part(const DressedLine& line, OpenReport* own) {
    const std::string_view text = line.text;
    if (!own->columns.empty()) {
      const std::vector<std::string_view> columns(own->columns.begin(), own->columns.end());
      if (auto task = ParseTableRow(text, columns)) {
        std::vector<OomTask>& tasks = own->kernel.report.tasks;
        if (tasks.size() < kMostTasks) tasks.push_back(std::move(*task));
        return own;
      }
    }
    if (own->in_stats && own->kernel.report.stats &&
        ParseStatsPair(text, &*own->kernel.report.stats))
      return own;
    if (StartsWith(text, "memory: usage ")) {
      // Of two reports at the same time the one that began first comes first.
      OpenReport* first =
          Oldest(line, [](const OpenReport& open) { return !open.kernel.report.usage; });
      if (!first) first = own->killed ? &New(line) : own;
      ParseUsageLine(text, &first->kernel.report);
      return first;
    }
    if (!own->killed && ParseUsageLine(text, &own->kernel.report)) return own;
    if (StartsWith(text, "Memory cgroup stats for ")) return StatsBegin(line, own);
    if (auto columns = ParseTableHeader(text); !columns.empty()) {
      if (own->killed) own = &New(line);
      own->columns.assign(columns.begin(), columns.end());
      own->in_stats = false;
      return own;
    }
    if (!StartsWith(text, "CPU:") && !StartsWith(text, "Pid:")) return nullptr;
    OpenReport* invoked = Oldest(line, [&](const OpenReport& open) {
      return !open.kernel.report.invoker_pid &&
             Contains(text, "omm: " + open.kernel.report.invoker + " ");
    });
    Cpu(text, invoked ? &invoked->kernel.report : &own->kernel.report);
    return invoked ? invoked : own;
  }

  OpenReport* StatsBegin(const DressedLine& line, OpenReport* own) {
    const std::string_view rest = line.text.substr(24);
    // "/A:" at the end of the line, or "/A: cache:NKB ..."
    std::size_t end = rest.find(": ");
    if (end == kNone && EndsWith(rest, ":")) end = rest.size() - 1;
    if (end == kNone) return nullptr;
    const std::string_view path = rest.substr(0, std::min(end, kMostPath));
    OpenReport* named = Oldest(line, [&](const OpenReport& open) {
      const std::string& group = open.kernel.report.oom_cgroup;
      return !group.empty() && StartsWith(path, group);
    });
    if (named) own = named;
    if (own->killed) own = &New(line);
    OomReport& report = own->kernel.report;
    if (!report.stats) {
      report.stats.emplace();
      report.stats->cgroup = std::string(path);
    }
    AddStatsLine(rest.substr(end + 1), &*report.stats);
    own->in_stats = true;
    return own;
  }

  // "CPU: 0 UID: 0 PID: 9573 Comm: rocksdb:low0 Not tainted 6.18.44 #1"
  static void Cpu(std::string_view text, OomReport* report) {
    if (!report->kernel_version.empty()) return;
    auto pid = NumberAfter(text, "PID: ");
    if (!pid) pid = NumberAfter(text, "Pid: ");
    if (pid && *pid <= 0xFFFFFFFFU) report->invoker_pid = static_cast<std::uint32_t>(*pid);
    std::size_t at = text.find("ainted");
    if (at == kNone) return;
    std::string_view rest = text.substr(at + 6);
    for (std::string_view token = TakeToken(&rest); !token.empty(); token = TakeToken(&rest)) {
      if (!IsDigit(token[0]) || !Contains(token, ".")) continue;
      report->kernel_version = std::string(token.substr(0, 64));
      break;
    }
  }

  // "Task in /A killed as a result of limit of /B", before 5.0.
  bool TaskKilled(const DressedLine& line) {
    constexpr std::string_view kTask = "Task in ", kLimit = " killed as a result of limit of ";
    if (!StartsWith(line.text, kTask)) return false;
    const std::size_t limit = line.text.find(kLimit);
    if (limit == kNone) return false;
    OpenReport* own =
        Oldest(line, [](const OpenReport& open) { return open.kernel.report.task_cgroup.empty(); });
    if (!own) own = &New(line);
    OomReport& report = own->kernel.report;
    report.constraint = OomConstraint::kCgroup;
    report.task_cgroup =
        std::string(line.text.substr(kTask.size(), limit - kTask.size()).substr(0, kMostPath));
    report.oom_cgroup =
        std::string(Trim(line.text.substr(limit + kLimit.size())).substr(0, kMostPath));
    Touch(own, line);
    return true;
  }

  void OomKill(const DressedLine& line, const OomKillLine& kill) {
    // Of the report whose statistics are of that group, or whose table has that pid.
    OpenReport* own = nullptr;
    for (OpenReport& report : open_) {
      if (report.killed || report.named_pid) continue;
      const OomReport& known = report.kernel.report;
      if ((kill.pid && ListsTask(report, *kill.pid)) ||
          (known.stats && known.stats->cgroup == kill.oom_cgroup))
        own = &report;
    }
    if (!own) own = Of(line);
    if (!own || own->killed || own->named_pid) own = &New(line);
    OomReport& report = own->kernel.report;
    report.constraint = kill.constraint;
    report.oom_cgroup = std::string(kill.oom_cgroup.substr(0, kMostPath));
    report.task_cgroup = std::string(kill.task_cgroup.substr(0, kMostPath));
    own->named_pid = kill.pid;
    if (kill.pid) {
      OomVictim victim;
      victim.pid = *kill.pid;
      victim.name = std::string(kill.task);
      victim.of_cgroup = kill.constraint == OomConstraint::kCgroup;
      victim.decided_only = true;
      AddVictim(victim, own);
    }
    Touch(own, line);
  }

  static bool ListsTask(const OpenReport& open, std::uint32_t pid) {
    const std::vector<OomTask>& tasks = open.kernel.report.tasks;
    return std::any_of(tasks.begin(), tasks.end(),
                       [&](const OomTask& task) { return task.pid == pid; });
  }
  static bool HasVictim(const OpenReport& open, std::uint32_t pid) {
    const auto& victims = open.kernel.victims;
    return open.named_pid == pid ||
           std::any_of(victims.begin(), victims.end(),
                       [&](const OomVictim& other) { return other.pid == pid; });
  }

  void Victim(const DressedLine& line, const OomVictim& victim) {
    OpenReport* own = nullptr;
    // Another report of the same pid: of a later process, if that one's end is long past.
    for (OpenReport& report : open_)
      if (HasVictim(report, victim.pid) && Fits(report, line)) own = &report;
    // Two reports at the same time: the task table tells whose.
    if (!own)
      own = Oldest(line, [&](const OpenReport& open) {
        return open.kernel.victims.empty() && ListsTask(open, victim.pid);
      });
    if (!own) {
      own = Of(line);
      const bool takes = own && (!own->killed || own->kernel.report.group_kill);
      // A decision without its deed is followed by another report's.
      if (!takes || (victim.decided_only && !own->kernel.victims.empty())) own = &New(line);
    }
    AddVictim(victim, own);
    if (!victim.decided_only) own->killed = true;
    OomReport& report = own->kernel.report;
    if (victim.of_cgroup && report.constraint == OomConstraint::kUnknown)
      report.constraint = OomConstraint::kCgroup;
    if (StartsWith(line.text, "Out of memory") && report.constraint == OomConstraint::kUnknown)
      report.constraint = OomConstraint::kMachine;
    Touch(own, line);
  }

  static void AddVictim(const OomVictim& victim, OpenReport* own) {
    auto& victims = own->kernel.victims;
    // Before 5.3 the deed may fall on a child of the one decided for.
    if (!victim.decided_only && victims.size() == 1 && victims[0].decided_only &&
        victims[0].pid != victim.pid) {
      const bool of_cgroup = victims[0].of_cgroup;
      victims[0] = victim;
      victims[0].of_cgroup |= of_cgroup;
      return;
    }
    const auto same = std::find_if(victims.begin(), victims.end(),
                                   [&](const OomVictim& other) { return other.pid == victim.pid; });
    if (same == victims.end()) {
      if (victims.size() < kMostVictims) victims.push_back(victim);
      return;
    }
    if (!same->decided_only) return;  // a group's first victim is printed twice
    const bool of_cgroup = same->of_cgroup;
    *same = victim;
    same->of_cgroup |= of_cgroup;
  }

  // What follows the kill.
  void Aftermath(const DressedLine& line) {
    constexpr std::string_view kGroup = " are going to be killed due to memory.oom.group set";
    const std::size_t group = line.text.find(kGroup);
    if (StartsWith(line.text, "Tasks in ") && group != kNone) {
      OpenReport* own = Of(line);
      if (!own) return;
      own->kernel.report.group_kill = true;
      own->kernel.report.group = std::string(line.text.substr(9, std::min(group - 9, kMostPath)));
      return Touch(own, line);
    }
    constexpr std::string_view kReaper = "oom_reaper: reaped process ";
    if (!StartsWith(line.text, kReaper)) return;
    const auto pid = NumberAt(line.text.substr(kReaper.size()));
    if (!pid || *pid == 0 || *pid > 0xFFFFFFFFU) return;
    OpenReport* unnamed = nullptr;
    for (OpenReport& report : open_) {
      const auto& victims = report.kernel.victims;
      if (std::any_of(victims.begin(), victims.end(),
                      [&](const OomVictim& victim) { return victim.pid == *pid; }))
        return Touch(&report, line);
      if (victims.empty()) unnamed = &report;
    }
    if (!unnamed) return;
    // The lines that name the victim are of a higher level, and this log lacks them.
    OomVictim victim;
    victim.pid = static_cast<std::uint32_t>(*pid);
    victim.of_cgroup = unnamed->kernel.report.constraint == OomConstraint::kCgroup;
    const std::size_t open = line.text.find('('), close = line.text.find("), now");
    if (open != kNone && close != kNone && close > open)
      victim.name =
          std::string(line.text.substr(open + 1, std::min<std::size_t>(close - open - 1, 64)));
    AddVictim(victim, unnamed);
    unnamed->killed = true;
    Touch(unnamed, line);
  }

  static std::string SourceOf(const DressedLine& line) {
    return std::string(line.host.substr(0, 256)) + "|" + std::string(line.caller.substr(0, 32));
  }

  static bool Fits(const OpenReport& open, const DressedLine& line) {
    return !open.last_seconds || !line.seconds || *line.seconds - *open.last_seconds < kMostPause;
  }

  // The newest report whose lines come from the same host and caller.
  OpenReport* Of(const DressedLine& line) {
    const std::string source = SourceOf(line);
    if (current_ && current_->source == source && Fits(*current_, line)) return current_;
    for (auto report = open_.rbegin(); report != open_.rend(); ++report)
      if (report->source == source && Fits(*report, line)) return &*report;
    return nullptr;
  }

  // The first of those that have killed nobody yet.
  template <typename Wanted>
  OpenReport* Oldest(const DressedLine& line, Wanted wanted) {
    const std::string source = SourceOf(line);
    for (OpenReport& open : open_)
      if (open.source == source && !open.killed && line_number_ - open.last_line <= kNear &&
          Fits(open, line) && wanted(open))
        return &open;
    return nullptr;
  }

  OpenReport& New(const DressedLine& line) {
    if (open_.size() >= kMostOpen) Close(open_.begin());
    OpenReport& report = open_.emplace_back();
    report.source = SourceOf(line);
    report.kernel.begin = line_begin_;
    report.kernel.end = line_end_;
    report.kernel.report.seconds_since_boot = line.seconds;
    report.kernel.report.wall_time = std::string(line.wall);
    report.last_line = line_number_;
    report.last_seconds = line.seconds;
    current_ = &report;
    return report;
  }

  void Touch(OpenReport* report, const DressedLine& line) {
    OomReport& known = report->kernel.report;
    if (known.wall_time.empty()) known.wall_time = std::string(line.wall);
    report->last_line = line_number_;
    if (line.seconds) report->last_seconds = line.seconds;
    report->kernel.end = std::max(report->kernel.end, line_end_);
    current_ = report;
  }

  void Expire() {
    for (auto report = open_.begin(); report != open_.end();) {
      const std::size_t patience = report->killed ? kPatienceAfterKill : kPatience;
      if (line_number_ - report->last_line > patience)
        report = Close(report);
      else
        ++report;
    }
  }

  std::list<OpenReport>::iterator Close(std::list<OpenReport>::iterator report) {
    if (current_ == &*report) current_ = nullptr;
    if (!report->kernel.victims.empty()) {
      // Before Linux 6.14 a group is walked thread by thread: threads that have not ended yet are printed like processes. The table has
      // processes only. The one that was decided for is a process, whatever lines of the table are lost.
      const bool group = report->kernel.report.group_kill && !report->kernel.report.tasks.empty();
      const std::vector<OomVictim>& victims = report->kernel.victims;
      for (const OomVictim& victim : victims) {
        if (!group || &victim == &victims.front() || ListsTask(*report, victim.pid))
          report->kernel.report.killed.push_back(victim.pid);
      }
      tasks_ += report->kernel.report.tasks.size();
      done_.push_back(std::move(report->kernel));
      while (done_.size() > kMostKernelReports || (tasks_ > kMostAllTasks && done_.size() > 1)) {
        tasks_ -= done_.front().report.tasks.size();
        done_.pop_front();
      }
    }
    return open_.erase(report);
  }

  std::string_view log_;
  std::size_t line_begin_ = 0, line_end_ = 0, line_number_ = 0;
  std::list<OpenReport> open_;
  OpenReport* current_ = nullptr;  // the last that a line was of; of open_
  std::deque<KernelReport> done_;
  std::size_t tasks_ = 0;
};

// In which the kernel itself speaks.
bool IsKernelsOwn(std::string_view text) {
  if (StartsWith(text, "oom-kill:constraint=")) return true;
  const std::size_t invoked = text.substr(0, 128).find(kInvoked);
  if (invoked != kNone) return invoked <= 16;
  const bool kill = StartsWith(text, "Memory cgroup out of memory") ||
                    StartsWith(text, "Out of memory") || StartsWith(text, "Killed process ");
  return kill && ParseVictim(text).has_value();
}

}  // namespace

std::vector<KernelReport> ReadKernelReports(std::string_view log) { return Reader(log).Read(); }

bool HasKernelReport(std::string_view log) {
  std::string_view rest = log;
  while (const auto line = TakeLine(&rest)) {
    if (!Contains(*line, "oom-kill") && !Contains(*line, "Kill")) continue;
    if (StartsWith(*line, "{")) {
      if (line->size() > 256 * 1024 || !Contains(*line, "\"MESSAGE\"")) continue;
      const auto json = nlohmann::json::parse(*line, nullptr, false);
      if (!json.is_object()) continue;
      const auto message = json.find("MESSAGE");
      if (message == json.end() || !message->is_string()) continue;
      if (IsKernelsOwn(PeelDress(message->get_ref<const std::string&>()).text)) return true;
      continue;
    }
    if (IsKernelsOwn(PeelDress(*line).text)) return true;
  }
  return false;
}

}  // namespace wrackline::evidence
