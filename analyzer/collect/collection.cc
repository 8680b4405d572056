#include "analyzer/collect/collection.h"

#include <algorithm>
#include <utility>

#include "analyzer/collect/read.h"

namespace wrackline::collect {
namespace {

std::uint64_t Sum(const Masker& masker) {
  std::uint64_t sum = 0;
  for (const auto& [key, count] : masker.masked()) sum += count;
  return sum;
}

// JSON takes UTF-8 only: what else a path holds is replaced.
std::string Dump(const nlohmann::json& json) {
  return json.dump(1, ' ', true, nlohmann::json::error_handler_t::replace) + "\n";
}

}  // namespace

std::string MaskTextsWithin(std::string_view bytes, Masker* masker) {
  constexpr std::size_t kShortest = 8;
  const auto printable = [](char c) { return c >= ' ' && c <= '~'; };
  std::string out(bytes);
  for (std::size_t at = 0; at < bytes.size();) {
    if (!printable(bytes[at])) {
      ++at;
      continue;
    }
    std::size_t end = at;
    while (end < bytes.size() &&
           (printable(bytes[end]) || bytes[end] == '\n' || bytes[end] == '\t' ||
            static_cast<unsigned char>(bytes[end]) >= 0x80))
      ++end;
    if (end - at >= kShortest) {
      const std::string_view text = bytes.substr(at, end - at);
      std::string masked = masker->Text(text);
      if (masked != text) {
        masked.resize(text.size(), '\0');
        out.replace(at, text.size(), masked);
      }
    }
    at = end;
  }
  return out;
}

std::string Collection::Masked(std::string_view bytes, Form form) {
  switch (form) {
    case Form::kText:
      return masker_.Text(bytes);
    case Form::kArguments:
      return masker_.Arguments(bytes);
    case Form::kEnvironment:
      return masker_.Environment(bytes);
    case Form::kBinary:
      return MaskTextsWithin(bytes, &masker_);
    case Form::kKernel:
    case Form::kPacked:
      break;
  }
  return std::string(bytes);
}

void Collection::Take(const std::string& name, const std::string& origin, std::string_view bytes,
                      Form form, std::time_t modified, bool cut) {
  if (failed()) return;
  const std::uint64_t before = Sum(masker_);
  const std::string safe = Masked(bytes, form);
  if (modified == 0) modified = std::time(nullptr);
  std::string unique = SafeName(name);
  const auto is_taken = [&](const std::string& candidate) {
    return std::any_of(taken_.begin(), taken_.end(),
                       [&](const Taken& other) { return other.name == candidate; });
  };
  for (int i = 2; is_taken(unique); ++i) unique = SafeName(name) + "." + std::to_string(i);
  if (Status error = output_->Add(unique, safe, modified)) {
    write_error_ = error->Text();
    return;
  }
  taken_.push_back(
      {unique, masker_.Text(origin), safe.size(), modified, cut, Sum(masker_) - before});
}

bool Collection::TakeFile(const std::string& name, const std::string& path, Form form,
                          std::size_t tail) {
  bool cut = false;
  const Result<std::string> bytes =
      tail > 0 ? ReadTail(path, tail, &cut) : ReadBounded(path, kLargeFile);
  if (!bytes.ok()) {
    Missing(name, bytes.error().message);
    return false;
  }
  // What the kernel makes up when it is read was made now.
  const bool made_up =
      (path.compare(0, 6, "/proc/") == 0 && path.find("/root/") == std::string::npos) ||
      path.compare(0, 5, "/sys/") == 0;
  const std::time_t modified = made_up ? 0 : ModifiedOf(path).value_or(0);
  Take(name, path, bytes.value(), form, modified, cut);
  return true;
}

void Collection::Missing(const std::string& what, const std::string& why) {
  missing_.emplace_back(what, masker_.Text(why));
}

std::uint64_t Collection::masked() const { return Sum(masker_); }

Status Collection::Finish(nlohmann::json facts) {
  if (failed()) return Error{write_error_, ""};
  nlohmann::json taken = nlohmann::json::array(), missing = nlohmann::json::array();
  for (const Taken& file : taken_) {
    nlohmann::json entry = {
        {"name", file.name}, {"from", file.origin}, {"bytes", file.bytes}, {"time", file.modified}};
    if (file.cut) entry["cut"] = "the end of it";
    if (file.masked > 0) entry["masked"] = file.masked;
    taken.push_back(std::move(entry));
  }
  for (const auto& [what, why] : missing_) missing.push_back({{"what", what}, {"why", why}});
  facts["schema"] = 1;
  facts["kind"] = "wrackline collection";
  facts["taken"] = std::move(taken);
  facts["missing"] = std::move(missing);
  facts["masked"] = masker_.masked();
  if (Status error = output_->Add("manifest.json", Dump(facts), std::time(nullptr))) return error;
  return output_->Finish();
}

}  // namespace wrackline::collect
