// The rules of the preload, read from the library that was built: whatever breaks one of them is
// fatal to every program it is preloaded into, or silently changes it.
#include <elf.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cctype>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <iterator>
#include <regex>
#include <set>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

namespace wrackline::preload {
namespace {

class LibraryChecks : public testing::Test {
 protected:
  void SetUp() override {
    std::ifstream file(WRACKLINE_PRELOAD_LIBRARY, std::ios::binary);
    bytes_.assign(std::istreambuf_iterator<char>(file), {});
    ASSERT_GT(bytes_.size(), sizeof(Elf64_Ehdr));
    const auto header = At<Elf64_Ehdr>(0);
    ASSERT_EQ(std::memcmp(header.e_ident, ELFMAG, SELFMAG), 0);
    for (int i = 0; i < header.e_phnum; ++i) {
      segments_.push_back(
          At<Elf64_Phdr>(header.e_phoff + static_cast<std::size_t>(i) * sizeof(Elf64_Phdr)));
    }
    for (int i = 0; i < header.e_shnum; ++i) {
      sections_.push_back(
          At<Elf64_Shdr>(header.e_shoff + static_cast<std::size_t>(i) * sizeof(Elf64_Shdr)));
    }
  }

  template <typename T>
  T At(std::size_t offset) const {
    T value;
    EXPECT_LE(offset + sizeof value, bytes_.size());
    std::memcpy(&value, bytes_.data() + offset, sizeof value);
    return value;
  }
  std::string StringAt(std::size_t offset) const { return bytes_.c_str() + offset; }
  Elf64_Shdr Section(std::uint32_t type) const {
    for (const auto& section : sections_) {
      if (section.sh_type == type) return section;
    }
    ADD_FAILURE() << "no section of type " << type;
    return {};
  }
  std::size_t StringsOf(const Elf64_Shdr& section) const {
    return sections_[section.sh_link].sh_offset;
  }

  std::vector<Elf64_Dyn> Dynamic() const {
    const Elf64_Shdr section = Section(SHT_DYNAMIC);
    std::vector<Elf64_Dyn> entries;
    for (std::size_t offset = 0; offset < section.sh_size; offset += sizeof(Elf64_Dyn)) {
      entries.push_back(At<Elf64_Dyn>(section.sh_offset + offset));
      if (entries.back().d_tag == DT_NULL) break;
    }
    return entries;
  }
  // Names of the dynamic symbols that are defined here, or that are not.
  std::set<std::string> Symbols(bool defined) const {
    const Elf64_Shdr section = Section(SHT_DYNSYM);
    std::set<std::string> names;
    for (std::size_t offset = sizeof(Elf64_Sym); offset < section.sh_size;
         offset += sizeof(Elf64_Sym)) {
      const auto symbol = At<Elf64_Sym>(section.sh_offset + offset);
      if (ELF64_ST_TYPE(symbol.st_info) == STT_SECTION) continue;
      if ((symbol.st_shndx != SHN_UNDEF) == defined)
        names.insert(StringAt(StringsOf(section) + symbol.st_name));
    }
    return names;
  }

  std::string bytes_;
  std::vector<Elf64_Phdr> segments_;
  std::vector<Elf64_Shdr> sections_;
};

TEST_F(LibraryChecks, NeedsTheLibcFamilyOnly) {
  const std::set<std::string> family = {"libc.so.6",
                                        "libm.so.6",
                                        "libpthread.so.0",
                                        "libdl.so.2",
                                        "librt.so.1",
                                        "ld-linux-x86-64.so.2",
                                        "ld-linux-aarch64.so.1"};
  const std::size_t strings = StringsOf(Section(SHT_DYNAMIC));
  int needed = 0;
  for (const Elf64_Dyn& entry : Dynamic()) {
    if (entry.d_tag != DT_NEEDED) continue;
    ++needed;
    EXPECT_TRUE(family.contains(StringAt(strings + entry.d_un.d_val)))
        << StringAt(strings + entry.d_un.d_val);
  }
  EXPECT_GT(needed, 0);
}

TEST_F(LibraryChecks, NeedsNoSymbolVersionNewerThanGlibc228) {
  const Elf64_Shdr section = Section(SHT_GNU_verneed);
  int versions = 0;
  std::size_t file = section.sh_offset;
  for (std::uint32_t i = 0; i < section.sh_info; ++i) {
    const auto need = At<Elf64_Verneed>(file);
    std::size_t version = file + need.vn_aux;
    for (int k = 0; k < need.vn_cnt; ++k) {
      const auto one = At<Elf64_Vernaux>(version);
      const std::string name = StringAt(StringsOf(section) + one.vna_name);
      int major = 0;
      int minor = 0;
      ASSERT_EQ(std::sscanf(name.c_str(), "GLIBC_%d.%d", &major, &minor), 2) << name;
      EXPECT_LE(std::make_pair(major, minor), std::make_pair(2, 28))
          << name << ": see preload/old_glibc.h";
      ++versions;
      version += one.vna_next;
    }
    file += need.vn_next;
  }
  EXPECT_GT(versions, 0);
}

TEST_F(LibraryChecks, ExportsTheHooksAndItsOwnInterfaceOnly) {
  const std::set<std::string> want = {
      "malloc", "calloc", "realloc", "reallocarray", "free", "cfree", "free_sized",
      "free_aligned_sized", "posix_memalign", "aligned_alloc", "memalign", "valloc", "pvalloc",
      "malloc_usable_size",
      // operator new, new[], their nothrow, aligned and both forms
      "_Znwm", "_Znam", "_ZnwmRKSt9nothrow_t", "_ZnamRKSt9nothrow_t", "_ZnwmSt11align_val_t",
      "_ZnamSt11align_val_t", "_ZnwmSt11align_val_tRKSt9nothrow_t",
      "_ZnamSt11align_val_tRKSt9nothrow_t",
      // operator delete, delete[], and theirs, sized too
      "_ZdlPv", "_ZdaPv", "_ZdlPvRKSt9nothrow_t", "_ZdaPvRKSt9nothrow_t", "_ZdlPvm", "_ZdaPvm",
      "_ZdlPvSt11align_val_t", "_ZdaPvSt11align_val_t", "_ZdlPvSt11align_val_tRKSt9nothrow_t",
      "_ZdaPvSt11align_val_tRKSt9nothrow_t", "_ZdlPvmSt11align_val_t", "_ZdaPvmSt11align_val_t",
      // jemalloc's own
      "mallocx", "rallocx", "xallocx", "sallocx", "dallocx", "sdallocx",
      // tcmalloc's own
      "tc_malloc", "tc_malloc_skip_new_handler", "tc_calloc", "tc_realloc", "tc_memalign",
      "tc_posix_memalign", "tc_valloc", "tc_pvalloc", "tc_malloc_size", "tc_free", "tc_free_sized",
      "tc_cfree", "tc_new", "tc_newarray", "tc_new_nothrow", "tc_newarray_nothrow",
      "tc_new_aligned", "tc_newarray_aligned", "tc_new_aligned_nothrow",
      "tc_newarray_aligned_nothrow", "tc_delete", "tc_deletearray", "tc_delete_sized",
      "tc_deletearray_sized", "tc_delete_nothrow", "tc_deletearray_nothrow", "tc_delete_aligned",
      "tc_deletearray_aligned", "tc_delete_sized_aligned", "tc_deletearray_sized_aligned",
      "tc_delete_aligned_nothrow", "tc_deletearray_aligned_nothrow",
      // mimalloc's own
      "mi_malloc", "mi_malloc_small", "mi_zalloc", "mi_zalloc_small", "mi_calloc", "mi_mallocn",
      "mi_malloc_aligned", "mi_zalloc_aligned", "mi_calloc_aligned", "mi_malloc_aligned_at",
      "mi_zalloc_aligned_at", "mi_calloc_aligned_at", "mi_memalign", "mi_aligned_alloc",
      "mi_posix_memalign", "mi_valloc", "mi_pvalloc", "mi_new", "mi_new_n", "mi_new_aligned",
      "mi_new_nothrow", "mi_new_aligned_nothrow", "mi_strdup", "mi_strndup", "mi_free", "mi_cfree",
      "mi_free_size", "mi_free_aligned", "mi_free_size_aligned", "mi_usable_size", "mi_malloc_size",
      "mi_malloc_usable_size", "mi_is_in_heap_region", "mi_check_owned", "mi_heap_check_owned",
      "mi_heap_contains_block", "mi_realloc", "mi_reallocf", "mi_rezalloc", "mi_reallocn",
      "mi_recalloc", "mi_reallocarray", "mi_reallocarr", "mi_realloc_aligned",
      "mi_realloc_aligned_at", "mi_rezalloc_aligned", "mi_rezalloc_aligned_at",
      "mi_recalloc_aligned", "mi_aligned_recalloc", "mi_recalloc_aligned_at",
      "mi_aligned_offset_recalloc", "mi_new_realloc", "mi_new_reallocn", "mi_expand", "mi__expand",
      "mi_heap_realloc", "mi_heap_reallocf", "mi_heap_rezalloc", "mi_heap_reallocn",
      "mi_heap_recalloc", "mi_heap_realloc_aligned", "mi_heap_realloc_aligned_at",
      "mi_heap_rezalloc_aligned", "mi_heap_rezalloc_aligned_at", "mi_heap_recalloc_aligned",
      "mi_heap_recalloc_aligned_at",
      // after which the unwinder must not go by what it remembers
      "dlclose", "mmap", "mmap64", "munmap", "mremap",
      // by which threads begin
      "pthread_create",
      // the ways out of a process that pass no destructor
      "_exit", "_Exit", "quick_exit",
      // what is right only without threads of ours
      "prctl", "capset", "unshare", "setns",
      // for a VM that loads it as an agent
      "Agent_OnLoad", "Agent_OnAttach", "wrackline_submit", "wrackline_recording"};
  EXPECT_THAT(Symbols(true), testing::ContainerEq(want));
}

TEST_F(LibraryChecks, DefinesAllThatItsMapNames) {
  // The linker passes over a name of the map that nothing defines: a hook would be missing, unsaid.
  std::ifstream file(WRACKLINE_TEST_SOURCE "/preload/exports.map");
  std::string text(std::istreambuf_iterator<char>(file), {});
  const std::size_t begin = text.find("global:");
  const std::size_t end = text.find("local:");
  ASSERT_NE(begin, std::string::npos);
  ASSERT_NE(end, std::string::npos);
  text = text.substr(begin + 7, end - begin - 7);
  std::set<std::string> named;
  const std::regex comments(R"(/\*[^]*?\*/)");
  std::istringstream names(std::regex_replace(text, comments, ""));
  for (std::string name; std::getline(names, name, ';');) {
    std::erase_if(name, [](unsigned char c) { return std::isspace(c) != 0; });
    if (!name.empty()) named.insert(name);
  }
  EXPECT_THAT(Symbols(true), testing::ContainerEq(named));
}

// Every function of libc that the library may call, and nothing else: a new name here is a decision (does an old glibc have it,
// does it allocate, lock, open descriptors, may a program have replaced it?).
TEST_F(LibraryChecks, CallsWhatIsListedOnly) {
  const std::set<std::string> allowed = {
      // the linker's and the compiler's own
      "_ITM_deregisterTMCloneTable", "_ITM_registerTMCloneTable", "__gmon_start__",
      "__cxa_finalize", "__stack_chk_fail", "abort",
      // memory and text
      "memchr", "memcmp", "memcpy", "memmove", "memrchr", "memset", "stpcpy", "strchr", "strcmp",
      "strcpy", "strcspn", "strlen", "strncmp", "strncpy", "strnlen", "strrchr", "strstr",
      "environ", "__environ",
      // what clang makes of memcmp and strncat
      "bcmp", "strcat",
      // pages
      "madvise", "mincore", "mmap", "munmap", "getpagesize",
      // the kernel, by name
      "clock_gettime", "close", "faccessat", "fallocate", "fcntl", "ftruncate", "getpid", "getppid",
      "getrlimit", "mkdir", "nanosleep", "open", "openat", "pause", "pread", "pwrite", "read",
      "readlink", "sched_yield", "syscall", "uname", "unlink", "unlinkat", "write",
      // the process
      "__errno_location", "getauxval", "gnu_get_libc_version", "sigfillset", "strerror", "sysconf",
      // threads: two of ours, and the unwinder's memory of the thread that ends
      "pthread_attr_destroy", "pthread_attr_init", "pthread_attr_setdetachstate",
      "pthread_attr_setstacksize", "pthread_create", "pthread_key_create", "pthread_setspecific",
      "pthread_sigmask",
      // how large the stack of a thread will be, and where it is
      "pthread_attr_getstack", "pthread_attr_getstacksize", "pthread_self",
      // start and end
      "__cxa_atexit", "__register_atfork", "on_exit",
      // the loader: who comes next, at start and by the assistant thread
      "dl_iterate_phdr", "dladdr", "dlclose", "dlopen", "dlsym",
      // RocksDB in a VM, on the thread that reads it
      "dladdr1", "dlinfo", "process_vm_readv", "pthread_mutex_lock", "pthread_mutex_unlock",
      "strncat"};
  for (const std::string& name : Symbols(false)) EXPECT_TRUE(allowed.contains(name)) << name;
}

TEST_F(LibraryChecks, CallsNoCxxRuntimeAndNoAllocator) {
  for (const std::string& name : Symbols(false)) {
    EXPECT_NE(name.substr(0, 2), "_Z") << name;
    // Two of that prefix are libc's.
    if (name != "__cxa_atexit" && name != "__cxa_finalize") {
      EXPECT_NE(name.substr(0, 6), "__cxa_") << name;
    }
    EXPECT_NE(name.substr(0, 4), "_Unw") << name;
  }
  const std::set<std::string> undefined = Symbols(false);
  // Calls that take the loader's lock, allocate, or would be served by our own hooks. dlopen,
  // dlsym, dladdr and dl_iterate_phdr are used at start-up, and by the recorder thread.
  for (const char* name : {"__tls_get_addr", "_dl_find_object", "backtrace", "printf", "fopen",
                           "strdup", "atexit", "pthread_atfork"}) {
    EXPECT_FALSE(undefined.contains(name)) << name;
  }
}

TEST_F(LibraryChecks, BindsItsCallsWhenItIsLoaded) {
  // A call bound on first use would run the dynamic linker in the middle of somebody's malloc.
  std::uint64_t flags = 0;
  for (const Elf64_Dyn& entry : Dynamic()) {
    if (entry.d_tag == DT_FLAGS) flags = entry.d_un.d_val;
  }
  EXPECT_NE(flags & DF_BIND_NOW, 0u);
}

TEST_F(LibraryChecks, HasNoTextRelocationsAndLittleStaticTls) {
  for (const Elf64_Dyn& entry : Dynamic()) {
    EXPECT_NE(entry.d_tag, DT_TEXTREL);
    if (entry.d_tag == DT_FLAGS) {
      EXPECT_EQ(entry.d_un.d_val & DF_TEXTREL, 0u);
    }
  }
  bool has_tls = false;
  for (const Elf64_Phdr& segment : segments_) {
    if (segment.p_type == PT_TLS) {
      has_tls = true;
      EXPECT_LE(segment.p_memsz,
                256u);  // glibc's spare static TLS is 1664 bytes for all libraries opened late
    }
    if (segment.p_type == PT_LOAD) {
      EXPECT_NE(segment.p_flags & (PF_W | PF_X), unsigned{PF_W | PF_X});
    }
    if (segment.p_type == PT_GNU_STACK) {
      EXPECT_EQ(segment.p_flags & PF_X, 0u);
    }
  }
  EXPECT_TRUE(has_tls);
}

TEST_F(LibraryChecks, ReachesItsThreadVariablesWithoutACall) {
  // The dynamic models ask __tls_get_addr, which allocates. Initial-exec has one relocation type.
#if defined(__x86_64__)
  const std::set<std::uint64_t> dynamic = {R_X86_64_DTPMOD64, R_X86_64_DTPOFF64, R_X86_64_TLSDESC};
  const std::uint64_t initial_exec = R_X86_64_TPOFF64;
#else
  const std::set<std::uint64_t> dynamic = {R_AARCH64_TLS_DTPMOD, R_AARCH64_TLS_DTPREL,
                                           R_AARCH64_TLSDESC};
  const std::uint64_t initial_exec = R_AARCH64_TLS_TPREL;
#endif
  int found = 0;
  for (const Elf64_Shdr& section : sections_) {
    if (section.sh_type != SHT_RELA) continue;
    for (std::size_t offset = 0; offset < section.sh_size; offset += sizeof(Elf64_Rela)) {
      const auto relocation = At<Elf64_Rela>(section.sh_offset + offset);
      const std::uint64_t type = ELF64_R_TYPE(relocation.r_info);
      EXPECT_FALSE(dynamic.contains(type)) << type << " at " << relocation.r_offset;
      if (type == initial_exec) ++found;
    }
  }
  EXPECT_GT(found, 0);
}

}  // namespace
}  // namespace wrackline::preload
