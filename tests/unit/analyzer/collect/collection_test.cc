// What a collection writes: folders, archives, their manifest; and what reads archives back.
#include "analyzer/collect/collection.h"

#include <archive.h>
#include <archive_entry.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iomanip>
#include <sstream>
#include <utility>
#include <vector>

#include "analyzer/collect/output.h"
#include "analyzer/collect/read.h"
#include "analyzer/collect/sources.h"
#include "analyzer/collect/unpack.h"
#include "analyzer/collect/vm_commands.h"
#include "tests/support/profiled_process.h"

namespace wrackline::collect {
namespace {

namespace fs = std::filesystem;
using test::TemporaryFolder;
using ::testing::HasSubstr;
using ::testing::Not;

std::string ReadAll(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

void Fill(const std::string& path) {
  auto output = Output::Open(path);
  ASSERT_TRUE(output.ok()) << output.error().Text();
  Collection collection(output.value().get());
  collection.Take("conf/flink-conf.yaml", "/opt/flink/conf/flink-conf.yaml",
                  "a.password: hunter22\nb: 1\n", Form::kText, 1000000000);
  collection.Take("conf/flink-conf.yaml", "elsewhere", "b: 2\n", Form::kText);
  collection.Take("../../etc/passwd", "/etc/passwd?token=hunter22", std::string(3 << 20, 'x'),
                  Form::kKernel);
  collection.Missing("GC log", "cannot read https://u:hunter22@h/");
  EXPECT_FALSE(collection.TakeFile("no", "/nonexistent/file", Form::kText));
  EXPECT_FALSE(collection.TakeFile("no", "/dev/zero", Form::kText));
  EXPECT_EQ(collection.taken(), 3u);
  const Status failed = collection.Finish({{"pid", 7}});
  EXPECT_FALSE(failed) << failed->Text();
}

void ExpectFilled(const std::string& folder) {
  EXPECT_EQ(ReadAll(folder + "/conf/flink-conf.yaml"), "a.password: ******\nb: 1\n");
  EXPECT_EQ(ReadAll(folder + "/conf/flink-conf.yaml.2"), "b: 2\n");
  EXPECT_EQ(ReadAll(folder + "/__/__/etc/passwd").size(), std::size_t{3} << 20);
  const std::string text = ReadAll(folder + "/manifest.json");
  EXPECT_THAT(text, Not(HasSubstr("hunter22")));
  const nlohmann::json manifest = nlohmann::json::parse(text);
  EXPECT_EQ(manifest["schema"], 1);
  EXPECT_EQ(manifest["pid"], 7);
  EXPECT_EQ(manifest["taken"].size(), 3u);
  EXPECT_EQ(manifest["taken"][0]["name"], "conf/flink-conf.yaml");
  EXPECT_EQ(manifest["taken"][0]["time"], 1000000000);
  EXPECT_EQ(manifest["taken"][0]["masked"], 1);
  EXPECT_EQ(manifest["masked"]["a.password"], 1);
  EXPECT_EQ(manifest["missing"].size(), 3u);
}

// On a full disk the next one, and the one of the kill, need the room.
TEST(Collection, AFolderThatIsNotFinishedLeavesNothing) {
  const TemporaryFolder folder;
  for (const bool before : {false, true}) {
    const std::string path = folder / "out";
    if (before) std::filesystem::create_directory(path);
    {
      auto output = Output::Open(path);
      ASSERT_TRUE(output.ok());
      EXPECT_FALSE(output.value()->Add("conf/a/flink-conf.yaml", "x", 1));
      EXPECT_FALSE(output.value()->Add("b", "y", 1));
    }
    EXPECT_EQ(std::filesystem::exists(path), before);
    EXPECT_TRUE(!before || std::filesystem::is_empty(path));
  }
}

TEST(Collection, FillsAFolder) {
  const TemporaryFolder folder;
  Fill(folder / "out");
  ExpectFilled(folder / "out");
  struct stat info {};
  ASSERT_EQ(stat((folder / "out/manifest.json").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600u);
  ASSERT_EQ(stat((folder / "out/conf/flink-conf.yaml").c_str(), &info), 0);
  EXPECT_EQ(info.st_mtime, 1000000000);
  const auto again = Output::Open(folder / "out");
  ASSERT_FALSE(again.ok());
  EXPECT_THAT(again.error().Text(), HasSubstr("not empty"));
}

TEST(Collection, FillsAnArchiveThatReadsBack) {
  const TemporaryFolder folder;
  const std::string path = folder / "incident.tar.zst";
  Fill(path);
  struct stat info {};
  ASSERT_EQ(stat(path.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600u);
  EXPECT_FALSE(fs::exists(path + ".part"));
  std::string unpacked;
  {
    const auto archive = UnpackedArchive::Open(path);
    ASSERT_TRUE(archive.ok()) << archive.error().Text();
    EXPECT_TRUE(archive.value().remarks().empty());
    unpacked = archive.value().folder();
    ExpectFilled(unpacked + "/incident");
  }
  EXPECT_FALSE(fs::exists(unpacked));
}

TEST(Collection, AnArchiveThatIsNotFinishedLeavesNothing) {
  const TemporaryFolder folder;
  {
    auto output = Output::Open(folder / "a.tar.zst");
    ASSERT_TRUE(output.ok());
    EXPECT_FALSE(output.value()->Add("x", "y", 1));
  }
  EXPECT_TRUE(fs::is_empty(folder.path()));
}

// What an attacker may put into an archive: ways out of the folder, links, devices, names twice.
TEST(Unpack, NothingLeavesTheFolder) {
  const TemporaryFolder folder;
  const std::string path = folder / "hostile.tar.gz";
  archive* writer = archive_write_new();
  archive_write_set_format_pax_restricted(writer);
  archive_write_add_filter_gzip(writer);
  ASSERT_EQ(archive_write_open_filename(writer, path.c_str()), ARCHIVE_OK);
  const auto add = [writer](const std::string& name, unsigned type, const std::string& link) {
    archive_entry* entry = archive_entry_new();
    archive_entry_set_pathname(entry, name.c_str());
    archive_entry_set_filetype(entry, type);
    archive_entry_set_perm(entry, 0777);
    if (type == AE_IFLNK) archive_entry_set_symlink(entry, link.c_str());
    if (type == AE_IFREG && !link.empty()) archive_entry_set_hardlink(entry, link.c_str());
    archive_entry_set_size(entry, type == AE_IFREG && link.empty() ? 4 : 0);
    EXPECT_EQ(archive_write_header(writer, entry), ARCHIVE_OK);
    if (type == AE_IFREG && link.empty()) archive_write_data(writer, "evil", 4);
    archive_entry_free(entry);
  };
  const std::string outside = folder / "outside";
  add("../../../../../../.." + outside, AE_IFREG, "");
  add(outside, AE_IFREG, "");
  add("link", AE_IFLNK, folder.path());
  add("link/through", AE_IFREG, "");
  add("hard", AE_IFREG, "/etc/passwd");
  add("pipe", AE_IFIFO, "");
  add("twice", AE_IFREG, "");
  add("twice", AE_IFREG, "");
  add("twice/below", AE_IFREG, "");
  ASSERT_EQ(archive_write_close(writer), ARCHIVE_OK);
  archive_write_free(writer);

  const auto unpacked = UnpackedArchive::Open(path);
  ASSERT_TRUE(unpacked.ok()) << unpacked.error().Text();
  EXPECT_FALSE(fs::exists(outside));
  EXPECT_FALSE(fs::exists(folder / "through"));
  for (const auto& entry : fs::recursive_directory_iterator(unpacked.value().folder()))
    EXPECT_TRUE(fs::symlink_status(entry).type() == fs::file_type::regular || entry.is_directory())
        << entry;
  EXPECT_EQ(ReadAll(unpacked.value().folder() + "/twice"), "evil");
  EXPECT_EQ(unpacked.value().remarks().size(), 5u)
      << ::testing::PrintToString(unpacked.value().remarks());
}

// Some hundred bytes, decompressed for minutes: a terabyte that nobody wants, and folders without end.
TEST(Unpack, ATerabyteIsAnError) {
  std::string header(512, '\0');
  header[0] = 'a';
  header.replace(100, 7, "0000644");
  header[124] = '\x80';  // the size as a number of 8 bytes at the end of its field: 1 << 40
  header[130] = 1;
  header[156] = '0';
  header.replace(257, 8, std::string("ustar\00000", 8));
  header.replace(148, 8, "        ");
  unsigned sum = 0;
  for (const char byte : header) sum += static_cast<unsigned char>(byte);
  std::ostringstream octal;
  octal << std::oct << std::setw(6) << std::setfill('0') << sum;
  header.replace(148, 6, octal.str());
  header[154] = '\0';
  const TemporaryFolder folder;
  std::ofstream(folder / "evil.tar.zst", std::ios::binary) << header << std::string(4096, '\0');
  const auto archive = UnpackedArchive::Open(folder / "evil.tar.zst");
  ASSERT_FALSE(archive.ok());
  EXPECT_THAT(archive.error().Text(), HasSubstr("32 GiB"));
}

TEST(Unpack, FoldersWithoutEndAreAnError) {
  const TemporaryFolder folder;
  const std::string path = folder / "evil.tar.zst";
  archive* writer = archive_write_new();
  archive_write_set_format_pax_restricted(writer);
  archive_write_add_filter_zstd(writer);
  ASSERT_EQ(archive_write_open_filename(writer, path.c_str()), ARCHIVE_OK);
  for (int i = 0; i < 65537; ++i) {
    archive_entry* entry = archive_entry_new();
    archive_entry_set_pathname(entry, "a");
    archive_entry_set_filetype(entry, AE_IFDIR);
    EXPECT_EQ(archive_write_header(writer, entry), ARCHIVE_OK);
    archive_entry_free(entry);
  }
  EXPECT_EQ(archive_write_close(writer), ARCHIVE_OK);
  archive_write_free(writer);
  const auto archive = UnpackedArchive::Open(path);
  ASSERT_FALSE(archive.ok());
  EXPECT_THAT(archive.error().Text(), HasSubstr("65,536"));
}

TEST(Unpack, WhatIsNoArchiveIsAnError) {
  const TemporaryFolder folder;
  std::ofstream(folder / "x.tar.zst") << "no archive at all";
  const auto archive = UnpackedArchive::Open(folder / "x.tar.zst");
  ASSERT_FALSE(archive.ok());
  EXPECT_THAT(archive.error().Text(), HasSubstr("x.tar.zst"));
  EXPECT_TRUE(IsArchive("a.tar.zst"));
  EXPECT_FALSE(IsArchive("a.wrackpack"));
}

TEST(Binary, TextsAreMaskedWhereTheyStand) {
  using namespace std::string_literals;
  Masker masker;
  const std::string bytes = "\x01\x02\0-Dkey-password=hunter22 -Xmx1g\0\x05plain text\0"s;
  const std::string masked = MaskTextsWithin(bytes, &masker);
  EXPECT_EQ(masked.size(), bytes.size());
  EXPECT_EQ(masked, "\x01\x02\0-Dkey-password=****** -Xmx1g\0\0\0\x05plain text\0"s);
}

TEST(KernelLog, OnlyOomReportsAreTaken) {
  const std::string report =
      "[ 3.1] java invoked oom-killer: gfp_mask=0xcc0\n[ 3.2] memory: usage 1kB, limit 1kB, "
      "failcnt 7\n"
      "[ 3.3] oom-kill:constraint=CONSTRAINT_MEMCG,task=java,pid=7,uid=0\n"
      "[ 3.4] Memory cgroup out of memory: Killed process 7 (java) total-vm:1kB\n[ 3.5] "
      "oom_reaper: reaped process 7\n";
  EXPECT_EQ(OomLines("[ 1.0] usb 1-1: secret device\n" + report + "[ 4.0] audit: password\n", ""),
            report);
  EXPECT_EQ(OomLines("[ 1.0] nothing\n", ""), "");
}

TEST(KernelLog, NeighboursKillsAreLeftOut) {
  const auto report = [](const std::string& limit, const std::string& task) {
    return "java invoked oom-killer: gfp_mask=0xcc0\nmemory: usage 1kB, limit 1kB, failcnt 7\n"
           "oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),cpuset=/"
           ",mems_allowed=0,oom_memcg=" +
           limit + ",task_memcg=" + task +
           ",task=java,pid=7,uid=0\nKilled process 7 (java) total-vm:1kB\n";
  };
  const std::string cgroup = "/kubepods/burstable/pod12/aaa";
  for (const auto& [limit, task] : std::vector<std::pair<std::string, std::string>>{
           {cgroup, cgroup},
           {"/kubepods/burstable/pod12", "/kubepods/burstable/pod12/bbb"},
           {"/kubepods/burstable/pod12/old", "/kubepods/burstable/pod12/old"},
           {"/kubepods", "/kubepods/besteffort/pod9/x"},
           {cgroup, cgroup + "/sub"}})
    EXPECT_EQ(OomLines(report("/x", "/x") + report(limit, task), cgroup), report(limit, task))
        << limit;
  EXPECT_EQ(OomLines(report("/kubepods/burstable/pod1", "/kubepods/burstable/pod1/aaa"), cgroup),
            "");
  EXPECT_EQ(OomLines(report("/x", "/x"), ""), report("/x", "/x"));
  const std::string machine =
      "oom-kill:constraint=CONSTRAINT_NONE,nodemask=(null),global_oom,task_memcg=/"
      "x,task=java,pid=7,uid=0\n";
  EXPECT_EQ(OomLines(machine, cgroup), machine);
}

TEST(Scrape, OnlyLoopbackUnlessAllowed) {
  for (const char* url : {"http://127.0.0.1:9249/metrics", "http://localhost:1/",
                          "http://[::1]:9249/", "http://127.9.9.9/"})
    EXPECT_TRUE(IsLoopback(url)) << url;
  for (const char* url :
       {"http://10.0.0.1:9249/", "http://127.0.0.1.evil.example/", "http://127.evil/",
        "http://localhost.evil/", "http://user@evil/", "http://127.0.0.1@evil/", "nonsense", ""})
    EXPECT_FALSE(IsLoopback(url)) << url;
  const auto refused = Scrape("http://192.0.2.1/", false);
  ASSERT_FALSE(refused.ok());
  EXPECT_THAT(refused.error().Text(), HasSubstr("--any-host"));
}

TEST(Vm, OnlyAProcessThatCatchesQuitIsAsked) {
  const std::string caught = "Name:\tjava\nSigCgt:\t2000000181005ccf\n",
                    not_caught = "Name:\tjava\nSigCgt:\t0000000000000000\n";
  const std::string vm = "7f00-7f01 r-xp 0 0:0 1 /usr/lib/jvm/lib/server/libjvm.so\n";
  EXPECT_TRUE(CatchesQuitAsVm(caught, vm));
  EXPECT_FALSE(CatchesQuitAsVm(not_caught, vm));
  EXPECT_FALSE(CatchesQuitAsVm(caught, "7f00-7f01 r-xp 0 0:0 1 /bin/sh\n"));
  EXPECT_FALSE(CatchesQuitAsVm("", vm));
  EXPECT_FALSE(CatchesQuitAsVm(
      caught, std::string(vm) + "7f00-7f01 r-xp 0 0:0 1 /opt/semeru/lib/default/libj9vm29.so\n"));
  AttachedVm own(getpid());
  EXPECT_FALSE(own.Ask("VM.version", std::chrono::seconds(1)).ok());
}

TEST(Read, ALinkOfAContainerStaysInIt) {
  // /proc/self/root is this process's own root; a link out of another's cannot be made without a root of its own.
  const TemporaryFolder folder;
  std::ofstream(folder / "file") << "0123456789\nabc\n";
  fs::create_symlink(folder / "file", folder / "link");
  const std::string root = "/proc/" + std::to_string(getpid()) + "/root";
  const auto through = ReadBounded(root + (folder / "link"), 100);
  ASSERT_TRUE(through.ok()) << through.error().Text();
  EXPECT_EQ(through.value(), "0123456789\nabc\n");
  EXPECT_THAT(NamesIn(root + folder.path()), ::testing::UnorderedElementsAre("file", "link"));
  bool cut = false;
  const auto tail = ReadTail(folder / "file", 8, &cut);
  ASSERT_TRUE(tail.ok());
  EXPECT_EQ(tail.value(), "abc\n");
  EXPECT_TRUE(cut);
}

}  // namespace
}  // namespace wrackline::collect
