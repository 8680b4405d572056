#include "lib/container/kept_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

#include "lib/container/scan.h"

namespace wrackline::container {

long KeptFile::Read(const char* path, char* buffer, std::size_t size) {
  if (size == 0) return -1;
  buffer[0] = '\0';
  for (int attempt = 0; attempt < 2; ++attempt) {
    const bool fresh = file_ < 0;
    if (fresh) file_ = scan::OpenForReading(AT_FDCWD, path);
    if (file_ < 0) return -1;
    ssize_t length = -1;
    do {
      length = pread(file_, buffer, size - 1, 0);
    } while (length < 0 && errno == EINTR);
    if (length >= 0) {
      buffer[length] = '\0';
      return static_cast<long>(length);
    }
    Close();
    if (fresh) break;
  }
  buffer[0] = '\0';
  return -1;
}

void KeptFile::Close() {
  if (file_ >= 0) close(file_);
  file_ = -1;
}

}  // namespace wrackline::container
