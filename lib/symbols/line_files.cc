#include "lib/symbols/line_files.h"

#include <cstring>

#include "lib/symbols/line_table.h"

namespace wrackline::symbols {
namespace {

constexpr std::size_t kAtOnce = 32;      // file numbers looked up in one pass over the tables
constexpr std::size_t kMaxFormats = 16;  // fields of an entry; compilers write 2 or 3

// DWARF 5, 6.2.4.1 and table 7.27.
constexpr std::uint64_t kContentPath = 1;
constexpr std::uint64_t kContentDirectory = 2;

// DWARF 5, table 7.6: those that may stand in a header of .debug_line.
enum Form : std::uint64_t {
  kFormBlock2 = 0x03,
  kFormBlock4 = 0x04,
  kFormData2 = 0x05,
  kFormData4 = 0x06,
  kFormData8 = 0x07,
  kFormString = 0x08,
  kFormBlock = 0x09,
  kFormBlock1 = 0x0a,
  kFormData1 = 0x0b,
  kFormSdata = 0x0d,
  kFormStrp = 0x0e,
  kFormUdata = 0x0f,
  kFormSecOffset = 0x17,
  kFormData16 = 0x1e,
  kFormLineStrp = 0x1f,
};

}  // namespace

// Where a string stands; section nullptr: nowhere.
struct LineFiles::Text {
  const SectionData* section = nullptr;
  std::uint64_t at = 0;
};

struct LineFiles::Wanted {
  std::uint32_t number = 0;
  Text name, folder;
  std::uint64_t folder_number = 0;
};

struct LineFiles::Round {
  Wanted files[kAtOnce];
  std::size_t count = 0;
  Text first_folder;  // the compilation's, from version 5 on

  Wanted* Find(std::uint64_t number) {
    for (std::size_t i = 0; i < count; ++i) {
      if (files[i].number == number) return &files[i];
    }
    return nullptr;
  }
};

// The entries of a version 5 table, whose fields the header describes.
class LineFiles::EntryReader {
 public:
  EntryReader(const LineFiles& files, bool wide, SectionReader* reader)
      : files_(files), wide_(wide), reader_(reader) {
    count_ = reader->U8();
    usable_ = count_ <= kMaxFormats;
    for (std::size_t i = 0; i < count_; ++i) {
      const std::uint64_t content = reader->Uleb();
      const std::uint64_t form = reader->Uleb();
      if (usable_) formats_[i] = {content, form};
    }
    entries_ = reader->Uleb();
    // Entries without a field have no bytes: any number of them could be claimed.
    usable_ = usable_ && reader->ok() && (count_ > 0 || entries_ == 0);
  }

  bool usable() const { return usable_; }
  std::uint64_t entries() const { return entries_; }

  // False: a field of an unknown form, or the end.
  bool Next(Text* path, std::uint64_t* folder) {
    for (std::size_t i = 0; i < count_; ++i) {
      Text text;
      std::uint64_t number = 0;
      if (!Field(formats_[i].form, &text, &number)) return false;
      if (formats_[i].content == kContentPath) *path = text;
      if (formats_[i].content == kContentDirectory) *folder = number;
    }
    return reader_->ok();
  }

 private:
  bool Field(std::uint64_t form, Text* text, std::uint64_t* number) {
    const std::size_t offset_size = wide_ ? 8 : 4;
    switch (form) {
      case kFormString:
        *text = {&files_.line_, reader_->at()};
        reader_->SkipString();
        break;
      case kFormLineStrp:
        *text = {&files_.line_strings_, reader_->Fixed(offset_size)};
        break;
      case kFormStrp:
        *text = {&files_.strings_, reader_->Fixed(offset_size)};
        break;
      case kFormSecOffset:
        reader_->Skip(offset_size);
        break;
      case kFormData1:
        *number = reader_->U8();
        break;
      case kFormData2:
        *number = reader_->Fixed(2);
        break;
      case kFormData4:
        *number = reader_->Fixed(4);
        break;
      case kFormData8:
        *number = reader_->Fixed(8);
        break;
      case kFormData16:
        reader_->Skip(16);
        break;
      case kFormUdata:
        *number = reader_->Uleb();
        break;
      case kFormSdata:
        reader_->Sleb();
        break;
      case kFormBlock:
        reader_->Skip(reader_->Uleb());
        break;
      case kFormBlock1:
        reader_->Skip(reader_->U8());
        break;
      case kFormBlock2:
        reader_->Skip(reader_->Fixed(2));
        break;
      case kFormBlock4:
        reader_->Skip(reader_->Fixed(4));
        break;
      default:
        return false;
    }
    return reader_->ok();
  }

  struct Format {
    std::uint64_t content, form;
  };
  const LineFiles& files_;
  const bool wide_;
  SectionReader* const reader_;
  Format formats_[kMaxFormats] = {};
  std::size_t count_ = 0;
  std::uint64_t entries_ = 0;
  bool usable_ = false;
};

void LineFiles::Name(const LineHeader& header, SectionReader* reader, LineQuery* queries,
                     std::size_t count) {
  for (std::size_t begin = 0; begin < count;) {
    Round round;
    std::size_t end = begin;
    for (; end < count; ++end) {
      if (!queries[end].pending || round.Find(queries[end].file) != nullptr) continue;
      if (round.count == kAtOnce) break;
      round.files[round.count++].number = queries[end].file;
    }
    const std::uint64_t table_bytes = header.program - header.tables;
    if (table_bytes <= bytes_left_) {
      bytes_left_ -= table_bytes;
      FindFiles(header, reader, &round);
    }
    std::uint32_t places[kAtOnce];
    bool known[kAtOnce];
    for (std::size_t i = 0; i < round.count; ++i) {
      known[i] = Keep(header, round, round.files[i], &places[i]);
    }
    for (; begin < end; ++begin) {
      LineQuery& query = queries[begin];
      if (!query.pending) continue;
      const auto file = static_cast<std::size_t>(round.Find(query.file) - round.files);
      query.pending = false;
      query.file = known[file] ? places[file] : 0;
      if (!known[file]) query.line = 0;
    }
  }
}

void LineFiles::FindFiles(const LineHeader& header, SectionReader* reader, Round* round) const {
  reader->Seek(header.tables, header.program);
  if (header.version >= 5) {
    FindNewFiles(header, reader, round);
    return;
  }
  FindOldFiles(reader, round);
  // The folders stand before the files.
  reader->Seek(header.tables, header.program);
  for (std::uint64_t number = 1; reader->More(); ++number) {
    const std::uint64_t at = reader->at();
    if (reader->SkipString() == 0) break;
    for (std::size_t i = 0; i < round->count; ++i) {
      if (round->files[i].folder_number == number) round->files[i].folder = {&line_, at};
    }
  }
}

// Versions 2 to 4: strings, the empty one ends the folders; then files with three numbers each.
void LineFiles::FindOldFiles(SectionReader* reader, Round* round) const {
  while (reader->More() && reader->SkipString() != 0) {
  }
  for (std::uint64_t number = 1; reader->More(); ++number) {
    const std::uint64_t at = reader->at();
    if (reader->SkipString() == 0) return;
    const std::uint64_t folder = reader->Uleb();
    reader->Uleb();  // time of modification
    reader->Uleb();  // length
    if (!reader->ok()) return;
    if (Wanted* const wanted = round->Find(number)) {
      wanted->name = {&line_, at};
      wanted->folder_number = folder;
    }
  }
}

void LineFiles::FindNewFiles(const LineHeader& header, SectionReader* reader, Round* round) const {
  EntryReader folders(*this, header.wide, reader);
  if (!folders.usable()) return;
  Text path;
  std::uint64_t folder = 0;
  for (std::uint64_t i = 0; i < folders.entries(); ++i) {
    if (!folders.Next(&path, &folder)) return;
    if (i == 0) round->first_folder = path;
  }
  EntryReader files(*this, header.wide, reader);
  if (!files.usable()) return;
  for (std::uint64_t i = 0; i < files.entries(); ++i) {
    path = {};
    folder = 0;
    if (!files.Next(&path, &folder)) break;
    if (Wanted* const wanted = round->Find(i)) {
      wanted->name = path;
      wanted->folder_number = folder;
    }
  }
  reader->Seek(header.tables, header.program);
  EntryReader again(*this, header.wide, reader);
  for (std::uint64_t number = 0; number < again.entries(); ++number) {
    if (!again.Next(&path, &folder)) return;
    for (std::size_t i = 0; i < round->count; ++i) {
      if (round->files[i].folder_number == number) round->files[i].folder = path;
    }
  }
}

bool LineFiles::Append(const Text& text, char* path, std::size_t* used) const {
  for (std::uint64_t at = text.at; at < text.section->size;) {
    const std::uint64_t left = text.section->size - at;
    const std::size_t room = LineTable::kMaxPath - *used;
    std::size_t step = left < 128 ? static_cast<std::size_t>(left) : 128;
    if (step > room) step = room;
    if (step == 0 || !text.section->Read(at, path + *used, step)) return false;
    const void* const end = std::memchr(path + *used, '\0', step);
    if (end != nullptr) {
      *used = static_cast<std::size_t>(static_cast<const char*>(end) - path);
      return true;
    }
    *used += step;
    at += step;
  }
  return false;
}

bool LineFiles::Keep(const LineHeader& header, const Round& round, const Wanted& wanted,
                     std::uint32_t* place) const {
  if (wanted.name.section == nullptr) return false;
  char path[LineTable::kMaxPath];
  std::size_t used = 0;
  if (!Append(wanted.name, path, &used) || used == 0) return false;
  if (path[0] != '/' && wanted.folder.section != nullptr) {
    // Before version 5, folder 0 is the compilation's and not in the table.
    char whole[LineTable::kMaxPath];
    std::size_t length = 0;
    bool fits = Append(wanted.folder, whole, &length);
    if (fits && length > 0 && whole[0] != '/' && header.version >= 5 && wanted.folder_number != 0 &&
        round.first_folder.section != nullptr) {
      char folder[LineTable::kMaxPath];
      const std::size_t folder_length = length;
      std::memcpy(folder, whole, folder_length);
      length = 0;
      fits =
          Append(round.first_folder, whole, &length) && length + 1 + folder_length <= sizeof(whole);
      if (fits) {
        whole[length++] = '/';
        std::memcpy(whole + length, folder, folder_length);
        length += folder_length;
      }
    }
    if (fits && length > 0 && length + 1 + used < sizeof(whole)) {
      whole[length++] = '/';
      std::memcpy(whole + length, path, used);
      used += length;
      std::memcpy(path, whole, used);
    }
  }
  if (paths_->capacity - paths_->used < used + 1) {
    paths_->full = true;
    return false;
  }
  *place = static_cast<std::uint32_t>(paths_->used);
  std::memcpy(paths_->text + paths_->used, path, used);
  paths_->used += used;
  paths_->text[paths_->used++] = '\0';
  return true;
}

}  // namespace wrackline::symbols
