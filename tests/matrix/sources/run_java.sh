#!/usr/bin/env bash
# Runs Memory with each collector; the short run with the default one.
java=$MATRIX_INPUT/home/bin/java
turns=60
collectors=(G1 Parallel Z)
[[ -z $MATRIX_SHORT ]] || turns=12 collectors=(Serial)
for collector in "${collectors[@]}"; do
  echo "$collector"
  "$java" -XX:+Use"$collector"GC -Xmx256m -XX:MaxDirectMemorySize=64m -Xshare:auto -cp "$MATRIX_INPUT" Memory "$turns"
  echo "exit $?"
done
"$java" -version
"$java" -Xmx1k Nothing
"$java" -XX:NativeMemoryTracking=summary -XX:+UnlockDiagnosticVMOptions -cp "$MATRIX_INPUT" Nothing
