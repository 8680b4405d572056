#include "analyzer/evidence/manifest/operator_memory.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>

namespace wrackline::evidence {
namespace {

// Recorded from flink-core 1.19.1 and kubernetes-model-core 6.13.2, which operator 1.10 uses.
TEST(OperatorMemory, IsTheOperators) {
  const std::pair<const char*, const char*> kRows[] = {{"2g", "2 gb"},
                                                       {"2G", "2 gb"},
                                                       {"2048mb", "2 gb"},
                                                       {"2147483648", "2 gb"},
                                                       {"2k", "2 kb"},
                                                       {"2T", "2199023255552 bytes"},
                                                       {"123m", "123 mb"},
                                                       {"0", "0 bytes"},
                                                       {"2b", "2 bytes"},
                                                       {"2Gi", "2147483648"},
                                                       {"2gi", "2147483648"},
                                                       {"2GiB", "2147483648"},
                                                       {"2 Gi", "2147483648"},
                                                       {" 2gi ", "2147483648"},
                                                       {"1.5Gi", "1610612736.0"},
                                                       {"1.50Gi", "1610612736.00"},
                                                       {"1.5g", "1500000000.0"},
                                                       {"0.5Gi", "536870912.0"},
                                                       {".5Gi", "536870912.0"},
                                                       {"1.Gi", "1073741824"},
                                                       {"2e9", "2000000000"},
                                                       {"1e+3", "1000"},
                                                       {"1.5e9", "1500000000.0"},
                                                       {"2.5Ki", "2560.0"},
                                                       {"1Ti", "1099511627776"},
                                                       {"1P", "1000000000000000"},
                                                       {"-1Gi", "-1073741824"},
                                                       {"+2Gi", "2147483648"},
                                                       {"1.5", "1.5"},
                                                       {"2kib", "2048"}};
  for (const auto& [text, written] : kRows) {
    const auto value = OperatorMemoryText(text);
    ASSERT_TRUE(value.ok()) << text;
    EXPECT_EQ(value.value(), written) << text;
  }
}

TEST(OperatorMemory, RefusesWhatTheOperatorRefuses) {
  for (const char* text : {"", " ", "abc", "Gi", "2.5K", "1u", "1.1.1Gi", "2GBi", "2bb", "2ib",
                           "1e3Gi", "1_0", "0x10", "2Gi3", "e3", "2BI", "2nib"})
    EXPECT_FALSE(OperatorMemoryText(text).ok()) << text;
  EXPECT_FALSE(OperatorMemoryText(std::string(100000, '9')).ok());
}

}  // namespace
}  // namespace wrackline::evidence
