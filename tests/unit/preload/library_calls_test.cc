// What the hooks can call, read from the code of the library that was built: from every exported allocation function along
// direct calls, jumps and addresses taken, to the functions of libc. A function that allocates, locks, or is replaced by
// programs must not be there. Calls through pointers that come from data are not followed: the next allocator's, and libunwind's
// accessors, whose addresses are taken on the way and so are followed.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <cstdio>
#include <map>
#include <regex>
#include <set>
#include <string>
#include <vector>

namespace wrackline::preload {
namespace {

const char* const kHooks[] = {"malloc",
                              "calloc",
                              "realloc",
                              "reallocarray",
                              "free",
                              "cfree",
                              "free_sized",
                              "free_aligned_sized",
                              "posix_memalign",
                              "aligned_alloc",
                              "memalign",
                              "valloc",
                              "pvalloc",
                              "malloc_usable_size",
                              "_Znwm",
                              "_Znam",
                              "_ZnwmRKSt9nothrow_t",
                              "_ZnwmSt11align_val_t",
                              "_ZnwmSt11align_val_tRKSt9nothrow_t",
                              "_ZdlPv",
                              "_ZdaPv",
                              "_ZdlPvm",
                              "_ZdlPvSt11align_val_t",
                              "_ZdlPvmSt11align_val_t"};

// Functions that are not looked into. Each must be there: one that is gone is taken off this list.
const char* const kEnds[] = {
    // Look-ups by dlsym, once in a process's life, from the first call of each kind.
    "_ZN9wrackline7preload8internal11ResolveNextEv",
    "_ZN9wrackline7preload14SearchOperatorEPNS0_12NextOperatorEPKv",
    // The same of the allocators' families, which the walk takes for called: the address of the hooks'
    // section, which CaptureStack compares with, is that of its first function.
    "_ZN9wrackline7preload12FindInFamilyEPNS0_6FamilyEPKcPKv",
    // libunwind's own start, which PrepareUnwinder runs before the first sample.
    "_ULx86_64_init",
    // Opens an object's file to find .eh_frame: wrackline_unw_dl_iterate_phdr names none without
    // .eh_frame_hdr.
    "dwarf_find_eh_frame_section",
    // An accessor whose address is taken, for unw_get_proc_name, which is never called.
    "get_static_proc_name"};

// abort and write: operator new that must throw, where no C++ library is there to throw with.
// clock_gettime is the vdso's; getauxval and getpagesize read what the loader left; AT_RANDOM seeds a thread's generator.
// mmap and munmap: libunwind's pools; sched_yield: their spin lock, when it takes long.
// pthread_*: libunwind's cache of a thread is given back when the thread ends.
// syscall: gettid, and rt_sigprocmask, which tells whether an address can be read.
const std::set<std::string> kAllowed = {"__errno_location",
                                        "abort",
                                        "clock_gettime",
                                        "getauxval",
                                        "getpagesize",
                                        "memcpy",
                                        "memset",
                                        "mmap",
                                        "munmap",
                                        "pthread_key_create",
                                        "pthread_setspecific",
                                        "sched_yield",
                                        "syscall",
                                        "write"};

struct Function {
  std::string name;
  std::set<std::uint64_t> callees;
  bool changes_rbp = false;
};

class CallGraph {
 public:
  // Reads `objdump -d`; empty when that fails.
  explicit CallGraph(const std::string& library) {
    const std::string command = WRACKLINE_OBJDUMP " -d --no-show-raw-insn " + library;
    FILE* listing = popen(command.c_str(), "r");
    if (listing == nullptr) return;
    std::vector<char> buffer(1 << 16);
    while (std::fgets(buffer.data(), static_cast<int>(buffer.size()), listing) != nullptr) {
      ReadLine(buffer.data());
    }
    if (pclose(listing) != 0) functions_.clear();
  }

  const std::map<std::uint64_t, Function>& functions() const { return functions_; }
  std::vector<std::uint64_t> Named(const std::string& name) const {
    std::vector<std::uint64_t> found;
    for (const auto& [address, function] : functions_) {
      if (function.name == name) found.push_back(address);
    }
    return found;
  }

  // The imported functions that can be reached from `roots` without passing through a function of
  // `ends`, each with the way there.
  std::map<std::string, std::string> Reached(const std::vector<std::uint64_t>& roots,
                                             const std::set<std::uint64_t>& ends) const {
    std::map<std::uint64_t, std::uint64_t> came_from;
    std::vector<std::uint64_t> open;
    for (const std::uint64_t root : roots) {
      if (came_from.emplace(root, 0).second) open.push_back(root);
    }
    std::map<std::string, std::string> imports;
    while (!open.empty()) {
      const std::uint64_t here = open.back();
      open.pop_back();
      const Function& function = functions_.at(here);
      const std::size_t plt = function.name.find("@plt");
      if (plt != std::string::npos) {
        std::string way = function.name;
        for (std::uint64_t at = came_from[here]; at != 0; at = came_from[at]) {
          way += " <- " + functions_.at(at).name;
        }
        imports.emplace(function.name.substr(0, plt), way);
        continue;
      }
      for (const std::uint64_t callee : function.callees) {
        if (!functions_.contains(callee) || ends.contains(callee)) continue;
        if (came_from.emplace(callee, here).second) open.push_back(callee);
      }
    }
    return imports;
  }

 private:
  // "0000000000004050 <malloc>:" begins a function; "call   3a20 <memcpy@plt>", "jne  41f3 <malloc+0x1a3>" and
  // "lea  0x1b(%rip),%rax   # 5c10 <access_mem>" name another by its start, or by a place in it.
  void ReadLine(const std::string& line) {
    static const std::regex kBegin(R"(^([0-9a-f]+) <(.+)>:\n?$)");
    static const std::regex kTarget(R"(([0-9a-f]+) <([^>+]+)(\+0x([0-9a-f]+))?>\n?$)");
    std::smatch match;
    if (line.find(">:") != std::string::npos && std::regex_match(line, match, kBegin)) {
      current_ = std::stoull(match[1], nullptr, 16);
      functions_[current_].name = match[2];
      return;
    }
    const std::size_t tab = line.find('\t');
    if (current_ == 0 || tab == std::string::npos || line.back() == ':') return;
    std::string operation = line.substr(tab + 1);
    for (const char* prefix : {"bnd ", "notrack "}) {
      if (operation.starts_with(prefix)) operation.erase(0, std::string(prefix).size());
    }
    static const std::regex kIntoRbp(R"((,|^pop +)%[er]bp\s*$)");
    if (!operation.starts_with("cmp") && !operation.starts_with("test") &&
        std::regex_search(operation, kIntoRbp)) {
      functions_[current_].changes_rbp = true;
    }
    if (!operation.starts_with("call") && operation[0] != 'j' && !operation.starts_with("lea"))
      return;
    if (!std::regex_search(operation, match, kTarget)) return;
    std::uint64_t target = std::stoull(match[1], nullptr, 16);
    if (match[4].matched) target -= std::stoull(match[4], nullptr, 16);
    if (target != current_) functions_[current_].callees.insert(target);
  }

  std::map<std::uint64_t, Function> functions_;
  std::uint64_t current_ = 0;
};

TEST(LibraryCalls, OnTheHookPathOnlyWhatIsListed) {
  const CallGraph graph(WRACKLINE_PRELOAD_LIBRARY);
  ASSERT_GT(graph.functions().size(), 100u);

  std::vector<std::uint64_t> roots;
  for (const char* name : kHooks) {
    const auto found = graph.Named(name);
    ASSERT_EQ(found.size(), 1u) << name;
    roots.push_back(found[0]);
  }
  std::set<std::uint64_t> ends;
  for (const char* name : kEnds) {
    const auto found = graph.Named(name);
    EXPECT_FALSE(found.empty()) << name;
    ends.insert(found.begin(), found.end());
  }
  const auto reached = graph.Reached(roots, ends);
  EXPECT_TRUE(reached.contains("pthread_setspecific")) << "the way into libunwind was not found";
  for (const auto& [name, way] : reached) EXPECT_TRUE(kAllowed.contains(name)) << way;
}

#if defined(__OPTIMIZE__) && defined(__x86_64__) && !defined(__clang__)
// They say what rbp is to their caller, and the walk of a sample goes on from there.
TEST(LibraryCalls, HooksThatPassRbpOnLeaveItAlone) {
  const CallGraph graph(WRACKLINE_PRELOAD_LIBRARY);
  int looked_at = 0;
  for (const auto& [address, function] : graph.functions()) {
    const bool direct = function.name.find("E6DirectEm") != std::string::npos;
    if (!direct && function.name != "malloc" && function.name != "calloc" &&
        function.name != "realloc") {
      continue;
    }
    ++looked_at;
    EXPECT_FALSE(function.changes_rbp) << function.name;
  }
  EXPECT_GE(looked_at, 3 + 2);
}
#endif

}  // namespace
}  // namespace wrackline::preload
