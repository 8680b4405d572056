#include "analyzer/evidence/yarn_kill.h"

#include <fmt/core.h>

#include <algorithm>
#include <deque>

#include "analyzer/evidence/convert.h"
#include "analyzer/evidence/scan.h"

namespace wrackline::evidence {
namespace {

constexpr auto kNone = std::string_view::npos;
constexpr std::size_t kMostKills = 256;
constexpr std::size_t kMostProcesses = 1024;
constexpr std::size_t kMostCommand = 16 * 1024;
constexpr std::size_t kMostId = 128;
// The exit code follows the kill: behind the dump of the process tree and its command lines.
constexpr std::size_t kNear = 200;

// "container_e10_1634010428940_125776_01_000003" at the first "container_" of `text`.
std::string_view ContainerId(std::string_view text) {
  constexpr std::string_view kStart = "container_";
  for (std::size_t at = text.find(kStart); at != kNone; at = text.find(kStart, at + 1)) {
    std::size_t end = at + kStart.size();
    int parts = 1;
    while (end < text.size() && end - at < kMostId &&
           (IsDigit(text[end]) || IsLetter(text[end]) || text[end] == '_'))
      parts += text[end++] == '_';
    // A time, an application, an attempt and a number.
    if (parts >= 4 && IsDigit(text[end - 1])) return text.substr(at, end - at);
  }
  return {};
}

// "4.0 GB" at the beginning of `text`. YARN's units are binary.
std::optional<Bytes> Amount(std::string_view text) {
  text = Trim(text);
  std::size_t end = 0;
  while (end < text.size() && (IsDigit(text[end]) || text[end] == '.')) ++end;
  while (end < text.size() && text[end] == ' ') ++end;
  while (end < text.size() && IsLetter(text[end])) ++end;
  const auto bytes = ParseBytes(text.substr(0, end));
  if (!bytes.ok() || bytes.value().count < 0) return std::nullopt;
  return ToBytes(static_cast<std::uint64_t>(bytes.value().count));
}

// "4.0 GB of 4 GB physical memory used": the two amounts before `what`.
void Used(std::string_view text, std::string_view what, std::optional<Bytes>* used,
          std::optional<Bytes>* limit) {
  const std::size_t end = text.find(what);
  if (end == kNone) return;
  text = text.substr(0, end);
  const std::size_t begin = text.find_last_of(";:");
  if (begin != kNone) text.remove_prefix(begin + 1);
  const std::size_t of = text.find(" of ");
  if (of == kNone) return;
  *used = Amount(text.substr(0, of));
  *limit = Amount(text.substr(of + 4));
}

// "Container [pid=N,containerID=C] is running beyond physical memory limits. Current usage: ..." and since Hadoop 3
// "... is running NB beyond the 'PHYSICAL' memory limit."
std::optional<YarnKill> KillLine(std::string_view line) {
  const std::size_t at = line.find("Container [pid=");
  if (at == kNone) return std::nullopt;
  line.remove_prefix(at);
  const std::size_t running = line.find("] is running ");
  if (running == kNone) return std::nullopt;
  const std::string_view words = line.substr(running);
  YarnKill kill;
  if (Contains(words, "beyond virtual memory limit") ||
      Contains(words, "beyond the 'VIRTUAL' memory limit"))
    kill.virtual_memory = true;
  else if (!Contains(words, "beyond physical memory limit") &&
           !Contains(words, "beyond the 'PHYSICAL' memory limit"))
    return std::nullopt;
  if (const auto pid = NumberAfter(line, "pid="); pid && *pid <= 0xFFFFFFFFU)
    kill.pid = static_cast<std::uint32_t>(*pid);
  kill.container = std::string(ContainerId(line.substr(0, running)));
  Used(words, " physical memory used", &kill.physical_used, &kill.physical_limit);
  Used(words, " virtual memory used", &kill.virtual_used, &kill.virtual_limit);
  // How far beyond, to the byte: the amounts are rounded, the limit is printed without a fraction where it is whole.
  const auto excess = NumberAfter(words, "] is running ");
  std::optional<Bytes>& used = kill.virtual_memory ? kill.virtual_used : kill.physical_used;
  const std::optional<Bytes>& limit =
      kill.virtual_memory ? kill.virtual_limit : kill.physical_limit;
  if (excess && limit) {
    const Bytes exact = *limit + ToBytes(*excess);
    // The limit itself may be rounded to a tenth of its unit.
    if (!used || exact.count / 100 * 80 <= used->count) used = exact;
  }
  return kill;
}

// "|- 122920 122806 122806 122806 (java) 1926809 110163 6567804928 1048262 /usr/bin/java ..."
std::optional<YarnKill::Process> ProcessLine(std::string_view line) {
  const std::size_t at = line.find("|- ");
  if (at == kNone) return std::nullopt;
  std::string_view rest = line.substr(at + 3);
  YarnKill::Process process;
  const auto pid = WholeNumber(TakeToken(&rest));
  if (!pid || *pid > 0xFFFFFFFFU) return std::nullopt;
  process.pid = static_cast<std::uint32_t>(*pid);
  for (int i = 0; i < 3; ++i)
    if (!WholeInteger(TakeToken(&rest))) return std::nullopt;
  rest = TrimLeft(rest);
  const std::size_t close = rest.find(") ");
  if (!StartsWith(rest, "(") || close == kNone || close > 256) return std::nullopt;
  process.name = std::string(rest.substr(1, close - 1));
  rest.remove_prefix(close + 1);
  std::optional<std::uint64_t> pages;
  for (int i = 0; i < 4; ++i) {
    pages = WholeNumber(TakeToken(&rest));
    if (!pages) return std::nullopt;
  }
  process.resident = ToBytes(std::min<std::uint64_t>(*pages, std::uint64_t{1} << 40) * 4096);
  process.command_line = std::string(Trim(rest).substr(0, kMostCommand));
  return process;
}

// The container's exit code, in YARN's and Flink's words. Codes below zero are YARN's own (ContainerExitStatus).
std::optional<int> ExitCode(std::string_view line) {
  for (const std::string_view words :
       {"Exit code is ", "non-zero exit code ",
        "Exit code:", "Exit status:", "exitStatus=", "exitStatus: ", "exitCode: "}) {
    const std::size_t at = line.find(words);
    if (at == kNone) continue;
    std::string_view rest = TrimLeft(line.substr(at + words.size()));
    std::size_t end = rest.empty() || rest[0] != '-' ? 0 : 1;
    while (end < rest.size() && IsDigit(rest[end])) ++end;
    if (const auto code = WholeInteger(rest.substr(0, end))) return code;
  }
  return std::nullopt;
}

bool IsKillsCode(int code) { return code == 143 || code == 137 || code == -103 || code == -104; }

bool MayMatter(std::string_view line) {
  return Contains(line, "ontainer") || Contains(line, "|- ") || Contains(line, "xit ") ||
         Contains(line, "exit");
}

class Reader {
 public:
  std::vector<YarnKill> Read(std::string_view log) {
    while (const auto line = TakeLine(&log)) {
      ++number_;
      if (MayMatter(*line)) One(*line);
    }
    return {std::make_move_iterator(kills_.begin()), std::make_move_iterator(kills_.end())};
  }

 private:
  void One(std::string_view line) {
    Exact(line);
    if (auto kill = KillLine(line)) {
      // The same kill told again, by another thread's line or another log's.
      const bool again = !kills_.empty() && number_ - last_ <= 10 * kNear &&
                         kills_.back().container == kill->container && !kill->container.empty() &&
                         kills_.back().pid == kill->pid;
      if (!again) {
        if (auto code = ExitCode(line.substr(0, line.find("Container [pid="))))
          kill->exit_code = code;
        // "marked as failed. Exit code:-103." may come before the reason.
        if (!kills_.empty() && number_ - last_ <= kNear && !kills_.back().pid &&
            kills_.back().container == kill->container) {
          if (!kill->exit_code) kill->exit_code = kills_.back().exit_code;
          kills_.pop_back();
        }
        Push(std::move(*kill));
      }
      last_ = number_;
      return;
    }
    const bool near = !kills_.empty() && number_ - last_ <= kNear;
    if (auto process = ProcessLine(line)) {
      if (!near) return;
      auto& known = kills_.back().processes;
      const bool told =
          std::any_of(known.begin(), known.end(),
                      [&](const YarnKill::Process& other) { return other.pid == process->pid; });
      if (!told && known.size() < kMostProcesses) known.push_back(std::move(*process));
      last_ = number_;
      return;
    }
    const std::string_view container = ContainerId(line);
    if (!container.empty()) {
      named_ = std::string(container);
      named_line_ = number_;
    }
    const auto code = ExitCode(line);
    if (!code || !IsKillsCode(*code)) return;
    if (near && (container.empty() || kills_.back().container == container)) {
      // 143 is what the kill does; -104 and -103 are why.
      if (!kills_.back().exit_code || *code < 0) kills_.back().exit_code = code;
      last_ = number_;
      return;
    }
    if (container.empty() && (named_.empty() || number_ - named_line_ > 3)) return;
    YarnKill kill;
    kill.container = container.empty() ? named_ : std::string(container);
    kill.exit_code = code;
    kill.virtual_memory = *code == -103;
    Push(std::move(kill));
    last_ = number_;
  }

  // The NodeManager's own figures, to the byte: "... for container: C has processes older than 1 iteration running over the
  // configured limit. Limit=N, current usage = N"
  void Exact(std::string_view line) {
    if (!Contains(line, "running over the configured limit")) return;
    const auto limit = NumberAfter(line, "Limit="), used = NumberAfter(line, "current usage = ");
    if (!limit || !used) return;
    exact_container_ = std::string(ContainerId(line));
    exact_limit_ = ToBytes(*limit);
    exact_used_ = ToBytes(*used);
  }

  void Push(YarnKill kill) {
    if (!exact_container_.empty() && exact_container_ == kill.container) {
      (kill.virtual_memory ? kill.virtual_used : kill.physical_used) = exact_used_;
      (kill.virtual_memory ? kill.virtual_limit : kill.physical_limit) = exact_limit_;
      exact_container_.clear();
    }
    if (kills_.size() == kMostKills) kills_.pop_front();
    kills_.push_back(std::move(kill));
  }

  std::deque<YarnKill> kills_;
  std::size_t number_ = 0, last_ = 0;  // lines; the last that was of kills_.back()
  std::string named_;                  // the container that was last named
  std::size_t named_line_ = 0;
  std::string exact_container_;
  Bytes exact_limit_, exact_used_;
};

bool IsTaskManager(const YarnKill& kill) {
  return std::any_of(kill.processes.begin(), kill.processes.end(),
                     [](const YarnKill::Process& process) {
                       return Contains(process.command_line, "YarnTaskExecutorRunner") ||
                              Contains(process.command_line, "taskmanager.log");
                     });
}

}  // namespace

std::vector<YarnKill> ParseYarnKills(std::string_view log) { return Reader().Read(log); }

bool IsYarn(const SourceFile& file) {
  std::string_view text = file.text;
  // Another kind's document may quote the message.
  std::string_view head = file.Head();
  while (!head.empty() && (IsBlank(head.front()) || head.front() == '\n')) head.remove_prefix(1);
  if (StartsWith(head, "{\n") || StartsWith(head, "apiVersion:")) return false;
  constexpr std::string_view kStart = "Container [pid=";
  for (std::size_t at = text.find(kStart); at != kNone; at = text.find(kStart, at + 1)) {
    const std::string_view line =
        text.substr(at, std::min<std::size_t>(text.find('\n', at) - at, 4096));
    if (KillLine(line)) return true;
  }
  if (!Contains(text, "container_")) return false;
  for (const std::string_view words :
       {"Exit code is 1", "non-zero exit code 1", "Exit code:-10", "Exit code: -10",
        "Exit status: -10", "exitStatus=-10", "Exit status: 1"})
    if (Contains(text, words)) return !ParseYarnKills(text).empty();
  return false;
}

Result<std::string> AddYarn(const SourceFile& file, Evidence* evidence) {
  std::vector<YarnKill> kills = ParseYarnKills(file.text);
  if (kills.empty())
    return Error{file.name + " holds no kill by YARN",
                 "take the container's diagnostics with: yarn logs -applicationId ID"};
  const std::string own = evidence->flink ? evidence->flink->resource_id : "";
  std::size_t chosen = kills.size() - 1;
  int rank = -1;
  for (std::size_t i = 0; i < kills.size(); ++i) {
    const YarnKill& kill = kills[i];
    const int its = (!own.empty() && kill.container == own ? 8 : 0) +
                    (evidence->process.pid != 0 && kill.pid == evidence->process.pid ? 4 : 0) +
                    (IsTaskManager(kill) ? 2 : 0) + (kill.physical_limit ? 1 : 0);
    if (its < rank) continue;
    rank = its;
    chosen = i;
  }
  YarnKill& kill = kills[chosen];
  std::string remark = kill.container.empty() ? "a container" : kill.container;
  const auto& used = kill.virtual_memory ? kill.virtual_used : kill.physical_used;
  const auto& limit = kill.virtual_memory ? kill.virtual_limit : kill.physical_limit;
  if (used && limit)
    remark += fmt::format(" used {} of {} {} memory", FormatBytes(*used), FormatBytes(*limit),
                          kill.virtual_memory ? "virtual" : "physical");
  if (kill.exit_code) remark += fmt::format(", exit code {}", *kill.exit_code);
  if (!kill.processes.empty())
    remark += fmt::format(", {} processes listed", kill.processes.size());
  if (kills.size() > 1) remark += fmt::format("; {} kills in the log", kills.size());
  if (kill.physical_limit && !evidence->limit)
    evidence->limit = Figure{*kill.physical_limit, Time{}, "YARN's limit of the container"};
  evidence->yarn = std::move(kill);
  return remark;
}

}  // namespace wrackline::evidence
