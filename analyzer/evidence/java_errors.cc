#include "analyzer/evidence/java_errors.h"

#include <string.h>

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "analyzer/evidence/flink_log.h"
#include "analyzer/evidence/gc_log.h"
#include "analyzer/evidence/hs_err.h"
#include "analyzer/evidence/java_error_kind.h"
#include "analyzer/evidence/vm_lines.h"

namespace wrackline::evidence {
namespace {

using namespace vm_lines;

constexpr std::string_view kError = "java.lang.OutOfMemoryError";
constexpr std::size_t kMostMessage = 300;
// How far what belongs to an error may be from it: the line that says when and in which thread, and its frames.
constexpr std::size_t kReachBefore = std::size_t{16} * 1024;
constexpr int kMostFrames = 200;
// Later errors of a kind are looked at for what the first did not say.
constexpr int kMostLooks = 50;

// What a line is found by. Each is looked for in the whole text, so that nothing else of it is looked at.
struct Mark {
  std::string_view text;
  // A message of the VM that leads to an error rather than one itself: it counts where no error of its kind is.
  bool sign;
};
constexpr std::array kMarks = {
    Mark{kError, false},
    Mark{"OutOfDirectMemoryError: ", false},  // Netty's own
    Mark{"pthread_create failed", true},
    Mark{"There is insufficient memory for the Java Runtime", false},
    Mark{"A fatal error has been detected by the Java Runtime", false},
    Mark{"is full. Compiler has been disabled", false},
    Mark{"Could not reserve enough space for ", false},
};

struct Hit {
  std::size_t at;
  std::size_t mark;
};

std::vector<Hit> HitsOf(std::string_view text) {
  std::vector<Hit> hits;
  for (std::size_t mark = 0; mark < kMarks.size(); ++mark) {
    const std::string_view wanted = kMarks[mark].text;
    std::size_t at = 0;
    while (at < text.size()) {
      const void* const found =
          memmem(text.data() + at, text.size() - at, wanted.data(), wanted.size());
      if (found == nullptr) break;
      at = static_cast<std::size_t>(static_cast<const char*>(found) - text.data());
      hits.push_back({at, mark});
      at += wanted.size();
    }
  }
  std::sort(hits.begin(), hits.end(), [](const Hit& a, const Hit& b) { return a.at < b.at; });
  return hits;
}

std::size_t LineBegin(std::string_view text, std::size_t at) {
  const std::size_t floor = at > kReachBefore ? at - kReachBefore : 0;
  while (at > floor && text[at - 1] != '\n') --at;
  return at;
}

// "2026-11-28 20:28:36,508", "01:40:37,509", "2026-11-28T20:28:36.508Z", "[0.067s]", with or without brackets; empty: none.
std::string_view TimeOf(std::string_view line) {
  const bool bracket = Skip(&line, "[");
  std::string_view rest = line;
  std::size_t digits = 0, marks = 0, length = 0;
  for (; length < line.size() && length < 40; ++length) {
    const char c = line[length];
    if (IsDigit(c)) {
      ++digits;
    } else if (c == ':' || c == '-' || c == '.' || c == ',' || c == 'T' || c == '/') {
      ++marks;
    } else if (c == ' ' && length == 10 && marks == 2) {
      // Between date and time.
      if (length + 1 >= line.size() || !IsDigit(line[length + 1])) break;
    } else {
      break;
    }
  }
  if (length < line.size() && (line[length] == 'Z' || line[length] == 's')) ++length;
  if (length + 5 <= line.size() && line[length] == '+') length += 5;
  rest = line.substr(0, length);
  if (rest.empty() || !IsDigit(rest.front()) || marks == 0) return {};
  if (bracket) return EndsWith(rest, "s") || digits >= 6 ? rest : std::string_view{};
  return digits >= 6 && marks >= 2 ? rest : std::string_view{};
}

// "Thread 'orders -> Map (1/2)#0' produced an uncaught exception", "Exception in thread \"main\"",
// "... - orders -> Map (1/2)#0 (8b5c...) switched from RUNNING to FAILED"
std::string_view ThreadOf(std::string_view line) {
  for (const auto& [before, after] :
       {std::pair("Thread '", "' produced an uncaught exception"), std::pair("in thread \"", "\""),
        std::pair("native thread for java.lang.Thread \"", "\"")}) {
    std::string_view rest = line;
    if (!SkipPast(&rest, before)) continue;
    const std::size_t end = rest.find(after);
    if (end != std::string_view::npos && end < 200) return rest.substr(0, end);
  }
  const std::size_t failed = line.find(" switched from ");
  if (failed == std::string_view::npos || !Contains(line.substr(failed), " to FAILED")) return {};
  std::string_view task = line.substr(0, failed);
  const std::size_t dash = task.find(" - ");
  if (dash == std::string_view::npos) return {};
  task.remove_prefix(dash + 3);
  // The attempt's id.
  const std::size_t id = task.rfind(" (");
  if (id != std::string_view::npos && EndsWith(task, ")") && task.size() - id > 20)
    task = task.substr(0, id);
  return task.size() < 200 ? task : std::string_view{};
}

bool OfTheJdk(std::string_view method) {
  for (const std::string_view package : {"java.", "javax.", "jdk.", "sun.", "com.sun."}) {
    if (StartsWith(method, package)) return true;
  }
  return false;
}

// "\tat app//com.example.Orders.add(Orders.java:15) ~[orders.jar:?]" -> "com.example.Orders.add"
std::string_view MethodOf(std::string_view line) {
  line = Trimmed(line);
  if (!Skip(&line, "at ")) return {};
  line = Before(line, "(");
  if (const std::size_t module = line.rfind('/'); module != std::string_view::npos)
    line.remove_prefix(module + 1);
  return line.size() < 300 ? line : std::string_view{};
}

// The first frame that is not the JDK's, else the first.
std::string_view FrameBelow(std::string_view text) {
  std::string_view line, first;
  for (int i = 0; i < kMostFrames && NextLine(&text, &line); ++i) {
    const std::string_view method = MethodOf(line);
    if (method.empty()) break;
    if (first.empty()) first = method;
    if (!OfTheJdk(method)) return method;
  }
  return first;
}

// A stack in one line, as a log in JSON has it: "...\n\tat com.example.Orders.add(Orders.java:15)\n\tat ..."
std::string_view FrameWithin(std::string_view line) {
  std::string_view first;
  for (int i = 0; i < kMostFrames && SkipPast(&line, "\\n\\tat "); ++i) {
    std::string_view method = Before(line.substr(0, 300), "(");
    if (const std::size_t module = method.rfind('/'); module != std::string_view::npos)
      method.remove_prefix(module + 1);
    if (first.empty()) first = method;
    if (!OfTheJdk(method)) return method;
  }
  return first;
}

// The message from here on; Flink's explanation, which is the same each time, left out.
std::string MessageOf(std::string_view line) {
  line = Before(line, "\\n");
  if (const std::size_t more = line.find(" out-of-memory error has occurred");
      more != std::string_view::npos) {
    const std::size_t sentence = line.substr(0, more).rfind(". The ");
    if (sentence != std::string_view::npos) line = line.substr(0, sentence);
  }
  line = Trimmed(Before(line, "\""));
  return std::string(line.substr(0, kMostMessage));
}

struct Found {
  JavaError error;
  std::uint64_t signs = 0, errors = 0;
  int looks = 0;
};

class Finder {
 public:
  Finder(std::string_view text, std::string_view source) : text_(text), source_(source) {}

  std::vector<JavaError> Find() {
    for (const Hit& hit : HitsOf(text_)) Take(hit);
    if (found_.empty() && in_handler_) Add(*in_handler_, false, 0, 0);
    std::vector<JavaError> errors;
    for (Found& found : found_) {
      found.error.count = found.errors > 0 ? found.errors : found.signs;
      errors.push_back(std::move(found.error));
    }
    return errors;
  }

 private:
  void Take(const Hit& hit) {
    const std::size_t begin = LineBegin(text_, hit.at);
    const std::size_t end = std::min(text_.find('\n', hit.at), text_.size());
    std::string_view rest = text_.substr(hit.at, end - hit.at);
    if (!rest.empty() && rest.back() == '\r') rest.remove_suffix(1);
    const Mark& mark = kMarks[hit.mark];
    JavaError error;
    if (mark.text == kError) {
      // "-XX:OnError" and the like do not have it; a class name in a stack does not end so.
      std::string_view message = rest.substr(kError.size());
      if (StartsWith(message, " thrown from the UncaughtExceptionHandler")) {
        // So tight that not even the handler could print it. What was missing it does not say: one that says it comes first.
        if (!in_handler_) {
          error.kind = JavaErrorKind::kHeap;
          error.message = MessageOf(rest.substr(std::string_view("java.lang.").size()));
          error.thread = ThreadOf(rest);
          in_handler_ = std::move(error);
        }
        return;
      }
      const bool bare = message.empty() || StartsWith(message, "\\n") || StartsWith(message, "\"");
      if (!bare && !Skip(&message, ": ")) return;
      error.message = bare ? "" : MessageOf(message);
      const auto kind = KindOfMessage(error.message, &error);
      if (!kind) return;
      error.kind = *kind;
    } else if (StartsWith(mark.text, "OutOfDirect")) {
      error.message = MessageOf(rest.substr(mark.text.size()));
      error.kind = JavaErrorKind::kDirectBuffers;
      KindOfMessage(error.message, &error);
    } else if (mark.sign) {
      error.message = MessageOf(text_.substr(begin, end - begin));
      error.kind = JavaErrorKind::kNativeThread;
    } else if (StartsWith(mark.text, "is full")) {
      error.message = MessageOf(text_.substr(begin, end - begin));
      error.kind = JavaErrorKind::kCodeCache;
    } else if (StartsWith(mark.text, "Could not reserve")) {
      error.message = MessageOf(rest);
      error.kind = JavaErrorKind::kNativeMemory;
      error.requested = AmountAfter(rest, mark.text);
    } else if (!TakeBanner(text_.substr(end), &error)) {
      return;
    }
    Add(std::move(error), mark.sign, begin, end);
  }

  // What the lines below "# A fatal error has been detected" say: "#  SIGSEGV (0xb) at pc=0x..., pid=1, tid=2",
  // "#  fatal error: OutOfMemory encountered: Java heap space", "# Native memory allocation (mmap) failed to map 65536 bytes ..."
  static bool TakeBanner(std::string_view below, JavaError* error) {
    std::string_view line;
    NextLine(&below, &line);
    for (int i = 0; i < 6 && NextLine(&below, &line); ++i) {
      line = Trimmed(line);
      if (!Skip(&line, "#")) return false;
      line = Trimmed(line);
      if (StartsWith(line, "SIG")) {
        error->kind = JavaErrorKind::kCrash;
        error->message = Before(line.substr(0, kMostMessage), ", pid=");
        return true;
      }
      if (Contains(line, "OutOfMemory encountered: ")) {
        std::string_view message = line;
        SkipPast(&message, "OutOfMemory encountered: ");
        error->message = MessageOf(message);
        error->kind = KindOfMessage(error->message, error).value_or(JavaErrorKind::kHeap);
        return true;
      }
      if (StartsWith(line, "Native memory allocation ")) {
        error->kind = JavaErrorKind::kNativeMemory;
        error->message = line.substr(0, kMostMessage);
        for (const std::string_view key : {"failed to map ", "failed to allocate "}) {
          if (!error->requested) error->requested = AmountAfter(line, key);
        }
        return true;
      }
      if (StartsWith(line, "Internal Error")) {
        error->kind = JavaErrorKind::kCrash;
        error->message = Before(line.substr(0, kMostMessage), ", pid=");
        // The next line may be more of it.
      } else if (!error->message.empty()) {
        if (!line.empty()) error->message += ": " + std::string(line.substr(0, kMostMessage));
        return true;
      }
    }
    return !error->message.empty();
  }

  void Add(JavaError error, bool sign, std::size_t begin, std::size_t end) {
    // A sentence of its own in the log, a part of one in a report.
    while (EndsWith(error.message, ".")) error.message.pop_back();
    auto found = std::find_if(found_.begin(), found_.end(),
                              [&](const Found& one) { return one.error.kind == error.kind; });
    if (found == found_.end()) {
      found_.push_back({error, 0, 0, 0});
      found = std::prev(found_.end());
      found->error.source = source_;
    } else if (!sign && found->errors == 0) {
      found->error.message = error.message;
    }
    ++(sign ? found->signs : found->errors);
    JavaError& known = found->error;
    const bool complete = !known.thread.empty() && !known.where.empty() && !known.time.empty();
    for (const auto member : {&JavaError::requested, &JavaError::used, &JavaError::limit}) {
      if (!(known.*member)) known.*member = error.*member;
    }
    if (known.thread.empty()) known.thread = error.thread;
    if (complete || end == 0 || ++found->looks > kMostLooks) return;
    LookAround(begin, end, &known);
  }

  // The frames below; time and thread of the line itself or of those before it.
  void LookAround(std::size_t begin, std::size_t end, JavaError* error) const {
    const std::string_view line = text_.substr(begin, end - begin);
    if (error->where.empty()) {
      const std::string_view below = end < text_.size() ? text_.substr(end + 1) : "";
      error->where = FrameBelow(below);
      if (error->where.empty()) error->where = FrameWithin(line);
    }
    if (error->thread.empty()) error->thread = ThreadOf(line);
    if (error->time.empty()) error->time = TimeOf(line);
    // A stack has no time of its own: the line of the log above it has.
    const std::size_t floor = begin > kReachBefore ? begin - kReachBefore : 0;
    while (TimeOf(text_.substr(begin, 64)).empty() && begin > floor) {
      begin = LineBegin(text_, begin - 1);
      const std::string_view before = text_.substr(begin, text_.find('\n', begin) - begin);
      if (error->time.empty()) error->time = TimeOf(before);
      if (error->thread.empty()) error->thread = ThreadOf(before);
    }
  }

  std::string_view text_, source_;
  std::vector<Found> found_;
  std::optional<JavaError> in_handler_;
};

}  // namespace

std::string Summary(const std::vector<JavaError>& errors) {
  std::string text;
  for (const JavaError& error : errors) {
    if (!text.empty()) text += "; ";
    text += Title(error.kind);
    if (error.count > 1) text += ", " + std::to_string(error.count) + " times";
  }
  return text;
}

std::vector<JavaError> FindJavaErrors(std::string_view text, std::string_view source) {
  return Finder(text, source).Find();
}

std::string AddJavaErrorsOf(const SourceFile& file, Evidence* evidence) {
  std::vector<JavaError> errors = FindJavaErrors(file.text, file.name);
  std::string summary = Summary(errors);
  // A file may be of two kinds, whose readers each ask for its errors.
  for (JavaError& error : errors) {
    const bool known = std::any_of(
        evidence->java_errors.begin(), evidence->java_errors.end(),
        [&](const JavaError& one) { return one.kind == error.kind && one.source == error.source; });
    if (!known) evidence->java_errors.push_back(std::move(error));
  }
  return summary;
}

bool IsJavaErrors(const SourceFile& file) {
  // A heap dump, a core, an archive.
  if (file.Head().find('\0') != std::string_view::npos) return false;
  if (IsFlinkLog(file) || IsGcLog(file) || IsHsErr(file)) return false;
  return !FindJavaErrors(file.text, file.name).empty();
}

Result<std::string> AddJavaErrors(const SourceFile& file, Evidence* evidence) {
  const std::string summary = AddJavaErrorsOf(file, evidence);
  if (summary.empty())
    return Error{"no OutOfMemoryError is in it",
                 "logs of the TaskManager and of its container, from before the restart too"};
  return summary;
}

}  // namespace wrackline::evidence
