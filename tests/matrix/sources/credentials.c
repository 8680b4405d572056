// Becomes another user and keeps capabilities over it, as daemons do; then asks for a user namespace, which only a process with
// one thread is given. Prints what each call returned, and goes on with memory.
#define _GNU_SOURCE
#include <grp.h>
#include <linux/capability.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

int capset(void*, const void*);

static void use_memory(void) {
  for (int i = 0; i < 20000; ++i) {
    char* block = malloc(10000);
    memset(block, 1, 10000);
    free(block);
  }
}

int main(void) {
  struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
  struct __user_cap_data_struct data[2];
  use_memory();
  printf("keepcaps %d\n", prctl(PR_SET_KEEPCAPS, 1));
  printf("setresuid %d\n", setresuid(65534, 65534, 65534));
  syscall(SYS_capget, &header, data);
  for (int i = 0; i < 2; ++i) data[i].effective = data[i].permitted;
  printf("capset %d\n", capset(&header, data));
  printf("setresgid %d\n", setresgid(65534, 65534, 65534));
  printf("setgroups %d\n", setgroups(0, NULL));
  for (int i = 0; i < 2; ++i) data[i].effective = data[i].permitted = 0;
  printf("capset %d\n", capset(&header, data));
  printf("setgroups %d\n", setgroups(0, NULL));
  for (int i = 0; i < 20; ++i) prctl(PR_SET_KEEPCAPS, i % 2);
  fflush(stdout);
  pid_t child = fork();
  if (child == 0) {
    printf("child: unshare %d\n", unshare(CLONE_NEWUSER));
    use_memory();
    exit(3);
  }
  int status = 0;
  waitpid(child, &status, 0);
  printf("child ended with %d\n", WEXITSTATUS(status));
  printf("unshare %d\n", unshare(CLONE_NEWUSER));
  use_memory();
  return 4;
}
