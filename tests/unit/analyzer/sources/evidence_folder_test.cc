#include "analyzer/evidence/evidence_folder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <set>

#include "tests/unit/analyzer/sources/test_folder.h"

namespace wrackline::evidence {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

Evidence Read(const std::string& path) {
  const auto folder = EvidenceFolder::Open(path);
  EXPECT_TRUE(folder.ok());
  Evidence evidence = FromFilesOnly(path);
  if (folder.ok()) folder.value().AddTo({}, "", &evidence);
  return evidence;
}

const SourceUse* UseOf(const Evidence& evidence, const std::string& file) {
  const auto found = std::find_if(evidence.sources.begin(), evidence.sources.end(),
                                  [&](const SourceUse& use) { return use.file == file; });
  return found == evidence.sources.end() ? nullptr : &*found;
}

TEST(SourceTable, KindsAreOnce) {
  std::set<std::string> kinds;
  for (const SourceReader& reader : SourceReaders()) {
    EXPECT_TRUE(kinds.insert(reader.kind).second) << reader.kind;
    EXPECT_NE(std::string(reader.title), "");
    ASSERT_TRUE(reader.recognises != nullptr && reader.add != nullptr) << reader.kind;
    // A file that is nobody's is nobody's.
    for (const char* text : {"", "\n", "hello\n", "key: value\n", "{}", "1 2 3\n"})
      EXPECT_FALSE(reader.recognises(Source("x.txt", text))) << reader.kind << " takes " << text;
  }
}

TEST(EvidenceFolder, EveryFileIsAccountedFor) {
  const TestFolder folder;
  folder.Write("notes.txt", "call the team\n");
  folder.Write("empty.txt", "");
  folder.Write("old/all.tar.xz",
               "\xfd"
               "7zXZ");
  folder.Write("status", Slurp(kCaptures + "managed-1g/status-end.txt"));
  const Evidence evidence = Read(folder.string());
  ASSERT_EQ(evidence.sources.size(), 4u);
  ASSERT_TRUE(UseOf(evidence, "status"));
  EXPECT_TRUE(UseOf(evidence, "status")->used);
  EXPECT_EQ(UseOf(evidence, "status")->kind, "proc_status");
  EXPECT_FALSE(UseOf(evidence, "notes.txt")->used);
  EXPECT_EQ(UseOf(evidence, "notes.txt")->remark, "not recognised");
  EXPECT_EQ(UseOf(evidence, "empty.txt")->remark, "empty");
  EXPECT_THAT(UseOf(evidence, "old/all.tar.xz")->remark, HasSubstr("unxz"));
}

TEST(EvidenceFolder, ARotatedFileIsUnpacked) {
  const TestFolder folder;
  folder.Write("status", Slurp(kCaptures + "managed-1g/status-end.txt"));
  const std::string pack =
      "cd " + folder.string() + " && gzip status && head -c 200 status.gz > cut.gz";
  ASSERT_EQ(std::system(pack.c_str()), 0);
  const Evidence evidence = Read(folder.string());
  ASSERT_TRUE(UseOf(evidence, "status.gz"));
  EXPECT_TRUE(UseOf(evidence, "status.gz")->used);
  EXPECT_EQ(evidence.process.executable, "java");
  ASSERT_TRUE(UseOf(evidence, "cut.gz"));
  EXPECT_THAT(UseOf(evidence, "cut.gz")->remark, HasSubstr("cut off"));
}

TEST(EvidenceFolder, AFileThatItsReaderRefusesSaysWhy) {
  const TestFolder folder;
  folder.Write("end.prom",
               "flink_taskmanager_Status_JVM_Memory_Heap_Used{tm_id=\"a\"} 1\n"
               "flink_taskmanager_Status_JVM_Memory_Heap_Used{tm_id=\"b\"} 2\n");
  const Evidence evidence = Read(folder.string());
  ASSERT_TRUE(UseOf(evidence, "end.prom"));
  EXPECT_FALSE(UseOf(evidence, "end.prom")->used);
  EXPECT_THAT(UseOf(evidence, "end.prom")->remark, HasSubstr("--taskmanager"));
  EXPECT_FALSE(evidence.metrics);
}

TEST(EvidenceFolder, TheTaskManagerThatIsAskedFor) {
  const TestFolder folder;
  folder.Write("end.prom",
               "flink_taskmanager_Status_JVM_Memory_Heap_Used{tm_id=\"a\"} 1\n"
               "flink_taskmanager_Status_JVM_Memory_Heap_Used{tm_id=\"b\"} 2\n");
  const auto opened = EvidenceFolder::Open(folder.string());
  ASSERT_TRUE(opened.ok());
  FolderQuestion question;
  question.task_manager = "b";
  Evidence evidence = FromFilesOnly("x");
  opened.value().AddTo(question, "", &evidence);
  ASSERT_TRUE(evidence.metrics);
  EXPECT_EQ(evidence.metrics->memory.heap_used, Bytes{2});
}

TEST(EvidenceFolder, ScrapesAloneAreMetricsAndBesideAnythingElseAPart) {
  const TestFolder folder;
  const std::string scrape = Slurp(kCaptures + "managed-1g/end.prom");
  folder.Write("end.prom", scrape);
  const Evidence alone = Read(folder.string());
  EXPECT_TRUE(alone.metrics);
  EXPECT_TRUE(alone.rocksdb);
  EXPECT_FALSE(alone.scraped);
  folder.Write("status", Slurp(kCaptures + "managed-1g/status-end.txt"));
  const Evidence beside = Read(folder.string());
  EXPECT_FALSE(beside.metrics);
  ASSERT_TRUE(beside.scraped);
  EXPECT_TRUE(beside.rocksdb);
  ASSERT_TRUE(beside.jvm);
  ASSERT_FALSE(beside.jvm->figures.empty());
  EXPECT_EQ(beside.jvm->figures.back().direct_used, beside.scraped->memory.direct);
}

TEST(EvidenceFolder, ACgroupIsChosenAndTheOthersAreNamed) {
  const Evidence evidence = Read(kCaptures + "cgroup-v2/pod");
  ASSERT_TRUE(UseOf(evidence, "container-a.before"));
  EXPECT_FALSE(UseOf(evidence, "container-a.before")->used);
  EXPECT_THAT(UseOf(evidence, "container-a.before")->remark, HasSubstr("another cgroup"));
  EXPECT_TRUE(UseOf(evidence, "pod.before")->used);
  EXPECT_EQ(evidence.limit->amount, Bytes{167'772'160});
}

TEST(EvidenceFolder, OneFileWorksLikeAFolderOfOne) {
  const Evidence evidence = Read(kCaptures + "managed-1g/cgroup-end.txt");
  EXPECT_EQ(evidence.timeline.size(), 1u);
  EXPECT_TRUE(evidence.ending.still_running);
  ASSERT_EQ(evidence.sources.size(), 1u);
}

// A recording that was copied beside the files is named, and is nobody's file.
TEST(EvidenceFolder, RecordingsAreNamed) {
  const TestFolder folder;
  folder.Write("a.wrackpack", "x");
  folder.Write("b.wrackpack", "x");
  const auto opened = EvidenceFolder::Open(folder.string());
  ASSERT_TRUE(opened.ok());
  EXPECT_FALSE(opened.value().Recognised());
  EXPECT_EQ(opened.value().PathsOf(kRecordingKind).size(), 2u);
  Evidence evidence;
  opened.value().AddTo({}, (folder.path() / "b.wrackpack").string(), &evidence);
  EXPECT_FALSE(UseOf(evidence, "a.wrackpack")->used);
  EXPECT_TRUE(UseOf(evidence, "b.wrackpack")->used);
  EXPECT_THAT(evidence.timeline, IsEmpty());
}

TEST(EvidenceFolder, WhatLiesTooDeepOrIsALinkIsSaid) {
  const TestFolder folder;
  folder.Write("status", Slurp(kCaptures + "managed-1g/status-end.txt"));
  std::filesystem::create_symlink("status", folder.path() / "link");
  const Evidence evidence = Read(folder.string());
  ASSERT_TRUE(UseOf(evidence, ""));
  EXPECT_EQ(UseOf(evidence, "")->remark, "1 link not followed");
}

}  // namespace
}  // namespace wrackline::evidence
