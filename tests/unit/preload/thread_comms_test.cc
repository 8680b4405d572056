#include "preload/thread_comms.h"

#include <gtest/gtest.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <memory>
#include <string>

#include "preload/clock.h"
#include "tests/support/profiled_process.h"

namespace wrackline::preload {
namespace {

class ThreadCommsTest : public testing::Test {
 protected:
  void SetUp() override { ASSERT_EQ(comms_.Open(), 0); }
  // A thread of the fake process: name and start time.
  void Put(std::uint32_t thread_id, const std::string& comm, int start) {
    const std::filesystem::path folder = std::filesystem::path(std::string(root_ / "proc")) / "5" /
                                         "task" / std::to_string(thread_id);
    std::filesystem::create_directories(folder);
    std::ofstream(folder / "stat")
        << thread_id << " (" << comm << ") S 1 5 5 0 -1 4194304 9 0 0 0 "
        << "1 2 0 0 20 0 3 0 " << start << " 1000 100 18446744073709551615\n";
  }
  void End(std::uint32_t thread_id) {
    std::filesystem::remove_all(std::string(root_ / "proc") + "/5/task/" +
                                std::to_string(thread_id));
  }
  void LookAt(std::uint64_t second) {
    comms_.Look(table_.get(), second * kSecond, ThreadComms::kLooks, root_.path().c_str(), "5");
  }
  std::string CommOf(std::uint32_t slot) {
    ThreadEntry entry = {};
    EXPECT_TRUE(table_->Read(slot, &entry));
    return entry.comm;
  }

  test::TemporaryFolder root_;
  std::unique_ptr<ThreadTable> table_ = std::make_unique<ThreadTable>();
  ThreadComms comms_;
};

TEST_F(ThreadCommsTest, ANameIsReadAtOnceAndAgainLater) {
  Put(7, "java", 100);
  table_->Enter(7, 0);
  LookAt(10);
  EXPECT_EQ(CommOf(0), "java");
  Put(7, "C2 CompilerThre", 100);
  LookAt(10);
  EXPECT_EQ(CommOf(0), "java");
  LookAt(11);
  EXPECT_EQ(CommOf(0), "C2 CompilerThre");
  // Two seconds later, and not before.
  Put(7, "renamed", 100);
  LookAt(12);
  EXPECT_EQ(CommOf(0), "C2 CompilerThre");
  LookAt(13);
  EXPECT_EQ(CommOf(0), "renamed");
}

TEST_F(ThreadCommsTest, NamesMayHoldAnything) {
  Put(7, "a) R 1 (b\xFF", 100);
  table_->Enter(7, 0);
  LookAt(1);
  EXPECT_EQ(CommOf(0), "a) R 1 (b?");
}

TEST_F(ThreadCommsTest, ALaterThreadOfTheSameIdDoesNotGiveItsNameToTheFirst) {
  Put(7, "first", 100);
  table_->Enter(7, 0);
  LookAt(1);
  Put(7, "second", 5000);
  LookAt(50);
  EXPECT_EQ(CommOf(0), "first");
  table_->Enter(7, 60000);
  LookAt(61);
  EXPECT_EQ(CommOf(0), "first");
  EXPECT_EQ(CommOf(1), "second");
}

TEST_F(ThreadCommsTest, SlotsOfEndedThreadsAreFreeForOthersAndThoseAreNamed) {
  for (std::uint32_t i = 0; i < ThreadTable::kSlots; ++i) table_->Enter(i + 10, 0);
  Put(11, "short", 100);
  for (std::uint64_t i = 0; i < ThreadTable::kSlots; ++i)
    comms_.Look(table_.get(), kSecond, 1, root_.path().c_str(), "5");
  EXPECT_EQ(CommOf(1), "short");
  End(11);
  LookAt(2);
  // Slots 0 and 2 had no folder: their threads were gone at the first look.
  const std::uint32_t entry = table_->Enter(50000, 7);
  ASSERT_EQ(entry, 1u);
  Put(50000, "later", 700);
  LookAt(2);
  EXPECT_EQ(CommOf(0), "later");
}

TEST_F(ThreadCommsTest, ItReadsThisProcess) {
  char before[16] = {};
  ASSERT_EQ(prctl(PR_GET_NAME, before), 0);
  ASSERT_EQ(prctl(PR_SET_NAME, "wrack:probe"), 0);
  table_->Enter(static_cast<std::uint32_t>(syscall(SYS_gettid)), 0);
  comms_.Look(table_.get(), kSecond);
  EXPECT_EQ(CommOf(0), "wrack:probe");
  prctl(PR_SET_NAME, before);
}

}  // namespace
}  // namespace wrackline::preload
