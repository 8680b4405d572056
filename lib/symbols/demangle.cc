#include "lib/symbols/demangle.h"

#include <cxxabi.h>

#include <array>
#include <cstdlib>
#include <memory>

namespace wrackline::symbols {
namespace {

constexpr std::size_t kMaxInput = 4096;

// Each back reference of a mangled name (S_, S1_, T0_...) may double the text, and
// abi::__cxa_demangle has no bound: 36 of them made 11 MB out of 100 bytes, 80 make more than there
// is memory. Of 27,000 exported names of RocksDB, libstdc++ and protobuf none has more than 31, of
// LLVM's 45,000 three have (up to 40). Those stay mangled.
constexpr int kMaxBackReferences = 32;

bool MayExplode(std::string_view mangled) {
  int references = 0;
  for (std::size_t i = 0; i < mangled.size(); ++i) {
    if (mangled[i] != 'S' && mangled[i] != 'T') continue;
    std::size_t end = i + 1;
    while (end < mangled.size() && ((mangled[end] >= '0' && mangled[end] <= '9') ||
                                    (mangled[end] >= 'A' && mangled[end] <= 'Z'))) {
      ++end;
    }
    if (end < mangled.size() && mangled[end] == '_') ++references;
  }
  return references > kMaxBackReferences;
}

bool IsIdentifier(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
         c == '$';
}

// "operator" and what follows it: the one place where <, > and ( are letters of a name.
constexpr std::string_view kOperator = "operator";
constexpr std::array<std::string_view, 44> kOperatorSigns = {
    // Longer ones first.
    "<<=", ">>=", "<=>", "->*", "()", "[]", "<<",     ">>",        "<=",   ">=",      "->",
    "==",  "!=",  "&&",  "||",  "++", "--", "+=",     "-=",        "*=",   "/=",      "%=",
    "^=",  "&=",  "|=",  "<",   ">",  "+",  "-",      "*",         "/",    "%",       "^",
    "&",   "|",   "~",   "!",   "=",  ",",  " new[]", " delete[]", " new", " delete", " co_await"};

// Length of the operator's sign at `at` (behind the word "operator"); 0 for a conversion such as
// "operator bool".
std::size_t OperatorSignLength(std::string_view name, std::size_t at) {
  for (const std::string_view sign : kOperatorSigns) {
    if (name.substr(at, sign.size()) == sign) return sign.size();
  }
  return 0;
}

bool IsOperatorAt(std::string_view name, std::size_t at) {
  if (name.substr(at, kOperator.size()) != kOperator) return false;
  if (at > 0 && IsIdentifier(name[at - 1])) return false;
  const std::size_t after = at + kOperator.size();
  return after < name.size() && !IsIdentifier(name[after]);
}

// One past the bracket that closes the one at `open`, or npos. Brackets of the four kinds nest; the
// signs of operators and of "->" are no brackets.
std::size_t SkipBrackets(std::string_view name, std::size_t open) {
  std::string closers;
  for (std::size_t i = open; i < name.size(); ++i) {
    const char c = name[i];
    if (IsOperatorAt(name, i)) {
      i += kOperator.size();
      i += OperatorSignLength(name, i);
      --i;
    } else if (c == '<') {
      closers.push_back('>');
    } else if (c == '(') {
      closers.push_back(')');
    } else if (c == '[') {
      closers.push_back(']');
    } else if (c == '{') {
      closers.push_back('}');
    } else if (c == '-' && i + 1 < name.size() && name[i + 1] == '>') {
      ++i;
    } else if (!closers.empty() && c == closers.back()) {
      closers.pop_back();
      if (closers.empty()) return i + 1;
    } else if (c == ')' || c == '}' || c == ']') {
      // A '>' or '<' that was a comparison in a template argument: drop the unclosed ones inside of
      // this bracket.
      while (!closers.empty() && closers.back() == '>') closers.pop_back();
      if (closers.empty() || closers.back() != c) return std::string_view::npos;
      closers.pop_back();
      if (closers.empty()) return i + 1;
    }
  }
  return std::string_view::npos;
}

constexpr std::string_view kAnonymous = "(anonymous namespace)";

// What the demangler writes before a name; the blank does not end a return type.
constexpr std::array<std::string_view, 9> kPrefixes = {
    "vtable for ",           "typeinfo for ",
    "typeinfo name for ",    "VTT for ",
    "guard variable for ",   "construction vtable for ",
    "non-virtual thunk to ", "virtual thunk to ",
    "transaction clone for "};

std::string WithoutArguments(std::string_view demangled) {
  std::string name;
  for (std::size_t i = 0; i < demangled.size();) {
    const char c = demangled[i];
    if (IsOperatorAt(demangled, i)) {
      const std::size_t sign = OperatorSignLength(demangled, i + kOperator.size());
      if (sign > 0) {
        name += demangled.substr(i, kOperator.size() + sign);
        i += kOperator.size() + sign;
        if (demangled.substr(i, 2) == " <") ++i;  // "operator<< <char>"
        continue;
      }
      // A conversion: its type goes to the argument list, blanks and all.
      const std::size_t arguments = demangled.find('(', i);
      name += demangled.substr(i, arguments == std::string_view::npos ? arguments : arguments - i);
      return name;
    }
    if (demangled.substr(i, kAnonymous.size()) == kAnonymous) {
      name += kAnonymous;
      i += kAnonymous.size();
    } else if (c == '{' || c == '\'') {
      // {lambda(int)#1} keeps its number, which tells it from its neighbours; 'lambda'(int) is
      // LLVM's way.
      const std::size_t end =
          c == '{' ? SkipBrackets(demangled, i) : demangled.find('\'', i + 1) + 1;
      if (end == std::string_view::npos || end == 0) return std::string(demangled);
      const std::string_view whole = demangled.substr(i, end - i);
      const std::size_t number = whole.rfind('#');
      if (whole.substr(0, 8) == "{lambda(" && number != std::string_view::npos) {
        name += "{lambda";
        name += whole.substr(number);
      } else {
        name += whole;
      }
      i = end;
    } else if (c == '<') {
      const std::size_t end = SkipBrackets(demangled, i);
      if (end == std::string_view::npos) return std::string(demangled);
      i = end;
    } else if (c == '(' && name.empty() && demangled.substr(i, 2) == "(*" &&
               i + 2 < demangled.size() && IsIdentifier(demangled[i + 2])) {
      i += 2;  // "void (*foo<int>())(int)": foo returns a pointer to a function
    } else if (c == '(') {
      const std::size_t end = SkipBrackets(demangled, i);
      if (end == std::string_view::npos) return std::string(demangled);
      // "f(int)::{lambda()#1}" and "f() const::{lambda()#1}": f is a scope, and the name goes on.
      std::size_t next = end;
      for (const std::string_view suffix : {" const", " volatile", " &&", " &"}) {
        if (demangled.substr(next, suffix.size()) == suffix) next += suffix.size();
      }
      if (demangled.substr(next, 2) == "::") {
        i = next;
      } else if (name.empty()) {
        i = end;  // of a return type: "decltype (x.begin()) std::begin<X>(X&)"
      } else {
        return name;
      }
    } else if (c == '[') {
      // "foo[abi:cxx11]" keeps nothing of it; " [clone .cold]" ends a name without arguments.
      const std::size_t end = SkipBrackets(demangled, i);
      if (end == std::string_view::npos) return std::string(demangled);
      i = end;
    } else if (c == ' ') {
      // Either what stood before is a return type ("void foo<int>(int)"), or a suffix follows.
      const std::string_view rest = demangled.substr(i);
      if (rest.substr(0, 2) == " [") return name;
      name.clear();
      ++i;
    } else {
      name.push_back(c);
      ++i;
    }
  }
  // Whatever this was, it was no name as known here.
  return name.empty() ? std::string(demangled) : name;
}

}  // namespace

std::string Demangle(std::string_view symbol) {
  if (symbol.size() > kMaxInput || symbol.substr(0, 2) != "_Z" ||
      symbol.find('\0') != std::string_view::npos) {
    return std::string(symbol);
  }
  // ld writes a versioned symbol of .symtab as "name@@VERSION".
  const std::size_t version = symbol.find('@');
  const std::string mangled(symbol.substr(0, version));
  if (MayExplode(mangled)) return std::string(symbol);
  int status = 0;
  const std::unique_ptr<char, decltype(&std::free)> text(
      abi::__cxa_demangle(mangled.c_str(), nullptr, nullptr, &status), &std::free);
  if (status != 0 || text == nullptr) return std::string(symbol);
  std::string readable = text.get();
  if (version != std::string_view::npos) readable += symbol.substr(version);
  return readable;
}

std::string ShortName(std::string_view demangled) {
  for (const std::string_view prefix : kPrefixes) {
    if (demangled.substr(0, prefix.size()) == prefix) {
      return std::string(prefix) + WithoutArguments(demangled.substr(prefix.size()));
    }
  }
  return WithoutArguments(demangled);
}

}  // namespace wrackline::symbols
