#include <algorithm>
#include <initializer_list>

#include "analyzer/flink/lint/facts.h"
#include "analyzer/flink/lint/pod_facts.h"

namespace wrackline::flink::lint {
namespace {

std::string Whole(const JavaException& refusal) {
  std::string text = refusal.message;
  for (const auto& cause : refusal.causes) text += " Caused by: " + cause.message;
  return text;
}

// The text between `before` and the next quote.
std::string Quoted(const std::string& text, std::string_view before) {
  const std::size_t start = text.find(before);
  if (start == std::string::npos) return "";
  const std::size_t from = start + before.size();
  return text.substr(from, std::min(text.find('\'', from), text.size()) - from);
}

struct Blame {
  Location at;
  std::string fix;
};

// The first of these that is set.
std::optional<Option> FirstSet(const Context& context, std::initializer_list<Option> options) {
  for (const Option& option : options) {
    if (IsSet(context, option)) return option;
  }
  return std::nullopt;
}

// The largest part of Flink's memory that the file sets itself.
std::optional<Option> LargestPart(const Context& context) {
  std::optional<Option> largest;
  Bytes most{-1};
  for (const Option& option :
       {options::kManagedSize, options::kTaskHeap, options::kTaskOffHeap, options::kFrameworkHeap,
        options::kFrameworkOffHeap, options::kNetworkMin}) {
    const auto size = SizeOf(context, option);
    if (!IsSet(context, option) || !size || *size <= most) continue;
    most = *size;
    largest = option;
  }
  return largest;
}

std::string Name(const Context& context, const Option& option) {
  return std::string(KeyOf(context, option));
}

Blame BlameOf(const Context& context, const std::string& text) {
  const auto has = [&](std::string_view part) { return text.find(part) != std::string::npos; };
  const auto at = [&](const std::optional<Option>& option) {
    return option ? context.ValueOf(*option) : context.document.Whole();
  };
  if (has("need to be configured explicitly"))
    return {
        context.document.Whole(),
        "Write taskmanager.memory.process.size: what the whole process may use, in a container its "
        "memory limit."};
  if (has("failed to map legacy JVM heap option") || has("MB) must not be less than 0"))
    return {at(FirstSet(context, {options::kLegacyHeapSize, options::kLegacyHeapMb})),
            "Write taskmanager.memory.process.size instead."};
  if (const std::string key = Quoted(text, "Inconsistently configured Key: '"); !key.empty()) {
    const std::string stem = key.substr(0, key.rfind('.'));
    const bool range = has("min value must be less or equal to max value");
    const std::string named = !range                                   ? key
                              : context.Find(stem + ".min") != nullptr ? stem + ".min"
                                                                       : stem + ".max";
    Location place = context.ValueOf(named);
    if (place.line == 0 && stem == "taskmanager.memory.network") {
      place = at(FirstSet(context, {options::kNetworkMin, options::NetworkMax(context.version),
                                    options::kNetworkFraction}));
    }
    return {place, range ? "Make " + stem + ".min no larger than " + stem + ".max."
                         : "Write a fraction from 0 to less than 1."};
  }
  if (has(options::kSegmentSize.key))
    return {context.ValueOf(options::kSegmentSize),
            "Write a power of 2 of at least 4k, such as 32k."};
  if (has("JVM Overhead range") || has("The configured Total Process Memory size")) {
    const auto inner = FirstSet(context, {options::kFlinkSize, options::kTaskHeap});
    return {
        at(FirstSet(context, {options::kProcessSize})),
        "Keep only " + std::string(options::kProcessSize.key) + " and delete " +
            (inner ? Name(context, *inner) : "the other sizes") +
            ": Flink then divides it. Or make the two differ by metaspace plus an overhead within "
            "taskmanager.memory.jvm-overhead.min and .max."};
  }
  if (has("exceed configured Total Process Memory"))
    return {at(FirstSet(context, {options::kProcessSize, options::kLegacyHeapSize})),
            "Raise it: metaspace and overhead alone need more. Or lower "
            "taskmanager.memory.jvm-metaspace.size and taskmanager.memory.jvm-overhead.min."};
  if (has("Network Memory range") || has("configured Network Memory size")) {
    const auto network =
        FirstSet(context, {options::NetworkMax(context.version), options::kNetworkMin,
                           options::kLegacyNetworkBuffers, options::kTaskHeap, options::kFlinkSize,
                           options::kProcessSize});
    return {at(network),
            "The network gets what the other sizes leave. Delete one of them (usually " +
                std::string(options::kTaskHeap.key) +
                "), or widen taskmanager.memory.network.min and .max until they hold the rest."};
  }
  if (has("exceed configured Total Flink Memory")) {
    auto part = LargestPart(context);
    const auto total = FirstSet(context, {options::kFlinkSize, options::kProcessSize,
                                          options::kLegacyHeapSize, options::kLegacyHeapMb});
    const std::string raise = total ? "raise " + Name(context, *total) : "raise the total";
    if (!part) return {at(total), "Parts of fixed size alone need more: " + raise + "."};
    return {at(part), "Lower " + Name(context, *part) + ", or " + raise + "."};
  }
  return {at(FirstSet(context, {options::kProcessSize, options::kFlinkSize, options::kTaskHeap})),
          "Keep only taskmanager.memory.process.size and add the others one by one."};
}

void Check(const Context& context, Findings& findings) {
  if (context.refusal == nullptr || context.document.problem) return;
  const std::string text = Whole(*context.refusal);
  // Sizes that are nowhere here may be in the file of the image, or of a ConfigMap that was not given.
  const evidence::PodManifest* pod = FlinkPod(context);
  const bool no_file = pod != nullptr && (pod->texts.empty() || !pod->text_is_read) &&
                       !pod->FlinkMakesThePod() && context.document.file == pod->file;
  if (no_file && text.find("need to be configured explicitly") != std::string::npos) return;
  if (const std::string key = Quoted(text, "for key '"); !key.empty()) {
    // unparsable-value names it where it stands.
    for (const Entry& entry : context.document.entries) {
      if (entry.effective && text.find("'" + entry.value + "'") != std::string::npos) return;
    }
    findings.push_back({Severity::kError, "", context.ValueOf(key),
                        "Flink " + FormatVersion(context.version) +
                            " refuses to start a TaskManager with this " + key,
                        "Flink says: " + text, "Write it as Flink parses it."});
    return;
  }
  Blame blame = BlameOf(context, text);
  findings.push_back({Severity::kError, "", std::move(blame.at),
                      "Flink " + FormatVersion(context.version) +
                          " refuses to start a TaskManager with these sizes",
                      "Flink says: " + text, std::move(blame.fix)});
}

}  // namespace

extern const Rule kRefused;
const Rule kRefused{
    .id = "refused",
    .severity = Severity::kError,
    .title = "sizes with which Flink refuses to start",
    .explanation =
        "The TaskManager's memory is derived as this Flink version derives it, and what Flink "
        "would "
        "throw is reported with its own text, at the key that has to change: sizes that do not add "
        "up, a component outside its minimum and maximum, a fraction out of range, no size at all.",
    .wrong = {.config = "taskmanager.memory.process.size: 1g\n"
                        "taskmanager.memory.managed.size: 1g\n"},
    .right = {.config = "taskmanager.memory.process.size: 2g\n"
                        "taskmanager.memory.managed.size: 1g\n"},
    .check = Check,
};

}  // namespace wrackline::flink::lint
