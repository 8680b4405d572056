// The table of rules. A new rule is a declaration and a row.
#include "analyzer/flink/lint/rule.h"

namespace wrackline::flink::lint {

extern const Rule kFileRefused;
extern const Rule kWrongFile;
extern const Rule kTwoFiles;
extern const Rule kSkippedLine;
extern const Rule kDuplicateKey;
extern const Rule kUnknownKey;
extern const Rule kKeyOfAnotherVersion;
extern const Rule kDeprecatedKey;
extern const Rule kIgnoredKey;
extern const Rule kUnparsableValue;
extern const Rule kRefused;
extern const Rule kOverDetermined;
extern const Rule kFlinkSizeWithoutOverhead;
extern const Rule kNetworkMaxAlone;
extern const Rule kStateUnbounded;
extern const Rule kFixedStateMemory;
extern const Rule kManagedWithHeapBackend;
extern const Rule kNoNativeSlack;
extern const Rule kWriteBufferArena;
extern const Rule kStateMemoryRatios;
extern const Rule kOtherBackendsKeys;
extern const Rule kJvmSizesByHand;
extern const Rule kNativeMemoryTracking;
extern const Rule kLimitBelowProcess;
extern const Rule kLimitFarAboveProcess;
extern const Rule kNoPodLimit;
extern const Rule kRequestBelowLimit;
extern const Rule kLimitFactor;
extern const Rule kTemplateMemoryIgnored;
extern const Rule kOperatorOverrides;
extern const Rule kMemoryTuning;
extern const Rule kPropertiesIgnored;
extern const Rule kFilesInMemory;
extern const Rule kHostPath;
extern const Rule kGlibcArenas;

namespace {

constexpr const Rule* kRules[] = {
    &kFileRefused,
    &kWrongFile,
    &kTwoFiles,
    &kSkippedLine,
    &kDuplicateKey,
    &kUnknownKey,
    &kKeyOfAnotherVersion,
    &kDeprecatedKey,
    &kIgnoredKey,
    &kUnparsableValue,
    &kRefused,
    &kOverDetermined,
    &kFlinkSizeWithoutOverhead,
    &kNetworkMaxAlone,
    &kStateUnbounded,
    &kFixedStateMemory,
    &kManagedWithHeapBackend,
    &kNoNativeSlack,
    &kWriteBufferArena,
    &kStateMemoryRatios,
    &kOtherBackendsKeys,
    &kJvmSizesByHand,
    &kNativeMemoryTracking,
    &kLimitBelowProcess,
    &kLimitFarAboveProcess,
    &kNoPodLimit,
    &kRequestBelowLimit,
    &kLimitFactor,
    &kTemplateMemoryIgnored,
    &kOperatorOverrides,
    &kMemoryTuning,
    &kPropertiesIgnored,
    &kFilesInMemory,
    &kHostPath,
    &kGlibcArenas,
};

}  // namespace

std::span<const Rule* const> Rules() { return kRules; }

const Rule* FindRule(std::string_view id) {
  for (const Rule* rule : kRules) {
    if (id == rule->id) return rule;
  }
  return nullptr;
}

}  // namespace wrackline::flink::lint
