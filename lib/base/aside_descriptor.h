// A descriptor out of the program's way, for files that stay open inside of it.
#pragma once

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <initializer_list>

namespace wrackline {

// Moves `descriptor` to a number of 100 or more, else of 3 or more, else leaves it; gives the number it then has. A program
// that was started with its standard output closed would otherwise write it into the file that got number 1, and one that counts on
// the lowest free number would be given another. Closes the old one: before a record lock is taken, not after. Keeps errno.
inline int AsideDescriptor(int descriptor) {
  if (descriptor < 0) return descriptor;
  const int saved = errno;
  for (const int lowest : {100, 3}) {
    const int aside = fcntl(descriptor, F_DUPFD_CLOEXEC, lowest);
    if (aside < 0) continue;
    close(descriptor);
    errno = saved;
    return aside;
  }
  errno = saved;
  return descriptor;
}

}  // namespace wrackline
