#include "preload/mapping_residence.h"

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <fstream>
#include <set>

#include "preload/clock.h"
#include "preload/pages.h"
#include "tests/support/profiled_process.h"

namespace wrackline::preload {
namespace {

constexpr std::uint64_t kPage = 4096;
constexpr std::uint64_t kPagemapEntry = 8;

class MappingResidenceTest : public testing::Test {
 protected:
  void SetUp() override {
    table_ = MapArray<MappingTable>(1);
    ASSERT_NE(table_, nullptr);
    ASSERT_EQ(residence_.Open(), 0);
  }
  void TearDown() override { munmap(static_cast<void*>(table_), sizeof(MappingTable)); }

  void Put(std::uint64_t start, std::uint64_t pages, std::uint32_t flags) {
    table_->Map({start, pages * kPage, 1, 1, 1, flags});
    table_->TakeDirty([](std::uint32_t) { return true; });
  }
  std::optional<std::uint64_t> Of(std::uint64_t start) const {
    for (std::uint32_t slot = 0; slot < MappingTable::kSlots; ++slot) {
      MappedRange range;
      if (table_->Read(slot, &range) == MappingTable::SlotState::kOccupied && range.start == start)
        return residence_.Of(slot, start);
    }
    return std::nullopt;
  }
  std::set<std::uint32_t> Changed() {
    std::set<std::uint32_t> slots;
    table_->TakeDirty([&](std::uint32_t slot) { return slots.insert(slot).second; });
    return slots;
  }

  MappingTable* table_ = nullptr;
  MappingResidence residence_;
};

TEST_F(MappingResidenceTest, CountsThePagesThatThisProcessHas) {
  auto* pages = static_cast<char*>(
      mmap(nullptr, 64 * kPage, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  ASSERT_NE(pages, MAP_FAILED);
  madvise(pages, 64 * kPage, MADV_NOHUGEPAGE);
  const auto start = reinterpret_cast<std::uint64_t>(pages);
  Put(start, 64, MappedRange::kThread);
  residence_.LookNow(table_);
  EXPECT_EQ(Of(start), 0u);
  EXPECT_EQ(Changed().size(), 1u);
  for (int i = 0; i < 20; ++i) pages[i * kPage] = 'y';
  residence_.LookNow(table_);
  EXPECT_EQ(Of(start), 20 * kPage);
  EXPECT_EQ(Changed().size(), 1u);
  // No more than a sixteenth: not worth a record.
  pages[20 * kPage] = 'y';
  residence_.LookNow(table_);
  EXPECT_EQ(Changed().size(), 0u);
  munmap(pages, 64 * kPage);
}

// What an allocator has mapped is not what it touched; what it only reserved is not looked at.
TEST_F(MappingResidenceTest, OfTheAllocatorsMemoryWhatWasTouched) {
  auto* pages = static_cast<char*>(
      mmap(nullptr, 64 * kPage, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  ASSERT_NE(pages, MAP_FAILED);
  madvise(pages, 64 * kPage, MADV_NOHUGEPAGE);
  const auto start = reinterpret_cast<std::uint64_t>(pages);
  Put(start, 32, MappedRange::kAllocator);
  Put(start + 32 * kPage, 32, MappedRange::kAllocator | MappedRange::kReserved);
  for (int i = 0; i < 7; ++i) pages[i * kPage] = 'y';
  residence_.LookNow(table_);
  EXPECT_EQ(Of(start), 7 * kPage);
  EXPECT_EQ(Of(start + 32 * kPage), std::nullopt);
  munmap(pages, 64 * kPage);
}

// Between the table's reading and the look.
TEST_F(MappingResidenceTest, OfMemoryThatIsUnmappedInPartWhatIsLeft) {
  auto* pages = static_cast<char*>(
      mmap(nullptr, 64 * kPage, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  ASSERT_NE(pages, MAP_FAILED);
  madvise(pages, 64 * kPage, MADV_NOHUGEPAGE);
  const auto start = reinterpret_cast<std::uint64_t>(pages);
  Put(start, 64, MappedRange::kAllocator);
  for (int i = 0; i < 64; i += 4) pages[i * kPage] = 'y';
  munmap(pages + 16 * kPage, 16 * kPage);
  residence_.LookNow(table_);
  EXPECT_EQ(Of(start), 12 * kPage);
  munmap(pages, 64 * kPage);
}

TEST_F(MappingResidenceTest, OfAFileOnlyWhatWasTouchedThroughTheMapping) {
  const test::TemporaryFolder folder;
  const std::string path = folder / "segment";
  std::ofstream(path) << std::string(64 * kPage, 'x');  // in the page cache now
  std::FILE* file = std::fopen(path.c_str(), "r+");
  ASSERT_NE(file, nullptr);
  auto* pages = static_cast<char*>(
      mmap(nullptr, 64 * kPage, PROT_READ | PROT_WRITE, MAP_SHARED, fileno(file), 0));
  std::fclose(file);
  ASSERT_NE(pages, MAP_FAILED);
  const auto start = reinterpret_cast<std::uint64_t>(pages);
  Put(start, 64, MappedRange::kFile | MappedRange::kShared);
  residence_.LookNow(table_);
  EXPECT_EQ(Of(start), 0u);
  for (int i = 0; i < 64; ++i) pages[i * kPage] = 'y';
  residence_.LookNow(table_);
  EXPECT_EQ(Of(start), 64 * kPage);
  munmap(pages, 64 * kPage);
}

// A pagemap in which every page of the addresses from 0 on is there.
std::string FullPagemap(const test::TemporaryFolder& folder, std::uint64_t pages) {
  std::string path = folder / "pagemap";
  std::string entry(kPagemapEntry, '\0');
  entry.back() = '\x80';
  std::ofstream out(path, std::ios::binary);
  for (std::uint64_t i = 0; i < pages; ++i) out << entry;
  return path;
}

TEST_F(MappingResidenceTest, TakesNoMoreThanItsPagesInASecond) {
  const test::TemporaryFolder folder;
  constexpr std::uint64_t kMost = MappingResidence::kPagesAtOnce;
  const std::string pagemap = FullPagemap(folder, 3 * kMost);
  const std::uint64_t large = kPage, memory = (kMost + 10) * kPage, file = memory + 10 * kPage,
                      stack = file + 10 * kPage;
  Put(large, kMost + 1, MappedRange::kFile);
  Put(memory, 5, 0);
  Put(file, 6, MappedRange::kFile);
  Put(stack, kMost / 2, MappedRange::kThread);
  const std::uint64_t now = 1000 * kSecond;
  residence_.Look(table_, now, 0, pagemap.c_str());
  // In this order.
  EXPECT_EQ(Of(stack), kMost / 2 * kPage);
  EXPECT_EQ(Of(file), 6 * kPage);
  EXPECT_EQ(Of(large), std::nullopt);
  // Not before its time.
  residence_.Look(table_, now + kSecond / 2, 0, pagemap.c_str());
  EXPECT_EQ(Of(large), std::nullopt);
  residence_.Look(table_, now + kSecond, 0, pagemap.c_str());
  EXPECT_EQ(Of(large), (kMost + 1) * kPage);
  // Memory that the program maps itself is not looked at.
  EXPECT_EQ(Of(memory), std::nullopt);
}

TEST_F(MappingResidenceTest, BeginsAnewInTimeOrWhenMemoryMoved) {
  const test::TemporaryFolder folder;
  const std::string pagemap = FullPagemap(folder, 100);
  const std::uint64_t now = 1000 * kSecond;
  const auto add = [&](std::uint64_t start) {
    Put(start, 3, MappedRange::kFile);
    return start;
  };
  add(kPage);
  residence_.Look(table_, now, 7, pagemap.c_str());
  const std::uint64_t second = add(10 * kPage);
  residence_.Look(table_, now + 29 * kSecond, 7, pagemap.c_str());
  EXPECT_EQ(Of(second), std::nullopt);
  residence_.Look(table_, now + 30 * kSecond, 7, pagemap.c_str());
  EXPECT_EQ(Of(second), 3 * kPage);
  const std::uint64_t third = add(20 * kPage);
  residence_.Look(table_, now + 34 * kSecond, 8, pagemap.c_str());
  EXPECT_EQ(Of(third), std::nullopt);
  residence_.Look(table_, now + 35 * kSecond, 8, pagemap.c_str());
  EXPECT_EQ(Of(third), 3 * kPage);
  const std::uint64_t fourth = add(30 * kPage);
  residence_.Look(table_, now + 50 * kSecond, 8, pagemap.c_str());
  EXPECT_EQ(Of(fourth), std::nullopt);
}

TEST_F(MappingResidenceTest, WithoutPagemapNothingIsKnown) {
  Put(kPage, 4, MappedRange::kFile);
  residence_.LookNow(table_, "/nowhere/pagemap");
  EXPECT_EQ(Of(kPage), std::nullopt);
  EXPECT_TRUE(Changed().empty());
}

TEST_F(MappingResidenceTest, AnotherRangeInTheSameSlotIsNotKnown) {
  const test::TemporaryFolder folder;
  const std::string pagemap = FullPagemap(folder, 100);
  Put(kPage, 4, MappedRange::kFile);
  residence_.LookNow(table_, pagemap.c_str());
  EXPECT_EQ(Of(kPage), 4 * kPage);
  table_->Unmap(kPage, 4 * kPage);
  Put(50 * kPage, 4, MappedRange::kFile);
  EXPECT_EQ(Of(50 * kPage), std::nullopt);
}

}  // namespace
}  // namespace wrackline::preload
