#include "analyzer/render/inert.h"

#include <gtest/gtest.h>

#include "analyzer/render/graph.h"

namespace wrackline::render {
namespace {

TEST(Inert, ControlCharactersAndEscapesBecomeVisible) {
  EXPECT_EQ(Inert("a\x1b[31mb\n\r\t\x7f", true), "a\\x1b[31mb\\x0a\\x0d\\x09\\x7f");
  EXPECT_EQ(Inert("\xc2\x9b"
                  "31m",
                  true),
            "\\xc2\\x9b31m");  // C1 CSI
  EXPECT_EQ(Inert("\xe2\x80\xae"
                  "x",
                  true),
            "\\xe2\\x80\\xaex");  // right-to-left override
}

TEST(Inert, BytesThatAreNoTextBecomeVisible) {
  EXPECT_EQ(Inert("\xff\xc0\x80\xed\xa0\x80", true), "\\xff\\xc0\\x80\\xed\\xa0\\x80");
  EXPECT_EQ(Inert("\xe2\x82", true), "\\xe2\\x82");
}

TEST(Inert, TextStays) {
  EXPECT_EQ(Inert("größe_状態", true), "größe_状態");
  EXPECT_EQ(Inert("é", false), "\\xc3\\xa9");
}

TEST(Columns, WideAndCombining) {
  EXPECT_EQ(Columns("abc"), 3u);
  EXPECT_EQ(Columns("状態"), 4u);
  EXPECT_EQ(Columns("e\xcc\x81"), 1u);
}

TEST(Fit, NeverWiderThanAsked) {
  EXPECT_EQ(Fit("abcdef", 6, true), "abcdef");
  EXPECT_EQ(Fit("abcdefg", 6, true), "abcde…");
  EXPECT_EQ(Fit("abcdefg", 6, false), "abc...");
  EXPECT_EQ(Columns(Fit("状態状態", 5, true)), 5u);
  EXPECT_EQ(Right("7", 3, true), "  7");
  EXPECT_EQ(Left("7", 3, true), "7  ");
}

TEST(Graph, BarsAndSparklines) {
  EXPECT_EQ(Bar(0.5, 4, true), "██  ");
  EXPECT_EQ(Bar(0.5625, 4, true), "██▎ ");
  EXPECT_EQ(Bar(7, 3, false), "###");
  EXPECT_EQ(Bar(-1, 3, false), "   ");
  EXPECT_EQ(Sparkline({0.0, std::nullopt, 1.0}, true), "▁ █");
  EXPECT_EQ(Sparkline({0.0, std::nullopt, 1.0}, false), "_ #");
}

}  // namespace
}  // namespace wrackline::render
