#include "lib/recorder/writer.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/unit/lib_recorder/recorder_support.h"

namespace wrackline::recorder {
namespace {

// Lowers RLIMIT_FSIZE while it lives: writes at and beyond the limit fail, one across it is short,
// as on a full disk.
class FileSizeLimit {
 public:
  explicit FileSizeLimit(rlim_t bytes) {
    getrlimit(RLIMIT_FSIZE, &before_);
    rlimit limit = before_;
    limit.rlim_cur = bytes;
    setrlimit(RLIMIT_FSIZE, &limit);
  }
  ~FileSizeLimit() { setrlimit(RLIMIT_FSIZE, &before_); }

 private:
  rlimit before_{};
};

TEST(Writer, ZeroObjectIsClosed) {
  Writer writer;
  EXPECT_FALSE(writer.is_open());
  EXPECT_FALSE(writer.Append("a", 1));
  EXPECT_FALSE(writer.AppendToSnapshot("a", 1));
  EXPECT_EQ(writer.Flush(), EBADF);
  EXPECT_EQ(writer.CheckFile(), EBADF);
  EXPECT_EQ(writer.CommitSnapshot(), EINVAL);
  EXPECT_FALSE(writer.SnapshotDue());
  writer.Close();
}

TEST(Writer, MakesAPrivatePreallocatedReadableFile) {
  TemporaryFolder folder;
  const std::string path = folder.File("a.wrack");
  Writer writer;
  ASSERT_EQ(writer.Open(path.c_str(), kMinFileBytes), 0);
  struct stat status {};
  ASSERT_EQ(stat(path.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 07777, 0600U);
  EXPECT_EQ(static_cast<std::uint64_t>(status.st_size), kMinFileBytes);
  EXPECT_GE(static_cast<std::uint64_t>(status.st_blocks) * 512, kMinFileBytes);
  EXPECT_EQ(writer.segment_bytes() % 4096, 0U);
  Result<Recording> recording = ReadRecording(path);  // at once, before any record
  ASSERT_TRUE(recording.ok()) << recording.error().Text();
  EXPECT_EQ(recording.value().records, 0U);
  EXPECT_EQ(recording.value().generation, 1U);
  EXPECT_EQ(recording.value().damage, "");
  writer.Close();
}

TEST(Writer, OpenErrorsLeaveNothingBehind) {
  TemporaryFolder folder;
  Writer writer;
  Spill(folder.File("taken"), "x");
  EXPECT_EQ(writer.Open(folder.File("taken").c_str(), kMinFileBytes), EEXIST);
  EXPECT_EQ(Slurp(folder.File("taken")), "x");
  EXPECT_EQ(writer.Open(folder.File("no/such").c_str(), kMinFileBytes), ENOENT);
  EXPECT_EQ(writer.Open(folder.File("small").c_str(), kMinFileBytes - 1), EINVAL);
  EXPECT_EQ(writer.Open(nullptr, kMinFileBytes), EINVAL);
  ASSERT_EQ(symlink("target", folder.File("link").c_str()), 0);
  EXPECT_EQ(writer.Open(folder.File("link").c_str(), kMinFileBytes), EEXIST);
  EXPECT_FALSE(std::filesystem::exists(folder.File("target")));
  {
    const FileSizeLimit limit(kMinFileBytes - 1);
    EXPECT_EQ(writer.Open(folder.File("limited").c_str(), kMinFileBytes), EFBIG);
    EXPECT_FALSE(std::filesystem::exists(folder.File("limited")));
  }
  EXPECT_FALSE(writer.is_open());
  EXPECT_EQ(writer.Open(folder.File("fine").c_str(), kMinFileBytes), 0);
  EXPECT_EQ(writer.Open(folder.File("second").c_str(), kMinFileBytes), EBUSY);
  writer.Close();
}

TEST(Writer, NoSpaceAtOpenRemovesTheFile) {
  // A tmpfs refuses more than its own size at once, without touching memory.
  struct statvfs space {};
  ASSERT_EQ(statvfs("/dev/shm", &space), 0);
  const std::string path = "/dev/shm/wrackline-test-" + std::to_string(getpid()) + ".wrack";
  Writer writer;
  EXPECT_EQ(writer.Open(path.c_str(),
                        static_cast<std::uint64_t>(space.f_blocks) * space.f_frsize + (1 << 20)),
            ENOSPC);
  EXPECT_FALSE(std::filesystem::exists(path));
}

// A file system without fallocate, played by a system call filter in a child.
TEST(Writer, FallsBackToTruncateWhereNothingCanBePreallocated) {
  TemporaryFolder folder;
  const std::string path = folder.File("sparse.wrack");
  const pid_t child = fork();
  if (child == 0) {
    sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_fallocate, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EOPNOTSUPP),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    const sock_fprog program{4, code};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) _exit(10);
    if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0) _exit(11);
    Writer writer;
    if (writer.Open(path.c_str(), kMinFileBytes) != 0) _exit(12);
    if (!AppendTo(writer, HeartbeatRecord(1))) _exit(13);
    if (writer.Flush() != 0) _exit(14);
    _exit(0);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFEXITED(status));
  ASSERT_EQ(WEXITSTATUS(status), 0);
  EXPECT_EQ(std::filesystem::file_size(path), kMinFileBytes);
  struct stat facts {};
  ASSERT_EQ(stat(path.c_str(), &facts), 0);
  EXPECT_LT(facts.st_blocks * 512, 65536);
  Result<Recording> recording = ReadRecording(path);
  ASSERT_TRUE(recording.ok());
  EXPECT_EQ(recording.value().records, 1U);
}

TEST(Writer, AFailedWriteIsRetriedAndNothingIsSkipped) {
  TemporaryFolder folder;
  const std::string path = folder.File("a.wrack");
  Writer writer;
  ASSERT_EQ(writer.Open(path.c_str(), kMinFileBytes), 0);
  std::uint64_t taken = 0;
  {
    // In the middle of a frame: the first write is short.
    const FileSizeLimit limit(kHeaderBytes + 40 + 1001);
    while (AppendTo(writer, HeartbeatRecord(taken))) ++taken;
    EXPECT_EQ(writer.Flush(), EFBIG);
    EXPECT_EQ(writer.Flush(), EFBIG);
    Result<Recording> recording = ReadRecording(path);
    ASSERT_TRUE(recording.ok());
    EXPECT_EQ(recording.value().damage, "");  // a torn tail
    EXPECT_GT(recording.value().records, 20U);
    EXPECT_LT(recording.value().records, 50U);
  }
  // The batch holds one longest record and 256 KiB, whatever the errors.
  EXPECT_GT(taken, 8000U);
  EXPECT_GE(writer.statistics().write_errors, 3U);
  EXPECT_EQ(writer.statistics().last_errno, EFBIG);
  EXPECT_EQ(writer.Flush(), 0);
  ASSERT_TRUE(AppendTo(writer, HeartbeatRecord(taken++)));
  writer.Close();
  Result<Recording> recording = ReadRecording(path);
  ASSERT_TRUE(recording.ok());
  EXPECT_EQ(recording.value().damage, "");
  EXPECT_EQ(recording.value().records, taken);
  EXPECT_EQ(recording.value().last_heartbeat->heartbeat().monotonic_ns(), taken - 1);
}

TEST(Writer, SnapshotReplacesTheSegmentOnlyAtItsCommit) {
  TemporaryFolder folder;
  const std::string path = folder.File("a.wrack");
  Writer writer;
  ASSERT_EQ(writer.Open(path.c_str(), kMinFileBytes), 0);
  for (int round = 1; round <= 5; ++round) {
    ASSERT_TRUE(AppendTo(writer, CounterRecord(1, 10 * round)));
    ASSERT_TRUE(AppendTo(writer, CounterRecord(100 + round, 1)));
    ASSERT_EQ(writer.Flush(), 0);
    writer.BeginSnapshot();
    const std::string state = CounterRecord(1, 10 * round).SerializeAsString();
    ASSERT_TRUE(writer.AppendToSnapshot(state.data(), state.size()));
    ASSERT_EQ(writer.Flush(), 0);
    ASSERT_TRUE(AppendTo(writer, CounterRecord(2, round)));  // to both
    ASSERT_EQ(writer.Flush(), 0);
    const Result<Recording> before = ReadRecording(path);
    ASSERT_TRUE(before.ok());
    EXPECT_EQ(before.value().generation, static_cast<std::uint64_t>(round));
    EXPECT_EQ(before.value().stacks.count(100 + round), 1U);
    ASSERT_EQ(writer.CommitSnapshot(), 0);
    const Result<Recording> after = ReadRecording(path);
    ASSERT_TRUE(after.ok());
    EXPECT_EQ(after.value().damage, "");
    EXPECT_EQ(after.value().generation, static_cast<std::uint64_t>(round) + 1);
    EXPECT_EQ(CountersOf(after.value()),
              (std::map<std::uint32_t, std::uint64_t>{{1, 10 * round}, {2, round}}));
  }
  EXPECT_EQ(writer.statistics().snapshots, 5U);
  writer.Close();
}

TEST(Writer, AnAbandonedSnapshotLeavesTheActiveSegment) {
  TemporaryFolder folder;
  const std::string path = folder.File("a.wrack");
  Writer writer;
  ASSERT_EQ(writer.Open(path.c_str(), kMinFileBytes), 0);
  ASSERT_TRUE(AppendTo(writer, CounterRecord(1, 5)));
  writer.BeginSnapshot();
  const std::string large(writer.max_record_bytes(), 'x');
  int taken = 0;
  while (writer.AppendToSnapshot(large.data(), large.size())) ++taken;
  EXPECT_EQ(taken, 3);  // four quarters, but for the headers
  EXPECT_TRUE(writer.snapshot_overflowed());
  EXPECT_EQ(writer.CommitSnapshot(), ENOSPC);
  ASSERT_TRUE(AppendTo(writer, CounterRecord(2, 6)));  // the active one goes on
  writer.AbandonSnapshot();
  EXPECT_EQ(writer.statistics().snapshots_abandoned, 1U);
  ASSERT_EQ(writer.Flush(), 0);
  EXPECT_EQ(CountersOf(ReadRecording(path).value()),
            (std::map<std::uint32_t, std::uint64_t>{{1, 5}, {2, 6}}));
  // A later one in the same segment does not read what the abandoned one left there.
  writer.BeginSnapshot();
  ASSERT_EQ(writer.CommitSnapshot(), 0);
  const Result<Recording> recording = ReadRecording(path);
  ASSERT_TRUE(recording.ok());
  EXPECT_EQ(recording.value().records, 0U);
  EXPECT_EQ(recording.value().damage, "");
  writer.Close();
}

TEST(Writer, NeverWritesBehindItsSegmentOrFile) {
  TemporaryFolder folder;
  const std::string path = folder.File("a.wrack");
  Writer writer;
  ASSERT_EQ(writer.Open(path.c_str(), kMinFileBytes), 0);
  std::uint64_t n = 0;
  while (AppendTo(writer, HeartbeatRecord(n))) ++n;
  EXPECT_TRUE(writer.active_full());
  EXPECT_TRUE(writer.SnapshotDue());
  ASSERT_EQ(writer.Flush(), 0);
  EXPECT_EQ(std::filesystem::file_size(path), kMinFileBytes);
  const std::string bytes = Slurp(path);
  EXPECT_EQ(bytes.find_first_not_of('\0', kHeaderBytes + writer.segment_bytes()),
            std::string::npos);
  EXPECT_EQ(ReadRecording(path).value().records, n);
  writer.Close();
}

// Where the table of descriptors is the program's too, it may close all it has and open its own there.
TEST(Writer, WritesToNoFileThatTookItsNumber) {
  TemporaryFolder folder;
  const std::string path = folder.File("a.wrack"), other = folder.File("other");
  Writer writer;
  ASSERT_EQ(writer.Open(path.c_str(), kMinFileBytes), 0);
  int number = -1;
  for (int i = 3; i < 1024 && number < 0; ++i) {
    if (writer.IsOfFile(i)) number = i;
  }
  ASSERT_GE(number, 0);
  const int mine = open(other.c_str(), O_RDWR | O_CREAT, 0600);
  ASSERT_GE(mine, 0);
  ASSERT_EQ(ftruncate(mine, kMinFileBytes), 0);
  EXPECT_FALSE(writer.IsOfFile(mine));
  EXPECT_FALSE(writer.IsOfFile(-1));
  ASSERT_EQ(dup2(mine, number), number);
  EXPECT_EQ(writer.CheckFile(), ESTALE);
  ASSERT_TRUE(AppendTo(writer, HeartbeatRecord(1)));
  writer.Close();
  EXPECT_EQ(Slurp(other).find_first_not_of('\0'), std::string::npos);
  EXPECT_NE(fcntl(number, F_GETFD), -1) << "the program's descriptor was closed";
  close(number);
  close(mine);
}

TEST(Writer, ChecksWhetherItsFileIsStillThere) {
  TemporaryFolder folder;
  const std::string path = folder.File("a.wrack");
  Writer writer;
  ASSERT_EQ(writer.Open(path.c_str(), kMinFileBytes), 0);
  EXPECT_EQ(writer.CheckFile(), 0);
  std::filesystem::rename(path, folder.File("b.wrack"));
  EXPECT_EQ(writer.CheckFile(), 0);  // it has a name still
  std::filesystem::resize_file(folder.File("b.wrack"), 5000);
  EXPECT_EQ(writer.CheckFile(), ESTALE);
  writer.Close();

  ASSERT_EQ(writer.Open(path.c_str(), kMinFileBytes), 0);
  std::filesystem::remove(path);
  EXPECT_EQ(writer.CheckFile(), ESTALE);
  ASSERT_TRUE(AppendTo(writer, HeartbeatRecord(1)));
  EXPECT_EQ(writer.Flush(), 0);  // harmless
  writer.Close();
}

}  // namespace
}  // namespace wrackline::recorder
