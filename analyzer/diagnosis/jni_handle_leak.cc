// Objects of Java with native memory behind them that are made and not closed: Inflater, Deflater, zstd contexts and their like.
#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <map>

#include "analyzer/diagnosis/age_test.h"
#include "analyzer/diagnosis/held.h"
#include "analyzer/diagnosis/jni_handles.h"
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

std::optional<Finding> JniHandleLeak(const Case& c) {
  struct Family {
    const JniHandle* handle = nullptr;
    std::vector<const Site*> sites;
    Bytes live, resident;
  };
  std::map<std::string_view, Family> families;
  for (const Site& site : c.evidence.sites) {
    const JniHandle* handle = site.in_rocksdb ? nullptr : JniHandleOf(site);
    if (handle == nullptr) continue;
    Family& family = families[handle->name];
    family.handle = handle;
    family.sites.push_back(&site);
    family.live += site.live;
    family.resident += ResidentOf(site);
  }
  constexpr Bytes kLeast = 2 * kMiB;
  const Family* worst = nullptr;
  LeakTest test;
  for (const auto& [name, family] : families) {
    if (family.live < kLeast || (worst != nullptr && family.live < worst->live)) continue;
    const LeakTest one = TestForLeak(family.sites, c.evidence.Lifetime());
    if (!one.leaks) continue;
    worst = &family;
    test = one;
  }
  if (worst == nullptr) return std::nullopt;
  // Sites come largest first.
  const Site& top = *worst->sites.front();
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
  if (test.freed_part >= 0.5)
    finding.against.push_back(
        fmt::format("{:.0f} % of what they allocate is freed again", 100 * test.freed_part));
  finding.advice.emplace_back(worst->handle->advice);
  return finding;
}

}  // namespace wrackline::diagnosis
