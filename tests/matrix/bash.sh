#!/usr/bin/env bash
# about: forks, pipes, traps, co-processes, here-documents, large variables, a child that is killed
# needs: bash seq sort
# timeout: 60
# short: yes
prepare() { :; }
run() {
  local turns=300 i word total=0
  [[ -z $MATRIX_SHORT ]] || turns=40
  for ((i = 0; i < turns; i++)); do
    word=$(printf '%0*d' $((i % 700)) "$i" | cat)
    ((total += ${#word}))
  done
  echo "bytes through pipes: $total"
  local -A table
  for ((i = 0; i < turns * 100; i++)); do table[key$i]=$((i * 7 % 1001)); done
  printf '%s\n' "${table[@]}" | sort -n | sha256sum
  local big
  printf -v big '%*s' 3000000 x
  echo "${#big} ${#table[@]}"
  coproc doubler { while read -r n; do echo $((n * 2)); done; }
  for i in 1 20 300; do
    echo "$i" >&"${doubler[1]}"
    read -r word <&"${doubler[0]}"
    echo "doubled $word"
  done
  exec {doubler[1]}>&-
  wait
  cat <<END | tr a-z A-Z
here-document of process ${BASH_SUBSHELL}
END
  for i in TERM KILL SEGV ABRT; do
    bash -c "kill -$i \$\$" 2>/dev/null
    echo "$i $?"
  done
  (trap 'echo trapped; exit 9' USR1; kill -USR1 "$BASHPID"; sleep 5)
  echo "subshell $?"
  for i in 1 2 3 4 5 6 7 8; do (exit "$i") & done
  wait -n
  wait
  (ulimit -n 16; ls / >/dev/null; echo "few descriptors $?")
  (exec 3>&- 4>&- 5>&-; echo closed | cat)
  nosuchcommand
  return 3
}
"$1"
