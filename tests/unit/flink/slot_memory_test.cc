// What real Flink answered to weights that no recorded row has.
#include "analyzer/flink/slot_memory.h"

#include <gtest/gtest.h>

namespace wrackline::flink {
namespace {

std::variant<SlotShare, JavaException> Ask(const char* weights, Version version) {
  SlotShareQuestion question;
  question.managed = Bytes{1000};
  question.slots = 2;
  question.consumer_weights = weights;
  question.use_cases = {"STATE_BACKEND", "PYTHON"};
  question.use_case = "PYTHON";
  return ShareOfSlot(question, version);
}

double Fraction(const char* weights, Version version = {1, 20, 5}) {
  const auto answer = Ask(weights, version);
  const auto* share = std::get_if<SlotShare>(&answer);
  return share == nullptr ? -1 : share->fraction;
}

std::string Refusal(const char* weights, Version version = {1, 20, 5}) {
  const auto answer = Ask(weights, version);
  const auto* exception = std::get_if<JavaException>(&answer);
  if (exception == nullptr) return "";
  return exception->causes.empty() ? exception->message : exception->causes[0].message;
}

TEST(SlotMemory, ReadsWeightsAsFlinkSplitsThem) {
  EXPECT_DOUBLE_EQ(Fraction("STATE_BACKEND:1,PYTHON:3"), 0.75);
  EXPECT_DOUBLE_EQ(Fraction(" 'STATE_BACKEND' : 1 "), 0);  // YAML, since 1.19
  EXPECT_EQ(Refusal(" 'STATE_BACKEND' : 1 ", {1, 18, 1}),
            "Could not split string. Illegal quoting at position: 16");
  EXPECT_DOUBLE_EQ(Fraction("STATE_BACKEND:1,PYTHON:3,"), 0.75);
  EXPECT_DOUBLE_EQ(Fraction(","), 0);
  EXPECT_DOUBLE_EQ(Fraction("{STATE_BACKEND: 1, PYTHON: 3}"), 0.75);
  EXPECT_EQ(Refusal("{STATE_BACKEND: 1, PYTHON: 3}", {1, 18, 1}).substr(0, 16), "For input string");
}

TEST(SlotMemory, RefusesInFlinksWords) {
  EXPECT_EQ(Refusal("abc"), "Map item is not a key-value pair (missing ':'?)");
  EXPECT_EQ(Refusal("abc", {1, 16, 3}), "Could not parse pair in the map [abc]");
  EXPECT_EQ(Refusal("'STATE_BACKEND':3"),
            "Could not split string. Illegal quoting at position: 14");
  EXPECT_EQ(Refusal("'STATE"), "Could not split string. Quoting was not closed properly.");
  EXPECT_EQ(Refusal("PYTHON:-1"),
            "Managed memory weight should not be negative. Configured weight for PYTHON is -1.");
  EXPECT_EQ(Refusal("OPERATOR:1", {1, 12, 7}), "Unknown managed memory consumer: OPERATOR");
}

}  // namespace
}  // namespace wrackline::flink
