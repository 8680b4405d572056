#include "preload/modules.h"

#include <dlfcn.h>
#include <gtest/gtest.h>
#include <link.h>
#include <sys/mman.h>

#include <cstring>
#include <map>
#include <memory>
#include <string>

namespace wrackline::preload {
namespace {

struct Expected {
  std::uint64_t bias = 0;
  std::uint64_t end = 0;
  std::string build_id;
};

int Collect(dl_phdr_info* info, std::size_t, void* out) {
  Expected expected;
  expected.bias = info->dlpi_addr;
  std::uint64_t start = UINT64_MAX;
  for (int i = 0; i < info->dlpi_phnum; ++i) {
    const ElfW(Phdr)& header = info->dlpi_phdr[i];
    if (header.p_type == PT_LOAD) {
      start = std::min<std::uint64_t>(start, info->dlpi_addr + (header.p_vaddr & ~4095ull));
      expected.end = (info->dlpi_addr + header.p_vaddr + header.p_memsz + 4095) & ~4095ull;
    }
    if (header.p_type != PT_NOTE) continue;
    const char* at = reinterpret_cast<const char*>(info->dlpi_addr + header.p_vaddr);
    const char* end = at + header.p_memsz;
    const std::size_t alignment = header.p_align == 8 ? 8 : 4;
    while (at + 12 <= end) {
      const auto* note = reinterpret_cast<const ElfW(Nhdr)*>(at);
      const char* name = at + 12;
      const char* value = name + (note->n_namesz + alignment - 1) / alignment * alignment;
      if (note->n_type == NT_GNU_BUILD_ID && std::memcmp(name, "GNU", 4) == 0) {
        expected.build_id.assign(value, note->n_descsz);
      }
      at = value + (note->n_descsz + alignment - 1) / alignment * alignment;
    }
  }
  (*static_cast<std::map<std::uint64_t, Expected>*>(out))[start] = expected;
  return 0;
}

TEST(Modules, AgreeWithTheLoaderOnEveryObject) {
  std::map<std::uint64_t, Expected> expected;
  dl_iterate_phdr(Collect, &expected);
  const auto scan = std::make_unique<ModuleScan>();
  ASSERT_EQ(ScanModules("self", scan.get()), 0);
  EXPECT_EQ(scan->no_room, 0u);
  EXPECT_EQ(scan->count, expected.size());
  for (std::uint32_t i = 0; i < scan->count; ++i) {
    const ModuleInfo& module = scan->modules[i];
    ASSERT_EQ(expected.count(module.start), 1u) << module.path;
    const Expected& object = expected[module.start];
    EXPECT_EQ(module.bias, object.bias) << module.path;
    EXPECT_EQ(module.end, object.end) << module.path;
    EXPECT_EQ(std::string(reinterpret_cast<const char*>(module.build_id), module.build_id_length),
              object.build_id)
        << module.path;
  }
}

TEST(Modules, NoSuchProcessIsAnError) {
  const auto scan = std::make_unique<ModuleScan>();
  EXPECT_NE(ScanModules("4194305", scan.get()), 0);
  EXPECT_EQ(scan->count, 0u);
}

TEST(Modules, AnExecutableFileThatIsNoObjectIsSkipped) {
  // A page of this test's data mapped executable, as JIT caches and CDS archives are.
  const int file = memfd_create("data", 0);
  ASSERT_EQ(ftruncate(file, 4096), 0);
  void* page = mmap(nullptr, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, file, 0);
  ASSERT_NE(page, MAP_FAILED);
  const auto scan = std::make_unique<ModuleScan>();
  ASSERT_EQ(ScanModules("self", scan.get()), 0);
  for (std::uint32_t i = 0; i < scan->count; ++i) {
    EXPECT_NE(scan->modules[i].start, reinterpret_cast<std::uint64_t>(page));
  }
  munmap(page, 4096);
  close(file);
}

TEST(Modules, WhatAnEarlierScanHasIsTakenFromThere) {
  const auto before = std::make_unique<ModuleScan>();
  const auto scan = std::make_unique<ModuleScan>();
  ASSERT_EQ(ScanModules("self", before.get()), 0);
  ASSERT_GE(before->count, 4u);
  ASSERT_EQ(ScanModules("self", scan.get(), before.get()), 0);
  ASSERT_EQ(scan->count, before->count);
  EXPECT_EQ(std::memcmp(scan->modules, before->modules, scan->count * sizeof(ModuleInfo)), 0);
  // Another file, another name, or gone from its place: that is read. The last one is the earlier scan's word.
  const ModuleInfo other_file = before->modules[0], other_name = before->modules[1],
                   moved = before->modules[2], kept = before->modules[3];
  ++before->modules[0].inode;
  before->modules[1].path[1] = '?';
  --before->modules[2].start;
  for (std::uint32_t i = 0; i < 4; ++i) before->modules[i].bias = 1;
  ASSERT_EQ(ScanModules("self", scan.get(), before.get()), 0);
  ASSERT_EQ(scan->count, before->count);
  EXPECT_EQ(scan->modules[0].bias, other_file.bias);
  EXPECT_EQ(scan->modules[1].bias, other_name.bias);
  EXPECT_EQ(scan->modules[2].bias, moved.bias);
  EXPECT_EQ(scan->modules[3].bias, 1u);
  EXPECT_EQ(scan->modules[3].start, kept.start);
}

ModuleInfo Info(std::uint64_t start, std::uint64_t end, const char* path, std::uint8_t build_id) {
  ModuleInfo info{};
  info.start = start;
  info.end = end;
  info.bias = start;
  info.build_id_length = 1;
  info.build_id[0] = build_id;
  std::strncpy(info.path, path, sizeof(info.path) - 1);
  return info;
}

TEST(ModuleTable, FindsByAddressAndFollowsUnloading) {
  const auto scan = std::make_unique<ModuleScan>();
  ModuleTable table;
  ASSERT_EQ(table.Open(), 0);
  scan->count = 2;
  scan->modules[0] = Info(0x5000, 0x7000, "/b", 2);
  scan->modules[1] = Info(0x1000, 0x3000, "/a", 1);
  table.Merge(*scan);
  EXPECT_EQ(table.Find(0xfff), nullptr);
  ASSERT_NE(table.Find(0x1000), nullptr);
  EXPECT_STREQ(table.Find(0x1000)->info.path, "/a");
  EXPECT_STREQ(table.Find(0x2fff)->info.path, "/a");
  EXPECT_EQ(table.Find(0x3000), nullptr);
  EXPECT_STREQ(table.Find(0x6000)->info.path, "/b");
  const std::uint32_t id = table.Find(0x6000)->id;

  // /b goes, /c comes to its place.
  scan->count = 2;
  scan->modules[0] = Info(0x1000, 0x3000, "/a", 1);
  scan->modules[1] = Info(0x5000, 0x6000, "/c", 3);
  table.Merge(*scan);
  EXPECT_STREQ(table.Find(0x5000)->info.path, "/c");
  EXPECT_EQ(table.Find(0x6000), nullptr);
  ASSERT_NE(table.ById(id), nullptr);
  EXPECT_FALSE(table.ById(id)->loaded);

  // /b comes back and is the one it was.
  scan->count = 2;
  scan->modules[1] = Info(0x5000, 0x7000, "/b", 2);
  table.Merge(*scan);
  EXPECT_EQ(table.Find(0x6000)->id, id);
  EXPECT_EQ(table.full(), 0u);
}

TEST(ModuleTable, CountsWhatHasNoRoom) {
  const auto scan = std::make_unique<ModuleScan>();
  ModuleTable table;
  ASSERT_EQ(table.Open(), 0);
  scan->count = ModuleScan::kCapacity;
  for (std::uint32_t i = 0; i < scan->count; ++i) {
    scan->modules[i] = Info(0x10000 + i * 0x1000, 0x10000 + (i + 1) * 0x1000, "/x", 1);
  }
  table.Merge(*scan);
  EXPECT_EQ(table.full(), 0u);
  scan->count = 1;
  scan->modules[0] = Info(0x1000, 0x2000, "/y", 1);
  table.Merge(*scan);
  EXPECT_EQ(table.full(), 1u);
  EXPECT_EQ(table.Find(0x1000), nullptr);
}

}  // namespace
}  // namespace wrackline::preload
