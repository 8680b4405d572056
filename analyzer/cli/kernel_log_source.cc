#include "analyzer/cli/kernel_log_source.h"

#include <fcntl.h>
#include <sys/klog.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <string_view>
#include <vector>

namespace wrackline::cli {
namespace {

// "priority,sequence,microseconds,flags;message\n key=value..."
// (Documentation/ABI/testing/dev-kmsg). The time is the printk clock, which follows CLOCK_MONOTONIC
// to within a second.
std::string_view Message(std::string_view record, std::chrono::nanoseconds since) {
  const std::size_t semicolon = record.find(';');
  if (semicolon == std::string_view::npos) return {};
  std::string_view prefix = record.substr(0, semicolon);
  for (int i = 0; i < 2; ++i) {
    const std::size_t comma = prefix.find(',');
    if (comma == std::string_view::npos) return {};
    prefix.remove_prefix(comma + 1);
  }
  long long microseconds = 0;
  if (std::from_chars(prefix.data(), prefix.data() + prefix.size(), microseconds).ec != std::errc{})
    return {};
  if (std::chrono::microseconds(microseconds) + std::chrono::seconds(1) < since) return {};
  const std::string_view message = record.substr(semicolon + 1);
  return message.substr(0, message.find('\n'));
}

bool ReadDevKmsg(std::chrono::nanoseconds since, std::string* log) {
  const int descriptor = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  if (descriptor < 0) return false;
  std::array<char, 8192> buffer{};  // a record is at most 8 KiB; a shorter buffer gets EINVAL
  for (;;) {
    const ssize_t length = read(descriptor, buffer.data(), buffer.size());
    if (length < 0 && (errno == EPIPE || errno == EINTR))
      continue;  // EPIPE: overwritten meanwhile, the next is read
    if (length <= 0) break;
    const std::string_view message =
        Message({buffer.data(), static_cast<std::size_t>(length)}, since);
    if (!message.empty()) log->append(UnescapeKmsg(message)).push_back('\n');
  }
  close(descriptor);
  return true;
}

std::string ReadSyslog() {
  constexpr int kReadAll = 3,
                kSizeBuffer = 10;  // SYSLOG_ACTION_READ_ALL, SYSLOG_ACTION_SIZE_BUFFER
  const int size = klogctl(kSizeBuffer, nullptr, 0);
  if (size <= 0) return {};
  std::vector<char> buffer(static_cast<std::size_t>(size));
  const int length = klogctl(kReadAll, buffer.data(), size);
  return length > 0 ? std::string(buffer.data(), static_cast<std::size_t>(length)) : std::string();
}

}  // namespace

std::string UnescapeKmsg(std::string_view message) {
  constexpr std::string_view kNewline = "\\x0a";
  std::string text(message);
  // Process names go into other records; a newline in one must not make a line of its own.
  if (message.substr(0, 5) != "anon ") return text;
  for (std::size_t at = text.find(kNewline); at != std::string::npos; at = text.find(kNewline, at))
    text.replace(at, kNewline.size(), 1, '\n');
  return text;
}

std::string ReadKernelLog(std::chrono::nanoseconds since) {
  std::string log;
  return ReadDevKmsg(since, &log) ? log : ReadSyslog();
}

}  // namespace wrackline::cli
