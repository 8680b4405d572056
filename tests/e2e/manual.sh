#!/usr/bin/env bash
# Help, manual pages and completions as those who read them do: manual.sh WRACKLINE FOLDER
# Exit status: 0 all is well; 1 something is not, said on stderr.
set -euo pipefail
wrackline=${1:?usage: manual.sh WRACKLINE FOLDER}
folder=${2:?usage: manual.sh WRACKLINE FOLDER}
failed=0
fail() { echo "manual: $*" >&2; failed=1; }
for tool in groff mandoc bash zsh fish script; do
  command -v "$tool" >/dev/null || { echo "manual: no $tool: run scripts/setup.sh check" >&2; exit 1; }
done
rm -rf "$folder"
"$wrackline" manual "$folder"

# Manual pages: no warning of either reader.
pages=("$folder"/man?/*)
((${#pages[@]} >= 12)) || fail "only ${#pages[@]} pages"
for page in "${pages[@]}"; do
  said=$(groff -ww -man -Tutf8 -z "$page" 2>&1) && [[ -z $said ]] || fail "groff on $page: $said"
  # A page has no date: it is of a version.
  said=$(mandoc -T lint -W warning "$page" 2>&1 | grep -v 'missing date' || true)
  [[ -z $said ]] || fail "mandoc on $page: $said"
done

# Every command: help, its options in its page and in each completion; a wrong option is exit status 2 (of run 125).
mapfile -t commands < <("$wrackline" --help | sed -n '/^Commands:/,/^$/s/^  \([a-z][a-z]*\)  .*/\1/p')
((${#commands[@]} >= 11)) || fail "only ${#commands[@]} commands in the help"
for command in "${commands[@]}"; do
  help=$("$wrackline" "$command" --help) || fail "$command --help fails"
  for heading in Usage Options Examples 'Exit status'; do
    grep -q "^$heading:" <<<"$help" || fail "$command --help has no $heading"
  done
  awk -v c="$command" 'length($0) > 80 && !/^  (wrackline|kubectl|curl|source) / { print "manual: " c " --help has a long line: " $0; bad = 1 } END { exit bad }' <<<"$help" >&2 || failed=1
  page=$(sed 's/\\-/-/g' "$folder/man1/wrackline-$command.1")
  for option in $(sed -n '/^Options:/,/^$/p' <<<"$help" | grep -oE '^ +(-[a-zA-Z], )?--?[a-zA-Z-]+(, --[a-z-]+)?' | grep -oE -- '--?[a-zA-Z-]+'); do
    grep -qF -- "$option" <<<"$page" || fail "$option of $command is not in its page"
    grep -qF -- "$option" "$folder/bash/wrackline" || fail "$option of $command is not in bash's completion"
    grep -qF -- "$option" "$folder/zsh/_wrackline" || fail "$option of $command is not in zsh's completion"
    case $option in
      --*) grep -qE -- "from $command'.* -l ${option#--}( |$)" "$folder/fish/wrackline.fish" || fail "$option of $command is not in fish's completion" ;;
    esac
  done
  wanted=2
  [[ $command != run ]] || wanted=125
  status=0
  "$wrackline" "$command" --no-such-option >/dev/null 2>&1 || status=$?
  ((status == wanted)) || fail "$command --no-such-option: exit status $status instead of $wanted"
done

# bash: WORDS... the last one is completed.
complete_bash() {
  bash --norc -c '
    source "$1"
    shift
    COMP_WORDS=("$@")
    COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
    _wrackline
    printf "%s\n" "${COMPREPLY[@]}"' bash "$folder/bash/wrackline" "$@" | sort | tr '\n' ' '
}
expect() { # expect WHAT GOT WANTED
  [[ $2 == "$3" ]] || fail "$1: got '$2' instead of '$3'"
}
mkdir -p "$folder/files"
touch "$folder/files/one.wrack"
expect "bash, commands" "$(complete_bash wrackline re)" "report "
expect "bash, options" "$(complete_bash wrackline report --fo)" "--format "
expect "bash, values" "$(complete_bash wrackline report --format e)" "event "
expect "bash, values after =" "$(complete_bash wrackline report --format = ht)" "html "
expect "bash, files" "$(complete_bash wrackline report "$folder/files/o")" "$folder/files/one.wrack "
expect "bash, files of an option" "$(complete_bash wrackline size --config "$folder/files/o")" "$folder/files/one.wrack "
expect "bash, no files for a size" "$(complete_bash wrackline size --limit "$folder/files/o")" " "
expect "bash, what is run" "$(complete_bash wrackline run --limit 1g -- mkdi)" "mkdir "
expect "bash, shells" "$(complete_bash wrackline completion f)" "fish "

# zsh: read, and known to its completion system. (What a key press shows is not looked at.)
zsh -n "$folder/zsh/_wrackline" || fail "zsh does not read its completion"
expect "zsh, compinit" "$(HOME=$folder zsh -f -c 'fpath=('"$folder"'/zsh $fpath); autoload -Uz compinit; compinit -u -D; print $_comps[wrackline]')" "_wrackline"

# fish
expect "fish, commands" "$(fish --no-config -c "source $folder/fish/wrackline.fish; complete -C 'wrackline repo'" | cut -f1 | tr '\n' ' ')" "report "
expect "fish, options" "$(fish --no-config -c "source $folder/fish/wrackline.fish; complete -C 'wrackline report --fo'" | cut -f1 | tr '\n' ' ')" "--format "
expect "fish, values" "$(fish --no-config -c "source $folder/fish/wrackline.fish; complete -C 'wrackline report --format e'" | cut -f1 | tr '\n' ' ')" "event "

# Colours are for a terminal, for whoever wants them there.
recording=$(cd "$(dirname "$0")/../data/recordings" && pwd)/four_states_killed.wrackpack
escape=$'\e['
on_terminal() { env -u NO_COLOR TERM=xterm "$@" script -qec "'$wrackline' report '$recording'" /dev/null </dev/null; }
[[ $(on_terminal) == *"$escape"* ]] || fail "no colours on a terminal"
[[ $(on_terminal NO_COLOR=1) != *"$escape"* ]] || fail "colours on a terminal in spite of NO_COLOR"
[[ $(on_terminal TERM=dumb) != *"$escape"* ]] || fail "colours on a dumb terminal"
[[ $("$wrackline" report "$recording") != *"$escape"* ]] || fail "colours in a pipe"
[[ $("$wrackline" report --color always "$recording") == *"$escape"* ]] || fail "no colours in a pipe with --color always"
[[ $("$wrackline" report --color always --no-color "$recording") != *"$escape"* ]] || fail "colours in spite of --no-color"

# What takes more than a second says so on a terminal, and leaves nothing behind: a scrape that comes after two seconds.
slow() { script -qec "sh -c '(sleep 2.5; cat $(dirname "$recording")/../metrics/*.prom 2>/dev/null | head -c 100) | $wrackline report - 2>&1 >/dev/null'" /dev/null </dev/null; }
[[ $(slow) == *"reporting on -"* ]] || fail "no progress on a terminal"
[[ $( (sleep 1.5; echo) | "$wrackline" report - 2>&1 || true) != *"reporting on"* ]] || fail "progress where there is no terminal"

# What was meant.
said() { "$wrackline" "$@" 2>&1 >/dev/null || true; }
[[ $(said reprot x) == *"did you mean 'report'?"* ]] || fail "no suggestion for a command"
[[ $(said report --formt json x) == *"did you mean '--format'?"* ]] || fail "no suggestion for an option"
[[ $(said report --format jsn x) == *"did you mean 'json'?"* ]] || fail "no suggestion for a value"
exit $failed
