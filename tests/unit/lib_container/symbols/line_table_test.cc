#include "lib/symbols/line_table.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cinttypes>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <sstream>
#include <string>
#include <vector>

namespace wrackline::symbols {
namespace {

// The same sources by several compilers and in several versions of DWARF.
const std::string kFolder = WRACKLINE_LINE_PROGRAMS;

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

// Queries with room for their paths.
struct Lookup {
  explicit Lookup(const std::vector<std::uint64_t>& addresses, std::size_t room = 1 << 20)
      : text(room), paths{text.data(), room, 0, false} {
    for (const std::uint64_t address : addresses) queries.push_back({address, 0, 0, 0, false});
  }
  // Reads the whole table in pieces of `work` bytes.
  void Read(const LineTable& table, std::uint64_t work = UINT64_MAX) {
    std::uint64_t at = 0;
    while (at < table.size()) {
      const std::uint64_t next = table.Resolve(at, work, queries.data(), queries.size(), &paths);
      ASSERT_GT(next, at);
      at = next;
    }
  }
  std::string Answer(std::size_t index) const {
    const LineQuery& query = queries[index];
    if (query.line == 0) return "";
    return text.data() + query.file + (":" + std::to_string(query.line));
  }
  std::vector<std::string> Answers() const {
    std::vector<std::string> answers;
    for (std::size_t i = 0; i < queries.size(); ++i) answers.push_back(Answer(i));
    return answers;
  }

  std::vector<char> text;
  LinePaths paths;
  std::vector<LineQuery> queries;
};

struct TextSection {
  std::uint64_t begin = 0, end = 0;
};
TextSection TextOf(const std::string& path) {
  ElfFile elf;
  EXPECT_EQ(elf.Open(path.c_str()), 0) << path;
  ElfFile::Section text;
  EXPECT_TRUE(elf.FindSection(".text", &text)) << path;
  return {text.address, text.address + text.size};
}

std::vector<std::uint64_t> EveryAddress(const std::string& path) {
  const TextSection text = TextOf(path);
  std::vector<std::uint64_t> addresses;
  for (std::uint64_t at = text.begin; at < text.end; ++at) addresses.push_back(at);
  return addresses;
}

std::vector<std::string> OurLines(const std::string& path,
                                  const std::vector<std::uint64_t>& addresses,
                                  std::uint64_t work = UINT64_MAX) {
  ElfFile elf;
  EXPECT_EQ(elf.Open(path.c_str()), 0) << path;
  LineTable table;
  EXPECT_EQ(table.Open(elf), LineTable::State::kReadable) << path;
  Lookup lookup(addresses);
  lookup.Read(table, work);
  EXPECT_FALSE(lookup.paths.full);
  return lookup.Answers();
}

// "file:line" for each address, "" where it knows none.
std::vector<std::string> Addr2Line(const std::string& path,
                                   const std::vector<std::uint64_t>& addresses) {
  const std::string list = testing::TempDir() + "wrackline-lines-" + std::to_string(getpid());
  {
    std::ofstream out(list);
    for (const std::uint64_t address : addresses) out << std::hex << address << "\n";
  }
  const std::string text = Output(std::string(WRACKLINE_ADDR2LINE) + " -e " + path + " < " + list);
  std::filesystem::remove(list);
  std::vector<std::string> lines;
  std::size_t at = 0;
  while (at < text.size()) {
    const std::size_t end = text.find('\n', at);
    std::string line = text.substr(at, end - at);
    line.resize(std::min(line.find(" (discriminator"), line.size()));
    const std::size_t colon = line.rfind(':');
    if (line.compare(colon, 2, ":?") == 0 || line.compare(colon, std::string::npos, ":0") == 0)
      line.clear();
    lines.push_back(line);
    at = end + 1;
  }
  EXPECT_EQ(lines.size(), addresses.size());
  lines.resize(addresses.size());
  return lines;
}

std::string BaseName(const std::string& path) { return path.substr(path.rfind('/') + 1); }
std::string LineOf(const std::string& answer) { return answer.substr(answer.rfind(':') + 1); }

// "name:line" for each address, from the rows that objdump prints: "name line address", the line "-"
// where a sequence ends.
std::vector<std::string> ObjdumpRows(const std::string& path,
                                     const std::vector<std::uint64_t>& addresses) {
  const std::string text =
      Output(std::string(WRACKLINE_OBJDUMP) + " -w --dwarf=decodedline " + path);
  std::vector<std::string> lines(addresses.size());
  std::istringstream rows(text);
  std::string row;
  std::string before;  // of the row before, in the same sequence
  std::uint64_t before_address = 0;
  while (std::getline(rows, row)) {
    char name[1024];
    char number[32];
    char address_text[32];
    if (std::sscanf(row.c_str(), "%1023s %31s %31s", name, number, address_text) != 3) continue;
    const bool end = std::strcmp(number, "-") == 0;
    if (!end && std::strspn(number, "0123456789") != std::strlen(number)) continue;
    const std::uint64_t address = std::strtoull(address_text, nullptr, 16);
    if (!before.empty()) {
      const auto first = std::lower_bound(addresses.begin(), addresses.end(), before_address);
      for (auto at = first; at != addresses.end() && *at < address; ++at)
        lines[static_cast<std::size_t>(at - addresses.begin())] = before == "none" ? "" : before;
    }
    before = end ? "" : std::strcmp(number, "0") == 0 ? "none" : BaseName(name) + ":" + number;
    before_address = address;
  }
  return lines;
}

class CompiledTest : public testing::TestWithParam<std::string> {
 protected:
  const std::string path_ = kFolder + "/" + GetParam() + ".so";
};

TEST_P(CompiledTest, EveryAddressAgreesWithObjdump) {
  const std::vector<std::uint64_t> addresses = EveryAddress(path_);
  ASSERT_GT(addresses.size(), 500u);
  const std::vector<std::string> theirs = ObjdumpRows(path_, addresses);
  const std::vector<std::string> ours = OurLines(path_, addresses);
  std::size_t known = 0;
  for (std::size_t i = 0; i < addresses.size(); ++i) {
    EXPECT_EQ(BaseName(ours[i]), theirs[i]) << std::hex << addresses[i];
    known += ours[i].empty() ? 0 : 1;
  }
  EXPECT_GT(known, addresses.size() / 2);
}

// addr2line for the folders. Where a DWARF 5 sequence does not set its file, binutils 2.40 takes file
// 0 for it, its own objdump and llvm-symbolizer file 1: there only the line is compared.
TEST_P(CompiledTest, PathsAgreeWithAddr2line) {
  const std::vector<std::uint64_t> addresses = EveryAddress(path_);
  const std::vector<std::string> theirs = Addr2Line(path_, addresses);
  const std::vector<std::string> ours = OurLines(path_, addresses);
  std::size_t compared = 0;
  for (std::size_t i = 0; i < addresses.size(); ++i) {
    EXPECT_EQ(LineOf(ours[i]), LineOf(theirs[i])) << std::hex << addresses[i];
    if (ours[i].empty() || BaseName(ours[i]) != BaseName(theirs[i])) continue;
    ++compared;
    // The compilation folder of older versions is not in the table.
    const std::string tail =
        ours[i][0] == '/'
            ? theirs[i]
            : theirs[i].substr(theirs[i].size() - std::min(theirs[i].size(), ours[i].size()));
    EXPECT_EQ(ours[i], tail) << std::hex << addresses[i];
  }
  EXPECT_GT(compared, addresses.size() / 2);
}

TEST_P(CompiledTest, KnowsBothUnitsTheInlinedFileAndTheMadeUpOne) {
  const std::vector<std::string> lines = OurLines(path_, EveryAddress(path_));
  for (const char* part : {"programs/lines_one.cc:41", "programs/lines_two.c:14",
                           "programs/lines_inlined.h:", "made/by/a_generator.y:9001"}) {
    EXPECT_TRUE(std::any_of(lines.begin(), lines.end(), [part](const std::string& line) {
      return line.find(part) != std::string::npos;
    })) << part;
  }
}

TEST_P(CompiledTest, InPiecesAsInOneGo) {
  const std::vector<std::uint64_t> addresses = EveryAddress(path_);
  EXPECT_EQ(OurLines(path_, addresses, 1), OurLines(path_, addresses));
}

INSTANTIATE_TEST_SUITE_P(Compilers, CompiledTest, testing::Values(WRACKLINE_LINE_VARIANTS),
                         [](const auto& info) { return info.param; });

std::string AnyVariant() { return kFolder + "/gcc_dwarf5.so"; }

TEST(LineTableTest, WhatTheLinkerThrewAwayAnswersNothing) {
  // LinesDiscarded is not there, its lines are, at address 0 and on: the object's own low addresses
  // (its headers) are no code.
  const std::vector<std::uint64_t> low = {0, 1, 16, 32, 64, 100, 200};
  ASSERT_NE(Output(std::string(WRACKLINE_OBJDUMP) + " --dwarf=decodedline " + AnyVariant() +
                   " | grep -E '^[^ ]+ +[0-9]+ +0 ' || true"),
            "")
      << "the object has nothing at address 0";
  for (const std::string& line : OurLines(AnyVariant(), low)) EXPECT_EQ(line, "");
}

TEST(LineTableTest, ObjectsWithoutLinesAndCompressedOnes) {
  ElfFile elf;
  LineTable table;
  ASSERT_EQ(elf.Open((kFolder + "/stripped.so").c_str()), 0);
  EXPECT_EQ(table.Open(elf), LineTable::State::kNone);
  EXPECT_EQ(table.size(), 0u);
  ASSERT_EQ(elf.Open((kFolder + "/compressed.so").c_str()), 0);
  EXPECT_EQ(table.Open(elf), LineTable::State::kCompressed);
  EXPECT_EQ(table.size(), 0u);
}

TEST(LineTableTest, PathsThatFindNoRoomAreSaid) {
  ElfFile elf;
  ASSERT_EQ(elf.Open(AnyVariant().c_str()), 0);
  LineTable table;
  ASSERT_EQ(table.Open(elf), LineTable::State::kReadable);
  Lookup lookup(EveryAddress(AnyVariant()), 20);
  lookup.Read(table);
  EXPECT_TRUE(lookup.paths.full);
  EXPECT_LE(lookup.paths.used, 20u);
  for (const std::string& answer : lookup.Answers()) EXPECT_LT(answer.size(), 30u);
}

// A table made by hand.
class MadeTable {
 public:
  MadeTable& Bytes(std::initializer_list<int> bytes) {
    for (const int byte : bytes) bytes_.push_back(static_cast<std::uint8_t>(byte));
    return *this;
  }
  MadeTable& Number(std::uint64_t value, std::size_t size) {
    for (std::size_t i = 0; i < size; ++i) bytes_.push_back((value >> (8 * i)) & 0xff);
    return *this;
  }
  MadeTable& Append(const MadeTable& other) {
    bytes_.insert(bytes_.end(), other.bytes_.begin(), other.bytes_.end());
    return *this;
  }
  std::size_t size() const { return bytes_.size(); }
  SectionData data() const { return {nullptr, 0, bytes_.data(), bytes_.size()}; }

 private:
  std::vector<std::uint8_t> bytes_;
};

// A unit of version 3 with the file "f" and this program.
MadeTable Unit(const MadeTable& program, bool wide = false, int max_operations = 0) {
  MadeTable rest;
  rest.Bytes({1});  // min_instruction
  if (max_operations != 0) rest.Bytes({max_operations});
  rest.Bytes({1, 0xfb, 14, 13});                     // statement, -5, 14, opcode_base
  rest.Bytes({0, 1, 1, 1, 1, 0, 0, 0, 1, 0, 0, 1});  // operands
  rest.Bytes({0, 'f', 0, 0, 0, 0, 0});               // no folders; "f", 0, 0, 0; the end
  MadeTable body;
  body.Number(max_operations != 0 ? 4 : 3, 2).Number(rest.size(), wide ? 8 : 4);
  body.Append(rest).Append(program);
  MadeTable unit;
  if (wide) unit.Number(0xffffffff, 4);
  unit.Number(body.size(), wide ? 8 : 4).Append(body);
  return unit;
}

MadeTable Sequence(std::uint64_t begin, std::uint64_t bytes, int line) {
  MadeTable program;
  program.Bytes({0, 9, 2}).Number(begin, 8);             // set_address
  program.Bytes({3, line - 1, 1});                       // advance_line, copy
  program.Bytes({9}).Number(bytes, 2).Bytes({0, 1, 1});  // fixed_advance_pc, end_sequence
  return program;
}

std::vector<std::string> Lines(const MadeTable& made, const std::vector<std::uint64_t>& addresses) {
  LineTable table;
  table.OpenSections(made.data(), {}, {});
  Lookup lookup(addresses);
  lookup.Read(table, 1);
  return lookup.Answers();
}

using Strings = std::vector<std::string>;

TEST(MadeTableTest, BothFormats) {
  for (const bool wide : {false, true}) {
    EXPECT_EQ(Lines(Unit(Sequence(0x1000, 16, 7), wide), {0xfff, 0x1000, 0x100f, 0x1010}),
              (Strings{"", "f:7", "f:7", ""}));
  }
}

TEST(MadeTableTest, SeveralOperationsInAnInstruction) {
  MadeTable program;
  program.Bytes({0, 9, 2}).Number(0x1000, 8).Bytes({1});
  // Three operations on: the next instruction of two each, and one operation into it.
  program.Bytes({2, 3, 3, 1, 1, 2, 3, 0, 1, 1});
  EXPECT_EQ(Lines(Unit(program, false, 2), {0x1000, 0x1001, 0x1002, 0x1003}),
            (Strings{"f:1", "f:2", "f:2", ""}));
}

TEST(MadeTableTest, TheSequenceThatBeginsLastWins) {
  MadeTable units = Unit(Sequence(0x1000, 256, 7));
  units.Append(Unit(Sequence(0x1010, 16, 8))).Append(Unit(Sequence(0x1000, 256, 9)));
  EXPECT_EQ(Lines(units, {0x1000, 0x1010, 0x101f, 0x1020}), (Strings{"f:7", "f:8", "f:8", "f:7"}));
}

TEST(MadeTableTest, AThrownAwaySequenceThatWraps) {
  MadeTable units = Unit(Sequence(UINT64_MAX, 4096, 5));
  units.Append(Unit(Sequence(0, 4096, 6))).Append(Unit(Sequence(0x100, 16, 7)));
  EXPECT_EQ(Lines(units, {0, 0x50, 0x100, 0x110}), (Strings{"", "", "f:7", ""}));
}

TEST(MadeTableTest, AnUnknownVersionIsSteppedOver) {
  MadeTable units;
  units.Number(6, 4).Number(77, 2).Number(0, 4);
  units.Append(Unit(Sequence(0x1000, 16, 7)));
  EXPECT_EQ(Lines(units, {0x1000}), Strings{"f:7"});
}

TEST(MadeTableTest, AUnitThatClaimsMoreThanThereIsEndsWithTheTable) {
  MadeTable unit;
  unit.Number(1000, 4).Number(3, 2).Number(5, 4);
  LineTable table;
  table.OpenSections(unit.data(), {}, {});
  Lookup lookup({0x1000});
  EXPECT_EQ(table.Resolve(0, 1, lookup.queries.data(), 1, &lookup.paths), table.size());
}

TEST(MadeTableTest, OperandsOfTheProducersOwn) {
  // A standard opcode with two operands instead of one is not the known one.
  MadeTable program;
  program.Bytes({0, 9, 2}).Number(0x1000, 8).Bytes({5, 1, 1}).Append(Sequence(0x1000, 16, 7));
  EXPECT_EQ(Lines(Unit(program), {0x1000}), Strings{"f:7"});
}

// The product of many sequences and many queries is not done.
TEST(MadeTableTest, SequencesThatAllCoverEverything) {
  MadeTable program;
  for (int i = 0; i < 100'000; ++i)
    program.Append(Sequence(static_cast<std::uint64_t>(i + 1), 60'000, 1 + i % 60));
  std::vector<std::uint64_t> addresses;
  for (std::uint64_t address = 0; address < 50'000; ++address) addresses.push_back(address);
  LineTable table;
  const MadeTable made = Unit(program);
  table.OpenSections(made.data(), {}, {});
  Lookup lookup(addresses, 16 << 20);
  lookup.Read(table);  // 10^9 answers would take seconds
  EXPECT_EQ(lookup.Answer(1), "f:1");
}

TEST(MadeTableTest, ATableOfEntriesWithoutBytesEnds) {
  // Version 5, no formats, 2^63 folders.
  MadeTable rest;
  rest.Bytes({1, 1, 1, 0xfb, 14, 13, 0, 1, 1, 1, 1, 0, 0, 0, 1, 0, 0, 1});
  rest.Bytes({0}).Bytes({0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 1}).Bytes({0, 0});
  MadeTable body;
  body.Number(5, 2).Bytes({8, 0}).Number(rest.size(), 4).Append(rest);
  body.Append(Sequence(0x1000, 16, 7));
  MadeTable unit;
  unit.Number(body.size(), 4).Append(body);
  EXPECT_EQ(Lines(unit, {0x1000}), Strings{""});
}

// Every truncation and many damages of a real table: no crash, every path ends inside of the text.
TEST(DamagedLinesTest, NeverCrashes) {
  for (const char* name : {"gcc_dwarf4", "gcc_dwarf5"}) {
    const std::string path = kFolder + "/" + name + ".so";
    ElfFile elf;
    ASSERT_EQ(elf.Open(path.c_str()), 0);
    std::vector<std::uint8_t> sections[3];
    const char* const names[] = {".debug_line", ".debug_line_str", ".debug_str"};
    for (int i = 0; i < 3; ++i) {
      ElfFile::Section section;
      if (!elf.FindSection(names[i], &section)) continue;
      sections[i].resize(section.size);
      ASSERT_TRUE(elf.ReadAt(section.offset, sections[i].data(), section.size));
    }
    ASSERT_GT(sections[0].size(), 500u);
    std::vector<std::uint64_t> addresses;
    for (std::uint64_t at = 0x1000; at < 0x3000; at += 8) addresses.push_back(at);
    const auto use = [&](const std::vector<std::uint8_t>& line) {
      LineTable table;
      table.OpenSections({nullptr, 0, line.data(), line.size()},
                         {nullptr, 0, sections[1].data(), sections[1].size()},
                         {nullptr, 0, sections[2].data(), sections[2].size()});
      Lookup lookup(addresses, 64 << 10);
      lookup.Read(table, 200);
      for (const LineQuery& query : lookup.queries) {
        ASSERT_FALSE(query.pending);
        if (query.line != 0) {
          ASSERT_LT(query.file, lookup.paths.used);
        }
      }
      if (lookup.paths.used > 0) {
        ASSERT_EQ(lookup.text[lookup.paths.used - 1], '\0');
      }
    };
    const std::vector<std::uint8_t>& good = sections[0];
    for (std::size_t length = 0; length < good.size(); length += 7)
      use({good.begin(), good.begin() + static_cast<std::ptrdiff_t>(length)});
    std::mt19937 random(7);
    for (int round = 0; round < 2000; ++round) {
      std::vector<std::uint8_t> bytes = good;
      // Half of the damage goes into the first header.
      for (int i = 0; i < 4; ++i)
        bytes[random() % (i % 2 == 0 ? 120 : bytes.size())] = static_cast<std::uint8_t>(random());
      use(bytes);
    }
  }
}

}  // namespace
}  // namespace wrackline::symbols
