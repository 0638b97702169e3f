// The lab's process 1, a script of POSIX sh: brings the kernel up, runs one command, turns the kernel off.
// Rule: whatever comes from outside is a quoted word; the command has no descriptor of the lab's own.
import { join } from 'node:path';
import { shellQuoted } from '../shell-quoted.mjs';

/** What the lab itself ends with when it could not run the command, as env(1) does. */
export const COULD_NOT_RUN = 125;

/** The file in `folder` that the command's exit code is in when the kernel has gone. */
export const codeFile = (folder) => join(folder, 'code');

/**
 *   `folder`              of this run; removed by the lab when its runner was killed
 *   `busybox`, `modules`  paths
 *   `command`             words; the first is looked for on the PATH of `env`
 *   `cwd`, `env`          the command's own
 *   `shaping`             words of a command that makes the network what it should be, or undefined
 */
export function initScript({ folder, busybox, modules, command, cwd, env, shaping }) {
  const variables = Object.entries(env).map(([name, value]) => `${name}=${value}`);
  return `#!/bin/sh
PATH=/usr/sbin:/usr/bin:/sbin:/bin
busybox=${shellQuoted(busybox)}
folder=${shellQuoted(folder)}

"$busybox" mount -t proc proc /proc
"$busybox" mount -t sysfs sysfs /sys
"$busybox" mount -t tmpfs tmpfs /run
mkdir -p /dev/pts /dev/shm /run/lab /run/tmp
chmod 1777 /run/tmp
# What udev does elsewhere.
ln -s /proc/self/fd /dev/fd
for name in 0:stdin 1:stdout 2:stderr; do ln -s "/proc/self/fd/\${name%%:*}" "/dev/\${name#*:}"; done
"$busybox" mount -t devpts devpts /dev/pts
"$busybox" mount -t tmpfs tmpfs /dev/shm

# Open for as long as the kernel runs: when nobody has a line open UML closes the host's end of it for good.
exec 7>/dev/ttyS0 8>/dev/ttyS1 9<>/dev/ttyS2
"$busybox" stty -F /dev/ttyS2 raw -echo

# stty waits until everything that was written has gone out.
settle() {
  "$busybox" stty -F /dev/ttyS0 raw -echo
  "$busybox" stty -F /dev/ttyS1 raw -echo
}
settle

off() {
  "$busybox" sync
  "$busybox" poweroff -f
}

finish() {
  settle
  echo "$1" >${shellQuoted(codeFile(folder))}
  off
}

for module in ${modules.map(shellQuoted).join(' ')}; do "$busybox" insmod "$module"; done
"$busybox" ip link set lo up
${shaping === undefined ? '' : `${shaping.map(shellQuoted).join(' ')} >&8 2>&8 || finish ${COULD_NOT_RUN}\n`}
# Pipes: on a line of its own the command would believe that it has a terminal.
"$busybox" mkfifo /run/lab/out /run/lab/err /run/lab/go
"$busybox" cat /run/lab/out >&7 & out=$!
"$busybox" cat /run/lab/err >&8 & err=$!

ulimit -n 65536
cd -- ${shellQuoted(cwd)} 2>&8 || finish ${COULD_NOT_RUN}
# A shell lets what it starts in the background ignore SIGINT and SIGQUIT; env undoes that.
env -i --default-signal=INT,QUIT ${variables.map(shellQuoted).join(' ')} \\
  /bin/sh -c 'read -r go </run/lab/go; exec "$@"' lab ${command.map(shellQuoted).join(' ')} \\
  </dev/null >/run/lab/out 2>/run/lab/err 7>&- 8>&- 9<&- & command=$!

# Signals come by name, a line each. The end of them is the end of the runner, and nobody else would clean up.
{
  while read -r signal <&9; do kill -s "$signal" "$command"; done
  rm -rf "$folder"
  off
} & control=$!
# In this order: whoever has heard of the command can send it a signal.
echo up >&9
echo >/run/lab/go

wait "$command"
code=$?
# What the command has left behind would keep the pipes open.
for process in /proc/[0-9]*; do
  case " 1 $out $err $control " in
    *" \${process#/proc/} "*) ;;
    *) kill -KILL "\${process#/proc/}" 2>/dev/null ;;
  esac
done
wait "$out" "$err"
finish "$code"
`;
}
