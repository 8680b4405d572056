// Programs that know nothing of wrackline print the same, to stdout and stderr, and end the same,
// with it and without it.
#include <gtest/gtest.h>

#include <fstream>
#include <string>
#include <vector>

#include "tests/unit/preload/run_program.h"

namespace wrackline::preload {
namespace {

class EverydayPrograms : public testing::Test {
 protected:
  void Compare(const std::vector<std::string>& command) {
    ASSERT_FALSE(folder_.path().empty());
    const ProgramResult plain = RunProgram(command, {});
    ASSERT_NE(plain.status, -1) << plain.err;
    ASSERT_NE(plain.status, 127) << plain.err;
    // At the default interval, and sampling every allocation there is.
    for (const char* interval : {"WRACKLINE_INTERVAL=524288", "WRACKLINE_INTERVAL=1"}) {
      const ProgramResult shimmed = RunProgram(
          command,
          {"LD_PRELOAD=" WRACKLINE_PRELOAD_LIBRARY, "WRACKLINE_OUT=" + folder_.path(), interval});
      EXPECT_EQ(shimmed.status, plain.status) << command[0] << " " << interval;
      EXPECT_EQ(shimmed.out, plain.out) << command[0] << " " << interval;
      EXPECT_EQ(shimmed.err, plain.err) << command[0] << " " << interval;
    }
  }
  TemporaryFolder folder_;
};

TEST_F(EverydayPrograms, Ls) { Compare({"ls", "-l", "/usr/lib"}); }
TEST_F(EverydayPrograms, LsOfNothing) { Compare({"ls", "/nowhere/at/all"}); }
TEST_F(EverydayPrograms, Shell) {
  Compare({"sh", "-c", "for i in 1 2 3; do echo $i | cat; done; exit 6"});
}
TEST_F(EverydayPrograms, Bash) {
  Compare({"bash", "-c", "x=$(seq 1 1000 | sort -n | tail -n 1); echo $x; kill -9 $$"});
}
TEST_F(EverydayPrograms, Git) {
  Compare({"git", "-C", WRACKLINE_TEST_SOURCE, "log", "-n", "3", "--format=%H %s"});
}

TEST_F(EverydayPrograms, Compiler) {
  const std::string source = folder_.path() + "/a.cc";
  std::ofstream(source) << "#include <map>\n#include <string>\nint main() { std::map<int, "
                           "std::string> m; return m.size(); }\n";
  Compare({"g++", "-S", "-o", "-", source});
}

TEST_F(EverydayPrograms, Python) {
  Compare({"python3", "-c",
           "import threading, os, subprocess, json\n"
           "def work(): return [json.dumps({'n': list(range(n % 50))}) for n in range(2000)]\n"
           "ts = [threading.Thread(target=work) for _ in range(4)]\n"
           "[t.start() for t in ts]; [t.join() for t in ts]\n"
           "pid = os.fork()\n"
           "if pid == 0: work(); os._exit(3)\n"
           "print(os.waitpid(pid, 0)[1], subprocess.run(['true']).returncode, len(work()))"});
}

TEST_F(EverydayPrograms, PythonUncaughtException) {
  Compare({"python3", "-c", "import zlib; zlib.compress('x')"});
}

#ifdef WRACKLINE_JAVA
TEST_F(EverydayPrograms, Java) { Compare({WRACKLINE_JAVA, "-Xshare:auto", "-version"}); }
#endif

}  // namespace
}  // namespace wrackline::preload
