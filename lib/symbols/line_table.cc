#include "lib/symbols/line_table.h"

#include <elf.h>
#include <sys/mman.h>

#include <cstring>

#include "lib/symbols/anonymous_memory.h"
#include "lib/symbols/line_files.h"
#include "lib/symbols/line_header.h"

namespace wrackline::symbols {
namespace {

constexpr std::size_t kBufferBytes = 64 << 10;
// Answers and searches of one call. Sequences hardly overlap, so that a real table gives about one
// answer per query; sequences that all cover everything would give their product.
constexpr std::uint64_t kMaxSteps = 4'000'000;

// DWARF 5, table 7.25 and 7.26.
enum StandardOpcode : std::uint8_t {
  kCopy = 1,
  kAdvancePc,
  kAdvanceLine,
  kSetFile,
  kSetColumn,
  kNegateStatement,
  kBasicBlock,
  kConstAddPc,
  kFixedAdvancePc,
  kPrologueEnd,
  kEpilogueBegin,
  kSetIsa,
};
enum ExtendedOpcode : std::uint8_t { kEndSequence = 1, kSetAddress = 2 };

// Runs the programs of one Resolve and answers its queries.
class Run {
 public:
  Run(LineQuery* queries, std::size_t count) : queries_(queries), count_(count) {}

  bool spent() const { return steps_left_ == 0; }
  bool Spend(std::uint64_t steps) {
    if (steps > steps_left_) {
      steps_left_ = 0;
      return false;
    }
    steps_left_ -= steps;
    return true;
  }

  // The unit's program, from `reader` on to the end of its window. Answers have the number of a file
  // of the unit in `file`, and are `pending`.
  void Program(const LineHeader& header, SectionReader* reader) {
    header_ = &header;
    first_pending_ = count_;
    end_pending_ = 0;
    Restart();
    while (reader->More()) {
      const std::uint8_t opcode = reader->U8();
      if (opcode >= header.opcode_base) {
        const unsigned adjusted = opcode - header.opcode_base;
        Advance(adjusted / header.line_range);
        line_ += static_cast<std::uint32_t>(header.line_base +
                                            static_cast<int>(adjusted % header.line_range));
        Row();
      } else if (opcode == 0) {
        Extended(reader);
      } else {
        Standard(opcode, reader);
      }
    }
  }

  // Every pending query lies between these.
  std::size_t first_pending() const { return first_pending_; }
  std::size_t end_pending() const { return end_pending_; }

 private:
  void Restart() {
    address_ = 0;
    op_index_ = 0;
    file_ = 1;
    line_ = 1;
    has_row_ = false;
    ignored_ = false;
  }

  void Advance(std::uint64_t operations) {
    if (header_->max_operations <= 1) {
      address_ += operations * header_->min_instruction;
      return;
    }
    operations += op_index_;
    address_ += operations / header_->max_operations * header_->min_instruction;
    op_index_ = operations % header_->max_operations;
  }

  void Standard(std::uint8_t opcode, SectionReader* reader) {
    // A producer may give a known opcode another number of operands: then it is not the known one.
    if (opcode <= kSetIsa && header_->HasUsualOperands(opcode)) {
      switch (opcode) {
        case kCopy:
          Row();
          return;
        case kAdvancePc:
          Advance(reader->Uleb());
          return;
        case kAdvanceLine:
          line_ += static_cast<std::uint32_t>(reader->Sleb());
          return;
        case kSetFile:
          file_ = reader->Uleb();
          return;
        case kConstAddPc:
          Advance((255u - header_->opcode_base) / header_->line_range);
          return;
        case kFixedAdvancePc:
          address_ += reader->Fixed(2);
          op_index_ = 0;
          return;
        case kSetColumn:
        case kSetIsa:
          reader->Uleb();
          return;
        default:
          return;
      }
    }
    for (std::uint8_t i = 0; i < header_->operands[opcode]; ++i) reader->Uleb();
  }

  void Extended(SectionReader* reader) {
    const std::uint64_t length = reader->Uleb();
    if (length == 0) return;
    const std::uint64_t end = reader->at() + length;
    switch (reader->U8()) {
      case kEndSequence:
        Row();
        Restart();
        break;
      case kSetAddress:
        if (length - 1 <= 8 && length > 1) {
          address_ = reader->Fixed(static_cast<std::size_t>(length - 1));
          op_index_ = 0;
        }
        break;
      default:
        break;
    }
    if (reader->ok()) reader->Skip(end - reader->at());
  }

  // The row before this one reaches to this one's address.
  void Row() {
    if (!has_row_) {
      has_row_ = true;
      sequence_ = address_;
      ignored_ = address_ == 0;
      next_ = ignored_ ? count_ : LowerBound(address_);
    } else if (!ignored_) {
      // Addresses only grow within a sequence. One that was thrown away may begin at the highest
      // address and wrap.
      if (address_ < row_address_) {
        ignored_ = true;
        next_ = count_;
      }
      for (; next_ < count_ && queries_[next_].address < address_; ++next_) Answer(next_);
    }
    row_address_ = address_;
    row_line_ = line_;
    row_file_ = file_;
  }

  void Answer(std::size_t index) {
    LineQuery& query = queries_[index];
    if (!Spend(1) || query.sequence >= sequence_ || row_file_ > UINT32_MAX) return;
    query.sequence = sequence_;
    query.line = row_line_;
    query.file = static_cast<std::uint32_t>(row_file_);
    query.pending = true;
    if (index < first_pending_) first_pending_ = index;
    if (index + 1 > end_pending_) end_pending_ = index + 1;
  }

  std::size_t LowerBound(std::uint64_t address) {
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

  LineQuery* const queries_;
  const std::size_t count_;
  const LineHeader* header_ = nullptr;
  std::uint64_t steps_left_ = kMaxSteps;
  std::size_t first_pending_ = 0;
  std::size_t end_pending_ = 0;

  // The state machine's registers.
  std::uint64_t address_ = 0;
  std::uint64_t op_index_ = 0;
  std::uint64_t file_ = 1;
  std::uint32_t line_ = 1;
  // The row before, and the sequence it is in.
  bool has_row_ = false;
  bool ignored_ = false;
  std::uint64_t sequence_ = 0;
  std::uint64_t row_address_ = 0;
  std::uint64_t row_file_ = 1;
  std::uint32_t row_line_ = 1;
  std::size_t next_ = 0;  // the first query at or above row_address_
};

bool Take(const ElfFile& elf, const char* name, SectionData* out, bool* compressed) {
  ElfFile::Section section;
  if (!elf.FindSection(name, &section)) return false;
  if ((section.flags & SHF_COMPRESSED) != 0) *compressed = true;
  *out = {&elf, section.offset, nullptr, section.size};
  return true;
}

}  // namespace

LineTable::State LineTable::Open(const ElfFile& elf) {
  *this = {};
  bool compressed = false;
  ElfFile::Section section;
  SectionData line;
  if (!Take(elf, ".debug_line", &line, &compressed)) {
    return elf.FindSection(".zdebug_line", &section) ? State::kCompressed : State::kNone;
  }
  SectionData line_strings;
  SectionData strings;
  Take(elf, ".debug_line_str", &line_strings, &compressed);
  Take(elf, ".debug_str", &strings, &compressed);
  if (compressed) return State::kCompressed;
  OpenSections(line, line_strings, strings);
  return State::kReadable;
}

void LineTable::OpenSections(const SectionData& line, const SectionData& line_strings,
                             const SectionData& strings) {
  line_ = line;
  line_strings_ = line_strings;
  strings_ = strings;
}

std::uint64_t LineTable::Resolve(std::uint64_t from, std::uint64_t work, LineQuery* queries,
                                 std::size_t count, LinePaths* paths) const {
  if (count == 0 || from >= line_.size) return line_.size;
  auto* const buffer = static_cast<std::uint8_t*>(MapAnonymous(kBufferBytes));
  if (buffer == nullptr) return line_.size;
  SectionReader reader(line_, buffer, kBufferBytes);
  Run run(queries, count);
  LineFiles files(line_, line_strings_, strings_, paths);
  std::uint64_t at = from;
  const std::uint64_t stop = work < line_.size - from ? from + work : line_.size;
  while (at < stop && !run.spent()) {
    LineHeader header;
    reader.Seek(at, line_.size);
    std::uint64_t end = header.Read(&reader);
    if (end > line_.size) end = line_.size;  // cut short
    if (end <= at) {
      at = line_.size;  // no unit: where the next one begins is unknown
      break;
    }
    if (header.usable) {
      reader.Seek(header.program, end);
      run.Program(header, &reader);
      if (run.first_pending() < run.end_pending()) {
        run.Spend(run.end_pending() - run.first_pending());
        files.Name(header, &reader, queries + run.first_pending(),
                   run.end_pending() - run.first_pending());
      }
    }
    at = end;
  }
  if (run.spent()) at = line_.size;
  munmap(buffer, kBufferBytes);
  return at;
}

}  // namespace wrackline::symbols
