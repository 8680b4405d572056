#include <elf.h>
#include <sys/mman.h>

#include <cstring>

#include "lib/symbols/anonymous_memory.h"
#include "lib/symbols/elf.h"

namespace wrackline::symbols {
namespace {

// Bounds on what a file can make us do. libjvm.so of JDK 17 has 2 MB of symbols.
constexpr std::uint64_t kMaxTableBytes = std::uint64_t{512} << 20;
// Comparisons of a symbol with a query. Functions hardly overlap, so that a real table needs a few
// per query; symbols that all cover everything would need their product. Beyond it a symbol may be
// a worse one than the rule says.
constexpr std::uint64_t kMaxComparisons = 20'000'000;
// One that has to read names costs two system calls.
constexpr std::uint64_t kNameComparison = 100;

constexpr std::size_t kSymbolsPerRead = 64 * 1024 / sizeof(Elf64_Sym);

// Global before weak before local.
int BindingRank(unsigned char info) {
  switch (ELF64_ST_BIND(info)) {
    case STB_GLOBAL:
    case STB_GNU_UNIQUE:
      return 2;
    case STB_WEAK:
      return 1;
    default:
      return 0;
  }
}

}  // namespace

// A symbol table and its names.
struct ElfFile::Table {
  std::uint64_t symbols = 0;  // file offset
  std::uint64_t count = 0;
  std::uint64_t names = 0;  // file offset
  std::uint64_t names_size = 0;
};

// What is known so far for one query.
struct ElfFile::Candidate {
  bool covered = false;      // by a symbol with a size; value, name and rank are its own
  bool has_below = false;    // below is set
  bool below_sized = false;  // a symbol with a size is among those that start there
  std::uint8_t rank = 0;
  std::uint16_t below_section = 0;
  std::uint8_t below_rank = 0;
  std::uint32_t name = 0;
  std::uint32_t below_name = 0;
  std::uint64_t value = 0;
  std::uint64_t below = 0;  // the highest start at or below the address, whatever the size
};

// One pass over a table.
class ElfFile::Search {
 public:
  Search(const ElfFile& file, const Table& table, Query* queries, Candidate* candidates,
         std::size_t count)
      : file_(file), table_(table), queries_(queries), candidates_(candidates), count_(count) {}

  void Add(const Elf64_Sym& symbol) {
    const int type = ELF64_ST_TYPE(symbol.st_info);
    if (type != STT_FUNC && type != STT_GNU_IFUNC) return;
    if (symbol.st_shndx == SHN_UNDEF || symbol.st_shndx == SHN_ABS ||
        symbol.st_shndx == SHN_COMMON || symbol.st_name == 0) {
      return;
    }
    const std::size_t first = LowerBound(symbol.st_value);
    if (first == count_) return;
    AddBelow(symbol, &candidates_[first]);
    for (std::size_t i = first; i < count_; ++i) {
      if (queries_[i].address - symbol.st_value >= symbol.st_size || !Spend(1)) break;
      AddCovering(symbol, &candidates_[i]);
    }
  }

  // Answers the queries. A candidate's `below` only knows symbols that start after the query before
  // it: the nearest of all is carried along.
  void Finish() {
    Candidate nearest;
    for (std::size_t i = 0; i < count_; ++i) {
      const Candidate& candidate = candidates_[i];
      if (candidate.has_below) nearest = candidate;
      Query& query = queries_[i];
      if (candidate.covered) {
        query.symbol = Name(candidate.name);
        query.offset = query.address - candidate.value;
      } else if (nearest.has_below && !nearest.below_sized &&
                 SectionReaches(nearest.below_section, query.address)) {
        query.symbol = Name(nearest.below_name);
        query.offset = query.address - nearest.below;
      }
    }
  }

 private:
  // The first query at or above `address`; count_ when there is none.
  std::size_t LowerBound(std::uint64_t address) const {
    std::size_t low = 0;
    std::size_t high = count_;
    while (low < high) {
      const std::size_t middle = low + (high - low) / 2;
      if (queries_[middle].address < address) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    return low;
  }

  void AddCovering(const Elf64_Sym& symbol, Candidate* candidate) {
    const int rank = BindingRank(symbol.st_info);
    if (candidate->covered &&
        !IsBetter(symbol, rank, candidate->value, candidate->rank, candidate->name)) {
      return;
    }
    candidate->covered = true;
    candidate->value = symbol.st_value;
    candidate->rank = static_cast<std::uint8_t>(rank);
    candidate->name = symbol.st_name;
  }

  void AddBelow(const Elf64_Sym& symbol, Candidate* candidate) {
    const bool sized = symbol.st_size != 0;
    if (candidate->has_below && symbol.st_value < candidate->below) return;
    const bool same_start = candidate->has_below && symbol.st_value == candidate->below;
    const bool known_sized = same_start && candidate->below_sized;
    const int rank = BindingRank(symbol.st_info);
    if (same_start &&
        (known_sized || sized ||
         !IsBetter(symbol, rank, candidate->below, candidate->below_rank, candidate->below_name))) {
      candidate->below_sized = known_sized || sized;
      return;
    }
    candidate->has_below = true;
    candidate->below = symbol.st_value;
    candidate->below_sized = sized;
    candidate->below_rank = static_cast<std::uint8_t>(rank);
    candidate->below_name = symbol.st_name;
    candidate->below_section = symbol.st_shndx;
  }

  bool IsBetter(const Elf64_Sym& symbol, int rank, std::uint64_t value, int known_rank,
                std::uint32_t known_name) {
    if (symbol.st_value != value) return symbol.st_value > value;
    if (rank != known_rank) return rank > known_rank;
    return Spend(kNameComparison) && Underscores(symbol.st_name) < Underscores(known_name);
  }

  std::size_t Underscores(std::uint32_t name) const {
    char start[8];
    std::size_t length = sizeof(start);
    if (name >= table_.names_size) return length;
    if (table_.names_size - name < length) length = table_.names_size - name;
    if (!file_.ReadAt(table_.names + name, start, length)) return length;
    std::size_t count = 0;
    while (count < length && start[count] == '_') ++count;
    return count;
  }

  // Neighbouring queries are often in the same function.
  const char* Name(std::uint32_t name) {
    if (last_symbol_ == nullptr || name != last_name_) {
      last_name_ = name;
      last_symbol_ = name < table_.names_size
                         ? file_.KeepName(table_.names + name, table_.names_size - name)
                         : nullptr;
    }
    return last_symbol_;
  }

  bool SectionReaches(std::uint16_t index, std::uint64_t address) const {
    Section section;
    return index < SHN_LORESERVE && file_.ReadSection(index, &section) &&
           address >= section.address && address - section.address < section.size;
  }

  bool Spend(std::uint64_t comparisons) {
    if (comparisons > comparisons_left_) return false;
    comparisons_left_ -= comparisons;
    return true;
  }

  const ElfFile& file_;
  const Table& table_;
  Query* const queries_;
  Candidate* const candidates_;
  const std::size_t count_;
  std::uint64_t comparisons_left_ = kMaxComparisons;
  std::uint32_t last_name_ = 0;
  const char* last_symbol_ = nullptr;
};

bool ElfFile::FindTable(std::uint32_t wanted, Table* out) const {
  for (std::uint64_t i = 0; i < section_count_; ++i) {
    Section symbols;
    Section names;
    if (!ReadSection(i, &symbols)) return false;
    if (symbols.type != wanted || symbols.entry_size != sizeof(Elf64_Sym)) continue;
    if (symbols.offset > length_ || symbols.size > length_ - symbols.offset) continue;
    if (!ReadSection(symbols.link, &names) || names.type != SHT_STRTAB) continue;
    if (names.offset > length_ || names.size > length_ - names.offset) continue;
    const std::uint64_t used = symbols.size < kMaxTableBytes ? symbols.size : kMaxTableBytes;
    *out = {symbols.offset, used / sizeof(Elf64_Sym), names.offset, names.size};
    if (out->count > 1) return true;  // the first entry is always empty
  }
  return false;
}

bool ElfFile::HasSymbolTable() const {
  Table table;
  return FindTable(SHT_SYMTAB, &table);
}

void ElfFile::Resolve(Query* queries, std::size_t count) const {
  for (std::size_t i = 0; i < count; ++i) {
    queries[i].symbol = nullptr;
    queries[i].offset = 0;
  }
  Table table;
  constexpr std::size_t kBufferBytes = kSymbolsPerRead * sizeof(Elf64_Sym);
  if (count == 0 || count > (SIZE_MAX - kBufferBytes) / sizeof(Candidate) ||
      !(FindTable(SHT_SYMTAB, &table) || FindTable(SHT_DYNSYM, &table))) {
    return;
  }
  const std::size_t scratch_bytes = kBufferBytes + count * sizeof(Candidate);
  void* const scratch = MapAnonymous(scratch_bytes);
  if (scratch == nullptr) return;
  auto* const symbols = static_cast<Elf64_Sym*>(scratch);
  // Zero bytes are valid candidates: nothing found.
  auto* const candidates = reinterpret_cast<Candidate*>(symbols + kSymbolsPerRead);

  Search search(*this, table, queries, candidates, count);
  for (std::uint64_t at = 0; at < table.count; at += kSymbolsPerRead) {
    const std::uint64_t left = table.count - at;
    const std::size_t read = left < kSymbolsPerRead ? left : kSymbolsPerRead;
    if (!ReadAt(table.symbols + at * sizeof(Elf64_Sym), symbols, read * sizeof(Elf64_Sym))) break;
    for (std::size_t i = 0; i < read; ++i) search.Add(symbols[i]);
  }
  search.Finish();
  munmap(scratch, scratch_bytes);
}

}  // namespace wrackline::symbols
