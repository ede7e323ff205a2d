# shellcheck shell=bash
# Building the engine: one profile (release) for demo, test and CI, so that RocksDB and DataFusion are built once, and the profile of
# what users get (dist) for bench. One target folder outside the clone. Needs `root`, terminal.sh and packages.sh; gives ENGINE_BIN.
: "${root:?}"

export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-${ENGINE_TARGET_DIR:-${XDG_CACHE_HOME:-$HOME/.cache}/engine-target}}
export CARGO_TERM_COLOR=${CARGO_TERM_COLOR:-auto}
export ENGINE_BIN=$CARGO_TARGET_DIR/release/engine

# CPU minutes of a first build, measured on one 2.5 GHz core, for the estimate.
dependencies_cpu_minutes=60
rocksdb_cpu_minutes=50

# prepare_build: the packages, the Rust toolchain and RocksDB.
prepare_build() {
  ensure_packages "building the engine (RocksDB, librdkafka)" g++ make pkg-config libclang-dev libssl-dev zlib1g-dev
  ensure_rust
  prepare_rocksdb
}

rocksdb_is_set_up() {
  [ -n "${ROCKSDB_LIB_DIR:-}" ] || grep -qs '^ROCKSDB_LIB_DIR' "${CARGO_HOME:-$HOME/.cargo}/config.toml"
}

# prepare_rocksdb: machines of the project have a RocksDB library beside the clone; everywhere else cargo compiles it from source.
prepare_rocksdb() {
  local installer=$root/../shared/prebuilt/install log
  if rocksdb_is_set_up || [ ! -x "$installer" ] || [ -z "$(package_prefix)" ]; then return 0; fi
  grep -qw avx2 /proc/cpuinfo || return 0 # the library was built for x86-64-v3
  log=$(mktemp)
  say "Setting up the prebuilt RocksDB library (saves about $((rocksdb_cpu_minutes / $(nproc))) minutes)"
  run_shown "prebuilt RocksDB" "$log" "$installer" || say "  (not set up; RocksDB is built from source)"
  rm -f "$log"
}

# claim_target: tests carry the path of the clone they were built in, and cargo does not build them anew for another clone that shares the
# target folder. So a folder that was last another clone's gets the sources that ask for the path as new.
claim_target() {
  local owner=$CARGO_TARGET_DIR/clone
  mkdir -p "$CARGO_TARGET_DIR"
  if [ "$(cat "$owner" 2>/dev/null)" = "$root" ]; then return 0; fi
  grep -rlZ --include='*.rs' CARGO_MANIFEST_DIR "$root/engine" | xargs -0 -r touch
  printf '%s\n' "$root" >"$owner"
}

# announce_build [PROFILE]: says before a first build how long it takes.
announce_build() {
  local minutes profile=${1:-release}
  if compgen -G "$CARGO_TARGET_DIR/$profile/deps/libdatafusion-*.rlib" >/dev/null; then return; fi
  minutes=$dependencies_cpu_minutes
  rocksdb_is_set_up || minutes=$((minutes + rocksdb_cpu_minutes))
  say "The first build compiles DataFusion, RocksDB and librdkafka: about $((minutes / $(nproc) + 1)) minutes on $(nproc) cores (only once; into $CARGO_TARGET_DIR)."
}

# run_cargo LABEL ARGUMENT…: cargo with a progress line (its own bar, read from the log).
run_cargo() {
  local label=$1 log
  shift
  claim_target
  log=$CARGO_TARGET_DIR/$(printf '%s' "$label" | tr -c 'a-z0-9' '-').log
  (
    cd "$root"
    export CARGO_TERM_PROGRESS_WHEN=always CARGO_TERM_PROGRESS_WIDTH=88
    run_shown "$label" "$log" cargo "$@"
  ) || fail "$label failed." "The whole log: $log" "Repeat it: cd $root && CARGO_TARGET_DIR=$CARGO_TARGET_DIR cargo $*"
}

# build_engine: the binary and all crates, as they are worked on and tested.
build_engine() {
  prepare_build
  announce_build
  run_cargo "cargo build" build --release --workspace --locked
}

# build_dist: the binary that users get; ENGINE_BIN is it from then on.
build_dist() {
  prepare_build
  announce_build dist
  run_cargo "cargo build of what users get" build --profile dist --locked --package cli
  export ENGINE_BIN=$CARGO_TARGET_DIR/dist/engine
}
