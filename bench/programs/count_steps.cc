// Counts the instructions of one thread between two marks, by stepping through them one at a time:
//
//   count_steps PROGRAM ARGUMENTS...      with WRACKLINE_BENCH_MARKS=1 in the program's environment
//
// prints "result steps=N preload-steps=N program-status=0" behind what the program printed; preload-steps: those in the code of the
// first library of WRACKLINE_BENCH_PRELOAD, which becomes the program's LD_PRELOAD. A mark is an int3 where counting begins and an ud2 where it
// ends (bench/programs/allocation_loop.cc).
//
// A simulator such as callgrind counts faster, but lays programs out in an address space of its own, low down, where a test on a pointer's
// upper bits does not come out as it does in a real process. Every thread is traced, the others run freely. A system call is one
// instruction. Some 20 us a step on a virtual machine.
#include <sys/ptrace.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <string>

namespace {

struct Range {
  std::uint64_t start = 0, end = 0;
};

// The executable mapping of a library.
Range CodeOf(pid_t process, const std::string& library) {
  Range range;
  std::ifstream maps("/proc/" + std::to_string(process) + "/maps");
  for (std::string line; std::getline(maps, line);) {
    if (line.size() < library.size() ||
        line.compare(line.size() - library.size(), library.size(), library) != 0)
      continue;
    char rights[5] = {};
    unsigned long start = 0;
    unsigned long end = 0;
    if (std::sscanf(line.c_str(), "%lx-%lx %4s", &start, &end, rights) != 3 || rights[2] != 'x')
      continue;
    range = {start, end};
  }
  return range;
}

[[noreturn]] void Fail(const char* what) {
  std::fprintf(stderr, "count_steps: %s: %s\n", what, std::strerror(errno));
  std::exit(1);
}

std::uint64_t Counter(pid_t thread) {
  errno = 0;
  const long value = ptrace(PTRACE_PEEKUSER, thread, offsetof(user_regs_struct, rip), nullptr);
  if (errno != 0) Fail("PTRACE_PEEKUSER");
  return static_cast<std::uint64_t>(value);
}

void Skip(pid_t thread, unsigned bytes) {
  user_regs_struct registers;
  if (ptrace(PTRACE_GETREGS, thread, nullptr, &registers) != 0) Fail("PTRACE_GETREGS");
  registers.rip += bytes;
  if (ptrace(PTRACE_SETREGS, thread, nullptr, &registers) != 0) Fail("PTRACE_SETREGS");
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fprintf(stderr, "usage: count_steps PROGRAM ARGUMENTS...\n");
    return 2;
  }
  // The tracer itself is no program to be profiled.
  const char* preload = std::getenv("WRACKLINE_BENCH_PRELOAD");
  const pid_t program = fork();
  if (program < 0) Fail("fork");
  if (program == 0) {
    if (preload != nullptr) setenv("LD_PRELOAD", preload, 1);
    if (ptrace(PTRACE_TRACEME, 0, nullptr, nullptr) != 0) _exit(126);
    raise(SIGSTOP);
    execvp(argv[1], argv + 1);
    _exit(127);
  }
  int status = 0;
  if (waitpid(program, &status, 0) != program || !WIFSTOPPED(status)) Fail("waitpid");
  if (ptrace(PTRACE_SETOPTIONS, program, nullptr, PTRACE_O_TRACECLONE | PTRACE_O_EXITKILL) != 0)
    Fail("PTRACE_SETOPTIONS");
  if (ptrace(PTRACE_CONT, program, nullptr, nullptr) != 0) Fail("PTRACE_CONT");

  const std::string library =
      preload == nullptr ? "" : std::string(preload, std::strcspn(preload, ":"));
  Range code;
  pid_t stepped = 0;
  std::uint64_t steps = 0;
  std::uint64_t preload_steps = 0;
  std::uint64_t at = 0;  // of the instruction that is stepped over
  for (;;) {
    const pid_t thread = waitpid(-1, &status, __WALL);
    if (thread < 0) Fail("waitpid");
    if (!WIFSTOPPED(status)) {
      if (thread == program) break;
      continue;
    }
    const int signal = WSTOPSIG(status);
    auto request = PTRACE_CONT;
    long deliver = 0;
    if (thread == stepped && signal == SIGTRAP) {
      ++steps;
      preload_steps += at >= code.start && at < code.end;
      if (code.end != 0) at = Counter(thread);
      request = PTRACE_SINGLESTEP;
    } else if (thread == stepped && signal == SIGILL) {
      stepped = 0;
      Skip(thread, 2);  // the ud2
    } else if (signal == SIGTRAP && status >> 16 == 0) {
      siginfo_t information;
      if (ptrace(PTRACE_GETSIGINFO, thread, nullptr, &information) == 0 &&
          information.si_code == SI_KERNEL) {
        stepped = thread;  // behind the int3
        if (!library.empty()) code = CodeOf(program, library);
        request = PTRACE_SINGLESTEP;
      }
    } else if (signal != SIGTRAP && signal != SIGSTOP) {
      deliver = signal;
    }
    if (ptrace(request, thread, nullptr, deliver) != 0 && errno != ESRCH) Fail("ptrace");
  }
  const int result = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  std::printf("result steps=%llu preload-steps=%llu program-status=%d\n",
              static_cast<unsigned long long>(steps),
              static_cast<unsigned long long>(preload_steps), result);
  return result;
}
