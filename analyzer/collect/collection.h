// One collection under way: what was taken, from where, and what could not be.
//
//   Collection collection(output.get());
//   collection.TakeFile("proc/7/status", "/proc/7/status", Form::kText);
//   collection.Missing("GC log", "no -Xlog:gc*:file= among the VM's options");
//   collection.Finish({{"pid", 7}});                   // writes manifest.json
//
// No source's failure is the collection's. Everything passes the masker (mask.h) before it is written. Not thread-safe.
#pragma once

#include <chrono>
#include <ctime>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "analyzer/collect/mask.h"
#include "analyzer/collect/output.h"

namespace wrackline::collect {

// How a file's secrets are found.
enum class Form {
  kText,         // lines
  kArguments,    // items that end with NUL bytes
  kEnvironment,  // the same, NAME=value
  kBinary,       // texts within: each is masked where it stands (hsperfdata)
  kKernel,       // the kernel's own figures and file names: nothing to mask
  kPacked,       // a packed recording: it was masked while it was packed
};

class Collection {
 public:
  explicit Collection(Output* output) : output_(output) {}

  // `origin`: where it was read, for people. `cut`: only its end was taken.
  void Take(const std::string& name, const std::string& origin, std::string_view bytes, Form form,
            std::time_t modified = 0, bool cut = false);
  // The whole file, 128 MiB at most; or, with `tail`, its last bytes. False when it could not be read, which is noted.
  bool TakeFile(const std::string& name, const std::string& path, Form form, std::size_t tail = 0);
  void Missing(const std::string& what, const std::string& why);

  std::size_t taken() const { return taken_.size(); }
  bool failed() const { return !write_error_.empty(); }
  const std::string& write_error() const { return write_error_; }
  std::uint64_t masked() const;
  const Masker& masker() const { return masker_; }
  Masker* mutable_masker() { return &masker_; }
  const std::vector<std::pair<std::string, std::string>>& missing() const { return missing_; }

  // manifest.json: `facts` and the lists. Ends the output. Errors: it cannot be written.
  Status Finish(nlohmann::json facts);

 private:
  struct Taken {
    std::string name, origin;
    std::size_t bytes;
    std::time_t modified;
    bool cut;
    std::uint64_t masked;
  };
  std::string Masked(std::string_view bytes, Form form);

  Output* output_;
  Masker masker_;
  std::vector<Taken> taken_;
  std::vector<std::pair<std::string, std::string>> missing_;
  std::string write_error_;
};

// Texts of eight and more printable characters in a binary file, masked where they stand; what a mask leaves of a text's room is NUL bytes.
std::string MaskTextsWithin(std::string_view bytes, Masker* masker);

}  // namespace wrackline::collect
