#include "lib/symbols/demangle.h"

#include <gtest/gtest.h>

#include <string>

namespace wrackline::symbols {
namespace {

TEST(DemangleTest, Names) {
  EXPECT_EQ(Demangle("_ZN7rocksdb5Arena16AllocateNewBlockEm"),
            "rocksdb::Arena::AllocateNewBlock(unsigned long)");
  EXPECT_EQ(Demangle("_Znwm"), "operator new(unsigned long)");
  EXPECT_EQ(Demangle("_ZN1AC2Ev.cold"), "A::A() [clone .cold]");
  EXPECT_EQ(Demangle("_ZN1A1fEv@@VERS_1.2"), "A::f()@@VERS_1.2");
}

TEST(DemangleTest, OthersComeBackAsTheyAre) {
  for (const std::string name : {"", "malloc", "Java_org_rocksdb_RocksDB_open", "_Z", "_ZN",
                                 "_ZNvery@broken", "i", "_", "\xff\xfe", "?f@@YAXXZ"}) {
    EXPECT_EQ(Demangle(name), name);
  }
  const std::string nul("_Z1fv\0x", 7);
  EXPECT_EQ(Demangle(nul), nul);
  const std::string endless = "_Z" + std::string(5000, 'N');
  EXPECT_EQ(Demangle(endless), endless);
}

// Each parameter is a pointer to a function of twice the one before: 2^n names from 10 n
// characters.
TEST(DemangleTest, ANameThatExplodesStaysMangled) {
  const auto sequence = [](int n) {
    if (n == 0) return std::string("S_");
    const char* digits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";
    --n;
    std::string text = n >= 36 ? std::string(1, digits[n / 36]) : "";
    return "S" + text + digits[n % 36] + "_";
  };
  std::string name = "_Z1fPFvvE";
  for (int level = 0, last = 1; level < 60; ++level, last += 2) {
    name += "PFv" + sequence(last) + sequence(last) + "E";
  }
  EXPECT_EQ(Demangle(name), name);
}

struct Pair {
  const char* demangled;
  const char* name;
};

class ShortNameTest : public testing::TestWithParam<Pair> {};

TEST_P(ShortNameTest, DropsArguments) {
  EXPECT_EQ(ShortName(GetParam().demangled), GetParam().name);
}

INSTANTIATE_TEST_SUITE_P(
    Names, ShortNameTest,
    testing::Values(
        Pair{"malloc", "malloc"}, Pair{"", ""}, Pair{"/usr/lib/x.so+0x12", "/usr/lib/x.so+0x12"},
        Pair{"rocksdb::Arena::AllocateNewBlock(unsigned long)", "rocksdb::Arena::AllocateNewBlock"},
        Pair{"A::f() const", "A::f"}, Pair{"A::f(int) [clone .cold]", "A::f"},
        Pair{"f [clone .isra.0]", "f"}, Pair{"A::~A()", "A::~A"}, Pair{"A::f[abi:cxx11]()", "A::f"},
        // Templates; those of functions have their return type written in front.
        Pair{"void foo<int>(int)", "foo"},
        Pair{"std::vector<int, std::allocator<int> >::push_back(int&&)", "std::vector::push_back"},
        Pair{"std::unique_ptr<A<B<C> > > make<A<B<C> >, int (*)(int)>(int (&)(int))", "make"},
        Pair{"unsigned long const* find<int>(int const*)", "find"},
        Pair{"decltype (x.begin()) std::begin<X>(X&)", "std::begin"},
        Pair{"void (*choose<int>(int))(char)", "choose"}, Pair{"void g<(Mode)3, (1>2)>(int)", "g"},
        Pair{"f<&(A::operator<)>(int)", "f"},
        // Operators.
        Pair{"operator new(unsigned long)", "operator new"},
        Pair{"operator delete[](void*)", "operator delete[]"},
        Pair{"A::operator()(int) const", "A::operator()"},
        Pair{"A::operator[](int)", "A::operator[]"},
        Pair{"operator<<(std::ostream&, A)", "operator<<"},
        Pair{"std::ostream& operator<< <char>(std::ostream&, char)", "operator<<"},
        Pair{"bool operator< <int, 3>(A<int> const&)", "operator<"},
        Pair{"A::operator->() const", "A::operator->"},
        Pair{"A::operator->*(int)", "A::operator->*"},
        Pair{"A::operator<=>(A const&) const", "A::operator<=>"},
        Pair{"A::operator,(int)", "A::operator,"},
        Pair{"A::operator bool() const", "A::operator bool"},
        Pair{"A<int>::operator unsigned long() const", "A::operator unsigned long"},
        Pair{"my_operator(int)", "my_operator"}, Pair{"operators::f(int)", "operators::f"},
        // Lambdas and unnamed things.
        Pair{"f(int)::{lambda(int)#1}::operator()(int) const", "f::{lambda#1}::operator()"},
        Pair{"A::g() const::{lambda()#2}::operator()() const", "A::g::{lambda#2}::operator()"},
        Pair{"auto f<int>(int)::{lambda(auto:1)#2}::operator()<int>(int) const",
             "f::{lambda#2}::operator()"},
        Pair{"std::_Function_handler<void (), f()::{lambda()#1}>::_M_invoke(std::_Any_data const&)",
             "std::_Function_handler::_M_invoke"},
        Pair{"(anonymous namespace)::Foo<int>::bar(int)", "(anonymous namespace)::Foo::bar"},
        Pair{"void (anonymous namespace)::f<int>(int)", "(anonymous namespace)::f"},
        Pair{"rocksdb::(anonymous namespace)::g()", "rocksdb::(anonymous namespace)::g"},
        Pair{"{unnamed type#1}::f()", "{unnamed type#1}::f"},
        // Tables.
        Pair{"vtable for A<int>", "vtable for A"},
        Pair{"typeinfo for int (*)(int)", "typeinfo for int (*)(int)"},
        Pair{"virtual thunk to A::f(int)", "virtual thunk to A::f"},
        // No names at all.
        Pair{"f(", "f("}, Pair{"f<", "f<"}, Pair{"{", "{"}, Pair{"(((", "((("}, Pair{")", ")"},
        Pair{"operator", "operator"}, Pair{"'", "'"}, Pair{" ", " "}));

TEST(ShortNameTest, LongInputIsQuick) {
  for (const char* piece : {"(", "<", "(*a", "a::", "{", "operator<", "vtable for ", " ", "->"}) {
    std::string text;
    while (text.size() < 200'000) text += piece;
    EXPECT_FALSE(ShortName(text).empty());
  }
}

}  // namespace
}  // namespace wrackline::symbols
