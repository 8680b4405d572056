#!/usr/bin/env bash
# about: setpriv, unshare, nsenter: programs that change user, capabilities or namespaces, which needs all threads to agree
# needs: cc setpriv unshare nsenter
# timeout: 60
# short: yes
prepare() {
  ((EUID == 0)) || { echo "changing the user needs root"; return 1; }
  cc -O1 -o credentials "${BASH_SOURCE%/*}/sources/credentials.c"
}
run() {
  chmod 1777 .
  "$MATRIX_INPUT/credentials"
  echo "credentials $?"
  setpriv --reuid=nobody --regid=nogroup --clear-groups -- id
  setpriv --reuid=nobody --clear-groups --regid=nogroup --bounding-set=-all -- sh -c 'id -u; grep CapBnd /proc/self/status'
  unshare --user --map-root-user -- sh -c 'id -u; sort /proc/self/uid_map | tr -s " "'
  unshare --user --mount --pid --fork --map-root-user --mount-proc -- sh -c 'echo "pid $$"'
  unshare --net --uts -- sh -c 'hostname inside; cat /proc/sys/kernel/hostname'
  nsenter --target $$ --mount --pid -- true
  echo "nsenter $?"
  nsenter --target $$ --user -- true
  echo "nsenter $?"
}
"$1"
