// The Java VM ran out of one of its own bounds: no kernel kill, and a larger pod limit alone does not help.
#include <fmt/core.h>

#include <algorithm>

#include "analyzer/diagnosis/held.h"
#include "analyzer/diagnosis/outcome.h"
#include "analyzer/diagnosis/rules.h"

namespace wrackline::diagnosis {
namespace {

using evidence::JavaError;
using evidence::JavaErrorKind;

struct Need {
  const char* what;
  const char* advice;
};

Need NeedOf(JavaErrorKind kind) {
  switch (kind) {
    case JavaErrorKind::kHeap:
      return {
          "its heap",
          "taskmanager.memory.task.heap.size larger (or taskmanager.memory.process.size, of which "
          "it is what the rest leaves); a heap dump (-XX:+HeapDumpOnOutOfMemoryError) says who "
          "fills it"};
    case JavaErrorKind::kMetaspace:
      return {"metaspace",
              "taskmanager.memory.jvm-metaspace.size larger; where it grows with each restart of a "
              "job, classes leak and no size suffices: put the libraries that keep them into lib/"};
    case JavaErrorKind::kClassSpace:
      return {
          "the compressed class space",
          "-XX:CompressedClassSpaceSize larger in env.java.opts.taskmanager; where it grows with "
          "each restart of a job, classes leak"};
    case JavaErrorKind::kDirectBuffers:
      return {
          "direct buffers",
          "taskmanager.memory.task.off-heap.size larger (what the job and its connectors use), or "
          "taskmanager.memory.framework.off-heap.size (what Flink does): -XX:MaxDirectMemorySize "
          "is their sum with network memory"};
    case JavaErrorKind::kNativeThread:
      return {
          "threads",
          "that is no memory of the heap: the pids limit of the pod, ulimit -u, or address space "
          "for stacks; find who starts them before any limit is raised"};
    case JavaErrorKind::kNativeMemory:
      return {"native memory: the system refused the VM's own malloc or mmap",
              "the container or the node had none left: look at its limit, at swap, and at "
              "vm.overcommit_memory and vm.max_map_count on the node"};
    case JavaErrorKind::kCodeCache:
      return {"the code cache", "-XX:ReservedCodeCacheSize larger in env.java.opts.taskmanager"};
    case JavaErrorKind::kCrash:
      break;
  }
  return {"", ""};
}

std::optional<Bytes> BudgetOf(const Case& c, JavaErrorKind kind) {
  if (!c.evidence.flink || !c.evidence.flink->budgets) return std::nullopt;
  const evidence::FlinkBudgets& budgets = *c.evidence.flink->budgets;
  switch (kind) {
    case JavaErrorKind::kHeap:
      if (budgets.framework_heap && budgets.task_heap)
        return *budgets.framework_heap + *budgets.task_heap;
      return std::nullopt;
    case JavaErrorKind::kMetaspace:
      return budgets.metaspace;
    case JavaErrorKind::kDirectBuffers:
      if (budgets.framework_off_heap && budgets.task_off_heap && budgets.network)
        return *budgets.framework_off_heap + *budgets.task_off_heap + *budgets.network;
      return std::nullopt;
    default:
      return std::nullopt;
  }
}

std::string ErrorText(const JavaError& error) {
  std::string text = error.message;
  if (error.count > 1) text += fmt::format(", {} times", error.count);
  if (!error.thread.empty()) text += ", in thread " + error.thread;
  if (!error.where.empty()) text += ", at " + error.where;
  if (!error.source.empty()) text += " (" + error.source + ")";
  return text;
}

}  // namespace

std::optional<Finding> JavaOutOfMemory(const Case& c) {
  const JavaError* worst = WorstJavaError(c.evidence);
  if (worst == nullptr) {
    const auto& errors = c.evidence.java_errors;
    const auto full = std::find_if(errors.begin(), errors.end(), [](const JavaError& error) {
      return error.kind == JavaErrorKind::kCodeCache;
    });
    if (full == errors.end()) return std::nullopt;
    worst = &*full;
  }
  const Need need = NeedOf(worst->kind);
  Finding finding;
  const bool ended = c.outcome == Outcome::kJavaOutOfMemory;
  finding.role = ended && worst->kind != JavaErrorKind::kCodeCache ? Role::kCause
                 : worst->kind == JavaErrorKind::kCodeCache        ? Role::kInformation
                                                                   : Role::kContributor;
  finding.confidence = Confidence::kHigh;
  finding.summary = fmt::format("The Java VM ran out of {}", need.what);
  const std::optional<Bytes> budget = worst->limit ? worst->limit : BudgetOf(c, worst->kind);
  if (budget) {
    finding.amount = *budget;
    finding.evidence.push_back(fmt::format("its bound: {}", FormatBytes(*budget)));
  }
  if (worst->requested)
    finding.evidence.push_back(fmt::format("asked for: {}", FormatBytes(*worst->requested)));
  finding.evidence.push_back(ErrorText(*worst));
  std::size_t others = 0;
  for (const JavaError& error : c.evidence.java_errors) {
    if (&error == worst || error.kind == JavaErrorKind::kCrash) continue;
    if (++others <= 3) finding.evidence.push_back("also: " + ErrorText(error));
  }
  if (IsOomKill(c.outcome))
    finding.against.emplace_back("the kernel killed it at the limit: this did not end it");
  if (c.outcome == Outcome::kStillRunning || c.outcome == Outcome::kCleanExit)
    finding.against.emplace_back("it went on after that");
  finding.advice.emplace_back(need.advice);
  return finding;
}

}  // namespace wrackline::diagnosis
