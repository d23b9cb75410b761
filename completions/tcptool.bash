# Completion of tcptool for bash, printed by 'tcptool --generate-completion-script bash'.
# shellcheck shell=bash disable=SC2016  # what looks like an expansion is meant to stay text

# The options of a subcommand, one word a row: '*' if repeated, spellings, '=' if it takes a value,
# '?' if a value may be attached, '+' if it takes all the words that are left.
__tcptool_table() {
  case $1 in
    '') options=('--generate-completion-script=' --version '-h --help') ;;
    listen) options=('-b --backlog=' '-4 --ipv4' '-6 --ipv6' --unbound '--ready-fd=' '--port-file=' '-k --keep-open' '--max-connections=' '--max-concurrent=' '--accept-timeout=' '--allow=' --echo --discard '--source-data=' '--file=' '--exec+' --hold '--accept-delay=' '--accept-rate=' '--relisten=' '--queues?' '--on-stdin-eof=' '--on-peer-eof=' '--linger=' '--idle-timeout=' '--total-timeout=' --send-only --recv-only '-C --crlf' '--hex-dump=' --reuse-port '--defer-accept=' '--fast-open=' --nodelay '--rcvbuf=' '--sndbuf=' '--keepalive=' '--mss=' '--ttl=' '--dscp=' '--congestion=' '--user-timeout=' '--notsent-lowat=' '--mark=' --trace --explain '-q --quiet' '-v --verbose' '-j --json' '--log=' --version '-h --help') ;;
    connect) options=('-t --timeout=' '-c --count=' '-i --interval=' '--svg=' '-4 --ipv4' '-6 --ipv6' '--attempt-delay=' '--source=' '--interface=' '--wait=' '--probe=' --all-addresses '--parallel=' --open-only '--on-stdin-eof=' '--on-peer-eof=' '--linger=' '--idle-timeout=' '--total-timeout=' --send-only --recv-only '-C --crlf' '--hex-dump=' --nodelay '--rcvbuf=' '--sndbuf=' '--keepalive=' '--mss=' '--ttl=' '--dscp=' '--congestion=' '--user-timeout=' '--notsent-lowat=' '--mark=' --trace --explain '-q --quiet' '-v --verbose' '-j --json' '--log=' --version '-h --help') ;;
    send) options=('--listen=' '--size=' '--duration=' '--pattern=' '--streams=' '--digest=' '--expect-size=' '--expect-digest=' '--linger=' '--copy=' '--rate=' '-i --interval=' '--svg=' '--idle-timeout=' '--total-timeout=' '-t --timeout=' '-4 --ipv4' '-6 --ipv6' '--attempt-delay=' '--source=' '--interface=' '--wait=' '-b --backlog=' '--ready-fd=' '--port-file=' --reuse-port '--defer-accept=' '--fast-open=' --nodelay '--rcvbuf=' '--sndbuf=' '--keepalive=' '--mss=' '--ttl=' '--dscp=' '--congestion=' '--user-timeout=' '--notsent-lowat=' '--mark=' --trace --explain '-q --quiet' '-v --verbose' '-j --json' '--log=' --version '-h --help') ;;
    recv) options=('-o --output=' '-f --force' --fsync --discard '--verify=' '--digest=' '--expect-size=' '--expect-digest=' '-k --keep-open' '--max-connections=' '--streams=' '--copy=' '-i --interval=' '--svg=' '--idle-timeout=' '--total-timeout=' --connect '-t --timeout=' '--attempt-delay=' '--source=' '--interface=' '--wait=' '-b --backlog=' '-4 --ipv4' '-6 --ipv6' --unbound '--ready-fd=' '--port-file=' --reuse-port '--defer-accept=' '--fast-open=' --nodelay '--rcvbuf=' '--sndbuf=' '--keepalive=' '--mss=' '--ttl=' '--dscp=' '--congestion=' '--user-timeout=' '--notsent-lowat=' '--mark=' --trace --explain '-q --quiet' '-v --verbose' '-j --json' '--log=' --version '-h --help') ;;
    states) options=('-s --state=' '--source=' '-p --process' '-o --timers' '-u --uid' '-m --memory' '-i --info' --cgroup '-c --columns=' '--sort=' --summary '--by=' --explain --no-header '-w --wide' --csv '-j --json' '--color=' '--from=' '--from-endian=' '--pid=' '--netns=' --all-netns '--save=' '--diff=' '--watch?' --events '-l --listeners' --oldest '--check=' '-f --format=' --version '-h --help') ;;
    backlog-test) options=('-b --backlog=' '-q --queue=' '--isolate=' '*--set=' '--sweep=' '--sweep-set=' '--arrival-rate=' '--accept-rate=' '--duration=' '--relisten=' '--reuse-port=' '--late-acks=' --demo '-c --count=' '-6 --ipv6' --allow-remote --probe-data '--netns=' '*-e --expect=' --explain '--svg=' '--samples=' '-j --json' '--color=' --version '-h --help') ;;
    help) options=(--version '-h --help') ;;
    *) options=() ;;
  esac
}

# What the value of an option may be.
__tcptool_value() {
  case "$1 $2" in
    ' --generate-completion-script') __tcptool_words bash zsh fish ;;
    'listen --port-file') __tcptool_files ;;
    'listen --file') __tcptool_files ;;
    'listen --exec') __tcptool_commands ;;
    'listen --on-stdin-eof') __tcptool_words shutdown wait close ;;
    'listen --on-peer-eof') __tcptool_words finish close ;;
    'listen --hex-dump') __tcptool_files ;;
    'listen --dscp') __tcptool_terms df le va ef cs0 cs1 cs2 cs3 cs4 cs5 cs6 cs7 af11 af12 af13 af21 af22 af23 af31 af32 af33 af41 af42 af43 ;;
    'listen --congestion') __tcptool_listed '/proc/sys/net/ipv4/tcp_available_congestion_control' ;;
    'listen --log') __tcptool_files ;;
    'connect --svg') __tcptool_files ;;
    'connect --interface') __tcptool_listed '/sys/class/net' ;;
    'connect --probe') __tcptool_ports ;;
    'connect --on-stdin-eof') __tcptool_words shutdown wait close ;;
    'connect --on-peer-eof') __tcptool_words finish close ;;
    'connect --hex-dump') __tcptool_files ;;
    'connect --dscp') __tcptool_terms df le va ef cs0 cs1 cs2 cs3 cs4 cs5 cs6 cs7 af11 af12 af13 af21 af22 af23 af31 af32 af33 af41 af42 af43 ;;
    'connect --congestion') __tcptool_listed '/proc/sys/net/ipv4/tcp_available_congestion_control' ;;
    'connect --log') __tcptool_files ;;
    'send --pattern') __tcptool_terms zero counter random 'random:' ;;
    'send --digest') __tcptool_words sha256 crc32c none ;;
    'send --expect-digest') __tcptool_terms 'sha256:' 'crc32c:' ;;
    'send --copy') __tcptool_words auto splice sendfile userspace ;;
    'send --svg') __tcptool_files ;;
    'send --interface') __tcptool_listed '/sys/class/net' ;;
    'send --port-file') __tcptool_files ;;
    'send --dscp') __tcptool_terms df le va ef cs0 cs1 cs2 cs3 cs4 cs5 cs6 cs7 af11 af12 af13 af21 af22 af23 af31 af32 af33 af41 af42 af43 ;;
    'send --congestion') __tcptool_listed '/proc/sys/net/ipv4/tcp_available_congestion_control' ;;
    'send --log') __tcptool_files ;;
    'recv --output') __tcptool_files ;;
    'recv --verify') __tcptool_terms zero counter random 'random:' ;;
    'recv --digest') __tcptool_words sha256 crc32c none ;;
    'recv --expect-digest') __tcptool_terms 'sha256:' 'crc32c:' ;;
    'recv --copy') __tcptool_words auto splice userspace ;;
    'recv --svg') __tcptool_files ;;
    'recv --interface') __tcptool_listed '/sys/class/net' ;;
    'recv --port-file') __tcptool_files ;;
    'recv --dscp') __tcptool_terms df le va ef cs0 cs1 cs2 cs3 cs4 cs5 cs6 cs7 af11 af12 af13 af21 af22 af23 af31 af32 af33 af41 af42 af43 ;;
    'recv --congestion') __tcptool_listed '/proc/sys/net/ipv4/tcp_available_congestion_control' ;;
    'recv --log') __tcptool_files ;;
    'states --state') __tcptool_list ESTABLISHED SYN_SENT SYN_RECV FIN_WAIT1 FIN_WAIT2 TIME_WAIT CLOSE CLOSE_WAIT LAST_ACK LISTEN CLOSING ;;
    'states --source') __tcptool_words auto proc diag ;;
    'states --columns') __tcptool_list family state recvq sendq backlog v6only local peer timer expires retransmits uid inode cookie interface netns netns_name rmem rcvbuf wmem sndbuf fwd wmem_queued optmem sk_backlog drops rtt rttvar min_rtt rto cwnd ssthresh mss pmtu unacked lost retrans bytes_retrans reordering delivery_rate busy rwnd_limited sndbuf_limited last_sent last_received last_ack bytes_sent bytes_acked bytes_received segs_out segs_in notsent cc cgroup role listener process ;;
    'states --sort') __tcptool_terms family state recvq sendq backlog v6only local peer timer expires retransmits uid inode cookie interface netns netns_name rmem rcvbuf wmem sndbuf fwd wmem_queued optmem sk_backlog drops rtt rttvar min_rtt rto cwnd ssthresh mss pmtu unacked lost retrans bytes_retrans reordering delivery_rate busy rwnd_limited sndbuf_limited last_sent last_received last_ack bytes_sent bytes_acked bytes_received segs_out segs_in notsent cc cgroup role listener process full synq -family -state -recvq -sendq -backlog -v6only -local -peer -timer -expires -retransmits -uid -inode -cookie -interface -netns -netns_name -rmem -rcvbuf -wmem -sndbuf -fwd -wmem_queued -optmem -sk_backlog -drops -rtt -rttvar -min_rtt -rto -cwnd -ssthresh -mss -pmtu -unacked -lost -retrans -bytes_retrans -reordering -delivery_rate -busy -rwnd_limited -sndbuf_limited -last_sent -last_received -last_ack -bytes_sent -bytes_acked -bytes_received -segs_out -segs_in -notsent -cc -cgroup -role -listener -process -full -synq ;;
    'states --by') __tcptool_words peer port process uid netns ;;
    'states --color') __tcptool_words auto always never ;;
    'states --from') __tcptool_files ;;
    'states --from-endian') __tcptool_words little big ;;
    'states --netns') __tcptool_listed '/run/netns' ;;
    'states --save') __tcptool_files ;;
    'states --diff') __tcptool_files ;;
    'states --format') __tcptool_words text json csv openmetrics ;;
    'backlog-test --queue') __tcptool_words accept syn both ;;
    'backlog-test --isolate') __tcptool_words auto always never ;;
    'backlog-test --set') __tcptool_terms 'somaxconn=' 'tcp_max_syn_backlog=' 'tcp_syncookies=' 'tcp_abort_on_overflow=' 'ip_local_port_range=' 'tcp_syn_retries=' 'tcp_synack_retries=' 'tcp_syn_linear_timeouts=' 'ip_local_reserved_ports=' 'tcp_timestamps=' 'tcp_migrate_req=' 'tcp_no_metrics_save=' ;;
    'backlog-test --sweep-set') __tcptool_terms 'somaxconn=' 'tcp_max_syn_backlog=' 'tcp_syncookies=' 'tcp_abort_on_overflow=' 'ip_local_port_range=' 'tcp_syn_retries=' 'tcp_synack_retries=' 'tcp_syn_linear_timeouts=' 'ip_local_reserved_ports=' 'tcp_timestamps=' 'tcp_migrate_req=' 'tcp_no_metrics_save=' ;;
    'backlog-test --netns') __tcptool_listed '/run/netns' ;;
    'backlog-test --expect') __tcptool_terms 'accept>=' 'syn>=' 'effective=' 'limit=' 'asked=' 'somaxconn=' 'established=' 'syn_sent=' 'reset=' 'ghosts=' 'drops=' 'first_drop>' 'overflows=' 'cookies=' 'rate>=' match ;;
    'backlog-test --svg') __tcptool_files ;;
    'backlog-test --samples') __tcptool_files ;;
    'backlog-test --color') __tcptool_words auto always never ;;
  esac
}

# What the operand at a position, counted from 0, may be.
__tcptool_operand() {
  case "$1 $2" in
    'help 0') __tcptool_words listen connect send recv states backlog-test help ;;
    'listen 0') __tcptool_hosts; __tcptool_ports ;;
    'listen 1') __tcptool_ports ;;
    'connect 0') __tcptool_hosts ;;
    'connect 1') __tcptool_ports ;;
    'send 0') __tcptool_hosts ;;
    'send 1') __tcptool_ports ;;
    'send '*) __tcptool_files ;;
    'recv 0') __tcptool_hosts; __tcptool_ports ;;
    'recv 1') __tcptool_ports ;;
    'states '*) __tcptool_terms 'port=' 'lport=' 'rport=' 'addr=' 'local=' 'peer=' 'state=ESTABLISHED,SYN_SENT,SYN_RECV,FIN_WAIT1,FIN_WAIT2,TIME_WAIT,CLOSE,CLOSE_WAIT,LAST_ACK,LISTEN,CLOSING,listening,closed,all,connected,synchronized,bucket,big' listening connected 'exclude=ESTABLISHED,SYN_SENT,SYN_RECV,FIN_WAIT1,FIN_WAIT2,TIME_WAIT,CLOSE,CLOSE_WAIT,LAST_ACK,LISTEN,CLOSING,listening,closed,all,connected,synchronized,bucket,big' 'recvq>' 'sendq>' 'rtt>' 'retrans>' pending orphan 'uid=' 'pid=' 'process=' ;;
    'backlog-test 0') __tcptool_hosts; __tcptool_ports ;;
    'backlog-test 1') __tcptool_ports ;;
  esac
}

# Offers the words that continue the current one.
__tcptool_words() {
  local word
  for word; do
    [[ $word == *[!A-Za-z0-9_%+=:,./-]* ]] && printf -v word %q "$word"
    [[ $prefix$word == "$current"* ]] || continue
    word=$prefix$word
    COMPREPLY+=("${word#"$head"}")
  done
}

# Offers one more element of a comma-separated list.
__tcptool_list() {
  local begun=${current#"$prefix"} element
  begun=${begun%"${begun##*,}"}
  local prefix=$prefix$begun
  compopt -o nospace 2>/dev/null
  for element; do
    [[ ,$begun == *",$element,"* ]] || __tcptool_words "$element"
  done
}

# Offers words, each of which may end with '=' and a list of its values; no blank follows where
# there is more to type. What begins with '-' has to be attached to the option.
__tcptool_terms() {
  local term values i
  compopt -o nospace 2>/dev/null
  for term; do
    [[ $term != -* || ($prefix && $current == "$prefix-"*) ]] || continue
    if [[ $term == *=?* && $current == "$prefix${term%%=*}="* ]]; then
      local prefix=$prefix${term%%=*}=
      IFS=, read -ra values <<<"${term#*=}"
      __tcptool_list "${values[@]}"
      return
    fi
    [[ $term == *=* ]] && term=${term%%=*}=
    __tcptool_words "$term"
  done
  for i in "${!COMPREPLY[@]}"; do
    [[ ${COMPREPLY[i]} == *['=<>:'] ]] || COMPREPLY[i]+=' '
  done
}

# Offers the words of a file, or the names in a folder; names of files behind a slash.
__tcptool_listed() {
  local words=()
  if [[ ${current#"$prefix"} == */* ]]; then
    __tcptool_files
  elif [[ -d $1 ]]; then
    mapfile -t words < <(compgen -f -- "$1/")
    __tcptool_words "${words[@]#"$1/"}"
  elif [[ -r $1 ]]; then
    read -rd '' -a words <"$1"
    __tcptool_words "${words[@]}"
  fi
}

# Leaves names of files to readline, which knows how to quote them, unless it would take the
# option for a part of the name.
__tcptool_files() {
  if [[ $head == "$prefix"* ]]; then
    compopt -o default 2>/dev/null
  else
    local files
    mapfile -t files < <(compgen -f -- "${current#"$prefix"}")
    __tcptool_words "${files[@]}"
  fi
}

# Offers the hosts of the hosts file and of known_hosts; patterns and hashed names are none.
__tcptool_hosts() {
  local fields name names
  while read -ra fields || [[ ${fields[0]-} ]]; do
    [[ ${fields[0]-} == '#'* ]] && continue
    for name in "${fields[@]:1}"; do
      [[ $name == '#'* ]] && break
      __tcptool_words "$name"
    done
  done 2>/dev/null <"${HOSTFILE:-/etc/hosts}"
  while read -r names _; do
    [[ $names == ['@#|']* ]] && continue
    while [[ $names ]]; do
      name=${names%%,*}
      names=${names#"$name"}
      names=${names#,}
      name=${name#[}
      name=${name%%]*}
      [[ $name == *[*?!]* ]] || __tcptool_words "$name"
    done
  done 2>/dev/null <~/.ssh/known_hosts
}

# Offers the names of TCP services.
__tcptool_ports() {
  local name number
  while read -r name number _; do
    [[ $name != '#'* && $number == */tcp ]] && __tcptool_words "$name"
  done 2>/dev/null </etc/services
}

# Offers the names of commands.
__tcptool_commands() {
  local names
  mapfile -t names < <(compgen -c -- "${current#"$prefix"}")
  __tcptool_words "${names[@]}"
}

# Finds the row of an option by its spelling.
__tcptool_find() {
  for row in "${options[@]}"; do
    [[ " ${row//[*=?+]/} " == *" $1 "* ]] && return
  done
  row=
  return 1
}

# Takes note of an option that has been given, and of what has to follow unless a value is attached.
__tcptool_note() {
  given+="$row|"
  if [[ ! $1 ]]; then
    [[ $row == *[=+] ]] && option=$row
  elif [[ $row == *+ ]]; then
    remaining=1
  fi
}

_tcptool() {
  local words=() rest=${COMP_LINE:0:COMP_POINT} before word last=-1 i
  for ((i = 0; i <= COMP_CWORD; i++)); do
    before=$rest
    rest=${rest#"${rest%%[![:blank:]]*}"}
    word=${COMP_WORDS[i]}
    ((i == COMP_CWORD)) && word=$rest
    if ((last >= 0)) && [[ $rest == "$before" ]]; then
      words[last]+=$word
    else
      words[++last]=$word
    fi
    rest=${rest#"$word"}
  done
  local current=${words[last]} prefix='' head=''
  [[ $COMP_WORDBREAKS == *:* && $current == *:* ]] && head=${current%"${current##*:}"}
  [[ $COMP_WORDBREAKS == *=* && ${current#"$head"} == *=* ]] && head=${current%"${current##*=}"}

  local options command='' option='' row='' given='|' ended='' remaining='' attached='' position=0 letters
  COMPREPLY=()
  __tcptool_table ''
  for word in "${words[@]:1:last-1}"; do
    attached=
    if [[ $option ]]; then
      [[ $option == *+ ]] && remaining=1
      option=
    elif [[ ! $ended && $word == -- ]]; then
      ended=1
    elif [[ ! $ended && $word == --* ]]; then
      __tcptool_find "${word%%=*}" || continue
      [[ $word == *=* ]] && attached=1
      __tcptool_note "$attached"
    elif [[ ! $ended && $word == -[!0-9]* ]] || { [[ ! $ended ]] && __tcptool_find "${word:0:2}"; }; then
      letters=${word#-}
      while [[ $letters ]] && __tcptool_find "-${letters:0:1}"; do
        letters=${letters:1}
        __tcptool_note "$letters"
        [[ $row == *[=?+] ]] && break
      done
    elif [[ ! $command ]]; then
      command=$word
      __tcptool_table "$command"
    else
      ((position += 1))
    fi
    [[ $remaining ]] && break
  done

  if [[ ! $option && ! $ended && ! $remaining && $current == --*=* ]]; then
    prefix=${current%%=*}=
    __tcptool_find "${prefix%=}" || return
    option=$row
  fi
  if [[ $remaining ]]; then
    __tcptool_files
  elif [[ $option ]]; then
    option=${option##* }
    option=${option#\*}
    __tcptool_value "$command" "${option%[=?+]}"
  elif [[ ! $ended && $current == -* ]]; then
    for row in "${options[@]}"; do
      [[ $row == \** || $given != *"|$row|"* ]] || continue
      for word in ${row//[*=?+]/}; do
        __tcptool_words "$word"
      done
    done
  elif [[ $command ]]; then
    __tcptool_operand "$command" "$position"
  else
    __tcptool_operand help 0
  fi
}

complete -F _tcptool tcptool
