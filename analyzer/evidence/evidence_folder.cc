#include "analyzer/evidence/evidence_folder.h"

#include <algorithm>
#include <filesystem>
#include <utility>

#include "analyzer/evidence/kernel_moment.h"
#include "analyzer/evidence/scrape_source.h"

namespace wrackline::evidence {
namespace {

// All that is read of a folder, each file at most twice.
constexpr std::uint64_t kMostBytes = std::uint64_t{4} << 30;

bool EndsWith(std::string_view text, std::string_view end) {
  return text.size() >= end.size() && text.substr(text.size() - end.size()) == end;
}

bool IsRecordingName(std::string_view name) {
  return EndsWith(name, ".wrack") || EndsWith(name, ".wrackpack");
}

SourceFile AsSource(const FolderFile& file, std::string_view text) {
  return {file.name, text, file.modified};
}

SourceUse Unused(std::string file, std::string kind, std::string title, std::string why) {
  return {std::move(file), std::move(kind), std::move(title), false, std::move(why)};
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
    const SourceFile source = AsSource(known.file, text.value());
    for (const SourceReader& reader : SourceReaders()) {
      if (reader.recognises(source)) known.readers.push_back(&reader);
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

std::vector<SourceUse> EvidenceFolder::Apply(const FolderQuestion& question,
                                             const std::string& recording,
                                             Evidence* evidence) const {
  std::vector<SourceUse> uses;
  // The older ones first, so that the newest has the last word.
  std::vector<const Known*> in_time;
  for (const Known& known : files_) in_time.push_back(&known);
  std::stable_sort(in_time.begin(), in_time.end(), [](const Known* a, const Known* b) {
    return a->file.modified < b->file.modified;
  });
  for (const Known& known : files_) {
    if (!known.recording) continue;
    const bool used = known.file.path == recording;
    uses.push_back({known.file.name, kRecordingKind, "a recording of wrackline's", used,
                    used ? "what this report is of" : "not what this report is of"});
  }
  std::optional<Time> newest;
  for (const SourceReader& reader : SourceReaders()) {
    std::vector<const Known*> of_kind;
    for (const Known* known : in_time) {
      if (std::find(known->readers.begin(), known->readers.end(), &reader) != known->readers.end())
        of_kind.push_back(known);
    }
    if (of_kind.empty()) continue;
    std::vector<ScrapeInput> scrapes;
    for (const Known* known : of_kind) {
      const Result<std::string> text = LoadFile(known->file);
      const bool scrape = std::string_view(reader.kind) == kScrapeKind;
      std::optional<Error> failed;
      std::string gave;
      if (!text.ok()) {
        failed = text.error();
      } else if (scrape) {
        Result<FlinkScrape> read = ReadFlinkScrape(text.value());
        if (read.ok())
          scrapes.push_back({known->file.name, known->file.modified, std::move(read.value())});
        else
          failed = read.error();
      } else {
        Result<std::string> added = reader.add(AsSource(known->file, text.value()), evidence);
        if (added.ok()) {
          gave = std::move(added.value());
        } else {
          failed = added.error();
        }
      }
      uses.push_back(
          {known->file.name, reader.kind, reader.title, !failed, failed ? failed->Text() : gave});
      if (!failed) Newest(&newest, known->file.modified);
    }
    if (scrapes.empty()) continue;
    const auto configured =
        question.configured ? question.configured(*evidence) : std::optional<ConfiguredRocksDb>();
    const Result<std::string> added =
        AddScrapes(scrapes, question.task_manager, configured, evidence);
    for (SourceUse& use : uses) {
      if (use.kind != kScrapeKind || !use.used) continue;
      use.used = added.ok();
      use.remark = !added.ok()                         ? added.error().Text()
                   : use.file == scrapes.back().source ? added.value()
                                                       : "an earlier scrape: peaks only";
    }
  }
  if (!evidence->recorded) {
    AddKernelMoment(newest.value_or(Time{}), evidence);
    if (!evidence->timeline.empty()) Newest(&newest, evidence->timeline.back().time);
    evidence->last_record = std::max(evidence->last_record, newest.value_or(Time{}));
  }
  StandBeside(evidence);
  return uses;
}

void EvidenceFolder::AddTo(const FolderQuestion& question, const std::string& recording,
                           Evidence* evidence) const {
  std::vector<SourceUse> uses = Apply(question, recording, evidence);
  for (const Known& known : files_) {
    if (!known.recording && known.readers.empty())
      uses.push_back(Unused(known.file.name, "", "", known.unread));
  }
  for (const std::string& remark : remarks_) uses.push_back(Unused(path_, "", "", remark));
  if (times_from_names_)
    uses.push_back(
        Unused(path_, "", "",
               "the files' times do not say in which order they were taken: their names do"));
  evidence->sources = std::move(uses);
}

Evidence FromFilesOnly(const std::string& path) {
  Evidence evidence;
  evidence.source = path;
  evidence.recorded = false;
  return evidence;
}

}  // namespace wrackline::evidence
