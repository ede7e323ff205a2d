# shellcheck shell=bash
# What the scripts say: plain lines, clear failures, and a sign of life from everything that takes longer than two seconds.
# Sourced by the scripts beside this folder. All of it goes to stderr, so that stdout stays free for lines to type or evaluate.

say() { printf '%s\n' "$*" >&2; }

# fail MESSAGE [REMEDY…]: says what is wrong and what to do, and ends the script.
fail() {
  printf 'error: %s\n' "$1" >&2
  shift
  local line
  for line in "$@"; do printf '  %s\n' "$line" >&2; done
  exit 1
}

now_s() { date +%s; }

# now_tenths: seconds since 1970 with one decimal, for times that are shown.
now_tenths() { date +%s.%N | cut -c1-12; }

# seconds_since START: for times shown to a reader, with one decimal.
seconds_since() { awk -v from="$1" -v to="$(now_tenths)" 'BEGIN { printf "%.1f", to - from }'; }

# progress_line TEXT: on a terminal the line replaces the one before.
progress_line() {
  if [ -t 2 ]; then
    printf '\r\033[K  %s' "$(printf '%s' "$1" | cut -c1-"${COLUMNS:-110}")" >&2
  else
    printf '  %s\n' "$1" >&2
  fi
}

# progress_due ELAPSED SHOWN: is a line due after ELAPSED seconds, when the last one was shown at SHOWN (0: none yet)?
# From the second second on; then every second on a terminal, every 15 s elsewhere.
progress_due() {
  local every=15
  if [ -t 2 ]; then every=1; fi
  [ "$1" -ge 2 ] && { [ "$2" -eq 0 ] || [ $(($1 - $2)) -ge "$every" ]; }
}

progress_end() { if [ -t 2 ]; then printf '\r\033[K' >&2; fi; }

# run_shown LABEL LOG COMMAND…: runs the command with its output in LOG, shows progress lines, and on failure the reason from the log.
# Returns the command's exit status.
run_shown() {
  local label=$1 log=$2 start child status=0 shown=0 elapsed traps
  shift 2
  traps=$(trap -p INT TERM)
  start=$(now_s)
  "$@" >"$log" 2>&1 </dev/null &
  child=$!
  # A command in the background does not hear Ctrl-C by itself.
  # shellcheck disable=SC2064 # the child's id is to be fixed now
  trap "kill $child 2>/dev/null || true; progress_end; exit 130" INT TERM
  while kill -0 "$child" 2>/dev/null; do
    elapsed=$(($(now_s) - start))
    if progress_due "$elapsed" "$shown"; then
      shown=$elapsed
      progress_line "$label: $elapsed s; $(last_line "$log")"
    fi
    sleep 0.2
  done
  wait "$child" || status=$?
  trap - INT TERM
  eval "$traps"
  progress_end
  if [ "$status" -ne 0 ]; then
    say "  $label failed (exit status $status). From $log:"
    failure_reason "$log" | sed 's/^/    /' >&2
  fi
  return "$status"
}

# readable LOG: the log without colours and drawn bars (a bar ends in a carriage return, and the next line overwrites it).
readable() { LC_ALL=C sed -e 's/\x1b\[[0-9;?]*[A-Za-z]//g' -e 's/.*\r\(.\)/\1/' -e 's/\r$//' "$1" 2>/dev/null; }

# failure_reason LOG: the last error in the log with the lines that explain it; without one, the end of the log.
# What cargo says at the very end ("could not compile", "build failed") is no reason; it is kept if nothing else is there.
failure_reason() {
  local reason
  reason=$(readable "$1" | awk '
    function is_summary(line) { return line ~ /^error: (could not compile|aborting due to|build failed|[0-9]+ targets? failed|test failed)/ }
    /^(error(\[E[0-9]+\])?: |(.*: )?fatal error: |thread .* panicked at )/ && !is_summary($0) { block = ""; lines = 0; inside = 1 }
    /^ *(Compiling|Checking|Building|Finished|Downloaded|warning:) / || /^warning/ || is_summary($0) { inside = 0 }
    # A build script says what to watch and how it was called before it says what went wrong.
    /^ *(cargo:|[A-Za-z0-9_]+ = (None|Some\())/ { next }
    inside && lines < 60 { block = block $0 "\n"; lines++ }
    # The compiler was ended from outside: no error comes before it.
    /SIGKILL|signal: 9/ { killed = $0 }
    END {
      if (block != "") printf "%s", block
      if (killed != "") printf "%s\nA process was killed: most likely the memory is too small. Try CARGO_BUILD_JOBS=1.\n", killed
    }')
  if [ -n "$reason" ]; then printf '%s\n' "$reason"; else readable "$1" | tail -n 40; fi
}

# last_line LOG: the last line that says something, without colours, carriage returns and drawn bars.
last_line() { tail -c 1200 "$1" 2>/dev/null | tr '\r' '\n' | LC_ALL=C tr -cd '\11\12\33\40-\176' | sed 's/\x1b\[[0-9;]*[A-Za-z]//g' | grep -v '^[[:space:]]*$' | tail -n 1 | cut -c1-90 || true; }
