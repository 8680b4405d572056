#include "analyzer/evidence/evidence_folder.h"

#include <algorithm>
#include <filesystem>
#include <utility>

#include "analyzer/evidence/cgroup_choice.h"
#include "analyzer/evidence/heap_profile.h"
#include "analyzer/evidence/kernel_moment.h"
#include "analyzer/evidence/prometheus_json.h"
#include "analyzer/evidence/scrape_source.h"

namespace wrackline::evidence {
namespace {

// All that is read of a folder, each file at most twice.
constexpr std::uint64_t kMostBytes = std::uint64_t{4} << 30;

bool IsRecordingName(std::string_view name) {
  return name.ends_with(".wrack") || name.ends_with(".wrackpack");
}

SourceFile AsSource(const FolderFile& file, std::string_view text) {
  return {file.name, text, file.modified};
}

std::optional<ConfiguredRocksDb> Configured(const FolderQuestion& question,
                                            const Evidence& evidence) {
  if (!question.configured) return std::nullopt;
  return question.configured(evidence);
}

Result<std::string> ApplyText(const SourceReader& reader, const SourceFile& file,
                              const FolderQuestion& question, Evidence* evidence) {
  if (std::string_view(reader.kind) == kPrometheusJsonKind)
    return AddPrometheusAnswer(file, question.task_manager, Configured(question, *evidence),
                               evidence);
  if (std::string_view(reader.kind) == kHeapProfileKind)
    return AddHeapProfile(file, question.symbols, question.remarks, evidence);
  return reader.add(file, evidence);
}

SourceUse Unused(std::string file, std::string kind, std::string title, std::string why) {
  return {std::move(file), std::move(kind), std::move(title), false, std::move(why)};
}

// The last that is known of it is that it ran: it was looked at, and nothing says how it ended.
bool SeenRunning(const Evidence& evidence) {
  const Ending& ending = evidence.ending;
  const bool ended = ending.kernel_kill || ending.signal || ending.exit_status || evidence.yarn ||
                     evidence.pod || !evidence.java_errors.empty() ||
                     ending.oom_kill_after.value_or(0) > ending.oom_kill_before.value_or(0);
  return !ended && !evidence.timeline.empty();
}

std::vector<const SourceReader*> ReadersOf(const SourceFile& file) {
  std::vector<const SourceReader*> readers;
  for (const SourceReader& reader : SourceReaders()) {
    if (reader.recognises(file)) readers.push_back(&reader);
  }
  return readers;
}

void Newest(std::optional<Time>* newest, Time time) {
  if (!*newest || **newest < time) *newest = time;
}

}  // namespace

Result<EvidenceFolder> EvidenceFolder::Open(const std::string& path) {
  Result<FolderListing> listing = ListFolder(path);
  if (!listing.ok()) return listing.error();
  EvidenceFolder folder;
  folder.path_ = path;
  folder.times_from_names_ = OrderByNames(&listing.value().files);
  folder.remarks_ = std::move(listing.value().remarks);
  for (FolderFile& file : listing.value().files) {
    Known& known = folder.files_.emplace_back();
    known.recording = IsRecordingName(file.name);
    known.file = std::move(file);
  }
  folder.Recognise();
  return folder;
}

void EvidenceFolder::Recognise() {
  std::uint64_t total = 0;
  for (Known& known : files_) {
    if (known.recording) continue;
    known.unread = known.file.refused;
    if (known.unread.empty() && total + known.file.size > kMostBytes)
      known.unread = "the folder holds more than 4 GiB: give a part of it";
    if (!known.unread.empty()) continue;
    total += known.file.size;
    const Result<std::string> text = LoadFile(known.file);
    if (!text.ok()) {
      known.unread = text.error().Text();
      continue;
    }
    known.readers = ReadersOf(AsSource(known.file, text.value()));
    // After that: some profiles are gzip files by themselves, and have a reader.
    if (known.readers.empty() && IsGzip(text.value())) {
      known.file.gzip = true;
      const Result<std::string> unpacked = LoadFile(known.file);
      if (!unpacked.ok()) {
        known.unread = unpacked.error().Text();
        continue;
      }
      known.readers = ReadersOf(AsSource(known.file, unpacked.value()));
    }
    if (!known.readers.empty()) continue;
    const std::string unpack = HowToUnpack(known.file.name);
    known.unread = text.value().empty() ? "empty" : unpack.empty() ? "not recognised" : unpack;
  }
}

bool EvidenceFolder::Recognised() const {
  return std::any_of(files_.begin(), files_.end(),
                     [](const Known& known) { return !known.readers.empty(); });
}

std::vector<std::string> EvidenceFolder::PathsOf(std::string_view kind) const {
  std::vector<std::string> paths;
  for (const Known& known : files_) {
    const bool taken =
        known.recording
            ? kind == kRecordingKind
            : std::any_of(known.readers.begin(), known.readers.end(),
                          [&](const SourceReader* reader) { return reader->kind == kind; });
    if (taken) paths.push_back(known.file.path);
  }
  return paths;
}

// The reader's files, the older ones first, so that the newest has the last word.
EvidenceFolder::Files EvidenceFolder::OfReader(const SourceReader& reader) const {
  Files files;
  for (const Known& known : files_) {
    if (std::find(known.readers.begin(), known.readers.end(), &reader) != known.readers.end())
      files.push_back(&known);
  }
  std::stable_sort(files.begin(), files.end(), [](const Known* a, const Known* b) {
    return a->file.modified < b->file.modified;
  });
  return files;
}

void EvidenceFolder::ApplyScrapes(const SourceReader& reader, const Files& files,
                                  const FolderQuestion& question, Evidence* evidence,
                                  std::vector<SourceUse>* uses) const {
  std::vector<ScrapeInput> scrapes;
  std::vector<SourceUse> of_scrapes;
  for (const Known* known : files) {
    const Result<std::string> text = LoadFile(known->file);
    Result<FlinkScrape> scrape =
        text.ok() ? ReadFlinkScrape(text.value()) : Result<FlinkScrape>(text.error());
    if (scrape.ok()) {
      of_scrapes.push_back({known->file.name, reader.kind, reader.title, true, ""});
      scrapes.push_back({known->file.name, known->file.modified, std::move(scrape.value())});
    } else {
      uses->push_back(Unused(known->file.name, reader.kind, reader.title, scrape.error().Text()));
    }
  }
  if (scrapes.empty()) return;
  const Result<std::string> added =
      AddScrapes(scrapes, question.task_manager, Configured(question, *evidence), evidence);
  for (SourceUse& use : of_scrapes) {
    use.used = added.ok();
    use.remark = !added.ok()                         ? added.error().Text()
                 : use.file == scrapes.back().source ? added.value()
                                                     : "an earlier scrape: peaks only";
    uses->push_back(std::move(use));
  }
}

void EvidenceFolder::ApplyReader(const SourceReader& reader, const FolderQuestion& question,
                                 Evidence* evidence, std::vector<SourceUse>* uses) const {
  const Files files = OfReader(reader);
  if (files.empty()) return;
  const std::string_view kind = reader.kind;
  if (kind == kScrapeKind) return ApplyScrapes(reader, files, question, evidence, uses);
  std::vector<std::string> refused(files.size());
  if (kind == kCgroupKind && !evidence->recorded) refused = OtherCgroups(files);
  for (std::size_t i = 0; i < files.size(); ++i) {
    SourceUse use{files[i]->file.name, reader.kind, reader.title, false, refused[i]};
    if (refused[i].empty()) {
      const Result<std::string> text = LoadFile(files[i]->file);
      const Result<std::string> added =
          text.ok() ? ApplyText(reader, AsSource(files[i]->file, text.value()), question, evidence)
                    : text;
      use.used = added.ok();
      use.remark = added.ok() ? added.value() : added.error().Text();
    }
    uses->push_back(std::move(use));
  }
}

// For each why it is not to be used: it is of another cgroup than the one to go by.
std::vector<std::string> EvidenceFolder::OtherCgroups(const Files& files) {
  std::vector<NamedCgroup> cgroups;
  for (const Known* known : files) {
    const Result<std::string> text = LoadFile(known->file);
    const std::optional<CgroupSnapshot> snapshot =
        text.ok() ? ParseCgroupSnapshot(text.value()) : std::nullopt;
    cgroups.push_back({known->file.name, snapshot.value_or(CgroupSnapshot{})});
  }
  const std::vector<bool> chosen = ChooseCgroups(cgroups);
  std::vector<std::string> refused;
  for (std::size_t i = 0; i < cgroups.size(); ++i)
    refused.push_back(chosen[i] ? "" : OtherCgroup(cgroups[i].snapshot));
  return refused;
}

// The times of all that was used come to one: when the process was last seen.
void EvidenceFolder::Close(const std::vector<SourceUse>& uses, Evidence* evidence) const {
  std::optional<Time> newest;
  for (const Known& known : files_) {
    const bool used = std::any_of(uses.begin(), uses.end(), [&](const SourceUse& use) {
      return use.used && use.file == known.file.name;
    });
    if (used) Newest(&newest, known.file.modified);
  }
  AddKernelMoment(newest.value_or(Time{}), evidence);
  // A file of after the end, or one that has no figure of the process, says nothing of when that was.
  std::optional<Time> seen;
  if (!evidence->timeline.empty()) Newest(&seen, evidence->timeline.back().time);
  if (evidence->jvm && !evidence->jvm->figures.empty())
    Newest(&seen, evidence->jvm->figures.back().time);
  if (evidence->rocksdb) Newest(&seen, evidence->rocksdb->time);
  evidence->last_record = seen ? *seen : newest.value_or(Time{});
  evidence->ending.still_running = SeenRunning(*evidence);
}

void EvidenceFolder::AddTo(const FolderQuestion& question, const std::string& recording,
                           Evidence* evidence) const {
  std::vector<SourceUse> uses;
  for (const Known& known : files_) {
    if (!known.recording) continue;
    const bool used = known.file.path == recording;
    uses.push_back({known.file.name, kRecordingKind, "a recording of wrackline's", used,
                    used ? "what this report is of" : "not what this report is of"});
  }
  for (const SourceReader& reader : SourceReaders()) ApplyReader(reader, question, evidence, &uses);
  if (!evidence->recorded) Close(uses, evidence);
  StandBeside(evidence);
  for (const Known& known : files_) {
    if (!known.recording && known.readers.empty())
      uses.push_back(Unused(known.file.name, "", "", known.unread));
  }
  for (const std::string& remark : remarks_) uses.push_back(Unused("", "", "", remark));
  if (times_from_names_)
    uses.push_back(Unused(
        "", "", "", "the files' times do not say in which order they were taken; their names do"));
  evidence->sources = std::move(uses);
}

Evidence FromFilesOnly(const std::string& path) {
  Evidence evidence;
  evidence.source = path;
  evidence.recorded = false;
  return evidence;
}

}  // namespace wrackline::evidence
