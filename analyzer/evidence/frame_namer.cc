#include "analyzer/evidence/frame_namer.h"

#include <algorithm>
#include <string_view>

#include "analyzer/evidence/java_frames.h"
#include "analyzer/evidence/sites.h"
#include "lib/symbols/demangle.h"

namespace wrackline::evidence {
namespace {

std::string BaseName(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  return slash == std::string::npos ? path : path.substr(slash + 1);
}

std::string Hex(std::uint64_t value) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string digits;
  do {
    digits.insert(digits.begin(), kDigits[value & 15]);
    value >>= 4;
  } while (value != 0);
  return "0x" + digits;
}

}  // namespace

FrameNamer::FrameNamer(const recorder::Recording& recording)
    : recording_(recording), modules_(recording) {}

const SiteFrame& FrameNamer::Name(std::uint64_t pc) {
  auto [place, fresh] = cache_.try_emplace(pc);
  if (fresh) place->second = Resolve(pc);
  return place->second;
}

SiteFrame FrameNamer::ResolveJava(std::uint64_t pc) const {
  SiteFrame frame;
  frame.java = true;
  const auto recorded = recording_.frame_names.find(pc);
  if (recorded == recording_.frame_names.end() || recorded->second.symbol().empty()) {
    frame.function = "(unloaded Java method)";
    return frame;
  }
  frame.function = recorded->second.symbol();
  frame.named = true;
  if (recorded->second.line() != 0) {
    frame.line = recorded->second.line();
    frame.file = recorded->second.file();
  }
  return frame;
}

SiteFrame FrameNamer::Resolve(std::uint64_t pc) const {
  if (IsJavaFrame(pc)) return ResolveJava(pc);
  SiteFrame frame;
  const proto::Module* module = nullptr;
  const auto recorded = recording_.frame_names.find(pc);
  if (recorded != recording_.frame_names.end()) {
    const auto owner = recording_.modules.find(recorded->second.module_id());
    if (owner != recording_.modules.end()) module = &owner->second;
  }
  if (module == nullptr) module = modules_.Of(pc);
  if (module != nullptr) frame.module = BaseName(module->path());
  if (recorded != recording_.frame_names.end() && !recorded->second.symbol().empty()) {
    NameNative(recorded->second.symbol(), &frame);
  } else if (module != nullptr) {
    // Virtual address in the module where its load bias is known to make sense: the number
    // addr2line takes.
    const std::uint64_t base = module->bias() <= pc ? module->bias() : module->start();
    frame.function = frame.module + "+" + Hex(pc - base);
  } else {
    frame.function = Hex(pc);
  }
  if (frame.module.starts_with("librocksdb")) frame.rocksdb = true;
  if (recorded != recording_.frame_names.end() && recorded->second.line() != 0) {
    frame.line = recorded->second.line();
    frame.file = recorded->second.file();
  }
  return frame;
}

void NameNative(const std::string& symbol, SiteFrame* frame) {
  const std::string demangled = symbols::Demangle(symbol);
  frame->function = symbols::ShortName(demangled);
  if (frame->function.empty()) frame->function = demangled;
  frame->named = true;
  frame->rocksdb = demangled.starts_with("rocksdb::") || demangled.starts_with("rocksdb_") ||
                   demangled.find(" rocksdb::") != std::string::npos;
}

std::string Identity(const std::vector<SiteFrame>& frames, bool truncated) {
  // Each text behind its length: names are any bytes, and two stacks must not come out the same.
  std::string identity(truncated ? "t" : "f");
  for (const SiteFrame& frame : frames) {
    for (const std::string* text : {&frame.module, &frame.function})
      identity.append(std::to_string(text->size())).append(":").append(*text);
  }
  return identity;
}

void KeepCommonLines(const std::vector<SiteFrame>& other, std::vector<SiteFrame>* frames) {
  for (std::size_t i = 0; i < std::min(frames->size(), other.size()); ++i) {
    SiteFrame& frame = (*frames)[i];
    if (frame.line == other[i].line && frame.file == other[i].file) continue;
    frame.line = 0;
    frame.file.clear();
  }
}

std::size_t LabelOf(const std::vector<SiteFrame>& frames) {
  // Who asked for the memory, where Java did: the native code below says only of what kind it is.
  for (const JavaCode code : {JavaCode::kApplication, JavaCode::kLibrary}) {
    const auto java = std::find_if(frames.begin(), frames.end(), [code](const SiteFrame& frame) {
      return frame.java && frame.named && JavaCodeOf(frame.function) == code;
    });
    if (java != frames.end()) return static_cast<std::size_t>(java - frames.begin());
  }
  const auto first = std::find_if_not(frames.begin(), frames.end(), IsPlumbing);
  return first == frames.end() ? 0 : static_cast<std::size_t>(first - frames.begin());
}

}  // namespace wrackline::evidence
