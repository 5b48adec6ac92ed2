#!/bin/sh
# guard.sh SECONDS COMMAND ARGS…: becomes COMMAND, and ends it when its starter is gone.
#
# Descriptor 3 is the read end of a pipe whose other end only the starter holds. A line means that
# the command has ended and there is nothing left to do. The end of the pipe without a line means
# that the starter is gone, however it went, SIGKILL included: then TERM, and KILL after SECONDS.
#
# `exec` keeps the command a direct child of the starter, with its own pid, output and exit code.
# Rejected: `setpriv --pdeathsig` (Linux only, and bound to the thread that forked), and a watcher
# in Node (40 MB a server).
seconds=$1
shift
{
  trap '' HUP INT TERM
  if ! read -r _; then
    kill -TERM $$
    left=$((seconds * 10))
    while [ "$left" -gt 0 ] && kill -0 $$; do
      sleep 0.1
      left=$((left - 1))
    done
    kill -KILL $$
  fi
} <&3 3<&- >/dev/null 2>&1 &
exec "$@" 3<&-
