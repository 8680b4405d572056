#include "analyzer/flink/lint/pod_facts.h"

namespace wrackline::flink::lint {
namespace {

bool Contains(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

// Why glibc's allocator is at work; "" when another one is, or it cannot be known.
std::string WhyGlibc(const evidence::ManifestContainer& container) {
  if (const auto* preload = container.FindVariable("LD_PRELOAD"); preload != nullptr) {
    if (!preload->value) return "";
    for (const std::string_view other : {"jemalloc", "tcmalloc", "mimalloc"}) {
      if (Contains(*preload->value, other)) return "";
    }
  }
  if (const auto* disabled = container.FindVariable("DISABLE_JEMALLOC");
      disabled != nullptr && disabled->value && *disabled->value != "false" &&
      !disabled->value->empty())
    return "DISABLE_JEMALLOC is " + *disabled->value;
  if (container.has_command && !Contains(container.entry_point, "docker-entrypoint"))
    return "the container's command replaces the image's entry point, which alone loads jemalloc";
  return "";
}

void Check(const Context& context, Findings& findings) {
  const evidence::PodManifest* pod = FlinkPod(context);
  if (pod == nullptr) return;
  const evidence::ManifestContainer& container = *pod->container;
  if (const auto* arenas = container.FindVariable("MALLOC_ARENA_MAX"); arenas != nullptr) return;
  const std::string why = WhyGlibc(container);
  if (why.empty()) return;
  const auto* disabled = container.FindVariable("DISABLE_JEMALLOC");
  findings.push_back(
      {Severity::kWarning, "", At(*pod, disabled != nullptr ? disabled->at : container.at),
       "glibc's allocator without MALLOC_ARENA_MAX: " + why,
       "glibc gives threads up to eight arenas a core of the node and keeps freed memory in each; "
       "a TaskManager with RocksDB has many threads, and the kept memory counts against the pod.",
       "Leave Flink's entry point and jemalloc at work, or set MALLOC_ARENA_MAX=2 in the "
       "container's environment."});
}

}  // namespace

extern const Rule kGlibcArenas;
const Rule kGlibcArenas{
    .id = "glibc-arenas",
    .severity = Severity::kWarning,
    .title = "Many threads on glibc's allocator without a bound on its arenas",
    .explanation =
        "Flink's image loads jemalloc in its entry point, unless DISABLE_JEMALLOC says otherwise. "
        "A command of one's own skips the entry point. What is left is glibc's allocator, whose "
        "arenas grow with threads and cores and give memory back late: the process grows beyond "
        "its size without any leak.",
    .wrong = {.config = "taskmanager.memory.process.size: 4g\n",
              .manifest = "apiVersion: v1\nkind: Pod\nspec:\n  containers:\n  - name: taskmanager\n"
                          "    image: flink:1.20.1\n    args: [taskmanager]\n    env:\n"
                          "    - {name: DISABLE_JEMALLOC, value: \"true\"}\n"},
    .right = {.config = "taskmanager.memory.process.size: 4g\n",
              .manifest = "apiVersion: v1\nkind: Pod\nspec:\n  containers:\n  - name: taskmanager\n"
                          "    image: flink:1.20.1\n    args: [taskmanager]\n    env:\n"
                          "    - {name: DISABLE_JEMALLOC, value: \"true\"}\n"
                          "    - {name: MALLOC_ARENA_MAX, value: \"2\"}\n"},
    .check = Check,
};

}  // namespace wrackline::flink::lint
