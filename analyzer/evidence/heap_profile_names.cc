#include "analyzer/evidence/heap_profile_names.h"

#include <elf.h>
#include <fmt/core.h>

#include <algorithm>
#include <cstring>
#include <map>
#include <memory>
#include <optional>
#include <tuple>

#include "analyzer/evidence/frame_namer.h"
#include "lib/symbols/compressed_section.h"
#include "lib/symbols/elf.h"
#include "lib/symbols/line_table.h"

namespace wrackline::evidence {
namespace {

constexpr std::size_t kMaxProgramHeaders = 128;
constexpr std::size_t kMostObjects = 4;  // of one name: more are no help
constexpr std::size_t kNamedModules = 5;

std::string BaseName(const std::string& path) { return path.substr(path.rfind('/') + 1); }

// An address by its place in the mapped file.
struct Place {
  std::size_t location = 0;
  std::uint64_t offset = 0;   // in the file
  std::uint64_t address = 0;  // as the object counts; 0: not known
  bool named = false;
};

// Where the object wants what lies at `offset` of its file: most linkers keep the two alike, lld does
// not, and a program that is not position independent begins at an address of its own.
class Segments {
 public:
  explicit Segments(const symbols::ElfFile& object) {
    Elf64_Ehdr header;
    if (!object.ReadAt(0, &header, sizeof header) || header.e_phentsize != sizeof(Elf64_Phdr))
      return;
    const std::size_t count = std::min<std::size_t>(header.e_phnum, kMaxProgramHeaders);
    for (std::size_t i = 0; i < count; ++i) {
      Elf64_Phdr segment;
      if (header.e_phoff > object.length() ||
          !object.ReadAt(header.e_phoff + i * sizeof segment, &segment, sizeof segment))
        return;
      if (segment.p_type == PT_LOAD) loads_.push_back(segment);
    }
  }

  // Whether the file has the code that its headers describe: a separate debug file has not, and its offsets mean nothing.
  bool HasCode() const {
    return std::any_of(loads_.begin(), loads_.end(), [](const Elf64_Phdr& segment) {
      return (segment.p_flags & PF_X) != 0 && segment.p_filesz > 0;
    });
  }

  std::optional<std::uint64_t> AddressOf(std::uint64_t offset) const {
    for (const Elf64_Phdr& segment : loads_) {
      if (offset >= segment.p_offset && offset - segment.p_offset < segment.p_filesz)
        return offset - segment.p_offset + segment.p_vaddr;
    }
    if (loads_.empty()) return offset;
    if (HasCode()) return std::nullopt;
    // A debug file alone: GNU's linkers keep offsets and addresses one distance apart, and begin code at a page. lld does neither.
    constexpr std::uint64_t kPage = 4096;
    const auto code = std::find_if(loads_.begin(), loads_.end(), [](const Elf64_Phdr& segment) {
      return (segment.p_flags & PF_X) != 0;
    });
    if (code == loads_.end() || code->p_vaddr % kPage != 0) return std::nullopt;
    return offset + loads_.front().p_vaddr;
  }

 private:
  std::vector<Elf64_Phdr> loads_;
};

void AddNames(const symbols::ElfFile& object, std::vector<Place>* places,
              std::vector<std::vector<SiteFrame>>* frames) {
  std::vector<symbols::ElfFile::Query> queries;
  for (const Place& place : *places) queries.push_back({place.address, nullptr, 0});
  object.Resolve(queries.data(), queries.size());
  for (std::size_t i = 0; i < queries.size(); ++i) {
    Place& place = (*places)[i];
    if (place.named || place.address == 0 || queries[i].symbol == nullptr ||
        *queries[i].symbol == '\0')
      continue;
    NameNative(queries[i].symbol, &(*frames)[place.location].front());
    place.named = true;
  }
}

void AddLines(const symbols::ElfFile& object, const std::vector<Place>& places,
              std::vector<std::vector<SiteFrame>>* frames) {
  symbols::AnyLineTable lines;
  if (!lines.Open(object)) return;
  std::vector<symbols::LineQuery> queries;
  queries.reserve(places.size());
  for (const Place& place : places) queries.push_back({place.address, 0, 0, 0, false});
  std::string text(std::min<std::size_t>(queries.size(), 16384) * symbols::LineTable::kMaxPath,
                   '\0');
  symbols::LinePaths paths{text.data(), text.size(), 0, false};
  for (std::uint64_t at = 0; at < lines.table().size();)
    at = lines.table().Resolve(at, 1 << 24, queries.data(), queries.size(), &paths);
  for (std::size_t i = 0; i < queries.size(); ++i) {
    SiteFrame& frame = (*frames)[places[i].location].front();
    if (queries[i].line == 0 || frame.line != 0 || places[i].address == 0) continue;
    frame.file = text.c_str() + queries[i].file;
    frame.line = queries[i].line;
  }
}

// Names what lies in one file; false: no object of it was found.
bool NameModule(const HeapProfile::Mapping& mapping, SymbolFolders* symbols,
                std::vector<Place>* places, std::vector<std::vector<SiteFrame>>* frames) {
  std::vector<std::string> paths = mapping.build_id.empty() ? symbols->FindByName(mapping.path)
                                                            : symbols->Find(mapping.build_id);
  if (paths.size() > kMostObjects) paths.resize(kMostObjects);
  std::vector<std::unique_ptr<symbols::ElfFile>> objects;
  for (const std::string& path : paths) {
    auto object = std::make_unique<symbols::ElfFile>();
    if (object->Open(path.c_str()) == 0) objects.push_back(std::move(object));
  }
  std::stable_partition(objects.begin(), objects.end(),
                        [](const auto& object) { return object->HasSymbolTable(); });
  // The address of a place is the same for all files of a build; which of them knows it is not.
  const auto with_code = std::find_if(objects.begin(), objects.end(), [](const auto& object) {
    return Segments(*object).HasCode();
  });
  const bool one_build = !mapping.build_id.empty();
  for (const auto& object : objects) {
    const Segments segments(one_build && with_code != objects.end() ? **with_code : *object);
    for (Place& place : *places) place.address = segments.AddressOf(place.offset).value_or(0);
    std::sort(places->begin(), places->end(),
              [](const Place& a, const Place& b) { return a.address < b.address; });
    AddNames(*object, places, frames);
    AddLines(*object, *places, frames);
  }
  return !objects.empty();
}

// A name as profiles have it: C++ mangled or not, C, Go ("main.(*Tree).grow"), Java, Rust.
void NameGiven(const HeapProfile::Line& line, SiteFrame* frame) {
  NameNative(line.function, frame);
  // What follows the closing bracket of Go's receiver is no argument list's end.
  if (line.function.find(".(*") != std::string::npos) frame->function = line.function;
  frame->file = line.file;
  frame->line = line.line;
}

void Summarize(const std::vector<std::string>& by_name, const std::vector<std::string>& without,
               std::vector<std::string>* remarks) {
  const auto add = [remarks](const char* what, const std::vector<std::string>& names) {
    if (names.empty()) return;
    std::string text = what;
    for (std::size_t i = 0; i < names.size() && i < kNamedModules; ++i)
      text += (i == 0 ? " " : ", ") + names[i];
    if (names.size() > kNamedModules)
      text += fmt::format(" and {} more", names.size() - kNamedModules);
    remarks->push_back(std::move(text));
  };
  add("--symbols: the profile has no build ids, so these were found by their names, whatever build "
      "they are:",
      by_name);
  add("--symbols: no object for", without);
}

}  // namespace

std::vector<std::vector<SiteFrame>> NameLocations(const HeapProfile& profile,
                                                  SymbolFolders* symbols,
                                                  std::vector<std::string>* remarks) {
  std::vector<std::vector<SiteFrame>> frames(profile.locations.size());
  // By the file, whatever the part of it that is mapped.
  std::map<std::pair<std::string, std::string>, std::vector<Place>> unnamed;
  for (std::size_t i = 0; i < profile.locations.size(); ++i) {
    const HeapProfile::Location& location = profile.locations[i];
    const HeapProfile::Mapping* mapping = profile.MappingOf(location);
    const std::string module = mapping == nullptr ? std::string() : BaseName(mapping->path);
    for (const HeapProfile::Line& line : location.lines) {
      if (line.function.empty()) continue;
      SiteFrame frame;
      frame.module = module;
      NameGiven(line, &frame);
      frames[i].push_back(std::move(frame));
    }
    if (!frames[i].empty()) continue;
    SiteFrame frame;
    frame.module = module;
    if (module.empty() || location.address < mapping->start) {
      frame.function = fmt::format("{:#x}", location.address);
    } else {
      const std::uint64_t offset = location.address - mapping->start + mapping->offset;
      frame.function = fmt::format("{}+{:#x}", module, offset);
      unnamed[{mapping->path, mapping->build_id}].push_back({i, offset, 0, false});
    }
    frames[i].push_back(std::move(frame));
  }
  if (symbols != nullptr) {
    std::vector<std::string> by_name, without;
    for (auto& [file, places] : unnamed) {
      HeapProfile::Mapping mapping;
      std::tie(mapping.path, mapping.build_id) = file;
      if (mapping.path.substr(0, 1) != "/") continue;  // [vdso]
      if (!NameModule(mapping, symbols, &places, &frames)) {
        without.push_back(BaseName(mapping.path));
      } else if (mapping.build_id.empty()) {
        by_name.push_back(BaseName(mapping.path));
      }
    }
    if (remarks != nullptr) {
      Summarize(by_name, without, remarks);
      if (!symbols->remark().empty()) remarks->push_back(symbols->remark());
    }
  }
  for (std::vector<SiteFrame>& inlined : frames) {
    for (SiteFrame& frame : inlined) frame.rocksdb |= frame.module.rfind("librocksdb", 0) == 0;
  }
  return frames;
}

}  // namespace wrackline::evidence
