// The files of a folder of evidence: found, bounded, and loaded one at a time.
//
//   Result<FolderListing> listing = ListFolder("/incidents/tm-7");
//   for (const FolderFile& file : listing.value().files) {
//     Result<std::string> text = LoadFile(file);
//   }
//
// The folder may be anybody's: links are not followed, only regular files are opened, and depth, number
// of files and sizes are bounded. What was left out is said. The only input and output of this part;
// any thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "analyzer/evidence/evidence.h"
#include "lib/base/result.h"

namespace wrackline::evidence {

inline constexpr std::uint64_t kMostFileBytes = std::uint64_t{256} << 20;
inline constexpr std::size_t kMostFiles = 8192;
inline constexpr int kMostFolders = 12;  // one in the other

struct FolderFile {
  std::string path;
  std::string name;  // below the folder that was asked for
  std::uint64_t size = 0;
  Time modified;
  std::string refused;  // why it is not read; empty: it is
  bool gzip = false;    // to be unpacked: a log that was rotated
  // Not empty: no file but a folder of the kernel's small files, which says something only as a whole. Its text is
  // each file's behind a line "== NAME".
  std::vector<FolderFile> parts;
};

struct FolderListing {
  std::vector<FolderFile> files;     // in order of name
  std::vector<std::string> remarks;  // what is missing here: links, folders that could not be read
  bool single = false;               // the path was a file
};

// `path`: a folder, or a file, which is then the only one. Errors: it cannot be read.
Result<FolderListing> ListFolder(const std::string& path);

// The whole file. Errors: it cannot be read, it is larger than kMostFileBytes (unpacked too), it is no whole gzip file.
Result<std::string> LoadFile(const FolderFile& file);

// True for bytes that gzip wrote.
bool IsGzip(std::string_view bytes);

// What to do with a compressed file or an archive, by its name; empty: it is none.
std::string HowToUnpack(std::string_view name);

// Orders times by what names say, where the files' own times contradict it or say nothing (copied, checked out,
// unpacked): before, mid, end, after. True when a time was changed.
bool OrderByNames(std::vector<FolderFile>* files);

// The name without the words that say when: "pod.before" and "pod.after" give one text, and so do "t1" and "t2".
std::string WithoutMoment(std::string_view name);

}  // namespace wrackline::evidence
