#include "analyzer/evidence/heap_profile_pprof.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <iterator>

namespace wrackline::evidence {
namespace {

using ::testing::HasSubstr;

std::string Load(const std::string& name) {
  std::ifstream file(WRACKLINE_TEST_DATA "/profiles/" + name, std::ios::binary);
  EXPECT_TRUE(file) << name;
  return {std::istreambuf_iterator<char>(file), {}};
}

HeapProfile Parsed(std::string_view text) {
  Result<HeapProfile> profile = ParseHeapProfile(text);
  EXPECT_TRUE(profile.ok()) << profile.error().Text();
  return profile.ok() ? std::move(profile.value()) : HeapProfile{};
}

std::string ErrorOf(std::string_view text) {
  const Result<HeapProfile> profile = ParseHeapProfile(text);
  EXPECT_FALSE(profile.ok());
  return profile.ok() ? std::string() : profile.error().Text();
}

// Writes the encoding by hand, so that the reader is held to the format and not to itself.
std::string Varint(std::uint64_t value) {
  std::string bytes;
  for (; value >= 0x80; value >>= 7) bytes += static_cast<char>((value & 0x7f) | 0x80);
  return bytes + static_cast<char>(value);
}
std::string Number(int field, std::uint64_t value) {
  return Varint(static_cast<std::uint64_t>(field) << 3) + Varint(value);
}
std::string Text(int field, const std::string& bytes) {
  return Varint((static_cast<std::uint64_t>(field) << 3) | 2) + Varint(bytes.size()) + bytes;
}
std::string Packed(int field, const std::vector<std::uint64_t>& values) {
  std::string bytes;
  for (const std::uint64_t value : values) bytes += Varint(value);
  return Text(field, bytes);
}

// strings: 0 "", 1 first type, 2 its unit, 3 second type, 4 its unit, then those of the caller from 5.
struct Types {
  std::string first, first_unit, second, second_unit;
};
std::string Profile(const Types& types, const std::string& body,
                    const std::vector<std::string>& strings) {
  std::string bytes = Text(1, Number(1, 1) + Number(2, 2)) + Text(1, Number(1, 3) + Number(2, 4));
  bytes += body;
  for (const std::string& string :
       {std::string(), types.first, types.first_unit, types.second, types.second_unit})
    bytes += Text(6, string);
  for (const std::string& string : strings) bytes += Text(6, string);
  return bytes;
}
const Types kInUse{"inuse_objects", "count", "inuse_space", "bytes"};

// Totals and functions as `go tool pprof -unit=b -text` prints them.
TEST(PprofTest, AGoHeapProfileIsReadAsGoReadsIt) {
  const std::string text = Load("pprof-go.pb.gz");
  EXPECT_TRUE(LooksLikePprof(text));
  const HeapProfile profile = Parsed(text);
  EXPECT_EQ(profile.live.bytes, 32813270);
  EXPECT_EQ(profile.allocated.bytes, 93690578);
  EXPECT_EQ(profile.live.objects, 20929);
  EXPECT_EQ(profile.interval, 65536);
  EXPECT_TRUE(profile.has_live);
  ASSERT_TRUE(profile.taken);
  EXPECT_EQ(
      std::chrono::duration_cast<std::chrono::seconds>(profile.taken->time_since_epoch()).count(),
      1795897281);
  const std::vector<Site> sites = SitesOf(profile, nullptr, nullptr);
  ASSERT_FALSE(sites.empty());
  EXPECT_EQ(sites[0].frames[0].function, "main.(*tree).grow");
  EXPECT_EQ(sites[0].frames.back().function, "runtime.main");
  EXPECT_EQ(sites[0].frames[0].file.substr(sites[0].frames[0].file.rfind('/') + 1), "main.go");
  EXPECT_GT(sites[0].standard_error.count, 0);
}

TEST(PprofTest, TcmallocSamplesThroughPprofAreThoseOfTheText) {
  const HeapProfile profile = Parsed(Load("pprof-tcmalloc.pb.gz"));
  EXPECT_EQ(profile.live.bytes, 1382981);  // of pprof, which rounds each stack down
  EXPECT_EQ(profile.live.objects, 2761);
  EXPECT_FALSE(profile.has_allocated);
  EXPECT_EQ(profile.interval, 65536);
  const HeapProfile text = Parsed(Load("gperftools-sampled.heap"));
  EXPECT_NEAR(profile.live.bytes, text.live.bytes, 22);
  const std::vector<Site> sites = SitesOf(profile, nullptr, nullptr);
  const std::vector<Site> text_sites = SitesOf(text, nullptr, nullptr);
  ASSERT_EQ(sites.size(), 1u);
  ASSERT_EQ(text_sites.size(), 1u);
  EXPECT_EQ(sites[0].samples, text_sites[0].samples);
  EXPECT_NEAR(static_cast<double>(sites[0].standard_error.count),
              static_cast<double>(text_sites[0].standard_error.count), 1000.0);
  EXPECT_EQ(sites[0].frames[0].function, text_sites[0].frames[0].function);
}

TEST(PprofTest, PlainAndGzipAreTheSame) {
  const std::string plain = Profile(kInUse, Text(2, Packed(1, {}) + Packed(2, {3, 3000})), {});
  EXPECT_TRUE(LooksLikeHeapProfile(plain));
  EXPECT_EQ(Parsed(plain).live.bytes, 3000);
}

TEST(PprofTest, NamesLinesInliningAndMappings) {
  // 5 /lib/libx.so, 6 abcd, 7 _ZN3app4GrowEi, 8 Grow, 9 grow.cc, 10 Outer
  const std::string body =
      Text(2, Number(1, 1) + Number(1, 2) + Number(2, 2) + Number(2, 8000)) +
      Text(3, Number(1, 1) + Number(2, 0x1000) + Number(3, 0x9000) + Number(4, 0x200) +
                  Number(5, 5) + Number(6, 6)) +
      Text(4, Number(1, 1) + Number(2, 1) + Number(3, 0x1500) +
                  Text(4, Number(1, 1) + Number(2, 42)) + Text(4, Number(1, 2) + Number(2, 7))) +
      Text(4, Number(1, 2) + Number(2, 1) + Number(3, 0x2000)) +
      Text(5, Number(1, 1) + Number(2, 8) + Number(3, 7) + Number(4, 9)) +
      Text(5, Number(1, 2) + Number(2, 10));
  const HeapProfile profile = Parsed(Profile(
      kInUse, body, {"/lib/libx.so", "abcd", "_ZN3app4GrowEi", "Grow", "grow.cc", "Outer"}));
  ASSERT_EQ(profile.mappings.size(), 1u);
  EXPECT_EQ(profile.mappings[0].path, "/lib/libx.so");
  EXPECT_EQ(profile.mappings[0].build_id, "abcd");
  const std::vector<Site> sites = SitesOf(profile, nullptr, nullptr);
  ASSERT_EQ(sites.size(), 1u);
  ASSERT_EQ(sites[0].frames.size(), 3u);
  EXPECT_EQ(sites[0].frames[0].function, "app::Grow");
  EXPECT_EQ(sites[0].frames[0].line, 42u);
  EXPECT_EQ(sites[0].frames[0].file, "grow.cc");
  EXPECT_EQ(sites[0].frames[1].function, "Outer");
  EXPECT_EQ(sites[0].frames[1].line, 7u);
  EXPECT_EQ(sites[0].frames[2].function, "libx.so+0x1200");
  EXPECT_EQ(sites[0].frames[2].module, "libx.so");
  // Nothing says how it was sampled.
  EXPECT_EQ(sites[0].standard_error.count, 0);
  EXPECT_FALSE(profile.exact);
}

TEST(PprofTest, TheStandardErrorIsThatOfThePeriod) {
  const auto profile = [](std::uint64_t objects) {
    return Parsed(Profile({"objects", "count", "space", "bytes"},
                          Text(2, Packed(2, {objects, 1000000})) +
                              Text(11, Number(1, 3) + Number(2, 4)) + Number(12, 10000),
                          {}));
  };
  // 100 objects of the period's size: w = 10,000 / (1 - 1/e); the variance is bytes * (w - s).
  const double weight = 10000 / (1 - std::exp(-1.0));
  EXPECT_NEAR(profile(100).stacks[0].variance, 1e6 * (weight - 10000), 1);
  EXPECT_EQ(profile(100).stacks[0].samples, std::round(1e6 / weight));
  // The number of objects is not in it: as for the smallest, the period.
  EXPECT_NEAR(profile(0).stacks[0].variance, 1e6 * 10000, 1);
}

TEST(PprofTest, AllocatedAloneIsNotLive) {
  const std::string text = Profile({"alloc_objects", "count", "alloc_space", "bytes"},
                                   Text(2, Packed(2, {3, 3000})), {});
  const HeapProfile profile = Parsed(text);
  EXPECT_FALSE(profile.has_live);
  EXPECT_EQ(profile.allocated.bytes, 3000);
  Evidence evidence;
  const auto clause = AddHeapProfile({"allocs.pb", text, Time{}}, &evidence);
  ASSERT_TRUE(clause.ok());
  EXPECT_THAT(clause.value(), HasSubstr("not what is live"));
  EXPECT_FALSE(evidence.heap_profile->live_known);
  // One that says what is live is better, whatever its age; and is not replaced by this one.
  const std::string live = Load("pprof-go.pb.gz");
  ASSERT_TRUE(AddHeapProfile({"heap.pb", live, Time{}}, &evidence).ok());
  ASSERT_TRUE(AddHeapProfile({"allocs.pb", text, Time::max()}, &evidence).ok());
  EXPECT_EQ(evidence.heap_profile->file, "heap.pb");
}

TEST(PprofTest, OtherKindsAreErrorsThatSayWhat) {
  const std::string cpu =
      Profile({"samples", "count", "cpu", "nanoseconds"}, Text(2, Packed(2, {1, 10})), {});
  EXPECT_TRUE(LooksLikePprof(cpu));
  EXPECT_THAT(ErrorOf(cpu), HasSubstr("none of memory: it has samples, cpu"));
  EXPECT_THAT(ErrorOf(Profile({"inuse_objects", "count", "inuse_space", "pages"},
                              Text(2, Packed(2, {1, 10})), {})),
              HasSubstr("in 'pages'"));
  EXPECT_THAT(
      ErrorOf(Profile(kInUse, Text(2, Packed(2, {1, static_cast<std::uint64_t>(-10)})), {})),
      HasSubstr("difference of two"));
}

TEST(PprofTest, EveryCutIsReadOrAnError) {
  for (const char* name : {"pprof-go.pb.gz", "pprof-tcmalloc.pb.gz"}) {
    const std::string text = Load(name);
    for (std::size_t length = 0; length < text.size(); ++length) {
      const auto profile = ParseHeapProfile(std::string_view(text).substr(0, length));
      EXPECT_FALSE(profile.ok()) << name << " cut to " << length;
    }
  }
}

TEST(PprofTest, NotTakenForOne) {
  EXPECT_FALSE(LooksLikePprof(""));
  EXPECT_FALSE(LooksLikePprof("\n\x04text that begins with a line end"));
  EXPECT_FALSE(LooksLikePprof(std::string("\x1f\x8b\x08\0\0\0\0\0\0\3 other gzip", 21)));
}

}  // namespace
}  // namespace wrackline::evidence
