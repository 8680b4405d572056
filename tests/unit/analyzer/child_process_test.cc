#include "analyzer/cli/child_process.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>

namespace wrackline::cli {
namespace {

ChildEnd RunIt(const std::vector<std::string>& command, int enter = 0) {
  const HeldSignals held;
  const Result<ChildEnd> end = RunChild(
      command, {"PATH=/usr/bin:/bin", "WHAT=42"}, [enter] { return enter; }, held);
  EXPECT_TRUE(end.ok());
  return end.value();
}

TEST(ChildProcess, ExitStatusAndEnvironment) {
  const ChildEnd end = RunIt({"sh", "-c", "exit $WHAT"});
  EXPECT_TRUE(end.started);
  EXPECT_TRUE(WIFEXITED(end.status));
  EXPECT_EQ(WEXITSTATUS(end.status), 42);
}

TEST(ChildProcess, Signal) {
  const ChildEnd end = RunIt({"sh", "-c", "kill -9 $$"});
  EXPECT_TRUE(WIFSIGNALED(end.status));
  EXPECT_EQ(WTERMSIG(end.status), SIGKILL);
}

TEST(ChildProcess, NotFoundAndNotExecutable) {
  EXPECT_EQ(RunIt({"no-such-command-anywhere"}).exec_errno, ENOENT);
  EXPECT_FALSE(RunIt({"no-such-command-anywhere"}).started);
  EXPECT_EQ(RunIt({"/etc/passwd"}).exec_errno, EACCES);
}

TEST(ChildProcess, BeforeExecFails) {
  const ChildEnd end = RunIt({"true"}, EPERM);
  EXPECT_FALSE(end.started);
  EXPECT_EQ(end.enter_errno, EPERM);
}

TEST(ChildProcess, ForwardsSignalsSentByAProcess) {
  // The child asks its parent, this process, to be told to end; without forwarding it would run on
  // and exit with 1.
  const ChildEnd end =
      RunIt({"sh", "-c",
             "trap 'exit 7' TERM; kill -TERM $PPID; i=0; while [ $i -lt 100 ]; do sleep 0.1; "
             "i=$((i+1)); done; exit 1"});
  EXPECT_TRUE(WIFEXITED(end.status));
  EXPECT_EQ(WEXITSTATUS(end.status), 7);
}

// A second one, while what the child left is written, would end this process.
TEST(ChildProcess, SignalsAfterItsEndAreHeldAndDropped) {
  {
    const HeldSignals held;
    const Result<ChildEnd> end = RunChild(
        {"true"}, {"PATH=/usr/bin:/bin"}, [] { return 0; }, held);
    EXPECT_TRUE(end.ok());
    kill(getpid(), SIGTERM);
    kill(getpid(), SIGINT);
  }
  sigset_t pending;
  sigpending(&pending);
  EXPECT_FALSE(sigismember(&pending, SIGTERM) || sigismember(&pending, SIGINT));
}

TEST(ChildProcess, ChildHasTheSignalMaskOfItsParent) {
  const ChildEnd end = RunIt({"sh", "-c", "grep -q 'SigBlk:.*0000000000000000' /proc/self/status"});
  EXPECT_EQ(WEXITSTATUS(end.status), 0);
}

}  // namespace
}  // namespace wrackline::cli
