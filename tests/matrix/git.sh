#!/usr/bin/env bash
# about: commits, packs with threads, clones, merges, blames and checks a repository
# needs: git sha256sum
# timeout: 90
# short: yes
prepare() { :; }
run() {
  local files=60 commits=40 i
  [[ -z $MATRIX_SHORT ]] || files=20 commits=8
  export GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@example GIT_COMMITTER_NAME=c GIT_COMMITTER_EMAIL=c@example
  export GIT_AUTHOR_DATE='1700000000 +0000' GIT_COMMITTER_DATE='1700000000 +0000' GIT_CONFIG_NOSYSTEM=1
  git -c init.defaultBranch=main init -q repository && cd repository || return
  git config pack.threads 4
  git config gc.auto 0
  for ((i = 0; i < files; i++)); do seq 1 $((i * 40 + 10)) | sed "s/^/file $i line /" >"file$i"; done
  for ((i = 0; i < commits; i++)); do
    sed -i "$((i % 9 + 1))s/\$/ changed $i/" "file$((i % files))"
    git add -A && git commit -qm "commit $i"
  done
  git log --format='%H %s' | sha256sum
  git log -p --stat | sha256sum
  git blame file3 | sha256sum
  git checkout -q -b side HEAD~3 && echo side >>file1 && git commit -qam side
  git checkout -q main && echo main >>file2 && git commit -qam main
  git merge -q -m merge side && git rev-parse HEAD
  git repack -adq --window=50 --depth=50
  git count-objects -v | grep -E '^(count|in-pack|packs|garbage)'
  git fsck --full 2>&1
  git clone -q --no-local . ../clone && git -C ../clone rev-parse HEAD
  git archive HEAD | sha256sum
  git grep -c 'changed' HEAD | sha256sum
  git diff HEAD~5 --word-diff | sha256sum
  git bundle create -q ../bundle HEAD && git bundle verify -q ../bundle
  git show nothing-of-that-name
}
"$1"
