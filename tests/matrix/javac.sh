#!/usr/bin/env bash
# about: javac over 100 generated classes, and over one with errors
# needs: javac sha256sum
# timeout: 120
prepare() {
  local i k
  for ((i = 0; i < 100; i++)); do
    {
      echo "import java.util.*; import java.util.function.*; import java.util.stream.*;"
      echo "public class C$i<T extends Comparable<T>> {"
      for ((k = 0; k < 20; k++)); do
        echo "  public Map<String, List<T>> m$k(List<T> in) { return in.stream().filter(x -> x.compareTo(in.get(0)) > $k)" \
          ".collect(Collectors.groupingBy(x -> \"g\" + x.hashCode() % $((k + 2)))); }"
      done
      echo "}"
    } >"C$i.java"
  done
  echo 'class Wrong { int f() { return "text"; } void g(Missing m) {} }' >Wrong.txt
}
run() {
  javac -Xlint:all -d classes "$MATRIX_INPUT"/C*.java
  echo "exit $?"
  (cd classes && find . -name '*.class' -print0 | sort -z | xargs -0 sha256sum) | sha256sum
  cp "$MATRIX_INPUT/Wrong.txt" Wrong.java
  javac Wrong.java
}
"$1"
