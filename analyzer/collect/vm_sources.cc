// The Java VM: its counters, its own answers, its files. And wrackline's recordings.
#include <fcntl.h>

#include <algorithm>
#include <filesystem>
#include <set>
#include <utility>

#include "analyzer/collect/read.h"
#include "analyzer/collect/sources.h"
#include "analyzer/collect/vm_commands.h"
#include "lib/recorder/reader.h"

namespace wrackline::collect {
namespace {

namespace fs = std::filesystem;

struct Found {
  std::string path;
  std::time_t modified;
};

// Files directly in `folder` for which `wanted` is true, the newest first.
template <typename Wanted>
std::vector<Found> FilesIn(const std::string& folder, const Wanted& wanted) {
  std::vector<Found> files;
  for (const std::string& name : NamesIn(folder)) {
    if (!wanted(name)) continue;
    const std::string path = Within(folder, name);
    if (const auto modified = ModifiedOf(path)) files.push_back({path, *modified});
  }
  std::sort(files.begin(), files.end(),
            [](const Found& a, const Found& b) { return a.modified > b.modified; });
  return files;
}

std::string NameOf(const std::string& path) { return fs::path(path).filename().string(); }

// "file=/logs/gc-%p-%t.log:uptime" of -Xlog, or -Xloggc:FILE. Empty: it names no file.
std::string GcLogOf(const std::string& option) {
  constexpr std::string_view kOld = "-Xloggc:", kNew = "-Xlog:";
  if (option.starts_with(kOld)) return option.substr(kOld.size());
  if (!option.starts_with(kNew)) return {};
  // what:output:decorators:options; the output may be in quotes.
  const std::size_t output = option.find(':', kNew.size());
  if (output == std::string::npos) return {};
  std::string file = option.substr(output + 1);
  if (file.starts_with("file=")) file.erase(0, 5);
  if (!file.empty() && file.front() == '"') {
    file.erase(0, 1);
    return file.substr(0, file.find('"'));
  }
  file = file.substr(0, file.find(':'));
  return file == "stdout" || file == "stderr" ? std::string() : file;
}

// The newest files whose names begin as the pattern does before its first %: rotated ones too.
std::size_t TakeByPattern(const Target& target, const std::string& pattern,
                          const std::string& where, Bytes most, Collection* collection) {
  const fs::path path = target.Path(pattern);
  std::string stem = path.filename().string();
  stem = stem.substr(0, stem.find('%'));
  constexpr std::size_t kMostFiles = 4;
  std::size_t taken = 0;
  for (const Found& file : FilesIn(path.parent_path().string(), [&stem](const std::string& name) {
         return name.starts_with(stem);
       })) {
    if (taken == kMostFiles) break;
    if (collection->TakeFile(where + NameOf(file.path), file.path, Form::kText,
                             static_cast<std::size_t>(most.count)))
      ++taken;
  }
  return taken;
}

}  // namespace

void TakeRecordings(const Target& target, const std::vector<std::string>& folders,
                    Collection* collection) {
  std::vector<std::string> all = folders;
  if (const std::string own = target.Variable("WRACKLINE_OUT"); !own.empty()) {
    all.push_back(target.Path(own));
    all.push_back(own);
  }
  all.push_back(target.Path("wrackline.out"));
  // Once each, however many names it has; of a container's own mounts only their files can say.
  std::set<std::pair<dev_t, ino_t>> seen;
  std::vector<Found> files;
  for (const std::string& folder : all) {
    const Held held(folder, O_PATH | O_DIRECTORY);
    if (!held.ok() || !seen.insert(held.id()).second) continue;
    for (Found& file : FilesIn(folder, [](const std::string& name) {
           const std::string extension = fs::path(name).extension().string();
           return extension == ".wrack" || extension == ".wrackpack";
         }))
      files.push_back(std::move(file));
  }
  std::sort(files.begin(), files.end(),
            [](const Found& a, const Found& b) { return a.modified > b.modified; });
  constexpr std::size_t kMost = 16;
  if (files.size() > kMost) {
    collection->Missing(std::to_string(files.size() - kMost) + " older recordings",
                        "sixteen are taken");
    files.resize(kMost);
  }
  bool any = false;
  for (const Found& file : files) {
    const std::string name = "recordings/" + fs::path(file.path).stem().string() + ".wrackpack";
    if (fs::path(file.path).extension() == ".wrackpack") {
      collection->Missing(NameOf(file.path),
                          "packed before: its command line cannot be masked; copy it by hand");
      continue;
    }
    const auto mask = [collection](proto::Record* record) {
      if (!record->has_process() || record->process().command_line().empty()) return false;
      const std::string masked =
          collection->mutable_masker()->Arguments(record->process().command_line());
      if (masked == record->process().command_line()) return false;
      record->mutable_process()->set_command_line(masked);
      return true;
    };
    const Held held(file.path, O_RDONLY | O_NONBLOCK);
    const Result<std::string> packed = recorder::PackedBytes(held.path(), file.path, mask);
    if (!packed.ok()) {
      collection->Missing(NameOf(file.path), packed.error().message);
      continue;
    }
    collection->Take(name, file.path, packed.value(), Form::kPacked, file.modified);
    any = true;
  }
  if (!any)
    collection->Missing("recordings of wrackline",
                        "none in WRACKLINE_OUT or wrackline.out (--recordings names a folder)");
}

void TakeVm(const Target& target, bool threads, std::chrono::milliseconds patience,
            Collection* collection) {
  bool counters = false;
  for (const std::string& user : NamesIn(target.Path("/tmp"))) {
    if (!user.starts_with("hsperfdata_")) continue;
    const std::string file = target.Path("/tmp/") + user + "/" + target.own_pid;
    if (!ModifiedOf(file)) continue;
    counters = collection->TakeFile(user + "/" + std::to_string(target.pid), file, Form::kBinary) ||
               counters;
  }
  if (!counters)
    collection->Missing("hsperfdata", "no /tmp/hsperfdata_*/" + target.own_pid +
                                          " (-XX:-UsePerfData, or not readable)");

  struct Command {
    const char* command;
    const char* file;
  };
  constexpr Command kCommands[] = {{"VM.version", "version"},
                                   {"VM.command_line", "command_line"},
                                   {"VM.flags", "flags"},
                                   {"VM.native_memory summary scale=B", "native_memory"},
                                   {"GC.heap_info", "heap_info"},
                                   {"VM.metaspace", "metaspace"},
                                   {"Compiler.codecache", "codecache"},
                                   {"Thread.print", "threads"}};
  // It would answer the signal with all threads' stacks on the program's output.
  bool attach = true;
  for (const std::string& option : target.Options()) {
    if (option == "-XX:+DisableAttachMechanism") attach = false;
    if (option == "-XX:-DisableAttachMechanism") attach = true;
  }
  if (!attach) {
    collection->Missing("jcmd", "the VM lets nobody attach (-XX:+DisableAttachMechanism)");
    return;
  }
  AttachedVm vm(target.pid);
  for (const Command& command : kCommands) {
    if (!threads && std::string_view(command.file) == "threads") continue;
    const Result<std::string> answer = vm.Ask(command.command, patience);
    if (!answer.ok()) {
      collection->Missing(command.command, answer.error().Text());
      continue;
    }
    collection->Take(std::string("jcmd/") + command.file + ".txt",
                     std::string("the VM's answer to ") + command.command, answer.value(),
                     Form::kText);
  }
}

void TakeVmFiles(const Target& target, Bytes most, Collection* collection) {
  std::size_t gc = 0, errors = 0;
  std::set<std::string> seen;
  for (const std::string& option : target.Options()) {
    constexpr std::string_view kErrorFile = "-XX:ErrorFile=";
    if (const std::string file = GcLogOf(option); !file.empty() && seen.insert(file).second)
      gc += TakeByPattern(target, file, "gc/", most, collection);
    if (option.starts_with(kErrorFile) && seen.insert(option).second)
      errors +=
          TakeByPattern(target, option.substr(kErrorFile.size()), "hs_err/", most, collection);
  }
  for (const std::string& folder : {target.Path("."), target.Path("/tmp")}) {
    constexpr std::size_t kMostFiles = 4;
    std::size_t taken = 0;
    for (const Found& file :
         FilesIn(folder, [](const std::string& name) { return name.starts_with("hs_err_pid"); })) {
      if (++taken > kMostFiles) break;
      errors += collection->TakeFile("hs_err/" + NameOf(file.path), file.path, Form::kText,
                                     static_cast<std::size_t>(most.count))
                    ? 1
                    : 0;
    }
  }
  if (gc == 0) collection->Missing("GC logs", "the VM's options name none that is there");
  if (errors == 0) collection->Missing("hs_err files", "none where the VM would write them");
}

}  // namespace wrackline::collect
