#include "analyzer/evidence/improve_names.h"

#include <fmt/core.h>

#include <algorithm>
#include <cstdint>
#include <map>
#include <memory>
#include <set>

#include "analyzer/evidence/java_frames.h"
#include "analyzer/evidence/module_map.h"
#include "lib/recorder/fold.h"
#include "lib/symbols/compressed_section.h"
#include "lib/symbols/elf.h"
#include "lib/symbols/line_table.h"

namespace wrackline::evidence {
namespace {

constexpr std::size_t kNamedModules = 5;  // of those without an object, in the remark

std::string HexOf(const std::string& bytes) {
  std::string hex;
  for (const char byte : bytes) hex += fmt::format("{:02x}", static_cast<unsigned char>(byte));
  return hex;
}

std::string BaseName(const std::string& path) { return path.substr(path.rfind('/') + 1); }

// One frame that lacks something.
struct Frame {
  std::uint64_t pc = 0;
  bool wants_name = false, wants_line = false;
  std::uint32_t module_id = 0;  // 0: in none
};

std::vector<Frame> FramesThatLack(const recorder::Recording& recording) {
  std::set<std::uint64_t> pcs;
  for (const auto& [id, stack] : recording.stacks) {
    pcs.insert(stack.frames.begin(), stack.frames.end());
  }
  std::vector<Frame> frames;  // by pc
  for (const std::uint64_t pc : pcs) {
    if (IsJavaFrame(pc)) continue;  // no object file knows it
    Frame frame{pc, true, true, 0};
    const auto known = recording.frame_names.find(pc);
    if (known != recording.frame_names.end()) {
      frame.wants_name = known->second.symbol().empty();
      frame.wants_line = !known->second.has_line();
      frame.module_id = known->second.module_id();
    }
    if (pc != 0 && (frame.wants_name || frame.wants_line)) frames.push_back(frame);
  }
  return frames;
}

// Which module each frame is in, where it was not named while that was there.
void Place(const recorder::Recording& recording, std::vector<Frame>* frames) {
  const ModuleMap modules(recording);
  for (Frame& frame : *frames) {
    if (recording.modules.find(frame.module_id) != recording.modules.end()) continue;
    const proto::Module* module = modules.Of(frame.pc);
    frame.module_id = module == nullptr ? 0 : module->id();
  }
}

// The files of one build, those with a full symbol table first.
using Objects = std::vector<std::unique_ptr<symbols::ElfFile>>;
Objects OpenAll(const std::vector<std::string>& paths) {
  Objects objects;
  for (const std::string& path : paths) {
    auto object = std::make_unique<symbols::ElfFile>();
    if (object->Open(path.c_str()) == 0) objects.push_back(std::move(object));
  }
  std::stable_partition(objects.begin(), objects.end(),
                        [](const auto& object) { return object->HasSymbolTable(); });
  return objects;
}

class Improver {
 public:
  Improver(const proto::Module& module, recorder::Recording* recording, Improvement* out)
      : module_(module), recording_(recording), out_(out) {}

  void AddNames(const symbols::ElfFile& object, std::vector<Frame>* frames) {
    std::vector<Frame*> wanted;
    std::vector<symbols::ElfFile::Query> queries;
    for (Frame& frame : *frames) {
      if (!frame.wants_name) continue;
      wanted.push_back(&frame);
      queries.push_back({Address(frame), nullptr, 0});
    }
    object.Resolve(queries.data(), queries.size());
    for (std::size_t i = 0; i < queries.size(); ++i) {
      if (queries[i].symbol == nullptr || *queries[i].symbol == '\0') continue;
      proto::FrameName& name = NameOf(*wanted[i]);
      name.set_symbol(recorder::RepairUtf8(queries[i].symbol));
      name.set_offset(queries[i].offset + 1);
      wanted[i]->wants_name = false;
      ++out_->named;
    }
  }

  void AddLines(const symbols::ElfFile& object, std::vector<Frame>* frames) {
    symbols::AnyLineTable lines;
    if (!lines.Open(object)) return;
    std::vector<Frame*> wanted;
    std::vector<symbols::LineQuery> queries;
    for (Frame& frame : *frames) {
      if (!frame.wants_line) continue;
      wanted.push_back(&frame);
      queries.push_back({Address(frame), 0, 0, 0, false});
    }
    if (queries.empty()) return;
    std::string text(queries.size() * symbols::LineTable::kMaxPath, '\0');
    symbols::LinePaths paths{text.data(), text.size(), 0, false};
    for (std::uint64_t at = 0; at < lines.table().size();) {
      at = lines.table().Resolve(at, 1 << 24, queries.data(), queries.size(), &paths);
    }
    for (std::size_t i = 0; i < queries.size(); ++i) {
      if (queries[i].line == 0) continue;
      proto::FrameName& name = NameOf(*wanted[i]);
      name.set_file(recorder::RepairUtf8(text.c_str() + queries[i].file));
      name.set_line(queries[i].line);
      wanted[i]->wants_line = false;
      ++out_->lined;
    }
  }

 private:
  std::uint64_t Address(const Frame& frame) const { return frame.pc - 1 - module_.bias(); }

  proto::FrameName& NameOf(const Frame& frame) {
    proto::FrameName& name = recording_->frame_names[frame.pc];
    name.set_pc(frame.pc);
    name.set_module_id(module_.id());
    return name;
  }

  const proto::Module& module_;
  recorder::Recording* const recording_;
  Improvement* const out_;
};

std::uint64_t Less(std::uint64_t from, std::uint64_t amount) {
  return from - std::min(from, amount);
}

void Summarize(const std::vector<std::string>& without, Improvement* out) {
  std::string text =
      fmt::format("--symbols: {} frames named, {} lines found", out->named, out->lined);
  if (!without.empty()) {
    text += "; no object of the right build for ";
    for (std::size_t i = 0; i < without.size() && i < kNamedModules; ++i)
      text += (i == 0 ? "" : ", ") + without[i];
    if (without.size() > kNamedModules)
      text += fmt::format(" and {} more", without.size() - kNamedModules);
  }
  out->remarks.push_back(std::move(text));
}

}  // namespace

Improvement ImproveNames(SymbolFolders* folders, recorder::Recording* recording) {
  Improvement improvement;
  std::vector<Frame> frames = FramesThatLack(*recording);
  Place(*recording, &frames);
  std::map<std::uint32_t, std::vector<Frame>> by_module;
  for (const Frame& frame : frames) by_module[frame.module_id].push_back(frame);

  std::vector<std::string> without;
  for (auto& [id, lacking] : by_module) {
    const auto module = recording->modules.find(id);
    if (module == recording->modules.end() || module->second.path().rfind('/', 0) != 0) continue;
    const std::string name = BaseName(module->second.path());
    const std::string build_id = HexOf(module->second.build_id());
    const Objects objects = OpenAll(folders->Find(build_id));
    if (objects.empty()) {
      if (const auto other = folders->OtherBuild(name, build_id)) {
        improvement.remarks.push_back(fmt::format(
            "--symbols: {} is not used: its build id is {}, that of the recorded {} is {}",
            other->path, other->build_id.empty() ? "absent" : other->build_id, name,
            build_id.empty() ? "absent" : build_id));
      }
      without.push_back(name);
      continue;
    }
    Improver improver(module->second, recording, &improvement);
    for (const auto& object : objects) improver.AddNames(*object, &lacking);
    for (const auto& object : objects) improver.AddLines(*object, &lacking);
  }
  if (!folders->remark().empty()) improvement.remarks.push_back(folders->remark());
  Summarize(without, &improvement);

  proto::Losses& losses = recording->losses;
  losses.set_frames_unnamed(Less(losses.frames_unnamed(), improvement.named));
  losses.set_lines_unread(Less(losses.lines_unread(), improvement.lined));
  return improvement;
}

}  // namespace wrackline::evidence
