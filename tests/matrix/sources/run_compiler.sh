#!/usr/bin/env bash
# Compiles with the compiler that $MATRIX_INPUT/compiler names; objects and messages are compared.
compiler=$(<"$MATRIX_INPUT/compiler")
source=$(dirname "$0")/large.cc
large=100 level=-O2
[[ -z $MATRIX_SHORT ]] || large=3 level=-O0
"$compiler" -std=c++17 "$level" -g -DLARGE=$large -c "$source" -o large.o
echo "exit $?"
sha256sum <large.o
cat >main.cc <<'END'
#include <iostream>
#include <string>
std::string All(int n);
int main() { std::cout << All(3) << "\n"; return All(4).size() % 100; }
END
"$compiler" -std=c++17 -pthread main.cc large.o -o program && ./program
echo "exit $?"
[[ -n $MATRIX_SHORT ]] || "$compiler" -std=c++17 -fsyntax-only -DLARGE=20 -Wall -Wextra -D'Walk=1Walk' "$source"
printf '#include <vector>\nint f() { std::vector<int> v; v.push_back("text"); return undeclared; }\n' >wrong.cc
"$compiler" -c wrong.cc
