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

using evidence::JavaErrorKind;

Made Errors(std::initializer_list<JavaErrorKind> kinds) {
  Made made;
  made.outcome = Outcome::kJavaOutOfMemory;
  for (const JavaErrorKind kind : kinds) {
    evidence::JavaError& error = made.evidence.java_errors.emplace_back();
    error.kind = kind;
    error.message = "java.lang.OutOfMemoryError";
    error.source = "tm.log";
  }
  return made;
}

TEST(JavaOutOfMemory, EachKindNamesItsKey) {
  const std::pair<JavaErrorKind, const char*> kExpected[] = {
      {JavaErrorKind::kHeap, "taskmanager.memory.task.heap.size"},
      {JavaErrorKind::kMetaspace, "taskmanager.memory.jvm-metaspace.size"},
      {JavaErrorKind::kClassSpace, "CompressedClassSpaceSize"},
      {JavaErrorKind::kDirectBuffers, "taskmanager.memory.task.off-heap.size"},
      {JavaErrorKind::kNativeThread, "pids limit"},
      {JavaErrorKind::kNativeMemory, "vm.overcommit_memory"},
      {JavaErrorKind::kCodeCache, "ReservedCodeCacheSize"}};
  for (const auto& [kind, key] : kExpected) {
    const auto finding = Errors({kind}).Look(JavaOutOfMemory);
    ASSERT_TRUE(finding.has_value());
    EXPECT_THAT(TextOf(*finding), HasSubstr(key));
    EXPECT_EQ(finding->role, kind == JavaErrorKind::kCodeCache ? Role::kInformation : Role::kCause);
  }
}

TEST(JavaOutOfMemory, TheRarerOneIsTheReason) {
  const auto finding =
      Errors({JavaErrorKind::kHeap, JavaErrorKind::kMetaspace}).Look(JavaOutOfMemory);
  EXPECT_THAT(finding->summary, HasSubstr("metaspace"));
  EXPECT_THAT(TextOf(*finding), HasSubstr("also: "));
}

TEST(JavaOutOfMemory, BoundByFlinksBudgets) {
  Made made = Errors({JavaErrorKind::kMetaspace});
  made.Budgets().metaspace = 256 * kMiB;
  EXPECT_THAT(TextOf(*made.Look(JavaOutOfMemory)), HasSubstr("its bound: 256.0 MiB"));
}

TEST(JavaOutOfMemory, BesideAKillItIsNoCause) {
  Made made = Errors({JavaErrorKind::kHeap});
  made.outcome = Outcome::kOomKilled;
  const auto finding = made.Look(JavaOutOfMemory);
  EXPECT_EQ(finding->role, Role::kContributor);
  EXPECT_THAT(TextOf(*finding), HasSubstr("- the kernel killed it at the limit"));
}

TEST(JavaOutOfMemory, CrashesAreNone) {
  EXPECT_FALSE(Errors({JavaErrorKind::kCrash}).Look(JavaOutOfMemory).has_value());
  EXPECT_FALSE(Errors({}).Look(JavaOutOfMemory).has_value());
}
}  // namespace
}  // namespace wrackline::diagnosis
