# What vm_test runs in the machine: a kill of a whole group, and one by a pod's limit that is above its containers'.
# A failure of a step is seen by what is missing in /out, and by this script's status.
set -e
C=/sys/fs/cgroup
echo +memory >$C/cgroup.subtree_control
uname -r

# record NAME CGROUP COMMAND...: COMMAND in CGROUP, recorded into /out/NAME; `run` itself stays outside and lives on, as a node's agent
# would. The file is in memory and charged to the group: it is a small one.
record() {
  name=$1 cgroup=$2
  shift 2
  /wrackline run --out /out/"$name" --recorder-size 1m --interval 64k -- sh -c "echo \$\$ >$cgroup/cgroup.procs; $*" || echo "$name ended with $?"
  cat $cgroup/memory.events >/out/"$name".memory.events
}

# Three processes, one of which grows once the others are being recorded: the kernel kills all of them.
mkdir $C/group
echo 96M >$C/group/memory.max
echo 1 >$C/group/memory.oom.group
{
  until [ "$(/wrackline report /out/group --all --format json 2>/dev/null | grep -c 'outcome.*still_running')" = 2 ]; do usleep 200000; done
  touch /tmp/grow
} &
record group $C/group '/shim_target reserve 600 & /shim_target quiet 600 &
  until [ -e /tmp/grow ]; do usleep 100000; done
  exec /shim_target grow 20'

# Two containers of a pod, each below its own limit to the end. The neighbour asks for nothing more once it sleeps: it cannot be the one
# in whose name the pod's memory ends while the other is still giving its own back, which would be a second kill.
mkdir $C/pod
echo +memory >$C/pod/cgroup.subtree_control
echo 96M >$C/pod/memory.max
for container in neighbour grower; do
  mkdir $C/pod/$container
  echo 100M >$C/pod/$container/memory.max
done
sh -c "echo \$\$ >$C/pod/neighbour/cgroup.procs; exec /shim_target reserve 600" &
neighbour=$!
# Once it holds what it is to hold.
while [ "$(cat $C/pod/neighbour/memory.current)" -lt 17000000 ]; do usleep 100000; done
record pod $C/pod/grower 'exec /shim_target grow 20'
kill -0 $neighbour
kill $neighbour

for name in group pod; do
  /wrackline report /out/$name --all --format json -o /out/$name.json
  /wrackline report /out/$name --all -o /out/$name.txt
done
dmesg >/out/dmesg.txt
