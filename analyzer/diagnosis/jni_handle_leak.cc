// Objects of Java with native memory behind them that are made and not closed: Inflater, Deflater, zstd contexts and their like.
#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <map>

#include "analyzer/diagnosis/held.h"
#include "analyzer/diagnosis/jni_handles.h"
#include "analyzer/diagnosis/leaks.h"
#include "analyzer/diagnosis/rules.h"

namespace wrackline::diagnosis {
namespace {

using evidence::Site;

struct Known {
  std::string_view beginning;  // of a frame's function
  JniHandle handle;
};

constexpr const char* kEnd =
    "call end() on each, or close() on the stream that has it: waiting for a collection keeps the "
    "native part, 7 to 40 KiB (Inflater) or 270 KiB (Deflater), as long as the heap has room";
constexpr const char* kClose = "close each one, best by try-with-resources";

constexpr std::array<Known, 18> kKnown = {{
    {"java.util.zip.Inflater.", {"Inflater objects (java.util.zip)", kEnd}},
    {"Java_java_util_zip_Inflater_", {"Inflater objects (java.util.zip)", kEnd}},
    {"java.util.zip.Deflater.", {"Deflater objects (java.util.zip)", kEnd}},
    {"Java_java_util_zip_Deflater_", {"Deflater objects (java.util.zip)", kEnd}},
    {"java.util.zip.ZipFile.", {"ZipFile objects (java.util.zip)", kClose}},
    {"Java_java_util_zip_ZipFile_", {"ZipFile objects (java.util.zip)", kClose}},
    {"com.github.luben.zstd.", {"zstd streams and contexts (zstd-jni)", kClose}},
    {"Java_com_github_luben_zstd_", {"zstd streams and contexts (zstd-jni)", kClose}},
    {"org.apache.hadoop.io.compress.",
     {"native codecs of Hadoop", "return each to the CodecPool, or end() it"}},
    {"Java_org_apache_hadoop_io_compress_",
     {"native codecs of Hadoop", "return each to the CodecPool, or end() it"}},
    {"io.netty.internal.tcnative.",
     {"OpenSSL contexts of netty",
      "release each SslContext and SSLEngine (ReferenceCountUtil.release)"}},
    {"Java_io_netty_internal_tcnative_",
     {"OpenSSL contexts of netty",
      "release each SslContext and SSLEngine (ReferenceCountUtil.release)"}},
    {"org.sqlite.", {"statements and connections of SQLite", kClose}},
    {"ai.onnxruntime.", {"ONNX Runtime's sessions and tensors", kClose}},
    {"org.tensorflow.", {"TensorFlow's sessions and tensors", kClose}},
    {"ai.djl.",
     {"DJL's arrays and models", "close each NDManager, and attach arrays to the smallest one"}},
    {"org.apache.arrow.memory.", {"Arrow buffers", "close each vector and allocator"}},
    {"pemja.", {"Python objects of PemJa", "close the interpreter that made them"}},
}};

}  // namespace

const JniHandle* JniHandleOf(const Site& site) {
  // Innermost first: a ZipFile that makes an Inflater is one of Inflaters.
  for (const evidence::SiteFrame& frame : site.frames) {
    for (const Known& known : kKnown) {
      if (std::string_view(frame.function).substr(0, known.beginning.size()) == known.beginning)
        return &known.handle;
    }
  }
  return nullptr;
}

std::vector<HandleLeak> LeakingHandles(const evidence::Evidence& evidence) {
  struct Family {
    HandleLeak leak;
    std::vector<const Site*> sites;
  };
  std::map<std::string_view, Family> families;
  for (const Site& site : evidence.sites) {
    const JniHandle* handle = site.in_rocksdb ? nullptr : JniHandleOf(site);
    if (handle == nullptr) continue;
    Family& family = families[handle->name];
    family.leak.handle = handle;
    // Sites come largest first.
    if (family.sites.empty()) family.leak.top = &site;
    family.sites.push_back(&site);
    family.leak.live += site.live;
    family.leak.resident += ResidentOf(site);
  }
  constexpr Bytes kLeast = 2 * kMiB;
  std::vector<HandleLeak> leaks;
  for (auto& [name, family] : families) {
    if (family.leak.live < kLeast) continue;
    family.leak.test = TestForLeak(family.sites, evidence.Lifetime());
    if (family.leak.test.leaks) leaks.push_back(family.leak);
  }
  std::stable_sort(leaks.begin(), leaks.end(), [](const HandleLeak& left, const HandleLeak& right) {
    return left.live > right.live;
  });
  return leaks;
}

std::optional<Finding> JniHandleLeak(const Case& c) {
  const std::vector<HandleLeak> leaks = LeakingHandles(c.evidence);
  if (leaks.empty()) return std::nullopt;
  const HandleLeak* const worst = &leaks.front();
  const LeakTest& test = worst->test;
  const Site& top = *worst->top;
  Finding finding;
  finding.amount = worst->resident;
  finding.role = RoleOf(c, worst->resident);
  finding.confidence = test.freed_part < 0.5 ? Confidence::kHigh : Confidence::kMedium;
  finding.summary = fmt::format("{} are made and not closed: {} alive, most of it made by {}",
                                worst->handle->name, FormatBytes(worst->resident),
                                top.frames[top.label].function);
  if (worst->live > worst->resident)
    finding.evidence.push_back(
        fmt::format("{} more of it were never touched, and are no memory of the pod's",
                    FormatBytes(worst->live - worst->resident)));
  finding.evidence.push_back(fmt::format("they keep {}", RateText(test.rate)));
  finding.evidence.push_back(
      fmt::format("of the old ones as many are alive as of the newer: {:.2f} times, by {} samples",
                  test.ratio, test.samples));
  for (std::size_t i = 1; i < leaks.size(); ++i)
    finding.evidence.push_back(fmt::format("{} too: {} alive, they keep {}", leaks[i].handle->name,
                                           FormatBytes(leaks[i].resident),
                                           RateText(leaks[i].test.rate)));
  if (test.freed_part >= 0.5)
    finding.against.push_back(
        fmt::format("{:.0f} % of what they allocate is freed again", 100 * test.freed_part));
  finding.advice.emplace_back(worst->handle->advice);
  return finding;
}

}  // namespace wrackline::diagnosis
