#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "analyzer/diagnosis/rules.h"
#include "tests/unit/analyzer/diagnosis/look.h"

namespace wrackline::diagnosis {
namespace {

using ledger::Holder;
using ::testing::HasSubstr;
using testing::Made;
using testing::TextOf;

using testing::SiteOf;

Made With(std::initializer_list<const char*> functions, std::vector<std::uint64_t> ages,
          double freed = 0) {
  Made made;
  made.Limit(1024 * kMiB).Total(1020 * kMiB);
  made.Ticks(600, [](int, evidence::TimelinePoint&) {});
  made.evidence.sites.push_back(SiteOf(functions, std::move(ages), Bytes{512 << 10}, freed));
  return made;
}

const std::vector<std::uint64_t> kFlat = {20, 20, 19, 21, 20, 22, 18, 20};

TEST(JniHandleLeak, InflatersAndDeflaters) {
  const auto inflater = With({"inflateInit2_", "Java_java_util_zip_Inflater_init",
                              "java.util.zip.Inflater.init", "com.example.Reader.open"},
                             kFlat)
                            .Look(JniHandleLeak);
  ASSERT_TRUE(inflater.has_value());
  EXPECT_THAT(inflater->summary,
              HasSubstr("Inflater objects (java.util.zip) are made and not closed"));
  EXPECT_THAT(inflater->summary, HasSubstr("com.example.Reader.open"));
  EXPECT_EQ(inflater->confidence, Confidence::kHigh);
  EXPECT_THAT(TextOf(*inflater), HasSubstr("end()"));
  const auto deflater =
      With({"java.util.zip.Deflater.init", "com.example.Writer.open"}, kFlat).Look(JniHandleLeak);
  ASSERT_TRUE(deflater.has_value());
  EXPECT_THAT(deflater->summary, HasSubstr("Deflater"));
}

TEST(JniHandleLeak, ZstdAndTheInnermostWins) {
  const auto zstd =
      With({"ZSTD_createDCtx", "com.github.luben.zstd.ZstdInputStream.<init>", "com.example.A.b"},
           kFlat)
          .Look(JniHandleLeak);
  ASSERT_TRUE(zstd.has_value());
  EXPECT_THAT(zstd->summary, HasSubstr("zstd"));
  const auto zip = With({"java.util.zip.Inflater.<init>", "java.util.zip.ZipFile.getInflater",
                         "com.example.A.b"},
                        kFlat)
                       .Look(JniHandleLeak);
  EXPECT_THAT(zip->summary, HasSubstr("Inflater"));
}

// zlib takes 270 KiB and writes to a part of it: the pod pays for that part.
TEST(JniHandleLeak, CountsWhatIsResident) {
  Made made = With({"java.util.zip.Deflater.init", "com.example.Writer.open"}, kFlat);
  made.evidence.sites[0].untouched = 50 * kMiB;
  const auto finding = made.Look(JniHandleLeak);
  EXPECT_EQ(finding->amount, 30 * kMiB);
  EXPECT_THAT(TextOf(*finding), HasSubstr("50.0 MiB more of it were never touched"));
}

TEST(JniHandleLeak, ASecondKindIsNamedToo) {
  Made made = With({"java.util.zip.Deflater.init", "com.example.Writer.open"}, kFlat);
  made.evidence.sites.push_back(
      SiteOf({"ZSTD_createDCtx", "com.github.luben.zstd.ZstdInputStream.<init>", "com.example.A.b"},
             kFlat, Bytes{256 << 10}, 0));
  const auto finding = made.Look(JniHandleLeak);
  ASSERT_TRUE(finding.has_value());
  EXPECT_THAT(finding->summary, HasSubstr("Deflater"));
  EXPECT_THAT(TextOf(*finding), HasSubstr("zstd"));
  EXPECT_THAT(TextOf(*finding), HasSubstr("too: 40.0 MiB alive"));
}

TEST(JniHandleLeak, ClosedOnesAndOthersAreNone) {
  EXPECT_FALSE(With({"java.util.zip.Inflater.init", "a.B.c"}, {0, 0, 0, 0, 1, 4, 20, 100}, 0.95)
                   .Look(JniHandleLeak)
                   .has_value());
  EXPECT_FALSE(With({"com.example.Decoder.decode"}, kFlat).Look(JniHandleLeak).has_value());
  // Borderline: less than 2 MiB in all.
  EXPECT_FALSE(With({"java.util.zip.Inflater.init", "a.B.c"}, {0, 0, 1, 1, 1, 0, 0, 0})
                   .Look(JniHandleLeak)
                   .has_value());
}
}  // namespace
}  // namespace wrackline::diagnosis
