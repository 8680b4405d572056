#include "preload/modules.h"

#include <elf.h>
#include <fcntl.h>
#include <unistd.h>
#include <wrackline_nanopb/wrackline.pb.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "lib/container/process.h"
#include "lib/symbols/elf.h"
#include "preload/clock.h"
#include "preload/pages.h"
#include "preload/text.h"

namespace wrackline::preload {
namespace {

constexpr std::size_t kMaxProgramHeaders = 64;

// Another process's memory, or our own, by read: a hole is an error, not a fault.
class Memory {
 public:
  explicit Memory(const char* pid) {
    Text<64> path;
    descriptor_ =
        open(path.Append("/proc/").Append(pid).Append("/mem").c_str(), O_RDONLY | O_CLOEXEC);
  }
  Memory(const Memory&) = delete;
  Memory& operator=(const Memory&) = delete;
  ~Memory() {
    if (descriptor_ >= 0) close(descriptor_);
  }
  int descriptor() const { return descriptor_; }
  bool Read(std::uint64_t address, void* out, std::size_t size) const {
    return pread(descriptor_, out, size, static_cast<off_t>(address)) == static_cast<ssize_t>(size);
  }

 private:
  int descriptor_ = -1;
};

// The build id is read by lib/symbols from memory at bias + vaddr; the notes are copied here first,
// because the object may go away at any moment, and the copied program headers are pointed at the
// copy (with bias 0).
void ReadBuildId(const Memory& memory, const Elf64_Phdr* headers, std::size_t count,
                 std::uint64_t bias, ModuleInfo* out) {
  alignas(8) unsigned char notes[4096];
  for (std::size_t i = 0; i < count && out->build_id_length == 0; ++i) {
    if (headers[i].p_type != PT_NOTE || headers[i].p_memsz > sizeof(notes)) continue;
    if (!memory.Read(bias + headers[i].p_vaddr, notes, headers[i].p_memsz)) continue;
    Elf64_Phdr copied[2] = {headers[i], headers[i]};
    copied[0].p_vaddr = reinterpret_cast<std::uint64_t>(notes);
    copied[0].p_filesz = copied[0].p_memsz;
    copied[1] = copied[0];
    copied[1].p_type = PT_LOAD;
    copied[1].p_flags = PF_R;
    out->build_id_length = static_cast<std::uint8_t>(
        symbols::BuildIdFromMemory(copied, 2, 0, out->build_id, sizeof(out->build_id)));
  }
}

// Reads the object whose first page is at out->start. False: no ELF object that is loaded whole.
bool ReadObject(const Memory& memory, ModuleInfo* out) {
  Elf64_Ehdr header;
  if (!memory.Read(out->start, &header, sizeof(header))) return false;
  if (std::memcmp(header.e_ident, ELFMAG, SELFMAG) != 0 || header.e_ident[EI_CLASS] != ELFCLASS64 ||
      header.e_phentsize != sizeof(Elf64_Phdr) || header.e_phnum == 0 ||
      header.e_phnum > kMaxProgramHeaders) {
    return false;
  }
  Elf64_Phdr headers[kMaxProgramHeaders];
  if (!memory.Read(out->start + header.e_phoff, headers, header.e_phnum * sizeof(Elf64_Phdr))) {
    return false;
  }
  constexpr std::uint64_t kPageMask = ~std::uint64_t{4095};
  bool found = false;
  std::uint64_t last = 0;
  for (std::size_t i = 0; i < header.e_phnum; ++i) {
    if (headers[i].p_type != PT_LOAD) continue;
    if (!found) {
      if ((headers[i].p_offset & kPageMask) != 0) return false;
      out->bias = out->start - (headers[i].p_vaddr & kPageMask);
      found = true;
    }
    last = std::max(last, headers[i].p_vaddr + headers[i].p_memsz);
  }
  if (!found) return false;
  out->end = (out->bias + last + 4095) & kPageMask;
  if (out->end <= out->start) return false;
  ReadBuildId(memory, headers, header.e_phnum, out->bias, out);
  return true;
}

// Feeds the lines of maps one by one: the first page of a file is a candidate, and an executable
// mapping of the same file behind it makes it a loaded object.
class Scanner {
 public:
  Scanner(const Memory& memory, const ModuleScan* before, ModuleScan* out)
      : memory_(memory), before_(before), out_(out) {}

  void Line(const char* line, std::size_t length) {
    if (!container::ParseMappingLine(line, length, &mapping_)) return;
    const bool vdso = std::strcmp(mapping_.name, "[vdso]") == 0;
    if (mapping_.name[0] != '/' && !vdso) return;
    if (mapping_.offset == 0 || mapping_.inode != inode_ ||
        std::strcmp(mapping_.name, name_) != 0) {
      start_ = mapping_.start;
      inode_ = mapping_.inode;
      CopyText(name_, sizeof(name_), mapping_.name);
      taken_ = mapping_.offset != 0;
    }
    if (!taken_ && mapping_.permissions[2] == 'x') Take();
  }

 private:
  void Take() {
    taken_ = true;
    if (out_->count == ModuleScan::kCapacity) {
      ++out_->no_room;
      return;
    }
    ModuleInfo* info = &out_->modules[out_->count];
    std::memset(info, 0, sizeof(*info));
    info->start = start_;
    info->inode = inode_;
    CopyText(info->path, sizeof(info->path), name_);
    constexpr char kDeleted[] = " (deleted)";
    const std::size_t length = std::strlen(info->path);
    if (length > sizeof(kDeleted) &&
        std::strcmp(info->path + length - (sizeof(kDeleted) - 1), kDeleted) == 0) {
      info->path[length - (sizeof(kDeleted) - 1)] = '\0';
    }
    if (TakeKnown(info) || ReadObject(memory_, info)) ++out_->count;
  }

  // Both scans are in the order of addresses.
  bool TakeKnown(ModuleInfo* info) {
    if (before_ == nullptr) return false;
    while (known_ < before_->count && before_->modules[known_].start < info->start) ++known_;
    if (known_ == before_->count) return false;
    const ModuleInfo& known = before_->modules[known_];
    if (known.start != info->start || known.inode != info->inode ||
        std::strcmp(known.path, info->path) != 0) {
      return false;
    }
    *info = known;
    return true;
  }

  const Memory& memory_;
  const ModuleScan* before_;
  std::uint32_t known_ = 0;  // the first of them that may be met yet
  ModuleScan* out_;
  container::Mapping mapping_{};
  std::uint64_t start_ = 0;
  std::uint64_t inode_ = 0;
  char name_[512] = {};
  bool taken_ = true;
};

bool SameObject(const ModuleInfo& a, const ModuleInfo& b) {
  return a.start == b.start && a.end == b.end && a.inode == b.inode &&
         a.build_id_length == b.build_id_length &&
         std::memcmp(a.build_id, b.build_id, a.build_id_length) == 0 &&
         std::strcmp(a.path, b.path) == 0;
}

}  // namespace

int ScanModules(const char* pid, ModuleScan* out, const ModuleScan* before) {
  out->count = 0;
  out->no_room = 0;
  const Memory memory(pid);
  if (memory.descriptor() < 0) return errno;
  Text<64> path;
  path.Append("/proc/").Append(pid).Append("/maps");
  const int maps = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (maps < 0) return errno;
  Scanner scanner(memory, before, out);
  // A line of maps is at most a path of 4096 bytes and some 80 more.
  char buffer[8192];
  std::size_t used = 0;
  for (;;) {
    const ssize_t got = read(maps, buffer + used, sizeof(buffer) - used);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) break;
    used += static_cast<std::size_t>(got);
    std::size_t line = 0;
    while (const void* end = std::memchr(buffer + line, '\n', used - line)) {
      const std::size_t length =
          static_cast<std::size_t>(static_cast<const char*>(end) - (buffer + line));
      scanner.Line(buffer + line, length);
      line += length + 1;
    }
    if (line == 0 && used == sizeof(buffer)) line = used;  // no line of maps: skip it
    std::memmove(buffer, buffer + line, used - line);
    used -= line;
  }
  close(maps);
  return 0;
}

int ModuleTable::Open() {
  modules_ = MapArray<Module>(kCapacity);
  by_address_ = MapArray<std::uint32_t>(kCapacity);
  return modules_ != nullptr && by_address_ != nullptr ? 0 : ENOMEM;
}

void ModuleTable::Merge(const ModuleScan& scan) {
  for (std::uint32_t i = 0; i < count_; ++i) modules_[i].seen = false;
  for (std::uint32_t i = 0; i < scan.count; ++i) {
    const ModuleInfo& info = scan.modules[i];
    // Among the loaded ones by address first; then one that came back to its old place.
    const Module* known = Find(info.start);
    Module* same =
        known != nullptr && SameObject(known->info, info) ? &modules_[known->id - 1] : nullptr;
    for (std::uint32_t j = 0; same == nullptr && j < count_; ++j) {
      if (SameObject(modules_[j].info, info)) same = &modules_[j];
    }
    if (same == nullptr) {
      if (count_ == kCapacity) {
        ++full_;
        continue;
      }
      same = &modules_[count_++];
      same->info = info;
      same->id = count_;
      same->unwritten = true;
    }
    if (!same->loaded) same->unwritten = true;
    same->loaded = true;
    same->seen = true;
  }
  full_ += scan.no_room;
  loaded_ = 0;
  for (std::uint32_t i = 0; i < count_; ++i) {
    if (modules_[i].loaded && !modules_[i].seen) {
      modules_[i].loaded = false;
      modules_[i].unwritten = true;
    }
    if (modules_[i].loaded) by_address_[loaded_++] = i;
  }
  std::sort(by_address_, by_address_ + loaded_, [this](std::uint32_t a, std::uint32_t b) {
    return modules_[a].info.start < modules_[b].info.start;
  });
}

const ModuleTable::Module* ModuleTable::Find(std::uint64_t address) const {
  const std::uint32_t* end = by_address_ + loaded_;
  const std::uint32_t* above =
      std::upper_bound(static_cast<const std::uint32_t*>(by_address_), end, address,
                       [this](std::uint64_t wanted, std::uint32_t index) {
                         return wanted < modules_[index].info.start;
                       });
  if (above == by_address_) return nullptr;
  const Module& module = modules_[above[-1]];
  return address < module.info.end ? &module : nullptr;
}

void ModuleTable::NewFile() {
  for (std::uint32_t i = 0; i < count_; ++i) modules_[i].unwritten = true;
}

bool ModuleTable::Put(const Module& module, StateSink& sink) const {
  wrackline_proto_Record record = wrackline_proto_Record_init_zero;
  record.time_ns = RealtimeNs();
  record.which_body = wrackline_proto_Record_module_tag;
  wrackline_proto_Module& body = record.body.module;
  body.id = module.id;
  body.start = module.info.start;
  body.end = module.info.end;
  body.bias = module.info.bias;
  CopyText(body.path, sizeof(body.path), module.info.path);
  body.build_id.size = module.info.build_id_length;
  std::memcpy(body.build_id.bytes, module.info.build_id, module.info.build_id_length);
  body.unloaded = !module.loaded;
  return sink.Put(record);
}

void ModuleTable::PutChanges(StateSink& sink) {
  for (std::uint32_t i = 0; i < count_; ++i) {
    if (!modules_[i].unwritten) continue;
    if (!Put(modules_[i], sink)) return;
    modules_[i].unwritten = false;
  }
}

bool ModuleTable::Emit(std::uint64_t* index, StateSink& sink) const {
  for (; *index < count_; ++*index) {
    if (sink.Full() || !Put(modules_[*index], sink)) return false;
  }
  return true;
}

std::size_t ModuleTable::resident_bytes() const {
  return ResidentBytes(modules_, kCapacity * sizeof(Module)) +
         ResidentBytes(by_address_, kCapacity * sizeof(std::uint32_t));
}

}  // namespace wrackline::preload
