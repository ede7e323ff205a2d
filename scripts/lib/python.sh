# shellcheck shell=bash
# Python environments outside the clone, one for each list of pinned packages. Needs terminal.sh and packages.sh.

# ensure_python NAME REQUIREMENTS…: makes the environment if it is not there and sets `python` to its interpreter.
ensure_python() {
  local name=$1 home system
  shift
  ensure_command python3 "the Python environment '$name'" python3 python3-venv
  system=$(python3 -c 'import sys; print("%d.%d" % sys.version_info[:2])')
  home=${XDG_CACHE_HOME:-$HOME/.cache}/engine-services/python-$name-$system-$(cat "$@" | sha256sum | cut -c1-12)
  # shellcheck disable=SC2034 # read by the script that sources this
  python=$home/bin/python
  [ -e "$home/complete" ] && return
  python3 -c 'import venv, ensurepip' 2>/dev/null || ensure_packages "the Python environment '$name'" python3-venv
  mkdir -p "$(dirname "$home")"
  (
    flock 8
    [ -e "$home/complete" ] || make_environment "$name" "$home" "$@"
  ) 8>"$home.lock"
}

make_environment() {
  local name=$1 home=$2 log=$2.log arguments=() file
  shift 2
  say "Making the Python environment '$name' (once; into $home)"
  rm -rf "$home"
  python3 -m venv "$home" >"$log" 2>&1 || fail "python3 -m venv failed." "Its messages: $log" "Type: sudo apt-get install -y python3-venv"
  for file in "$@"; do arguments+=(-r "$file"); done
  run_shown "pip install" "$log" "$home/bin/python" -m pip install --disable-pip-version-check --progress-bar off "${arguments[@]}" \
    || fail "pip could not install the packages of: $*" "Check the network, then repeat. The log: $log"
  touch "$home/complete"
}
