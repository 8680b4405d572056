#include "lib/symbols/elf.h"

#include <dlfcn.h>
#include <elf.h>
#include <gtest/gtest.h>
#include <link.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <random>
#include <string>
#include <vector>

namespace wrackline::symbols {
namespace {

const std::string kKnown = WRACKLINE_KNOWN_FUNCTIONS;
using Query = ElfFile::Query;

std::string Output(const std::string& command) {
  FILE* const pipe = popen(command.c_str(), "r");
  EXPECT_NE(pipe, nullptr);
  std::string text;
  char buffer[4096];
  while (const std::size_t count = fread(buffer, 1, sizeof(buffer), pipe))
    text.append(buffer, count);
  EXPECT_EQ(pclose(pipe), 0) << command;
  return text;
}

// What nm says: name -> value and size. Dynamic symbols where `options` has -D.
struct NmSymbol {
  std::uint64_t value, size;
  char type;
};
std::multimap<std::string, NmSymbol> Nm(const std::string& options, const std::string& path) {
  std::multimap<std::string, NmSymbol> symbols;
  const std::string text =
      Output(std::string(WRACKLINE_NM) + " -S --defined-only " + options + " " + path);
  std::size_t at = 0;
  while (at < text.size()) {
    const std::size_t end = text.find('\n', at);
    unsigned long long value = 0;
    unsigned long long size = 0;
    char type = 0;
    char name[4096];
    if (std::sscanf(text.substr(at, end - at).c_str(), "%llx %llx %c %4095s", &value, &size, &type,
                    name) == 4) {
      std::string plain = name;
      plain.resize(std::min(plain.find('@'), plain.size()));
      symbols.insert({plain, {value, size, type}});
    }
    at = end + 1;
  }
  return symbols;
}

std::string Hex(const std::uint8_t* bytes, std::size_t length) {
  std::string text;
  for (std::size_t i = 0; i < length; ++i) {
    char two[3];
    std::snprintf(two, sizeof(two), "%02x", bytes[i]);
    text += two;
  }
  return text;
}

std::string BuildIdOf(const std::string& path) {
  ElfFile elf;
  EXPECT_EQ(elf.Open(path.c_str()), 0) << path;
  std::uint8_t id[64];
  return Hex(id, elf.BuildId(id, sizeof(id)));
}

std::string ReadelfBuildId(const std::string& path) {
  const std::string text = Output(std::string(WRACKLINE_READELF) + " -n " + path);
  const std::string key = "Build ID: ";
  const std::size_t at = text.find(key);
  if (at == std::string::npos) return "";
  return text.substr(at + key.size(), text.find('\n', at) - at - key.size());
}

// The file behind a loaded library.
std::string PathOf(const void* address) {
  Dl_info info;
  EXPECT_NE(dladdr(address, &info), 0);
  return info.dli_fname;
}

// By handle: a sanitizer defines its own fopen in front of libc's.
const std::string kLibc = PathOf(dlsym(dlopen("libc.so.6", RTLD_NOW | RTLD_NOLOAD), "fopen"));
// Stripped, dynamic symbols only; linked by nothing here.
const std::string kRocksDb = "/usr/lib/x86_64-linux-gnu/librocksdb.so";

TEST(BuildIdTest, AgreesWithReadelf) {
  for (const std::string& path :
       {kKnown, kKnown + ".stripped", kLibc, kRocksDb, std::string("/proc/self/exe")}) {
    ASSERT_TRUE(std::filesystem::exists(path)) << path;
    EXPECT_EQ(BuildIdOf(path), ReadelfBuildId(std::filesystem::canonical(path))) << path;
  }
  EXPECT_EQ(BuildIdOf(kKnown).size(), 40u);
  EXPECT_EQ(BuildIdOf(kKnown), BuildIdOf(kKnown + ".stripped"));
  EXPECT_EQ(BuildIdOf(kKnown + ".nobuildid"), "");
}

TEST(BuildIdTest, IsCutAtTheCapacity) {
  ElfFile elf;
  ASSERT_EQ(elf.Open(kKnown.c_str()), 0);
  std::uint8_t id[8] = {};
  EXPECT_EQ(elf.BuildId(id, 4), 4u);
  EXPECT_EQ(Hex(id, 8), BuildIdOf(kKnown).substr(0, 8) + "00000000");
  EXPECT_EQ(elf.BuildId(id, 0), 0u);
}

TEST(BuildIdTest, InMemoryIsTheFilesForEveryLoadedObject) {
  int count = 0;
  dl_iterate_phdr(
      [](dl_phdr_info* info, std::size_t, void* opaque) {
        std::uint8_t id[64];
        const std::size_t length =
            BuildIdFromMemory(info->dlpi_phdr, info->dlpi_phnum, info->dlpi_addr, id, sizeof(id));
        const std::string path = info->dlpi_name[0] != '\0' ? info->dlpi_name : "/proc/self/exe";
        if (path[0] != '/') return 0;  // the vDSO
        EXPECT_EQ(Hex(id, length), BuildIdOf(path)) << path;
        ++*static_cast<int*>(opaque);
        return 0;
      },
      &count);
  EXPECT_GE(count, 4);
}

TEST(BuildIdTest, HostileHeadersInMemory) {
  // A note outside of what is loaded is not looked at.
  Elf64_Phdr headers[2] = {};
  headers[0].p_type = PT_LOAD;
  headers[0].p_flags = PF_R;
  headers[0].p_vaddr = 0x1000;
  headers[0].p_filesz = headers[0].p_memsz = 0x100;
  headers[1].p_type = PT_NOTE;
  std::uint8_t id[20];
  for (const auto& [address, size] :
       std::vector<std::pair<std::uint64_t, std::uint64_t>>{{0x900, 64},
                                                            {0x10f0, 64},
                                                            {0x1000, 0x101},
                                                            {UINT64_MAX - 8, 64},
                                                            {0x1000, UINT64_MAX}}) {
    headers[1].p_vaddr = address;
    headers[1].p_memsz = size;
    EXPECT_EQ(BuildIdFromMemory(headers, 2, 0, id, sizeof(id)), 0u);
  }
  EXPECT_EQ(BuildIdFromMemory(nullptr, 0, 0, id, sizeof(id)), 0u);
}

class ResolveTest : public testing::Test {
 protected:
  // What lies `offset` bytes into the symbol `name`, as nm has it.
  std::uint64_t At(const std::string& name, std::uint64_t offset = 0) {
    const auto found = symbols_.find(name);
    EXPECT_NE(found, symbols_.end()) << name;
    return found == symbols_.end() ? 0 : found->second.value + offset;
  }
  std::string Ask(std::uint64_t address) {
    Query query{address, "unset", 99};
    elf_.Resolve(&query, 1);
    if (query.symbol == nullptr) return "";
    return query.symbol + std::string("+") + std::to_string(query.offset);
  }
  void SetUp() override { ASSERT_EQ(elf_.Open(kKnown.c_str()), 0); }

  ElfFile elf_;
  std::multimap<std::string, NmSymbol> symbols_ = Nm("", kKnown);
};

TEST_F(ResolveTest, FunctionsOfEveryBinding) {
  for (const char* name : {"known_global", "hidden_helper", "known_weak", "call_all"}) {
    EXPECT_EQ(Ask(At(name)), name + std::string("+0"));
    EXPECT_EQ(Ask(At(name, 3)), name + std::string("+3"));
    const std::uint64_t last = symbols_.find(name)->second.size - 1;
    EXPECT_EQ(Ask(At(name, last)), name + std::string("+") + std::to_string(last));
  }
}

TEST_F(ResolveTest, TheBestOfSeveralNames) {
  EXPECT_EQ(Ask(At("known_aliased", 1)), "known_aliased+1");
}

TEST_F(ResolveTest, DataAndNothing) {
  EXPECT_EQ(Ask(At("known_data")), "");
  EXPECT_EQ(Ask(0), "");
  EXPECT_EQ(Ask(UINT64_MAX), "");
}

#ifdef __x86_64__
TEST_F(ResolveTest, ASymbolWithoutASizeReachesToTheNext) {
  const std::uint64_t first = At("sized_after") - 64;  // nm -S leaves sizeless symbols out
  EXPECT_EQ(Ask(first), "sizeless_first+0");
  EXPECT_EQ(Ask(first + 31), "sizeless_first+31");
  EXPECT_EQ(Ask(first + 32), "sizeless_second+0");
  EXPECT_EQ(Ask(first + 63), "sizeless_second+31");
  EXPECT_EQ(Ask(first + 64), "sized_after+0");
  EXPECT_EQ(Ask(first + 79), "sized_after+15");
  EXPECT_EQ(Ask(first + 80), "");  // after a sized one is nobody, not the sizeless one before it
}

TEST_F(ResolveTest, TheInnermostOfNestedOnes) {
  EXPECT_EQ(Ask(At("outer", 15)), "outer+15");
  EXPECT_EQ(Ask(At("outer", 16)), "inner+0");
  EXPECT_EQ(Ask(At("outer", 32)), "outer+32");
}
#endif

// Every byte of the text at once, against one at a time.
TEST_F(ResolveTest, ManyQueriesAnswerAsOneDoes) {
  std::vector<Query> queries;
  const std::uint64_t start = std::min(At("hidden_helper"), At("known_global")) - 64;
  for (std::uint64_t address = start; address < start + 512; ++address) {
    queries.push_back({address, nullptr, 0});
    if (address % 7 == 0) queries.push_back({address, nullptr, 0});  // twice the same
  }
  elf_.Resolve(queries.data(), queries.size());
  for (const Query& query : queries) {
    const std::string answer = query.symbol == nullptr
                                   ? ""
                                   : query.symbol + std::string("+") + std::to_string(query.offset);
    EXPECT_EQ(answer, Ask(query.address)) << query.address - start;
  }
}

TEST_F(ResolveTest, StrippedHasItsDynamicSymbols) {
  ElfFile stripped;
  ASSERT_EQ(stripped.Open((kKnown + ".stripped").c_str()), 0);
  Query queries[] = {{At("known_global", 2), nullptr, 0}, {At("hidden_helper", 1), nullptr, 0}};
  if (queries[0].address > queries[1].address) std::swap(queries[0], queries[1]);
  stripped.Resolve(queries, 2);
  for (const Query& query : queries) {
    if (query.address == At("known_global", 2)) {
      EXPECT_STREQ(query.symbol, "known_global");
    } else {
      EXPECT_EQ(query.symbol, nullptr);  // a static one is gone
    }
  }
}

TEST_F(ResolveTest, BytesAnswerAsTheFileDoes) {
  std::ifstream file(kKnown, std::ios::binary);
  const std::vector<char> bytes((std::istreambuf_iterator<char>(file)),
                                std::istreambuf_iterator<char>());
  ElfFile elf;
  ASSERT_EQ(elf.OpenBytes(bytes.data(), bytes.size()), 0);
  Query query{At("known_global", 2), nullptr, 0};
  elf.Resolve(&query, 1);
  EXPECT_STREQ(query.symbol, "known_global");
}

// Real libraries: for every function that nm lists, some name of that address comes back, with the
// right offset.
void ExpectAgreesWithNm(const std::string& options, const std::string& path) {
  const auto symbols = Nm(options, path);
  std::multimap<std::uint64_t, std::string> names;
  for (const auto& [name, symbol] : symbols) {
    if (std::strchr("tTwWiVvu", symbol.type) != nullptr && symbol.size > 0)
      names.insert({symbol.value, name});
  }
  ASSERT_GT(names.size(), 1000u) << path;
  std::vector<Query> queries;
  for (const auto& [value, name] : names) {
    if (queries.empty() || queries.back().address != value) queries.push_back({value, nullptr, 0});
  }
  ElfFile elf;
  ASSERT_EQ(elf.Open(path.c_str()), 0);
  elf.Resolve(queries.data(), queries.size());
  std::size_t functions = 0;
  for (const Query& query : queries) {
    if (query.symbol == nullptr) continue;  // nm's V and u are data
    ++functions;
    ASSERT_EQ(query.offset, 0u);
    const auto range = names.equal_range(query.address);
    EXPECT_TRUE(std::any_of(range.first, range.second, [&](const auto& entry) {
      return entry.second == query.symbol;
    })) << query.symbol;
  }
  EXPECT_GT(functions, queries.size() / 2) << path;
}

TEST(ResolveRealTest, RocksDb) { ExpectAgreesWithNm("-D", kRocksDb); }
TEST(ResolveRealTest, Libc) { ExpectAgreesWithNm("-D", kLibc); }

TEST(ResolveRealTest, AVersionIsNotPartOfTheName) {
  const std::string path = std::string(WRACKLINE_LINE_PROGRAMS) + "/versioned.so";
  const std::string text = Output(std::string(WRACKLINE_NM) + " " + path);
  const std::size_t at = text.find(" T versioned_call@@VERSION_1");
  ASSERT_NE(at, std::string::npos) << text;
  ElfFile elf;
  ASSERT_EQ(elf.Open(path.c_str()), 0);
  // current_call, a local name of the same place, is the worse one.
  Query query{std::stoull(text.substr(at - 16, 16), nullptr, 16) + 2, nullptr, 0};
  elf.Resolve(&query, 1);
  EXPECT_STREQ(query.symbol, "versioned_call");
  EXPECT_EQ(query.offset, 2u);
}

TEST(ResolveRealTest, AgreesWithDladdr) {
  ElfFile elf;
  ASSERT_EQ(elf.Open(kLibc.c_str()), 0);
  for (const char* name : {"malloc", "fopen", "qsort", "getaddrinfo"}) {
    void* const libc = dlopen("libc.so.6", RTLD_NOW | RTLD_NOLOAD);
    void* const function = dlsym(libc, name);
    Dl_info info;
    ASSERT_NE(dladdr(function, &info), 0);
    if (std::filesystem::canonical(info.dli_fname) != std::filesystem::canonical(kLibc))
      continue;  // a sanitizer's
    Query query{static_cast<std::uint64_t>(static_cast<char*>(function) -
                                           static_cast<char*>(info.dli_fbase)) +
                    1,
                nullptr, 0};
    elf.Resolve(&query, 1);
    ASSERT_NE(query.symbol, nullptr) << name;
    EXPECT_EQ(query.offset, 1u);
    EXPECT_STREQ(query.symbol, name);  // not __libc_malloc
  }
}

TEST(OpenTest, WhatIsNoElfFile) {
  ElfFile elf;
  EXPECT_EQ(elf.Open("/nowhere/at/all"), ENOENT);
  EXPECT_EQ(elf.Open("/"), EINVAL);
  EXPECT_EQ(elf.Open("/dev/zero"), EINVAL);
  EXPECT_EQ(elf.Open("/etc/passwd"), ENOEXEC);
  const std::string fifo = testing::TempDir() + "wrackline-elf-fifo-" + std::to_string(getpid());
  ASSERT_EQ(mkfifo(fifo.c_str(), 0600), 0);
  EXPECT_EQ(elf.Open(fifo.c_str()), EINVAL);  // and does not wait for a writer
  std::filesystem::remove(fifo);
  EXPECT_EQ(elf.OpenBytes("", 0), ENOEXEC);
  // Closed is a valid, empty state.
  std::uint8_t id[20];
  EXPECT_EQ(elf.BuildId(id, sizeof(id)), 0u);
  Query query{1, nullptr, 0};
  elf.Resolve(&query, 1);
  EXPECT_EQ(query.symbol, nullptr);
}

TEST(OpenTest, AFileCutWhileOpenGivesNoNamesAndNoSignal) {
  const std::string path = testing::TempDir() + "wrackline-elf-cut-" + std::to_string(getpid());
  std::filesystem::copy_file(kKnown, path, std::filesystem::copy_options::overwrite_existing);
  ElfFile elf;
  ASSERT_EQ(elf.Open(path.c_str()), 0);
  std::filesystem::resize_file(path, 100);
  Query query{Nm("", kKnown).find("known_global")->second.value, nullptr, 0};
  elf.Resolve(&query, 1);
  EXPECT_EQ(query.symbol, nullptr);
  std::filesystem::remove(path);
}

// Every truncation, and many damages, of a real object: no crash, and every name ends inside of
// itself.
TEST(DamagedTest, NeverCrashes) {
  std::ifstream file(kKnown, std::ios::binary);
  const std::vector<char> good((std::istreambuf_iterator<char>(file)),
                               std::istreambuf_iterator<char>());
  std::vector<Query> queries;
  for (std::uint64_t address = 0; address < 0x3000; address += 16)
    queries.push_back({address, nullptr, 0});
  const auto use = [&](const std::vector<char>& bytes) {
    ElfFile elf;
    if (elf.OpenBytes(bytes.data(), bytes.size()) != 0) return;
    std::uint8_t id[64];
    elf.BuildId(id, sizeof(id));
    elf.Resolve(queries.data(), queries.size());
    for (const Query& query : queries) {
      if (query.symbol != nullptr) {
        EXPECT_LT(std::strlen(query.symbol), 16u << 10);
      }
    }
  };
  for (std::size_t length = 0; length < good.size(); length += 13) {
    use(std::vector<char>(good.begin(), good.begin() + static_cast<std::ptrdiff_t>(length)));
  }
  std::mt19937 random(11);
  for (int round = 0; round < 3000; ++round) {
    std::vector<char> bytes = good;
    for (int i = 0; i < 4; ++i) {
      // Half of the damage goes where the tables are described.
      const std::size_t at =
          i % 2 == 0 ? random() % 64
                     : bytes.size() - 1 - random() % std::min<std::size_t>(bytes.size(), 2500);
      bytes[at] = static_cast<char>(random());
    }
    use(bytes);
  }
}

// Symbols that all cover everything: the work has a bound, the answer need not be the best.
TEST(DamagedTest, AProductOfSymbolsAndQueriesIsNotDone) {
  constexpr std::size_t kSymbols = 100'000;
  struct File {
    Elf64_Ehdr header = {};
    Elf64_Shdr sections[3] = {};
    char names[16] = "\0everything";
  } start;
  std::memcpy(start.header.e_ident, ELFMAG, SELFMAG);
  start.header.e_ident[EI_CLASS] = ELFCLASS64;
  start.header.e_ident[EI_DATA] = ELFDATA2LSB;
  start.header.e_type = ET_DYN;
  start.header.e_shentsize = sizeof(Elf64_Shdr);
  start.header.e_shnum = 3;
  start.header.e_shoff = offsetof(File, sections);
  start.sections[1].sh_type = SHT_STRTAB;
  start.sections[1].sh_offset = offsetof(File, names);
  start.sections[1].sh_size = sizeof(start.names);
  start.sections[2].sh_type = SHT_SYMTAB;
  start.sections[2].sh_link = 1;
  start.sections[2].sh_entsize = sizeof(Elf64_Sym);
  start.sections[2].sh_offset = sizeof(File);
  start.sections[2].sh_size = kSymbols * sizeof(Elf64_Sym);
  std::vector<char> bytes(sizeof(File) + kSymbols * sizeof(Elf64_Sym));
  std::memcpy(bytes.data(), &start, sizeof(start));
  for (std::size_t i = 0; i < kSymbols; ++i) {
    Elf64_Sym symbol = {};
    symbol.st_info = ELF64_ST_INFO(STB_GLOBAL, STT_FUNC);
    symbol.st_shndx = 1;
    symbol.st_name = 1;
    symbol.st_size = UINT64_MAX;
    std::memcpy(bytes.data() + sizeof(File) + i * sizeof(symbol), &symbol, sizeof(symbol));
  }
  std::vector<Query> queries;
  for (std::uint64_t address = 0; address < 100'000; ++address)
    queries.push_back({address, nullptr, 0});
  ElfFile elf;
  ASSERT_EQ(elf.OpenBytes(bytes.data(), bytes.size()), 0);
  elf.Resolve(queries.data(),
              queries.size());  // 10^10 comparisons would run into the test's timeout
  EXPECT_STREQ(queries[0].symbol, "everything");
}

}  // namespace
}  // namespace wrackline::symbols
