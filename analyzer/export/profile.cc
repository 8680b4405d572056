#include "analyzer/export/profile.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <unordered_map>
#include <utility>

#include "analyzer/evidence/convert.h"
#include "analyzer/evidence/flink_database.h"
#include "analyzer/evidence/frame_namer.h"
#include "analyzer/evidence/from_recording.h"
#include "analyzer/evidence/heap_profile_names.h"
#include "analyzer/evidence/java_frames.h"
#include "analyzer/evidence/module_map.h"
#include "analyzer/evidence/rocksdb.h"
#include "analyzer/evidence/thread_groups.h"
#include "analyzer/evidence/threads.h"
#include "analyzer/render/inert.h"

namespace wrackline::exports {
namespace {

using evidence::ToBytes;

std::string Hex(const std::string& bytes) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string hex;
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    hex += kDigits[byte >> 4];
    hex += kDigits[byte & 15];
  }
  return hex;
}

// The family that RocksDB's memory on a thread is of, where only one comes into question. A Flink task uses the database of its own
// subtask; RocksDB's own threads serve all databases.
class Families {
 public:
  explicit Families(const recorder::Recording& recording) {
    const std::optional<evidence::RocksDb> rocksdb = evidence::RocksDbFromRecording(recording);
    if (!rocksdb) return;
    for (const evidence::RocksDbFamily& family : rocksdb->families) {
      all_.insert(family.name);
      const auto database = recording.rocksdb_databases.find(family.database_id);
      if (database == recording.rocksdb_databases.end()) continue;
      const auto of = evidence::ParseFlinkDatabase(database->second.path());
      if (of) of_subtask_[{of->subtask, of->parallelism}].insert(family.name);
    }
  }

  std::string Of(const evidence::GroupedThread& thread) const {
    if (thread.kind == evidence::ThreadKind::kFlinkTask && thread.subtask && thread.parallelism) {
      const auto found = of_subtask_.find(
          {static_cast<int>(*thread.subtask), static_cast<int>(*thread.parallelism)});
      if (found != of_subtask_.end()) return Single(found->second);
    }
    return Single(all_);
  }

 private:
  // Flink keeps nothing in the family "default", which every database has.
  static std::string Single(std::set<std::string> names) {
    if (names.size() > 1) names.erase("default");
    return names.size() == 1 ? *names.begin() : std::string();
  }

  std::set<std::string> all_;
  std::map<std::pair<int, int>, std::set<std::string>> of_subtask_;
};

class Builder {
 public:
  explicit Builder(const recorder::Recording& recording)
      : recording_(recording), namer_(recording), modules_(recording), families_(recording) {}

  Profile Build() {
    AddFacts();
    AddModules();
    profile_.threads.emplace_back();
    profile_.threads.front().family = families_.Of({});
    AddLive();
    for (const auto& [id, stack] : recording_.stacks) {
      if (stack.counters.allocated_bytes() == 0 && !index_.contains(id)) continue;
      Stack& of = StackOf(id);
      of.allocated.bytes = ToBytes(stack.counters.allocated_bytes()).count;
      of.allocated_samples = stack.counters.allocated_samples();
      of.allocated.objects = AllocatedObjects(of);
    }
    return std::move(profile_);
  }

 private:
  void AddFacts() {
    if (recording_.process) {
      const proto::Process& process = *recording_.process;
      const std::string& path = process.executable();
      profile_.subject = path.substr(path.rfind('/') + 1) + " (pid " +
                         std::to_string(process.pid()) + " on " + process.host() + ")";
      profile_.interval = ToBytes(process.sampling_interval());
      profile_.start = evidence::ToTime(process.epoch_time_ns());
    }
    profile_.end = evidence::ToTime(recording_.last_time_ns);
  }

  // The program first: viewers take the first mapping for it.
  void AddModules() {
    std::vector<const proto::Module*> modules;
    for (const auto& [id, module] : recording_.modules) modules.push_back(&module);
    const std::string program = recording_.process ? recording_.process->executable() : "";
    std::stable_partition(modules.begin(), modules.end(),
                          [&](const proto::Module* m) { return m->path() == program; });
    for (const proto::Module* module : modules) {
      mapping_of_[module->id()] = profile_.mappings.size();
      profile_.mappings.push_back({module->start(), std::max(module->start(), module->end()), 0,
                                   module->path(), Hex(module->build_id())});
    }
  }

  std::size_t FrameOf(std::uint64_t pc) {
    const auto [place, fresh] = frames_.try_emplace(pc, profile_.frames.size());
    if (!fresh) return place->second;
    Frame frame;
    frame.address = pc;
    frame.names = {namer_.Name(pc)};
    if (!evidence::IsJavaFrame(pc)) {
      const auto named = recording_.frame_names.find(pc);
      const auto owner = named == recording_.frame_names.end()
                             ? mapping_of_.end()
                             : mapping_of_.find(named->second.module_id());
      if (owner != mapping_of_.end() && Holds(owner->second, pc)) {
        frame.mapping = owner->second;
      } else if (const proto::Module* module = modules_.Of(pc)) {
        frame.mapping = mapping_of_.at(module->id());
      }
    }
    profile_.frames.push_back(std::move(frame));
    return place->second;
  }

  bool Holds(std::size_t mapping, std::uint64_t pc) const {
    return profile_.mappings[mapping].start < pc && pc <= profile_.mappings[mapping].limit;
  }

  Stack& StackOf(std::uint32_t id) {
    const auto [place, fresh] = index_.try_emplace(id, profile_.stacks.size());
    if (!fresh) return profile_.stacks[place->second];
    Stack stack;
    // Live objects whose stack record was lost still are live bytes.
    const auto recorded = recording_.stacks.find(id);
    if (recorded != recording_.stacks.end()) {
      stack.truncated = recorded->second.truncated;
      for (const std::uint64_t pc : recorded->second.frames) {
        stack.frames.push_back(FrameOf(pc));
        stack.in_rocksdb |= profile_.frames[stack.frames.back()].names.front().rocksdb;
      }
    }
    profile_.stacks.push_back(std::move(stack));
    return profile_.stacks.back();
  }

  std::size_t ThreadOf(const proto::LiveObject& object) {
    const proto::Thread* thread =
        evidence::ThreadAt(recording_, object.thread_id(), object.time_ms());
    if (thread == nullptr) return 0;
    const auto [place, fresh] = threads_.try_emplace(thread, profile_.threads.size());
    if (fresh) {
      const evidence::GroupedThread group = evidence::GroupOf(thread->java_name(), thread->comm());
      Thread of;
      of.name = thread->java_name().empty() ? thread->comm() : thread->java_name();
      if (group.kind == evidence::ThreadKind::kFlinkTask) of.op = group.group;
      of.family = families_.Of(group);
      profile_.threads.push_back(std::move(of));
    }
    return place->second;
  }

  void AddLive() {
    std::map<std::pair<std::uint32_t, std::size_t>, Amount> amounts;
    std::map<std::uint32_t, std::map<std::uint64_t, std::uint64_t>> sizes;
    for (const auto& [slot, object] : recording_.live_objects) {
      const auto weight = ToBytes(object.weight()).count;
      const auto size = std::max<std::int64_t>(1, ToBytes(object.size()).count);
      Amount& amount = amounts[{object.stack_id(), ThreadOf(object)}];
      amount.bytes += weight;
      amount.objects += static_cast<double>(weight) / static_cast<double>(size);
      sizes[object.stack_id()][static_cast<std::uint64_t>(size)] += 1;
    }
    for (const auto& [key, amount] : amounts)
      StackOf(key.first).live.push_back({key.second, amount});
    for (const auto& [stack, drawn] : sizes) {
      Stack& of = StackOf(stack);
      for (const auto& [size, objects] : drawn) of.drawn.push_back({objects, objects * size});
    }
  }

  double AllocatedObjects(const Stack& stack) const {
    const Amount live = stack.LiveOfAll();
    const auto bytes = static_cast<double>(stack.allocated.bytes);
    if (live.objects > 0 && live.bytes > 0)
      return bytes * live.objects / static_cast<double>(live.bytes);
    if (stack.allocated_samples == 0) return 0;
    const auto interval = static_cast<double>(profile_.interval.count);
    return bytes / SizeOfWeight(bytes / static_cast<double>(stack.allocated_samples), interval);
  }

  const recorder::Recording& recording_;
  evidence::FrameNamer namer_;
  evidence::ModuleMap modules_;
  Families families_;
  Profile profile_;
  std::unordered_map<std::uint32_t, std::size_t> mapping_of_, index_;
  std::unordered_map<std::uint64_t, std::size_t> frames_;
  std::unordered_map<const proto::Thread*, std::size_t> threads_;
};

}  // namespace

Amount Stack::LiveOfAll() const {
  Amount sum;
  for (const exports::Live& of : live) {
    sum.bytes += of.amount.bytes;
    sum.objects += of.amount.objects;
  }
  return sum;
}

Amount Profile::Live() const {
  Amount sum;
  for (const Stack& stack : stacks) {
    const Amount live = stack.LiveOfAll();
    sum.bytes += live.bytes;
    sum.objects += live.objects;
  }
  return sum;
}

Amount Profile::Allocated() const {
  Amount sum;
  for (const Stack& stack : stacks) {
    sum.bytes += stack.allocated.bytes;
    sum.objects += stack.allocated.objects;
  }
  return sum;
}

Profile ProfileOfRecording(const recorder::Recording& recording) {
  return Builder(recording).Build();
}

Profile ProfileOfHeapProfile(const evidence::HeapProfile& profile, evidence::SymbolFolders* symbols,
                             std::vector<std::string>* remarks) {
  Profile made;
  made.subject = "heap profile";
  made.interval = Bytes{static_cast<std::int64_t>(profile.exact ? 1 : profile.interval)};
  made.end = profile.taken;
  for (const evidence::HeapProfile::Mapping& mapping : profile.mappings)
    made.mappings.push_back(
        {mapping.start, mapping.limit, mapping.offset, mapping.path, mapping.build_id});
  std::vector<std::vector<evidence::SiteFrame>> names =
      evidence::NameLocations(profile, symbols, remarks);
  for (std::size_t i = 0; i < profile.locations.size(); ++i) {
    const evidence::HeapProfile::Location& location = profile.locations[i];
    Frame frame;
    // Of the reader, inside of the call.
    if (location.address != 0) frame.address = location.address + 1;
    if (const auto* mapping = profile.MappingOf(location))
      frame.mapping = static_cast<std::size_t>(mapping - profile.mappings.data());
    frame.names = std::move(names[i]);
    if (frame.names.empty()) frame.names.emplace_back();
    made.frames.push_back(std::move(frame));
  }
  made.threads.emplace_back();
  made.live_known = profile.has_live;
  made.allocated_known = profile.has_allocated;
  const auto interval = static_cast<double>(made.interval.count);
  for (const evidence::HeapProfile::Stack& stack : profile.stacks) {
    Stack of;
    of.frames.assign(stack.locations.begin(), stack.locations.end());
    of.in_rocksdb = std::any_of(of.frames.begin(), of.frames.end(), [&](std::size_t frame) {
      return made.frames[frame].names.front().rocksdb;
    });
    const auto bytes = [](double amount) {
      return static_cast<std::int64_t>(std::llround(std::clamp(amount, 0.0, 9.0e15)));
    };
    of.allocated = {bytes(stack.allocated.bytes), stack.allocated.objects};
    const auto drawn = [interval](const Amount& amount) -> std::uint64_t {
      if (amount.bytes <= 0 || amount.objects <= 0) return 0;
      const double size = static_cast<double>(amount.bytes) / amount.objects;
      const double chance = interval > 1 ? -std::expm1(-size / interval) : 1;
      return static_cast<std::uint64_t>(std::max(1.0, std::round(amount.objects * chance)));
    };
    of.allocated_samples = drawn(of.allocated);
    const Amount live = {bytes(stack.live.bytes), stack.live.objects};
    if (live.bytes > 0) {
      of.live.push_back({0, live});
      const std::uint64_t samples = drawn(live);
      const double weight = static_cast<double>(live.bytes) / static_cast<double>(samples);
      if (samples > 0) {
        const double size = SizeOfWeight(weight, interval);
        of.drawn.push_back({samples, static_cast<std::uint64_t>(
                                         std::llround(size * static_cast<double>(samples)))});
      }
    }
    made.stacks.push_back(std::move(of));
  }
  return made;
}

std::string NameOf(const evidence::SiteFrame& frame) {
  std::string name = render::Inert(frame.function, true);
  if (name.find_first_not_of(' ') == std::string::npos) return "(no name)";
  return name;
}

double SizeOfWeight(double weight, double interval) {
  if (interval <= 1) return std::max(1.0, weight);
  // weight = size / (1 - exp(-size / interval)) grows with size from the interval on, with a slope of 1/2 to 1.
  double low = 1, high = std::max(2.0, weight);
  for (int i = 0; i < 60; ++i) {
    const double middle = (low + high) / 2;
    (middle / -std::expm1(-middle / interval) < weight ? low : high) = middle;
  }
  return low;
}

}  // namespace wrackline::exports
