# shellcheck shell=bash
# Ports on loopback: who answers, which are free. Bash alone, so that nothing has to be installed to ask.

# port_answers PORT: something accepts connections there.
port_answers() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

# free_port FIRST: the first port from FIRST on, in steps of ten, where neither it nor the next one is taken.
free_port() {
  local port=$1
  while port_answers "$port" || port_answers "$((port + 1))"; do port=$((port + 10)); done
  echo "$port"
}

# kafka_port_answers PORT: a metadata request (version 1, no topics) is answered and names a broker, so clients can work.
# The request: size 14, key 3, version 1, correlation 1, no client id, an empty list of topics.
# The answer: size, correlation, number of brokers, …
kafka_port_answers() {
  local brokers
  brokers=$(
    {
      exec 3<>"/dev/tcp/127.0.0.1/$1" || exit 1
      printf '\0\0\0\16\0\3\0\1\0\0\0\1\377\377\0\0\0\0' >&3
      timeout 2 head -c 12 <&3 | od -An -v -tu1 | awk 'NF == 12 { print $9 * 16777216 + $10 * 65536 + $11 * 256 + $12 }'
    } 2>/dev/null
  ) || return 1
  [ "${brokers:-0}" -ge 1 ]
}

# http_port_answers PORT PATH: the page says 200.
http_port_answers() {
  local line
  line=$(
    {
      exec 3<>"/dev/tcp/127.0.0.1/$1" || exit 1
      printf 'GET %s HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n' "$2" >&3
      timeout 2 head -n 1 <&3
    } 2>/dev/null
  ) || return 1
  case $line in *" 200 "*) return 0 ;; *) return 1 ;; esac
}
