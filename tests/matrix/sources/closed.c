// Started without standard streams: says in the file that it is given whether the numbers 0 to 2 are free, for long enough that
// anything beside it has opened what it opens.
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int main(int count, char** arguments) {
  if (count != 2) return 2;
  for (int i = 0; i < 2000; ++i) free(memset(malloc(10000), 1, 10000));
  usleep(300000);
  int taken[3];
  for (int number = 0; number < 3; ++number) taken[number] = fcntl(number, F_GETFD) != -1;
  ssize_t written = write(1, "text", 4);
  int said = open(arguments[1], O_WRONLY | O_CREAT, 0644);
  char line[100];
  int length = snprintf(line, sizeof line, "taken %d %d %d, written %zd, opened %d\n", taken[0],
                        taken[1], taken[2], written, said);
  return write(said, line, length) == length ? 6 : 7;
}
