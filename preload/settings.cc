#include "preload/settings.h"

#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "lib/recorder/format.h"
#include "preload/text.h"

namespace wrackline::preload {
namespace {

constexpr std::uint64_t kMinRecorderBytes = recorder::kMinFileBytes;
constexpr std::uint32_t kMaxDepth = 128;

const char* Find(char** environment, const char* name) {
  if (environment == nullptr) return nullptr;
  const std::size_t length = std::strlen(name);
  for (char** entry = environment; *entry != nullptr; ++entry) {
    if (std::strncmp(*entry, name, length) == 0 && (*entry)[length] == '=') {
      return *entry + length + 1;
    }
  }
  return nullptr;
}

char Lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

// A number with an optional binary unit: k, kb, kib and so on up to t; any case. Moves `*text`
// behind it.
bool TakeSize(const char** text, std::uint64_t* bytes) {
  std::uint64_t number = 0;
  if (!TakeNumber(text, &number)) return false;
  constexpr char kUnits[] = {'k', 'm', 'g', 't'};
  std::uint32_t shift = 0;
  for (std::uint32_t unit = 0; unit < sizeof(kUnits); ++unit) {
    if (Lower(**text) != kUnits[unit]) continue;
    shift = 10 * (unit + 1);
    ++*text;
    if (Lower(**text) == 'i' && Lower((*text)[1]) == 'b') {
      *text += 2;
    } else if (Lower(**text) == 'b') {
      ++*text;
    }
    break;
  }
  if (shift == 0 && Lower(**text) == 'b') ++*text;
  if (number > (UINT64_MAX >> shift)) return false;
  *bytes = number << shift;
  return true;
}

void Refuse(const char* name, const char* value, const char* wanted) {
  Text<512> line;
  line.Append(name).Append("=").Append(value, strnlen(value, 128));
  Say(line.Append(" is not ").Append(wanted).Append("; its default is used").c_str());
}

// Takes the size in `name`, between `least` and `most`; a wrong one is said and leaves `*out`
// alone.
void ReadSize(char** environment, const char* name, std::uint64_t least, std::uint64_t most,
              const char* wanted, std::uint64_t* out) {
  const char* value = Find(environment, name);
  if (value == nullptr || *value == '\0') return;
  const char* at = value;
  std::uint64_t bytes = 0;
  if (TakeSize(&at, &bytes) && *at == '\0' && bytes >= least && bytes <= most) {
    *out = bytes;
  } else {
    Refuse(name, value, wanted);
  }
}

void ReadKeep(char** environment, Settings* out) {
  const char* value = Find(environment, "WRACKLINE_KEEP");
  if (value == nullptr || *value == '\0') return;
  const char* at = value;
  std::uint64_t files = 0;
  std::uint64_t bytes = out->keep_bytes;
  bool good = TakeNumber(&at, &files) && files >= 1 && files <= UINT32_MAX;
  if (good && *at == ',') {
    ++at;
    good = TakeSize(&at, &bytes) && bytes > 0;
  }
  if (!good || *at != '\0') {
    Refuse("WRACKLINE_KEEP", value, "FILES or FILES,BYTES, such as 16,1g");
    return;
  }
  out->keep_files = static_cast<std::uint32_t>(files);
  out->keep_bytes = bytes;
}

// "off" or "0" switches off, "on" and "1" are the default.
void ReadSwitch(char** environment, const char* name, bool* out) {
  const char* value = Find(environment, name);
  if (value == nullptr || *value == '\0') return;
  if (std::strcmp(value, "off") == 0 || std::strcmp(value, "0") == 0) {
    *out = false;
  } else if (std::strcmp(value, "on") == 0 || std::strcmp(value, "1") == 0) {
    *out = true;
  } else {
    Refuse(name, value, "on or off");
  }
}

// "off" or a number of milliseconds.
void ReadPeriod(char** environment, const char* name, std::uint32_t* milliseconds) {
  constexpr std::uint64_t kMost = 3'600'000;
  const char* value = Find(environment, name);
  if (value == nullptr || *value == '\0') return;
  const char* at = value;
  std::uint64_t number = 0;
  if (std::strcmp(value, "off") == 0) {
    *milliseconds = 0;
  } else if (TakeNumber(&at, &number) && *at == '\0' && number <= kMost) {
    *milliseconds = static_cast<std::uint32_t>(number);
  } else {
    Refuse(name, value, "off or a number of milliseconds, at most 3600000");
  }
}

void ReadFolder(char** environment, Settings* out) {
  const char* folder = Find(environment, "WRACKLINE_OUT");
  if (folder != nullptr && *folder != '\0') {
    if (std::strlen(folder) < sizeof(out->output_folder)) {
      CopyText(out->output_folder, sizeof(out->output_folder), folder);
      return;
    }
    Refuse("WRACKLINE_OUT", folder, "a path shorter than 2048 bytes");
  }
  const char* temporary = Find(environment, "TMPDIR");
  constexpr char kName[] = "/wrackline";
  if (temporary == nullptr || *temporary == '\0' ||
      std::strlen(temporary) + sizeof(kName) > sizeof(out->output_folder)) {
    temporary = "/tmp";
  }
  Text<sizeof(out->output_folder)> path;
  CopyText(out->output_folder, sizeof(out->output_folder),
           path.Append(temporary).Append(kName).c_str());
}

// Matches one [...] set at `*pattern` (behind the bracket) with `c` and moves behind its end. A set
// without an end is no set: `*pattern` stays, and the caller takes the bracket for itself.
bool MatchSet(const char** pattern, char c, bool* matches) {
  const char* at = *pattern;
  const bool negated = *at == '!' || *at == '^';
  if (negated) ++at;
  bool found = false;
  bool first = true;
  for (; *at != '\0' && (first || *at != ']'); first = false) {
    const unsigned char low = static_cast<unsigned char>(*at++);
    unsigned char high = low;
    if (*at == '-' && at[1] != '\0' && at[1] != ']') {
      high = static_cast<unsigned char>(at[1]);
      at += 2;
    }
    const unsigned char value = static_cast<unsigned char>(c);
    found = found || (low <= value && value <= high);
  }
  if (*at != ']') return false;
  *pattern = at + 1;
  *matches = found != negated;
  return true;
}

}  // namespace

void Say(const char* text) {
  const int saved = errno;
  Text<1024> line;
  line.Append("wrackline: ").Append(text, strnlen(text, 1000)).Append("\n");
  // One write, so that lines of several processes do not mix; a closed or full stderr is nobody's
  // trouble.
  if (write(STDERR_FILENO, line.c_str(), line.size()) < 0) errno = 0;
  errno = saved;
}

bool GlobMatches(const char* pattern, const char* text) {
  // On a mismatch only the last star can give way: what matched before it was the shortest way
  // there. So the time is at most pattern times text, whatever the number of stars, and both are
  // short.
  const char* star = nullptr;
  const char* retry = nullptr;
  while (*text != '\0') {
    const char* next = pattern + 1;
    bool matches = false;
    if (*pattern == '*') {
      star = ++pattern;
      retry = text;
      continue;
    }
    if (*pattern == '?') {
      matches = true;
    } else if (*pattern != '[' || !MatchSet(&next, *text, &matches)) {
      matches = *pattern != '\0' && *pattern == *text;
    }
    if (matches) {
      pattern = next;
      ++text;
    } else if (star != nullptr) {
      pattern = star;
      text = ++retry;
    } else {
      return false;
    }
  }
  while (*pattern == '*') ++pattern;
  return *pattern == '\0';
}

bool ReadSettings(char** environment, const char* executable, Settings* out) {
  const char* only = Find(environment, "WRACKLINE_ONLY");
  if (only != nullptr && *only != '\0') {
    if (std::strlen(only) >= sizeof(out->only)) {
      // Its default is "every program", which is the opposite of what a pattern is for: match
      // nothing instead.
      Say("WRACKLINE_ONLY is longer than 511 bytes: it matches no program");
      return false;
    }
    CopyText(out->only, sizeof(out->only), only);
    if (!GlobMatches(out->only, executable)) return false;
  }
  ReadFolder(environment, out);
  ReadSize(environment, "WRACKLINE_INTERVAL", 0, std::uint64_t{1} << 40,
           "a number of bytes such as 524288 or 512k, at most 1t (0 switches sampling off)",
           &out->interval);
  ReadSize(environment, "WRACKLINE_RECORDER_SIZE", kMinRecorderBytes, recorder::kMaxFileBytes,
           "a size such as 64m, from 1m to 4g", &out->recorder_bytes);
  std::uint64_t depth = out->max_depth;
  ReadSize(environment, "WRACKLINE_DEPTH", 1, kMaxDepth, "a number of frames from 1 to 128",
           &depth);
  out->max_depth = static_cast<std::uint32_t>(depth);
  ReadKeep(environment, out);
  ReadSwitch(environment, "WRACKLINE_REGION", &out->place);
  ReadSwitch(environment, "WRACKLINE_MAPPINGS", &out->mappings);
  ReadSwitch(environment, "WRACKLINE_JVM", &out->jvm);
  ReadPeriod(environment, "WRACKLINE_ROCKSDB", &out->rocksdb_period_ms);
  const char* verbose = Find(environment, "WRACKLINE_VERBOSE");
  out->verbose = verbose != nullptr && *verbose != '\0' && std::strcmp(verbose, "0") != 0;
  return true;
}

}  // namespace wrackline::preload
