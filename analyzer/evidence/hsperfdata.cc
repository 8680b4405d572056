#include "analyzer/evidence/hsperfdata.h"

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "analyzer/evidence/convert.h"
#include "lib/jvm/perf_data.h"

namespace wrackline::evidence {
namespace {

namespace fs = std::filesystem;

constexpr int kCollectors = 4, kGenerations = 2, kSpaces = 4;

std::string TextOf(const jvm::PerfData& data, const char* name) {
  const auto text = data.Text(name);
  return text ? std::string(text->data, text->size) : std::string();
}

std::optional<std::uint64_t> NumberOf(const jvm::PerfData& data, const std::string& name) {
  const auto number = data.Number(name.c_str());
  if (!number || *number < 0) return std::nullopt;
  return static_cast<std::uint64_t>(*number);
}

std::optional<Bytes> AmountOf(const jvm::PerfData& data, const std::string& name) {
  const auto number = NumberOf(data, name);
  if (!number) return std::nullopt;
  return ToBytes(*number);
}

std::optional<std::uint32_t> CountOf(const jvm::PerfData& data, const std::string& name) {
  const auto number = NumberOf(data, name);
  if (!number || *number > UINT32_MAX) return std::nullopt;
  return static_cast<std::uint32_t>(*number);
}

// "PCopy", "G1 young collection pauses", "ZGC minor collection pauses", ...
std::string CollectorOf(const std::string& counter) {
  for (const auto& [text, name] :
       {std::pair("G1", "G1"), std::pair("Z", "ZGC"), std::pair("Shenandoah", "Shenandoah"),
        std::pair("PSParallel", "Parallel"), std::pair("PSScavenge", "Parallel"),
        std::pair("MSC", "Serial"), std::pair("Copy", "Serial")}) {
    if (counter.rfind(text, 0) == 0) return name;
  }
  return "";
}

void AddSpaces(const jvm::PerfData& data, JvmFigures* figures) {
  for (int generation = 0; generation < kGenerations; ++generation) {
    const std::string parent = "sun.gc.generation." + std::to_string(generation);
    for (int space = 0; space < kSpaces; ++space) {
      const std::string prefix = parent + ".space." + std::to_string(space);
      const std::optional<Bytes> used = AmountOf(data, prefix + ".used");
      if (!used) continue;
      JvmPool& pool = figures->pools.emplace_back();
      pool.name = TextOf(data, (prefix + ".name").c_str());
      pool.heap = true;
      pool.used = *used;
      pool.committed = AmountOf(data, prefix + ".capacity");
      figures->heap_used = figures->heap_used.value_or(Bytes{}) + *used;
      figures->heap_committed =
          figures->heap_committed.value_or(Bytes{}) + pool.committed.value_or(Bytes{});
    }
  }
}

// Ticks from the VM's start to the newest time that the file has.
std::uint64_t NewestTicks(const jvm::PerfData& data) {
  std::uint64_t newest = NumberOf(data, "sun.os.hrt.ticks").value_or(0);
  for (int i = 0; i < kCollectors; ++i) {
    const std::string prefix = "sun.gc.collector." + std::to_string(i);
    newest = std::max(newest, NumberOf(data, prefix + ".lastExitTime").value_or(0));
  }
  return newest;
}

}  // namespace

std::optional<Jvm> JvmFromHsperfdata(std::string_view bytes) {
  const jvm::PerfData data(bytes.data(), bytes.size());
  if (!data.ok()) return std::nullopt;
  Jvm vm;
  vm.origin = "hsperfdata";
  vm.vm_name = TextOf(data, "java.property.java.vm.name");
  vm.vm_version = TextOf(data, "java.property.java.vm.version");
  vm.java_version = TextOf(data, "java.property.java.version");

  JvmFigures& figures = vm.figures.emplace_back();
  AddSpaces(data, &figures);
  figures.metaspace_used = AmountOf(data, "sun.gc.metaspace.used");
  figures.metaspace_committed = AmountOf(data, "sun.gc.metaspace.capacity");
  figures.class_space_used = AmountOf(data, "sun.gc.compressedclassspace.used");
  figures.class_space_committed = AmountOf(data, "sun.gc.compressedclassspace.capacity");
  figures.threads = CountOf(data, "java.threads.live");
  const auto loaded = NumberOf(data, "java.cls.loadedClasses");
  const auto shared = NumberOf(data, "java.cls.sharedLoadedClasses");
  const auto unloaded = NumberOf(data, "java.cls.unloadedClasses");
  figures.classes_unloaded = unloaded;
  if (loaded && shared && unloaded && *loaded + *shared >= *unloaded &&
      *loaded + *shared - *unloaded <= UINT32_MAX)
    figures.classes_loaded = static_cast<std::uint32_t>(*loaded + *shared - *unloaded);

  const std::uint64_t frequency = NumberOf(data, "sun.os.hrt.frequency").value_or(0);
  std::uint64_t ticks = 0;
  for (int i = 0; i < kCollectors; ++i) {
    const std::string prefix = "sun.gc.collector." + std::to_string(i);
    const auto count = NumberOf(data, prefix + ".invocations");
    if (!count) continue;
    figures.collections = figures.collections.value_or(0) + *count;
    ticks += NumberOf(data, prefix + ".time").value_or(0);
    if (vm.collector.empty()) vm.collector = CollectorOf(TextOf(data, (prefix + ".name").c_str()));
  }
  const auto begin_ms = NumberOf(data, "sun.rt.createVmBeginTime");
  if (frequency > 0) {
    const auto seconds = [frequency](std::uint64_t count) {
      return static_cast<double>(count) / static_cast<double>(frequency);
    };
    if (figures.collections)
      figures.collection_ms = static_cast<std::uint64_t>(std::min(seconds(ticks) * 1000, 1e15));
    // Absurd times are cut: a year after the VM's start.
    constexpr double kMost = 1e9 * 366 * 86400;
    if (begin_ms)
      figures.time =
          ToTime(std::min<std::uint64_t>(*begin_ms, 1ull << 43) * 1'000'000) +
          Duration(static_cast<std::int64_t>(std::min(seconds(NewestTicks(data)) * 1e9, kMost)));
  }
  return vm;
}

Result<Jvm> ReadHsperfdata(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return Error{"cannot read " + path, "check the path"};
  // 32 KiB by default, -XX:PerfDataMemorySize at most.
  constexpr std::size_t kMost = 32 << 20;
  std::string bytes;
  for (std::istreambuf_iterator<char> it(file), end; it != end && bytes.size() < kMost; ++it)
    bytes.push_back(*it);
  std::optional<Jvm> jvm = JvmFromHsperfdata(bytes);
  if (!jvm)
    return Error{path + " is no hsperfdata file of version 2",
                 "it is /tmp/hsperfdata_USER/PID of the killed VM"};
  return std::move(*jvm);
}

void AddHsperfdata(Jvm from_file, Evidence* evidence) {
  if (!evidence->jvm) {
    evidence->jvm = std::move(from_file);
  } else if (evidence->jvm->figures.empty()) {
    evidence->jvm->figures = std::move(from_file.figures);
    evidence->jvm->origin = std::move(from_file.origin);
  }
}

bool IsHsperfdata(const SourceFile& file) {
  return file.text.size() < (std::size_t{64} << 20) && JvmFromHsperfdata(file.text).has_value();
}

Result<std::string> AddHsperfdataFile(const SourceFile& file, Evidence* evidence) {
  std::optional<Jvm> jvm = JvmFromHsperfdata(file.text);
  if (!jvm) return Error{"no hsperfdata file of version 2", ""};
  const std::string_view name(file.name);
  const std::string_view base = name.substr(name.rfind('/') + 1);
  std::uint32_t pid = 0;
  const auto parsed = std::from_chars(base.data(), base.data() + base.size(), pid);
  const bool of_pid = parsed.ec == std::errc{} && parsed.ptr == base.data() + base.size();
  if (of_pid && evidence->process.pid != 0 && pid != evidence->process.pid)
    return Error{
        "of process " + std::to_string(pid) + ", not of " + std::to_string(evidence->process.pid),
        ""};
  if (evidence->jvm && !evidence->jvm->figures.empty())
    return Error{"the VM's figures are known from nearer to it", ""};
  const std::string gave = jvm->vm_name.empty() ? "the VM's heap and threads"
                                                : "the heap and threads of " + jvm->vm_name;
  AddHsperfdata(std::move(*jvm), evidence);
  return gave;
}

std::string HsperfdataBeside(const std::string& recording, std::uint32_t pid) {
  std::error_code error;
  const fs::path folder = fs::path(recording).parent_path();
  for (fs::directory_iterator entry(folder.empty() ? fs::path(".") : folder, error), end;
       !error && entry != end; entry.increment(error)) {
    if (entry->path().filename().string().rfind("hsperfdata_", 0) != 0) continue;
    const fs::path file = entry->path() / std::to_string(pid);
    std::error_code ignored;
    if (fs::is_regular_file(file, ignored)) return file.string();
  }
  return "";
}

}  // namespace wrackline::evidence
