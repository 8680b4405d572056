#include "analyzer/evidence/heap_profile_pprof.h"

#include <fmt/core.h>
#include <zlib.h>

#include <algorithm>
#include <cmath>
#include <optional>
#include <unordered_map>
#include <utility>

#include "analyzer/evidence/convert.h"
#include "analyzer/evidence/heap_profile_text.h"
#include "analyzer/evidence/pprof_wire.h"

namespace wrackline::evidence {
namespace {

constexpr std::size_t kMostUnpacked = std::size_t{512} << 20;
constexpr std::size_t kMostFrames = 2'000'000;  // of all stacks
constexpr std::size_t kMostFramesOfStack = 4096;
constexpr std::size_t kMostStrings = 4'000'000;
constexpr std::size_t kMostLines = 256;  // inlined into one address

bool IsGzip(std::string_view bytes) { return bytes.substr(0, 3) == "\x1f\x8b\x08"; }

// The unpacked bytes, at most `most` of them, and whether that was all of a sound file.
struct Unpacked {
  std::string bytes;
  bool whole = false;
};
Unpacked Gunzip(std::string_view packed, std::size_t most) {
  Unpacked out;
  z_stream stream{};
  if (inflateInit2(&stream, 16 + MAX_WBITS) != Z_OK) return out;
  char buffer[65536];
  int state = Z_OK;
  while (state == Z_OK && out.bytes.size() < most) {
    if (stream.avail_in == 0) {
      const std::size_t piece = std::min<std::size_t>(packed.size(), 1 << 20);
      stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(packed.data()));
      stream.avail_in = static_cast<uInt>(piece);
      packed.remove_prefix(piece);
    }
    stream.next_out = reinterpret_cast<Bytef*>(buffer);
    stream.avail_out = sizeof buffer;
    state = inflate(&stream, Z_NO_FLUSH);
    out.bytes.append(buffer, sizeof buffer - stream.avail_out);
  }
  out.whole = state == Z_STREAM_END;
  inflateEnd(&stream);
  return out;
}

bool IsValueType(std::string_view bytes) {
  WireMessage message(bytes);
  bool typed = false;
  while (message.Next()) {
    if (!message.is_number() || message.field() > 2) return false;
    typed |= message.field() == 1;
  }
  return typed && !message.damaged();
}

// It begins with a type, of the samples or (Go's) of the period, there is one of samples, and nothing else that is none of the
// format's. What is damaged later, or only cut here, is for the parser to say.
bool BeginsLikeProfile(std::string_view bytes) {
  constexpr std::uint32_t kSampleType = 1, kPeriodType = 11, kLast = 15;
  WireMessage profile(bytes);
  bool typed = false;
  int fields = 0;
  for (; fields < 16 && profile.Next(); ++fields) {
    const std::uint32_t field = profile.field();
    const bool type = field == kSampleType || field == kPeriodType;
    if (field > kLast || (fields == 0 && !type)) return false;
    if (type && (!profile.is_bytes() || !IsValueType(profile.bytes()))) return false;
    if (field >= 2 && field <= 6 && !profile.is_bytes()) return false;
    typed |= field == kSampleType;
  }
  return typed && fields >= 2;
}

struct ValueType {
  std::uint64_t type = 0, unit = 0;  // strings
};

struct Function {
  std::uint64_t name = 0, system_name = 0, file = 0;
};

class Reader {
 public:
  Result<HeapProfile> Read(std::string_view bytes);

 private:
  bool ReadTables(std::string_view bytes);
  bool ReadMapping(std::string_view bytes);
  bool ReadLocation(std::string_view bytes);
  bool ReadLine(std::string_view bytes, HeapProfile::Location* location);
  bool ReadSample(std::string_view bytes);
  static std::optional<ValueType> ReadValueType(std::string_view bytes);
  std::string_view String(std::uint64_t index) const {
    return index < strings_.size() ? strings_[index] : std::string_view();
  }
  // Which of the sample's values; nothing: none of these.
  std::optional<std::size_t> Find(std::string_view first, std::string_view second) const;
  std::optional<Error> ChooseTypes();

  HeapProfile profile_;
  std::vector<std::string_view> strings_;
  std::vector<ValueType> types_;
  std::optional<ValueType> period_type_;
  std::uint64_t period_ = 0;
  std::unordered_map<std::uint64_t, Function> functions_;
  std::unordered_map<std::uint64_t, std::uint32_t> mappings_, locations_;
  // Of each mapping its path and build id: strings, which come behind it.
  std::vector<std::pair<std::uint64_t, std::uint64_t>> mapping_strings_;
  std::optional<std::size_t> live_bytes_, live_objects_, allocated_bytes_, allocated_objects_;
  std::size_t frames_ = 0, stacks_cut_ = 0;
  bool negative_ = false;
};

std::optional<ValueType> Reader::ReadValueType(std::string_view bytes) {
  ValueType value;
  WireMessage message(bytes);
  while (message.Next()) {
    if (message.field() == 1) value.type = message.value();
    if (message.field() == 2) value.unit = message.value();
  }
  if (message.damaged()) return std::nullopt;
  return value;
}

// Strings, types and functions come behind what refers to them: they are read first.
bool Reader::ReadTables(std::string_view bytes) {
  WireMessage profile(bytes);
  while (profile.Next()) {
    switch (profile.field()) {
      case 1:
      case 11: {
        const auto type = ReadValueType(profile.bytes());
        if (!type) return false;
        if (profile.field() == 11) {
          period_type_ = *type;
        } else if (types_.size() < 64) {
          types_.push_back(*type);
        }
        break;
      }
      case 3:
        if (!ReadMapping(profile.bytes())) return false;
        break;
      case 5: {
        Function function;
        std::uint64_t id = 0;
        WireMessage message(profile.bytes());
        while (message.Next()) {
          if (message.field() == 1) id = message.value();
          if (message.field() == 2) function.name = message.value();
          if (message.field() == 3) function.system_name = message.value();
          if (message.field() == 4) function.file = message.value();
        }
        if (message.damaged()) return false;
        if (functions_.size() < kMostStrings) functions_[id] = function;
        break;
      }
      case 6:
        if (strings_.size() < kMostStrings) strings_.push_back(profile.bytes());
        break;
      case 9:
        profile_.taken = ToTime(profile.value());
        break;
      case 12:
        period_ = profile.value();
        break;
      default:
        break;
    }
  }
  return !profile.damaged();
}

bool Reader::ReadMapping(std::string_view bytes) {
  HeapProfile::Mapping mapping;
  std::uint64_t id = 0, path = 0, build_id = 0;
  WireMessage message(bytes);
  while (message.Next()) {
    if (message.field() == 1) id = message.value();
    if (message.field() == 2) mapping.start = message.value();
    if (message.field() == 3) mapping.limit = message.value();
    if (message.field() == 4) mapping.offset = message.value();
    if (message.field() == 5) path = message.value();
    if (message.field() == 6) build_id = message.value();
  }
  if (message.damaged()) return false;
  if (profile_.mappings.size() >= kMostStrings) return true;
  mappings_[id] = static_cast<std::uint32_t>(profile_.mappings.size());
  mapping_strings_.emplace_back(path, build_id);
  profile_.mappings.push_back(std::move(mapping));
  return true;
}

bool Reader::ReadLine(std::string_view bytes, HeapProfile::Location* location) {
  std::uint64_t function = 0, line = 0;
  WireMessage message(bytes);
  while (message.Next()) {
    if (message.field() == 1) function = message.value();
    if (message.field() == 2) line = message.value();
  }
  if (message.damaged()) return false;
  const auto found = functions_.find(function);
  if (found == functions_.end() || location->lines.size() >= kMostLines || frames_ >= kMostFrames)
    return true;
  ++frames_;
  const std::string_view mangled = String(found->second.system_name);
  const std::string_view name = String(found->second.name);
  HeapProfile::Line entry;
  entry.function = std::string(mangled.substr(0, 2) == "_Z" || name.empty() ? mangled : name);
  entry.file = std::string(String(found->second.file));
  entry.line = static_cast<std::uint32_t>(std::min<std::uint64_t>(line, INT32_MAX));
  location->lines.push_back(std::move(entry));
  return true;
}

bool Reader::ReadLocation(std::string_view bytes) {
  HeapProfile::Location location;
  std::uint64_t id = 0;
  WireMessage message(bytes);
  while (message.Next()) {
    if (message.field() == 1) id = message.value();
    if (message.field() == 2) {
      const auto mapping = mappings_.find(message.value());
      if (mapping != mappings_.end()) location.mapping = mapping->second;
    }
    if (message.field() == 3) location.address = message.value();
    if (message.field() == 4 && !ReadLine(message.bytes(), &location)) return false;
  }
  if (message.damaged()) return false;
  if (profile_.locations.size() >= kMostFrames) return true;
  locations_[id] = static_cast<std::uint32_t>(profile_.locations.size());
  profile_.locations.push_back(std::move(location));
  return true;
}

bool Reader::ReadSample(std::string_view bytes) {
  HeapProfile::Stack stack;
  std::vector<double> values;
  bool cut = false;
  const auto add_location = [&](std::uint64_t id) {
    const auto known = locations_.find(id);
    if (known == locations_.end()) return;
    if (frames_ >= kMostFrames || stack.locations.size() >= kMostFramesOfStack) {
      cut = true;
      return;
    }
    ++frames_;
    stack.locations.push_back(known->second);
  };
  const auto add_value = [&](std::uint64_t value) {
    if (values.size() >= types_.size()) return;
    const auto number = static_cast<std::int64_t>(value);
    negative_ |= number < 0;
    values.push_back(static_cast<double>(number));
  };
  WireMessage message(bytes);
  while (message.Next()) {
    if (message.field() != 1 && message.field() != 2) continue;
    const bool location = message.field() == 1;
    std::uint64_t value = message.value();
    if (!message.is_bytes()) {
      location ? add_location(value) : add_value(value);
      continue;
    }
    for (std::string_view packed = message.bytes(); !packed.empty();) {
      if (!WireMessage::TakeVarint(&packed, &value)) return false;
      location ? add_location(value) : add_value(value);
    }
  }
  if (message.damaged()) return false;
  const auto at = [&values](const std::optional<std::size_t>& index) {
    return index && *index < values.size() ? values[*index] : 0.0;
  };
  stack.live = {at(live_objects_), at(live_bytes_)};
  stack.allocated = {at(allocated_objects_), at(allocated_bytes_)};
  if (stack.live.bytes == 0 && stack.allocated.bytes == 0) return true;
  stacks_cut_ += cut ? 1 : 0;
  if (profile_.interval > 0 && stack.live.bytes > 0) {
    // What was drawn is not in it, only what that stands for.
    const double size = stack.live.objects > 0 ? stack.live.bytes / stack.live.objects : 0;
    const double chance = -std::expm1(-size / profile_.interval);
    const double weight = chance > 0 ? size / chance : profile_.interval;
    stack.samples = std::round(stack.live.bytes / weight);
    stack.variance = VarianceOf(stack.live, profile_.interval);
  } else {
    stack.samples = stack.live.objects;
  }
  profile_.live.objects += stack.live.objects;
  profile_.live.bytes += stack.live.bytes;
  profile_.allocated.objects += stack.allocated.objects;
  profile_.allocated.bytes += stack.allocated.bytes;
  if (profile_.stacks.size() < kMostFrames) {
    profile_.stacks.push_back(std::move(stack));
  } else {
    ++stacks_cut_;
  }
  return true;
}

std::optional<std::size_t> Reader::Find(std::string_view first, std::string_view second) const {
  for (const std::string_view wanted : {first, second}) {
    for (std::size_t i = 0; i < types_.size(); ++i) {
      if (!wanted.empty() && String(types_[i].type) == wanted) return i;
    }
  }
  return std::nullopt;
}

std::optional<Error> Reader::ChooseTypes() {
  live_bytes_ = Find("inuse_space", "space");
  live_objects_ = Find("inuse_objects", "objects");
  allocated_bytes_ = Find("alloc_space", "");
  allocated_objects_ = Find("alloc_objects", "");
  profile_.has_live = live_bytes_.has_value();
  profile_.has_allocated = allocated_bytes_.has_value();
  if (!live_bytes_ && !allocated_bytes_) {
    std::string names;
    for (const ValueType& type : types_)
      names += (names.empty() ? "" : ", ") + std::string(String(type.type).substr(0, 40));
    return Error{"this pprof profile is none of memory: it has " +
                     (names.empty() ? "no sample type" : names),
                 "give one with inuse_space, space or alloc_space"};
  }
  for (const auto& index : {live_bytes_, allocated_bytes_}) {
    if (index && String(types_[*index].unit) != "bytes")
      return Error{fmt::format("the pprof profile counts memory in '{}', not in bytes",
                               std::string(String(types_[*index].unit).substr(0, 40))),
                   "write it with the unit 'bytes'"};
  }
  if (period_type_ && String(period_type_->unit) == "bytes" && period_ < (std::uint64_t{1} << 50)) {
    if (period_ > 1) profile_.interval = static_cast<double>(period_);
    profile_.exact = period_ == 1;
  }
  return std::nullopt;
}

Result<HeapProfile> Reader::Read(std::string_view bytes) {
  const Error damaged{"the pprof profile is damaged or cut", "take another one"};
  profile_.format = HeapProfile::Format::kPprof;
  if (!ReadTables(bytes)) return damaged;
  if (const auto error = ChooseTypes()) return *error;
  for (std::size_t i = 0; i < mapping_strings_.size(); ++i) {
    profile_.mappings[i].path = std::string(String(mapping_strings_[i].first));
    profile_.mappings[i].build_id = std::string(String(mapping_strings_[i].second));
  }
  for (const std::uint32_t field : {4u, 2u}) {
    WireMessage profile(bytes);
    while (profile.Next()) {
      if (profile.field() != field) continue;
      if (!(field == 4 ? ReadLocation(profile.bytes()) : ReadSample(profile.bytes())))
        return damaged;
    }
  }
  if (negative_)
    return Error{"the pprof profile has negative figures: it is a difference of two",
                 "give the two profiles themselves to wrackline diff"};
  if (stacks_cut_ > 0)
    profile_.notes.push_back(
        fmt::format("{} stacks were too long or too many, and are cut", stacks_cut_));
  return std::move(profile_);
}

}  // namespace

bool LooksLikePprof(std::string_view head) {
  return IsGzip(head) ? BeginsLikeProfile(Gunzip(head, 4096).bytes) : BeginsLikeProfile(head);
}

Result<HeapProfile> ParsePprofProfile(std::string_view text) {
  if (!IsGzip(text)) return Reader().Read(text);
  const Unpacked unpacked = Gunzip(text, kMostUnpacked);
  if (!unpacked.whole)
    return Error{unpacked.bytes.size() >= kMostUnpacked
                     ? "the pprof profile is larger than 512 MiB unpacked"
                     : "the pprof profile's gzip stream is damaged or cut",
                 "take another one"};
  return Reader().Read(unpacked.bytes);
}

}  // namespace wrackline::evidence
