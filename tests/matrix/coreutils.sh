#!/usr/bin/env bash
# about: sort with threads, find, xargs -P, tar, gzip, xz with threads, awk, sed, perl, bc-like arithmetic over large files
# needs: sort find xargs tar gzip xz awk sed perl sha256sum
# timeout: 90
prepare() { seq 1 400000 | awk '{ print ($1 * 7919) % 1000003, "line", $1 }' >numbers; }
run() {
  sort -n --parallel=4 -S 8M "$MATRIX_INPUT/numbers" | sha256sum
  sort -u -k1,1n "$MATRIX_INPUT/numbers" | wc -l
  shuf -n 5000 --random-source="$MATRIX_INPUT/numbers" "$MATRIX_INPUT/numbers" | sha256sum
  split -n l/40 "$MATRIX_INPUT/numbers" part.
  find . -name 'part.*' -print0 | xargs -0 -P 4 -n 3 gzip -9
  find . -name 'part.*.gz' -print0 | sort -z | xargs -0 zcat | sha256sum
  tar --sort=name --mtime=@0 --owner=0 --group=0 --numeric-owner -cf all.tar part.*.gz && tar -tf all.tar | wc -l
  xz -T 4 -3 --block-size=1MiB -c "$MATRIX_INPUT/numbers" | xz -dc -T 4 | sha256sum
  awk '{ count[$1 % 5003]++; sum += $3 } END { n = asorti(count, keys); print length(count), sum }' "$MATRIX_INPUT/numbers" 2>/dev/null ||
    awk '{ count[$1 % 5003]++; sum += $3 } END { print length(count), sum }' "$MATRIX_INPUT/numbers"
  sed -E 's/([0-9]+) line ([0-9]+)/\2 \1/' "$MATRIX_INPUT/numbers" | md5sum
  perl -ne 'my ($a, $b, $c) = split; push @{$h{$a % 997}}, $c; END { my $s = 0; $s += @{$h{$_}} * $_ for keys %h; print scalar(keys %h), " $s\n" }' \
    "$MATRIX_INPUT/numbers"
  perl -e 'my $s = ""; $s .= chr(65 + $_ % 26) x 50 for 1 .. 200000; my $n = () = $s =~ /A{50}B/g; print length($s), " $n\n"; exit 4'
  echo "perl $?"
  ls /nowhere/at/all
  dd if=/dev/zero of=zeros bs=1M count=32 status=none && cmp zeros /dev/zero 2>/dev/null
  return 5
}
"$1"
