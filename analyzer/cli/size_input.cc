#include "analyzer/cli/size_input.h"

#include <algorithm>
#include <filesystem>
#include <utility>

#include "analyzer/cli/report_folder.h"
#include "analyzer/cli/waiting.h"
#include "analyzer/collect/unpack.h"
#include "analyzer/evidence/run_file.h"
#include "analyzer/flink/memory_size.h"
#include "analyzer/ledger/ledger.h"
#include "analyzer/report/run_of.h"

namespace wrackline::cli {
namespace {

namespace fs = std::filesystem;

std::string BaseName(const std::string& path) {
  const fs::path name = fs::path(path).lexically_normal();
  return (name.has_filename() ? name.filename() : name.parent_path().filename()).string();
}

// By its name too: an empty one is to be said to hold no run.
bool IsRunFile(const std::string& path) {
  return fs::path(path).extension() == ".jsonl" || evidence::IsRunFile(path);
}

bool IsJobManager(const evidence::Evidence& evidence) {
  // Flink spells it in both ways: KubernetesSessionClusterEntrypoint, StandaloneApplicationClusterEntryPoint.
  const std::string& line = evidence.process.command_line;
  return line.find("ClusterEntrypoint") != std::string::npos ||
         line.find("ClusterEntryPoint") != std::string::npos;
}

class Reader {
 public:
  Reader(const std::optional<report::FlinkTarget>& configured, SizeInput* input)
      : configured_(configured), input_(*input) {}

  Status Read(const std::string& path) {
    if (IsRunFile(path)) return ReadRuns(path);
    if (!collect::IsArchive(path)) return ReadEvidence(path, BaseName(path));
    const Result<collect::UnpackedArchive> archive = collect::UnpackedArchive::Open(path);
    if (!archive.ok()) return archive.error();
    for (const std::string& remark : archive.value().remarks()) input_.remarks.push_back(remark);
    return ReadEvidence(archive.value().folder(), BaseName(path));
  }

 private:
  Status ReadRuns(const std::string& path) {
    Result<std::vector<sizing::Run>> runs = evidence::ReadRunFile(path);
    if (!runs.ok()) return runs.error();
    for (sizing::Run& run : runs.value()) input_.runs.push_back(std::move(run));
    return std::nullopt;
  }

  Status ReadEvidence(const std::string& path, const std::string& name) {
    if (IsScrapeFile(path)) return ReadScrape(path, name);
    ReportOptions options;
    options.path = path;
    options.all = true;
    Result<FolderEvidence> read = ReadEvidenceFolder(options, std::nullopt, nullptr);
    if (!read.ok()) return read.error();
    FolderEvidence& found = read.value();
    for (const std::string& remark : found.remarks)
      input_.remarks.push_back(std::string(name).append(": ").append(remark));
    if (found.flink && !input_.carried) {
      input_.carried =
          FlinkSource{std::move(*found.flink), found.manifest_limit, {}, std::move(found.manifest)};
      input_.carried_by = name;
    }
    bool any_vm = false;
    for (const evidence::Evidence& evidence : found.of) any_vm = any_vm || evidence.jvm;
    for (std::size_t i = 0; i < found.of.size(); ++i) {
      evidence::Evidence& evidence = found.of[i];
      const std::string run = found.of.size() == 1 || found.paths[i].empty()
                                  ? name
                                  : name + "/" + BaseName(found.paths[i]);
      if (any_vm && !evidence.jvm) {
        input_.remarks.push_back("left out: " + run + " is of no Java VM");
        continue;
      }
      if (!evidence.limit && found.manifest_limit)
        evidence.limit = evidence::Figure{*found.manifest_limit, evidence.last_record, "manifest"};
      Add(evidence, run);
    }
    return std::nullopt;
  }

  Status ReadScrape(const std::string& path, const std::string& name) {
    const Result<std::vector<evidence::ScrapeInput>> scrapes = ReadScrapeFiles({path});
    if (!scrapes.ok()) return scrapes.error();
    const Result<evidence::Evidence> evidence = evidence::EvidenceFromScrapes(
        scrapes.value(), std::nullopt, ConfiguredBy(configured_), std::nullopt);
    if (!evidence.ok()) return evidence.error();
    Add(evidence.value(), name);
    return std::nullopt;
  }

  void Add(const evidence::Evidence& evidence, const std::string& name) {
    if (IsJobManager(evidence)) {
      input_.remarks.push_back("left out: " + name +
                               " is a JobManager's; what is sized is a TaskManager");
      return;
    }
    if (auto run = report::RunOf(evidence, ledger::BuildLedger(evidence), name))
      input_.runs.push_back(std::move(*run));
    else
      input_.remarks.push_back("left out: nothing in " + name + " says how much it held");
  }

  const std::optional<report::FlinkTarget>& configured_;
  SizeInput& input_;
};

}  // namespace

Result<SizeInput> ReadSizeInput(const std::vector<std::string>& paths,
                                const std::optional<report::FlinkTarget>& configured) {
  SizeInput input;
  Waiting waiting;
  Reader reader(configured, &input);
  std::size_t read = 0;
  for (const std::string& path : paths) {
    waiting.For("reading " + std::to_string(++read) + " of " + std::to_string(paths.size()) + ": " +
                path);
    if (Status failed = reader.Read(path)) return std::move(*failed);
  }
  if (input.runs.empty())
    return Error{
        input.remarks.empty() ? "no recorded run in what was given" : input.remarks.front(),
        "give recordings of a TaskManager, folders or archives with them, or a run file"};
  return input;
}

std::optional<FlinkSource> GrantedAsConfiguration(const sizing::Run& run) {
  if (!run.granted) return std::nullopt;
  const flink::TaskManagerMemory& granted = *run.granted;
  FlinkSource source;
  source.target.version = run.flink_version.empty() ? "1.20" : run.flink_version;
  const auto set = [&](const char* key, Bytes amount) {
    source.target.configuration.Set(key, flink::WriteMemorySize({amount.count}),
                                    {"as granted to " + run.name, 0});
  };
  set("taskmanager.memory.process.size", granted.total_process);
  set("taskmanager.memory.framework.heap.size", granted.framework_heap);
  set("taskmanager.memory.framework.off-heap.size", granted.framework_off_heap);
  set("taskmanager.memory.task.off-heap.size", granted.task_off_heap);
  set("taskmanager.memory.managed.size", granted.managed);
  set("taskmanager.memory.network.min", granted.network);
  set("taskmanager.memory.network.max", granted.network);
  set("taskmanager.memory.jvm-metaspace.size", granted.jvm_metaspace);
  set("taskmanager.memory.jvm-overhead.min", granted.jvm_overhead);
  set("taskmanager.memory.jvm-overhead.max", granted.jvm_overhead);
  if (run.slots)
    source.target.configuration.Set("taskmanager.numberOfTaskSlots", std::to_string(*run.slots));
  if (run.rocksdb_managed && !*run.rocksdb_managed)
    source.target.configuration.Set("state.backend.rocksdb.memory.managed", "false");
  if (run.rocksdb_managed.value_or(false) && run.rocksdb_fixed)
    set("state.backend.rocksdb.memory.fixed-per-slot",
        {run.rocksdb_fixed->count / std::max(1, run.slots.value_or(1))});
  return source;
}

}  // namespace wrackline::cli
