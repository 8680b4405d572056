#!/usr/bin/env bash
# prepare_java.sh VERSION: in the working folder, home -> the JDK or JRE of that version, and Memory.class.
set -euo pipefail
for candidate in "${JAVA_HOME:-none}" /usr/lib/jvm/* /opt/java/*; do
  [[ -x $candidate/bin/java && $("$candidate/bin/java" -version 2>&1) == *"version \"$1"[.\"]* ]] || continue
  ln -s "$candidate" home
  break
done
[[ -L home ]] || { echo "no Java $1 in /usr/lib/jvm"; exit 1; }
# Compiled by whatever compiler is there; for 17, so that all can run it.
if [[ -x home/bin/javac ]]; then compiler=home/bin/javac; else compiler=$(command -v javac) || { echo "no javac"; exit 1; }; fi
"$compiler" --release 17 -d . "$(dirname "$0")/Memory.java"
