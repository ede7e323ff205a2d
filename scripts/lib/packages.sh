# shellcheck shell=bash
# Missing system packages: installed where the script may, otherwise the exact line to type. Needs terminal.sh.

# How this user installs packages: nothing for root, `sudo` where it asks for no password, empty otherwise.
package_prefix() {
  if [ "$(id -u)" -eq 0 ]; then
    echo run
  elif command -v sudo >/dev/null 2>&1 && sudo -n true 2>/dev/null; then
    echo sudo
  fi
}

# ensure_packages REASON PACKAGE…: Debian packages that must be there.
ensure_packages() {
  local reason=$1 missing=() package prefix log sudo_words=()
  shift
  if ! command -v dpkg-query >/dev/null 2>&1; then
    say "  (no dpkg here: make sure that these are installed: $*)"
    return
  fi
  for package in "$@"; do
    dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null | grep -qx installed || missing+=("$package")
  done
  [ "${#missing[@]}" -eq 0 ] && return
  prefix=$(package_prefix)
  if [ -z "$prefix" ] || ! command -v apt-get >/dev/null 2>&1; then
    fail "$reason needs packages that are not installed and this user may not install: ${missing[*]}" \
      "Type: sudo apt-get update && sudo apt-get install -y --no-install-recommends ${missing[*]}"
  fi
  if [ "$prefix" = sudo ]; then sudo_words=(sudo -n); fi
  say "Installing for $reason: ${missing[*]}"
  log=$(mktemp)
  run_shown "apt-get update" "$log" "${sudo_words[@]}" apt-get update -qq \
    || say "  (apt-get update failed; going on with the package lists that are there)"
  run_shown "apt-get install" "$log" "${sudo_words[@]}" env DEBIAN_FRONTEND=noninteractive \
    apt-get install -y -qq --no-install-recommends "${missing[@]}" \
    || fail "apt-get could not install: ${missing[*]}" "Its messages: $log" \
      "Type: sudo apt-get update && sudo apt-get install -y --no-install-recommends ${missing[*]}"
  rm -f "$log"
}

# ensure_command COMMAND REASON PACKAGE…: installs the packages only if the command is not there (from wherever it came).
ensure_command() {
  local wanted=$1
  shift
  if command -v "$wanted" >/dev/null 2>&1; then return; fi
  ensure_packages "$@"
  hash -r
  command -v "$wanted" >/dev/null 2>&1 || fail "$1 needs \`$wanted\`, which is not on the PATH." "Install it (Debian packages: ${*:2})."
}

java_major() { java -version 2>&1 | sed -n 's/.*version "\([0-9]*\).*/\1/p' | head -n 1; }

# ensure_java: a Java runtime of version 17 or later.
ensure_java() {
  local package=openjdk-17-jre-headless found
  if command -v java >/dev/null 2>&1; then
    found=$(java_major)
    if [ "${found:-0}" -ge 17 ]; then return; fi
    fail "Kafka needs Java 17 or later; \`java\` here is version ${found:-unknown}." \
      "Type: sudo apt-get install -y $package && sudo update-alternatives --config java"
  fi
  if command -v apt-cache >/dev/null 2>&1 && ! apt-cache show "$package" >/dev/null 2>&1; then
    package=default-jre-headless # Debian 13 and later have no version 17, their default is newer
  fi
  ensure_command java "Apache Kafka" "$package"
}

# ensure_go: Go 1.26, or a Go from 1.21 on that fetches 1.26 by itself.
ensure_go() {
  local version minor machine line
  machine=$(uname -m)
  case $machine in x86_64) machine=amd64 ;; aarch64) machine=arm64 ;; esac
  line="curl -fsSL https://go.dev/dl/go1.26.0.linux-$machine.tar.gz | sudo tar -C /usr/local -xz && export PATH=/usr/local/go/bin:\$PATH"
  if ! command -v go >/dev/null 2>&1 && [ -x /usr/local/go/bin/go ]; then PATH=/usr/local/go/bin:$PATH; fi
  command -v go >/dev/null 2>&1 || fail "MinIO is built once with Go 1.26, and there is no \`go\` on the PATH (Debian's package is too old)." "Type: $line"
  version=$(go env GOVERSION)
  minor=$(printf '%s' "$version" | sed -n 's/^go1\.\([0-9]*\).*/\1/p')
  if [ "${minor:-0}" -ge 26 ]; then return; fi
  if [ "${minor:-0}" -ge 21 ] && [ "$(go env GOTOOLCHAIN)" != local ]; then return; fi
  fail "MinIO is built once with Go 1.26; \`go\` here is $version." "Type: $line"
}

# ensure_rust: cargo, which rust-toolchain.toml then pins.
ensure_rust() {
  if ! command -v cargo >/dev/null 2>&1 && [ -x "$HOME/.cargo/bin/cargo" ]; then PATH=$HOME/.cargo/bin:$PATH; fi
  command -v cargo >/dev/null 2>&1 || fail "There is no Rust toolchain (\`cargo\`) on the PATH." \
    "Type: curl --proto '=https' --tlsv1.2 -sSf https://sh.rustup.rs | sh -s -- -y && . \"\$HOME/.cargo/env\""
}
