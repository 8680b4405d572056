#include "preload/frame_names.h"

#include <pb_encode.h>
#include <wrackline_nanopb/wrackline.pb.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "lib/symbols/elf.h"
#include "preload/clock.h"
#include "preload/jvm/java_frame.h"
#include "preload/pages.h"

namespace wrackline::preload {
namespace {

constexpr std::size_t kBatchBytes = 24 * 1024;
constexpr std::uint32_t kMaxBatch = 512;

std::uint32_t HashText(const char* text, std::size_t length) {  // FNV-1a
  std::uint32_t hash = 2166136261u;
  for (std::size_t i = 0; i < length; ++i) {
    hash = (hash ^ static_cast<unsigned char>(text[i])) * 16777619u;
  }
  return hash == 0 ? 1 : hash;
}

std::uint32_t HashAddress(std::uint64_t address) {
  return static_cast<std::uint32_t>((address * 0x9E3779B97F4A7C15u) >> 32);
}

}  // namespace

void ResolveNames(NamingJob* job) {
  job->names_used = 0;
  job->lines = ModuleFile::Lines::kNone;
  for (std::uint32_t i = 0; i < job->count; ++i) job->addresses[i].name = NamingJob::kNoName;
  ModuleFile module;
  if (!module.Open(job->module, &job->checked)) return;
  const symbols::ElfFile& file = module.Symbols();

  std::sort(job->addresses, job->addresses + job->count,
            [](const NamingJob::Address& a, const NamingJob::Address& b) { return a.pc < b.pc; });
  constexpr std::uint32_t kAtOnce = 256;
  symbols::ElfFile::Query queries[kAtOnce];
  for (std::uint32_t done = 0; done < job->count; done += kAtOnce) {
    const std::uint32_t now = std::min(kAtOnce, job->count - done);
    NamingJob::Address* addresses = job->addresses + done;
    for (std::uint32_t i = 0; i < now; ++i) {
      queries[i] = {addresses[i].pc - 1 - job->module.bias, nullptr, 0};
    }
    file.Resolve(queries, now);
    for (std::uint32_t i = 0; i < now; ++i) {
      if (queries[i].symbol == nullptr) continue;
      const std::size_t length = strnlen(queries[i].symbol, NamingJob::kMaxName);
      if (length == 0) continue;
      if (job->names_used + length + 1 > NamingJob::kNameBytes) {
        addresses[i].name = NamingJob::kNoRoom;
        continue;
      }
      addresses[i].name = static_cast<std::uint32_t>(job->names_used);
      addresses[i].offset = queries[i].offset + 1;
      std::memcpy(job->names + job->names_used, queries[i].symbol, length);
      job->names[job->names_used + length] = '\0';
      job->names_used += length + 1;
    }
  }
  symbols::LineTable table;
  job->lines = module.OpenLines(&table);
}

int FrameNames::Open(std::size_t name_bytes) {
  name_bytes_ = std::min<std::size_t>(name_bytes, std::size_t{1} << 30);
  entries_ = MapArray<Entry>(kMaxNames);
  index_ = MapArray<std::uint32_t>(kIndexSlots);
  named_ = MapArray<std::uint32_t>(kMaxNames);
  lined_ = MapArray<std::uint32_t>(kMaxNames);
  known_ = MapArray<Known>(kIndexSlots);
  names_ = MapArray<char>(name_bytes_);
  const bool mapped = entries_ != nullptr && index_ != nullptr && named_ != nullptr &&
                      lined_ != nullptr && known_ != nullptr && names_ != nullptr;
  return mapped ? 0 : ENOMEM;
}

std::uint32_t FrameNames::PlaceOf(std::uint64_t pc) const {
  std::uint32_t slot = HashAddress(pc) % index_slots_;
  while (index_[slot] != 0 && entries_[index_[slot] - 1].pc != pc) slot = (slot + 1) % index_slots_;
  return slot;
}

void FrameNames::GrowIndex() {
  std::memset(index_, 0, index_slots_ * sizeof(*index_));
  index_slots_ *= 2;
  for (std::uint32_t i = 0; i < count_; ++i) index_[PlaceOf(entries_[i].pc)] = i + 1;
}

void FrameNames::Add(const std::uint64_t* frames, std::uint32_t depth, std::uint64_t now_ns) {
  for (std::uint32_t i = 0; i < depth; ++i) {
    if (frames[i] == 0) continue;
    if (index_[PlaceOf(frames[i])] != 0) continue;
    if (count_ == kMaxNames) {
      ++full_;
      continue;
    }
    if (count_ >= index_slots_ / 2) GrowIndex();
    const std::uint32_t slot = PlaceOf(frames[i]);
    Entry& entry = entries_[count_];
    entry = {};
    entry.pc = frames[i];
    entry.noted_ns = now_ns;
    index_[slot] = ++count_;
    if (!IsJavaFrame(frames[i])) {
      ++waiting_;
      ++unplaced_;
    } else if (MethodOf(frames[i]) != nullptr) {
      entry.state = State::kWaitingForVm;
      ++java_waiting_;
    } else {
      entry.state = State::kUnnamed;
      ++java_lost_;
    }
  }
}

void FrameNames::Place(const ModuleTable& modules, std::uint64_t scanned_ns) {
  if (unplaced_ == 0) return;
  for (std::uint32_t i = first_waiting_; i < count_; ++i) {
    Entry& entry = entries_[i];
    if (entry.state != State::kWaiting || entry.placed) continue;
    if (const ModuleTable::Module* module = modules.Find(entry.pc - 1)) {
      entry.placed = true;
      entry.module_id = module->id;
      --unplaced_;
    } else if (entry.noted_ns < scanned_ns) {
      entry.state = State::kUnnamed;
      ++unnamed_;
      --waiting_;
      --unplaced_;
    }
  }
}

bool FrameNames::MakeJob(const ModuleTable& modules, std::uint64_t now_ns,
                         std::uint64_t patience_ns, NamingJob* job) {
  if (waiting_ == 0) {
    first_waiting_ = count_;
    return false;
  }
  while (first_waiting_ < count_ && entries_[first_waiting_].state != State::kWaiting) {
    ++first_waiting_;
  }
  job->count = 0;
  job->module_id = 0;
  for (std::uint32_t i = first_waiting_; i < count_ && job->count < NamingJob::kMaxAddresses; ++i) {
    const Entry& entry = entries_[i];
    if (entry.state != State::kWaiting || !entry.placed) continue;
    if (job->count == 0) {
      // The first one decides the module; younger ones of the same module come along.
      if (entry.noted_ns + patience_ns > now_ns) continue;
      const ModuleTable::Module* module = modules.ById(entry.module_id);
      if (module == nullptr) continue;
      job->module = module->info;
      job->module_id = entry.module_id;
    }
    if (entry.module_id != job->module_id) continue;
    job->addresses[job->count++] = {entry.pc, i, NamingJob::kNoName, 0};
  }
  return job->count > 0;
}

std::uint32_t FrameNames::PlaceOf(const char* symbol, std::uint32_t hash) const {
  std::uint32_t slot = hash % known_slots_;
  while (known_[slot].hash != 0 &&
         (known_[slot].hash != hash || std::strcmp(names_ + known_[slot].name, symbol) != 0)) {
    slot = (slot + 1) % known_slots_;
  }
  return slot;
}

void FrameNames::GrowKnown() {
  std::memset(known_, 0, known_slots_ * sizeof(*known_));
  known_slots_ *= 2;
  for (std::size_t at = 0; at < names_used_;) {
    const std::size_t length = std::strlen(names_ + at);
    const std::uint32_t hash = HashText(names_ + at, length);
    known_[PlaceOf(names_ + at, hash)] = {hash, static_cast<std::uint32_t>(at)};
    at += length + 1;
  }
}

bool FrameNames::Keep(const char* symbol, std::uint32_t* name) {
  const std::size_t length = std::strlen(symbol);
  const std::uint32_t hash = HashText(symbol, length);
  std::uint32_t slot = PlaceOf(symbol, hash);
  if (known_[slot].hash != 0) {
    *name = known_[slot].name;
    return true;
  }
  // A table that is full would be searched for ever.
  if (names_used_ + length + 1 > name_bytes_ || kept_ >= kIndexSlots / 4 * 3) return false;
  if (kept_ >= known_slots_ / 4 * 3) {
    GrowKnown();
    slot = PlaceOf(symbol, hash);
  }
  ++kept_;
  *name = static_cast<std::uint32_t>(names_used_);
  known_[slot] = {hash, *name};
  std::memcpy(names_ + names_used_, symbol, length + 1);
  names_used_ += length + 1;
  return true;
}

void FrameNames::TakeJob(const NamingJob& job) {
  for (std::uint32_t i = 0; i < job.count; ++i) {
    const NamingJob::Address& address = job.addresses[i];
    if (address.entry >= count_ || address.name == NamingJob::kNoRoom) continue;
    Entry& entry = entries_[address.entry];
    if (entry.state != State::kWaiting) continue;
    --waiting_;
    entry.state = State::kUnnamed;
    if (address.name == NamingJob::kNoName) {
      ++unnamed_;
    } else if (!Keep(job.names + address.name, &entry.name)) {
      ++unnamed_;
      ++full_;
    } else {
      entry.offset = address.offset;
      entry.state = State::kNamed;
      named_[named_count_++] = address.entry;
      if (job.lines == ModuleFile::Lines::kUnreadable) ++lines_unread_;
      if (job.lines == ModuleFile::Lines::kReadable) {
        entry.wants_line = true;
        ++lines_waiting_;
        first_lineless_ = std::min(first_lineless_, address.entry);
      }
    }
  }
}

bool FrameNames::MakeJavaJob(JavaNamingJob* job) {
  if (java_waiting_ == 0) {
    first_java_ = count_;
    return false;
  }
  while (entries_[first_java_].state != State::kWaitingForVm) ++first_java_;
  job->count = 0;
  for (std::uint32_t i = first_java_; i < count_ && job->count < JavaNamingJob::kMaxFrames; ++i) {
    if (entries_[i].state != State::kWaitingForVm) continue;
    job->frames[job->count++] = {entries_[i].pc, i, JavaNamingJob::kNoName, JavaNamingJob::kNoName,
                                 0};
  }
  return true;
}

void FrameNames::TakeJavaJob(const JavaNamingJob& job) {
  for (std::uint32_t i = 0; i < job.count; ++i) {
    const JavaNamingJob::Frame& frame = job.frames[i];
    if (frame.entry >= count_ || frame.name == JavaNamingJob::kNoRoom) continue;
    Entry& entry = entries_[frame.entry];
    if (entry.state != State::kWaitingForVm) continue;
    --java_waiting_;
    entry.state = State::kUnnamed;
    if (frame.name == JavaNamingJob::kNoName) {
      ++java_lost_;
    } else if (!Keep(job.text + frame.name, &entry.name)) {
      ++full_;
    } else {
      entry.state = State::kNamed;
      named_[named_count_++] = frame.entry;
      if (frame.line == 0) continue;
      const char* const file = job.text + frame.file;
      const std::size_t length = std::strlen(file);
      // Without its line.
      if (path_bytes_ + length > name_bytes_ || !Keep(file, &entry.file)) continue;
      path_bytes_ += length;
      entry.line = frame.line;
    }
  }
}

bool FrameNames::MakeLineJob(const ModuleTable& modules, std::uint64_t now_ns,
                             std::uint64_t patience_ns, LineJob* job) {
  if (lines_waiting_ == 0) return false;
  while (!entries_[first_lineless_].wants_line) ++first_lineless_;
  job->count = 0;
  std::uint32_t module_id = 0;
  for (std::uint32_t i = first_lineless_; i < count_ && job->count < LineJob::kMaxAddresses; ++i) {
    const Entry& entry = entries_[i];
    if (!entry.wants_line) continue;
    if (job->count == 0) {
      // As with names: the first one decides the module.
      if (entry.noted_ns + patience_ns > now_ns) continue;
      const ModuleTable::Module* module = modules.ById(entry.module_id);
      if (module == nullptr) continue;
      job->module = module->info;
      module_id = entry.module_id;
    }
    if (entry.module_id == module_id) job->entries[job->count++] = i;
  }
  if (job->count == 0) return false;
  std::sort(job->entries, job->entries + job->count,
            [this](std::uint32_t a, std::uint32_t b) { return entries_[a].pc < entries_[b].pc; });
  for (std::uint32_t i = 0; i < job->count; ++i) {
    job->queries[i] = {entries_[job->entries[i]].pc - 1 - job->module.bias, 0, 0, 0, false};
  }
  job->at = 0;
  job->done = false;
  job->paths_used = 0;
  job->paths_full = false;
  return true;
}

void FrameNames::TakeLineJob(const LineJob& job) {
  for (std::uint32_t i = 0; i < job.count; ++i) {
    Entry& entry = entries_[job.entries[i]];
    if (!entry.wants_line) continue;
    entry.wants_line = false;
    --lines_waiting_;
    const symbols::LineQuery& query = job.queries[i];
    if (query.line == 0) {
      if (job.paths_full && query.sequence != 0) ++lines_unread_;
      continue;
    }
    const char* const path = job.paths + query.file;
    const std::size_t length = std::strlen(path);
    if (path_bytes_ + length > name_bytes_ || !Keep(path, &entry.file)) {
      ++lines_unread_;
      continue;
    }
    path_bytes_ += length;
    entry.line = query.line;
    lined_[lined_count_++] = job.entries[i];
  }
}

namespace {

struct NameToPut {
  std::uint64_t pc, offset;
  std::uint32_t module_id;
  const char* symbol;
  std::uint32_t line;
  const char* file;
};
struct NamesToPut {
  NameToPut names[kMaxBatch];
  std::uint32_t count;
};

bool EncodeText(pb_ostream_t* stream, const pb_field_t* field, void* const* argument) {
  const char* text = static_cast<const char*>(*argument);
  return pb_encode_tag_for_field(stream, field) &&
         pb_encode_string(stream, reinterpret_cast<const pb_byte_t*>(text), std::strlen(text));
}

bool EncodeNames(pb_ostream_t* stream, const pb_field_t* field, void* const* argument) {
  const auto* batch = static_cast<const NamesToPut*>(*argument);
  for (std::uint32_t i = 0; i < batch->count; ++i) {
    wrackline_proto_FrameName name = wrackline_proto_FrameName_init_zero;
    name.pc = batch->names[i].pc;
    name.offset = batch->names[i].offset;
    name.module_id = batch->names[i].module_id;
    name.java = IsJavaFrame(name.pc);
    name.symbol.funcs.encode = EncodeText;
    name.symbol.arg = const_cast<char*>(batch->names[i].symbol);
    if (batch->names[i].line != 0) {
      name.has_line = true;
      name.line = batch->names[i].line;
      name.file.funcs.encode = EncodeText;
      name.file.arg = const_cast<char*>(batch->names[i].file);
    }
    if (!pb_encode_tag_for_field(stream, field) ||
        !pb_encode_submessage(stream, wrackline_proto_FrameName_fields, &name)) {
      return false;
    }
  }
  return true;
}

}  // namespace

std::uint32_t FrameNames::PutBatch(const std::uint32_t* entries, std::uint64_t count,
                                   StateSink& sink) const {
  NamesToPut batch;
  batch.count = 0;
  std::size_t bytes = 0;
  for (std::uint64_t i = 0; i < count && batch.count < kMaxBatch; ++i) {
    const Entry& entry = entries_[entries[i]];
    const char* symbol = names_ + entry.name;
    const char* file = names_ + entry.file;
    bytes += std::strlen(symbol) + (entry.line != 0 ? std::strlen(file) : 0) + 40;
    if (batch.count > 0 && bytes > kBatchBytes) break;
    batch.names[batch.count++] = {entry.pc, entry.offset, entry.module_id,
                                  symbol,   entry.line,   file};
  }
  if (batch.count == 0) return 0;
  wrackline_proto_Record record = wrackline_proto_Record_init_zero;
  record.time_ns = RealtimeNs();
  record.which_body = wrackline_proto_Record_frame_names_tag;
  record.body.frame_names.names.funcs.encode = EncodeNames;
  record.body.frame_names.names.arg = &batch;
  return sink.Put(record) ? batch.count : 0;
}

void FrameNames::PutChanges(StateSink& sink) {
  while (written_ < named_count_) {
    const std::uint32_t put = PutBatch(named_ + written_, named_count_ - written_, sink);
    if (put == 0) return;
    written_ += put;
  }
  while (lines_written_ < lined_count_) {
    const std::uint32_t put =
        PutBatch(lined_ + lines_written_, lined_count_ - lines_written_, sink);
    if (put == 0) return;
    lines_written_ += put;
  }
}

bool FrameNames::Emit(std::uint64_t* index, StateSink& sink) const {
  while (*index < named_count_) {
    if (sink.Full()) return false;
    const std::uint32_t put = PutBatch(named_ + *index, named_count_ - *index, sink);
    if (put == 0) return false;
    *index += put;
  }
  return true;
}

std::size_t FrameNames::resident_bytes() const {
  return ResidentBytes(entries_, kMaxNames * sizeof(Entry)) +
         ResidentBytes(index_, kIndexSlots * sizeof(std::uint32_t)) +
         ResidentBytes(named_, kMaxNames * sizeof(std::uint32_t)) +
         ResidentBytes(lined_, kMaxNames * sizeof(std::uint32_t)) +
         ResidentBytes(known_, kIndexSlots * sizeof(Known)) + ResidentBytes(names_, name_bytes_);
}

}  // namespace wrackline::preload
