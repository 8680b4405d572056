#include "analyzer/collect/vm_commands.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstdint>
#include <cstring>
#include <thread>

namespace wrackline::collect {
namespace {

using Clock = std::chrono::steady_clock;

// The value of "Name:\tvalue".
std::string_view FieldOf(std::string_view status, std::string_view name) {
  const std::size_t at = status.find("\n" + std::string(name) + ":");
  if (at == std::string_view::npos) return {};
  std::string_view value = status.substr(at + name.size() + 2);
  value = value.substr(0, value.find('\n'));
  const std::size_t begin = value.find_first_not_of(" \t");
  return begin == std::string_view::npos ? std::string_view() : value.substr(begin);
}

// Its id in its own container: the last of NSpid.
std::string OwnPid(std::string_view status, pid_t pid) {
  const std::string_view ids = FieldOf(status, "NSpid");
  const std::size_t last = ids.find_last_of(" \t");
  const std::string_view own = last == std::string_view::npos ? ids : ids.substr(last + 1);
  return own.empty() ? std::to_string(pid) : std::string(own);
}

int MillisecondsTo(Clock::time_point deadline) {
  const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now());
  return static_cast<int>(std::max<std::int64_t>(left.count(), 0));
}

}  // namespace

bool CatchesQuitAsVm(std::string_view status, std::string_view maps) {
  const std::string_view caught = FieldOf(status, "SigCgt");
  std::uint64_t mask = 0;
  const auto parsed = std::from_chars(caught.data(), caught.data() + caught.size(), mask, 16);
  constexpr std::uint64_t kQuit = std::uint64_t{1} << (SIGQUIT - 1);
  return parsed.ec == std::errc{} && (mask & kQuit) != 0 &&
         maps.find("/libjvm.so") != std::string_view::npos &&
         // OpenJ9 has such a file too, listens in another way, and writes a dump at the signal.
         maps.find("/libj9vm") == std::string_view::npos;
}

Status AttachedVm::Listen(Deadline deadline) {
  const std::string proc = "/proc/" + std::to_string(pid_);
  const Result<std::string> status = ReadBounded(proc + "/status", kSmallFile);
  const Result<std::string> maps = ReadBounded(proc + "/maps", kLargeFile);
  if (!status.ok()) return status.error();
  if (!maps.ok()) return maps.error();
  if (!CatchesQuitAsVm(status.value(), maps.value()))
    return Error{"it is no Java VM that can be asked", ""};
  const std::string own = OwnPid(status.value(), pid_);
  // Held, and named by that: a container's /tmp may be a link, and must not lead out of the container.
  folder_ = std::make_unique<Held>(proc + "/root/tmp", O_PATH | O_DIRECTORY);
  if (!folder_->ok())
    return Error{std::string("cannot enter its /tmp: ") + std::strerror(errno),
                 "run as its user or as root"};
  const std::string socket = folder_->path() + "/.java_pid" + own;
  struct stat info {};
  if (stat(socket.c_str(), &info) != 0) {
    // The VM looks for this file when it gets the signal; its owner must be the VM's user.
    const std::string attach = folder_->path() + "/.attach_pid" + own;
    struct stat process {};
    if (stat(proc.c_str(), &process) != 0) return Error{"it has ended", ""};
    const int file =
        open(attach.c_str(), O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (file < 0 && errno != EEXIST)
      return Error{std::string("cannot ask it to listen (its /tmp): ") + std::strerror(errno),
                   "run as its user or as root"};
    if (file >= 0) {
      if (fchown(file, process.st_uid, process.st_gid) != 0 && geteuid() == 0 &&
          process.st_uid != 0)
        errno = 0;  // the VM will refuse, and that is said then
      close(file);
    }
    if (kill(pid_, SIGQUIT) != 0) {
      const Error failed{std::string("cannot ask it to listen: ") + std::strerror(errno),
                         "run as its user or as root"};
      unlink(attach.c_str());
      return failed;
    }
    while (stat(socket.c_str(), &info) != 0 && Clock::now() < deadline)
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    unlink(attach.c_str());
    if (stat(socket.c_str(), &info) != 0)
      return Error{
          "it did not begin to listen in time (attaching switched off, or the VM is stuck)", ""};
  }
  socket_ = socket;
  return std::nullopt;
}

Result<int> AttachedVm::Connect(Deadline deadline) const {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (socket_.size() >= sizeof(address.sun_path))
    return Error{"the path of its socket is too long", ""};
  std::memcpy(address.sun_path, socket_.c_str(), socket_.size() + 1);
  const int end = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (end < 0) return Error{std::strerror(errno), ""};
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast)
  const auto* const to = reinterpret_cast<const sockaddr*>(&address);
  int error = 0;
  // A VM that is stuck takes no connection from its queue, and a full queue would be waited for without end.
  while (connect(end, to, sizeof(address)) != 0) {
    error = errno;
    if ((error != EAGAIN && error != EINTR) || Clock::now() >= deadline) break;
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    error = 0;
  }
  if (error == 0) return end;
  close(end);
  if (error == EAGAIN) return Error{"it did not answer in time", ""};
  return Error{std::string("cannot connect to it: ") + std::strerror(error),
               "run as its user or as root"};
}

Result<std::string> AttachedVm::Ask(const std::string& command,
                                    std::chrono::milliseconds patience) {
  if (!refused_.empty()) return Error{refused_, ""};
  const Deadline deadline = Clock::now() + patience;
  if (socket_.empty()) {
    if (const Status failed = Listen(deadline)) {
      refused_ = failed->Text();
      return *failed;
    }
  }
  const Result<int> connected = Connect(deadline);
  if (!connected.ok()) {
    refused_ = connected.error().Text();
    return connected.error();
  }
  const int end = connected.value();
  // Version 1 of the protocol: five texts, each ended by a NUL byte; the command's arguments are one of them.
  std::string request = std::string("1") + '\0' + "jcmd" + '\0' + command + '\0' + '\0' + '\0';
  std::string answer;
  std::string failure;
  if (send(end, request.data(), request.size(), MSG_NOSIGNAL) !=
      static_cast<ssize_t>(request.size()))
    failure = std::string("cannot write to it: ") + std::strerror(errno);
  constexpr std::size_t kMost = std::size_t{64} << 20;
  while (failure.empty()) {
    pollfd wait{end, POLLIN, 0};
    const int ready = poll(&wait, 1, MillisecondsTo(deadline));
    if (ready < 0 && errno == EINTR) continue;
    if (ready <= 0) {
      failure = "it did not answer in time";
      refused_ = failure + " before";
      break;
    }
    char buffer[16384];
    const ssize_t count = read(end, buffer, sizeof(buffer));
    if (count < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    if (count < 0) failure = std::strerror(errno);
    if (count <= 0) break;
    answer.append(buffer, static_cast<std::size_t>(count));
    if (answer.size() > kMost) failure = "its answer is larger than 64 MiB";
  }
  close(end);
  if (!failure.empty()) return Error{failure, ""};
  // "0" or an error's number on a line of its own, then the text.
  const std::size_t line = answer.find('\n');
  if (line == std::string::npos) return Error{"its answer is cut off", ""};
  std::string text = answer.substr(line + 1);
  if (answer.substr(0, line) != "0") {
    while (!text.empty() && text.back() == '\n') text.pop_back();
    return Error{"it refused: " + text.substr(0, text.find('\n')), ""};
  }
  return text;
}

}  // namespace wrackline::collect
