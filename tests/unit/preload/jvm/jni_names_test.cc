#include "preload/jvm/jni_names.h"

#include <gtest/gtest.h>

#include <string>

namespace wrackline::preload {
namespace {

std::string Name(const char* type, const char* method, const char* signature, bool overloaded,
                 std::size_t size = kJniNameBytes) {
  char name[kJniNameBytes];
  return JniName(type, method, signature, overloaded, name, size) ? name : "";
}

TEST(JniNames, AreThoseThatLibrariesExport) {
  EXPECT_EQ(Name("Lorg/rocksdb/RocksDB;", "dropColumnFamily", "(JJ)V", false),
            "Java_org_rocksdb_RocksDB_dropColumnFamily");
  EXPECT_EQ(Name("Lorg/rocksdb/RocksDB;", "open", "(JLjava/lang/String;[[B[J)[J", true),
            "Java_org_rocksdb_RocksDB_open__JLjava_lang_String_2_3_3B_3J");
  EXPECT_EQ(Name("Lorg/forstdb/My_Type;", "f_g", "()V", true), "Java_org_forstdb_My_1Type_f_1g__");
}

TEST(JniNames, AreNotMadeOfWhatIsNone) {
  EXPECT_EQ(Name("RocksDB", "open", "(J)J", false), "");
  EXPECT_EQ(Name("L;", "open", "(J)J", false), "");
  EXPECT_EQ(Name("LA;", "open", "J", false), "");
  EXPECT_EQ(Name("LA;", "open", "(J", true), "");
  EXPECT_EQ(Name("LA$B;", "open", "(J)J", false), "");
}

TEST(JniNames, FitOrAreNotMade) {
  const std::string whole = Name("La/B;", "open", "(J)J", true);
  EXPECT_EQ(whole, "Java_a_B_open__J");
  EXPECT_EQ(Name("La/B;", "open", "(J)J", true, whole.size() + 1), whole);
  EXPECT_EQ(Name("La/B;", "open", "(J)J", true, whole.size()), "");
  EXPECT_EQ(Name("La/B;", "open", "(J)J", true, 0), "");
}

}  // namespace
}  // namespace wrackline::preload
