# Completion of tcptool for fish, printed by 'tcptool --generate-completion-script fish'.

# Whether an option, as it is spelled for a subcommand, takes a value.
function __tcptool_takes_value
    contains -- "$argv" \
        ' --generate-completion-script' 'listen -b' 'listen --backlog' 'listen --ready-fd' 'listen --port-file' 'listen --max-connections' 'listen --max-concurrent' 'listen --accept-timeout' 'listen --allow' 'listen --source-data' 'listen --file' 'listen --exec' 'listen --accept-delay' 'listen --accept-rate' 'listen --relisten' 'listen --on-stdin-eof' 'listen --on-peer-eof' 'listen --linger' 'listen --idle-timeout' 'listen --total-timeout' 'listen --hex-dump' 'listen --defer-accept' 'listen --fast-open' 'listen --rcvbuf' 'listen --sndbuf' 'listen --keepalive' 'listen --mss' 'listen --ttl' 'listen --dscp' 'listen --congestion' 'listen --user-timeout' 'listen --notsent-lowat' 'listen --mark' 'listen --log' 'connect -t' 'connect --timeout' 'connect -c' 'connect --count' 'connect -i' 'connect --interval' 'connect --svg' 'connect --attempt-delay' 'connect --source' 'connect --interface' 'connect --wait' 'connect --probe' 'connect --parallel' 'connect --on-stdin-eof' 'connect --on-peer-eof' 'connect --linger' 'connect --idle-timeout' 'connect --total-timeout' 'connect --hex-dump' 'connect --rcvbuf' 'connect --sndbuf' 'connect --keepalive' 'connect --mss' 'connect --ttl' 'connect --dscp' 'connect --congestion' 'connect --user-timeout' 'connect --notsent-lowat' 'connect --mark' 'connect --log' 'send --listen' 'send --size' 'send --duration' 'send --pattern' 'send --streams' 'send --digest' 'send --expect-size' 'send --expect-digest' 'send --linger' 'send --copy' 'send --rate' 'send -i' 'send --interval' 'send --svg' 'send --idle-timeout' 'send --total-timeout' 'send -t' 'send --timeout' 'send --attempt-delay' 'send --source' 'send --interface' 'send --wait' 'send -b' 'send --backlog' 'send --ready-fd' 'send --port-file' 'send --defer-accept' 'send --fast-open' 'send --rcvbuf' 'send --sndbuf' 'send --keepalive' 'send --mss' 'send --ttl' 'send --dscp' 'send --congestion' 'send --user-timeout' 'send --notsent-lowat' 'send --mark' 'send --log' 'recv -o' 'recv --output' 'recv --verify' 'recv --digest' 'recv --expect-size' 'recv --expect-digest' 'recv --max-connections' 'recv --streams' 'recv --copy' 'recv -i' 'recv --interval' 'recv --svg' 'recv --idle-timeout' 'recv --total-timeout' 'recv -t' 'recv --timeout' 'recv --attempt-delay' 'recv --source' 'recv --interface' 'recv --wait' 'recv -b' 'recv --backlog' 'recv --ready-fd' 'recv --port-file' 'recv --defer-accept' 'recv --fast-open' 'recv --rcvbuf' 'recv --sndbuf' 'recv --keepalive' 'recv --mss' 'recv --ttl' 'recv --dscp' 'recv --congestion' 'recv --user-timeout' 'recv --notsent-lowat' 'recv --mark' 'recv --log' 'states -s' 'states --state' 'states --source' 'states -c' 'states --columns' 'states --sort' 'states --by' 'states --color' 'states --from' 'states --from-endian' 'states --pid' 'states --netns' 'states --save' 'states --diff' 'states --check' 'states -f' 'states --format' 'backlog-test -b' 'backlog-test --backlog' 'backlog-test -q' 'backlog-test --queue' 'backlog-test --isolate' 'backlog-test --set' 'backlog-test --sweep' 'backlog-test --sweep-set' 'backlog-test --arrival-rate' 'backlog-test --accept-rate' 'backlog-test --duration' 'backlog-test --relisten' 'backlog-test --reuse-port' 'backlog-test --late-acks' 'backlog-test -c' 'backlog-test --count' 'backlog-test --netns' 'backlog-test -e' 'backlog-test --expect' 'backlog-test --svg' 'backlog-test --samples' 'backlog-test --color'
end

# Whether a value may be attached to an option.
function __tcptool_may_take_value
    contains -- "$argv" \
        'listen --queues' 'states --watch'
end

# Whether an option takes all the words that are left.
function __tcptool_takes_all
    contains -- "$argv" \
        'listen --exec'
end

# Whether a word that looks like a negative number is an option.
function __tcptool_is_digit
    contains -- "$argv" \
        'listen -4' 'listen -6' 'connect -4' 'connect -6' 'send -4' 'send -6' 'recv -4' 'recv -6' 'backlog-test -6'
end

# Prints the subcommand before the cursor, the number of its operands, and the options that have
# been given, without one whose value is being typed. Where all the words belong to an option, the
# subcommand is followed by ' ...'.
function __tcptool_where
    set -l words (commandline -opc)
    set -l command ''
    set -l count 0
    set -l given
    set -l pending
    set -l ended
    for word in $words[2..-1]
        if set -q pending[1]
            if __tcptool_takes_all "$command" $pending
                set command "$command ..."
                break
            end
            set -a given $pending
            set pending
        else if set -q ended[1]; or not string match -q -- '-?*' $word
            or begin
                string match -qr -- '^-\d' $word
                and not __tcptool_is_digit $command (string sub -l 2 -- $word)
            end
            if test -z "$command"
                set command $word
            else
                set count (math $count + 1)
            end
        else if test "$word" = --
            set ended 1
        else if string match -q -- '--*=*' $word
            set -l option (string replace -r '=.*' '' -- $word)
            if __tcptool_takes_all "$command" $option
                set command "$command ..."
                break
            end
            set -a given $option
        else if string match -q -- '--*' $word
            if __tcptool_takes_value "$command" $word
                set pending $word
            else
                set -a given $word
            end
        else
            set -l letters (string split '' -- (string sub -s 2 -- $word))
            while set -q letters[1]
                set -l option -$letters[1]
                set -e letters[1]
                if not set -q letters[1]; and __tcptool_takes_value "$command" $option
                    set pending $option
                    break
                end
                set -a given $option
                if __tcptool_takes_all "$command" $option
                    set command "$command ..."
                    break
                else if __tcptool_takes_value "$command" $option
                    or __tcptool_may_take_value "$command" $option
                    break
                end
            end
        end
    end
    printf '%s\n' "$command" $count $given
end

# Whether the cursor is at an operand of a subcommand between two positions.
function __tcptool_at -a command first last
    set -l where (__tcptool_where)
    test "$where[1]" = "$command"; and test $where[2] -ge $first; and test $where[2] -le $last
end

# Whether an option of a subcommand, in none of its spellings, has been given.
function __tcptool_may
    set -l where (__tcptool_where)
    test "$where[1]" = "$argv[1]"; or return 1
    for option in $argv[2..-1]
        contains -- $option $where[3..-1]; and return 1
    end
    return 0
end

# Prints words without a description: the empty one keeps fish from giving each that of the option.
function __tcptool_words
    set -q argv[1]; and printf '%s\t\n' $argv
end

# Prints the list that is being typed with one more element.
function __tcptool_list
    set -l word (string replace -r -- '^--[^=]*=' '' (commandline -ct))
    set -l begun (string replace -r -- '[^,]*$' '' $word)
    set -l elements (string split , -- $begun)
    for element in $argv
        contains -- $element $elements; or __tcptool_words $begun$element
    end
end

# Prints words, each of which may end with '=' and a list of its values. What begins with '-' has
# to be attached to the option.
function __tcptool_terms
    set -l word (string replace -r -- '^--[^=]*=' '' (commandline -ct))
    if not string match -q -- '--*=-*' (commandline -ct)
        set argv (string match -v -- '-*' $argv)
    end
    for term in $argv
        set -l parts (string split -m 1 = -- $term)
        if test -n "$parts[2]"; and string match -q -- "$parts[1]=*" $word
            set -l begun (string replace -r -- '[^,=]*$' '' $word)
            set -l elements (string split , -- (string replace -- "$parts[1]=" '' $begun))
            for element in (string split , -- $parts[2])
                contains -- $element $elements; or __tcptool_words $begun$element
            end
            return
        end
    end
    __tcptool_words (string replace -r -- '=.*' = $argv)
end

# Prints the words of a file, or the names in a folder; names of files behind a slash.
function __tcptool_listed -a path
    set -l word (string replace -r -- '^--[^=]*=' '' (commandline -ct))
    if string match -q '*/*' -- $word
        __fish_complete_path $word
    else if test -d $path
        set -l names $path/*
        __tcptool_words (string replace -r '.*/' '' -- $names)
    else if test -r $path
        __tcptool_words (string match -ar '\S+' <$path)
    end
end

# Prints the hosts of the hosts file and of known_hosts; patterns and hashed names are none.
# (fish has a function of its own, which leaves out localhost.)
function __tcptool_hosts
    test -r /etc/hosts
    and string replace -rf '^\s*[^#\s]+\s+([^#]*).*' '$1' </etc/hosts | string match -ar '\S+'
    test -r ~/.ssh/known_hosts
    and string match -r '^[^@#|\s]\S*' <~/.ssh/known_hosts | string split , |
        string replace -r '^\[(.*?)\].*' '$1' | string match -rv '[*?!]'
end

# Prints the commands that continue the word that is being typed.
function __tcptool_commands
    complete -C (string replace -r -- '^--[^=]*=' '' (commandline -ct))
end

# Prints the names of TCP services with their numbers.
function __tcptool_ports
    string replace -rf '^([^#\s]\S*)\s+(\d+)/tcp.*' '$1\t$2' </etc/services
end

complete -c tcptool -f
complete -c tcptool -n '__tcptool_at "" 0 0' -a listen -d 'Wait for connections and relay them to standard input and output, or serve them.'
complete -c tcptool -n '__tcptool_at "" 0 0' -a connect -d 'Connect to a host and relay to standard input and output.'
complete -c tcptool -n '__tcptool_at "" 0 0' -a send -d 'Send files or standard input, and wait until they have arrived.'
complete -c tcptool -n '__tcptool_at "" 0 0' -a recv -d 'Receive what a peer sends, into a file or standard output.'
complete -c tcptool -n '__tcptool_at "" 0 0' -a states -d 'Show the TCP sockets of this host with their states and queues.'
complete -c tcptool -n '__tcptool_at "" 0 0' -a backlog-test -d 'Measure what a listener\'s two queues hold, beside what the kernel\'s rules predict.'
complete -c tcptool -n '__tcptool_at "" 0 0' -a help -d 'Show subcommand help.'
complete -c tcptool -n '__tcptool_at help 0 0' -a listen -d 'Wait for connections and relay them to standard input and output, or serve them.'
complete -c tcptool -n '__tcptool_at help 0 0' -a connect -d 'Connect to a host and relay to standard input and output.'
complete -c tcptool -n '__tcptool_at help 0 0' -a send -d 'Send files or standard input, and wait until they have arrived.'
complete -c tcptool -n '__tcptool_at help 0 0' -a recv -d 'Receive what a peer sends, into a file or standard output.'
complete -c tcptool -n '__tcptool_at help 0 0' -a states -d 'Show the TCP sockets of this host with their states and queues.'
complete -c tcptool -n '__tcptool_at help 0 0' -a backlog-test -d 'Measure what a listener\'s two queues hold, beside what the kernel\'s rules predict.'
complete -c tcptool -n '__tcptool_at help 0 0' -a help -d 'Show subcommand help.'
complete -c tcptool -n '__tcptool_may \'\' --generate-completion-script' -l generate-completion-script -x -a '(__tcptool_words bash zsh fish)' -d 'Print a completion script for a shell; without a value, for the one that $SHELL names.'
complete -c tcptool -n '__tcptool_may \'\' --version' -l version -d 'Show the version.'
complete -c tcptool -n '__tcptool_may \'\' -h --help' -s h -l help -d 'Show help information.'
complete -c tcptool -n '__tcptool_may listen -b --backlog' -s b -l backlog -x -d 'Backlog for listen(2), passed on unchanged: any 32-bit number, signed or not. Default: the largest, net.core.somaxconn.'
complete -c tcptool -n '__tcptool_may listen -4 --ipv4' -s 4 -l ipv4 -d 'Only IPv4.'
complete -c tcptool -n '__tcptool_may listen -6 --ipv6' -s 6 -l ipv6 -d 'Only IPv6.'
complete -c tcptool -n '__tcptool_may listen --unbound' -l unbound -d 'Do not call bind(2): listen(2) itself takes a free port on every local address.'
complete -c tcptool -n '__tcptool_may listen --ready-fd' -l ready-fd -x -d 'Once it listens, write the port and a newline to this descriptor, 3 or more, and close it.'
complete -c tcptool -n '__tcptool_may listen --port-file' -l port-file -r -F -d 'Once it listens, write the port and a newline to this file, whole or not at all.'
complete -c tcptool -n '__tcptool_may listen -k --keep-open' -s k -l keep-open -d 'Serve every client, many at once, until a signal.'
complete -c tcptool -n '__tcptool_may listen --max-connections' -l max-connections -x -d 'Accept this many connections in all, then close the listener and end with the last one.'
complete -c tcptool -n '__tcptool_may listen --max-concurrent' -l max-concurrent -x -d 'Serve at most this many at once; others wait in the accept queue. With 1, standard input and output are relayed unchanged.'
complete -c tcptool -n '__tcptool_may listen --accept-timeout' -l accept-timeout -x -d 'Stop listening when no connection has come for this long and none is open.'
complete -c tcptool -n '__tcptool_may listen --allow' -l allow -x -d 'Reset every peer whose address is in none of these ranges: 10.0.0.0/8,::1.'
complete -c tcptool -n '__tcptool_may listen --echo' -l echo -d 'Send back what the client sends.'
complete -c tcptool -n '__tcptool_may listen --discard' -l discard -d 'Discard what the client sends, and send nothing.'
complete -c tcptool -n '__tcptool_may listen --source-data' -l source-data -x -d 'Send this many printable characters, or \'unbounded\' (RFC 864).'
complete -c tcptool -n '__tcptool_may listen --file' -l file -r -F -d 'Send this file to each client.'
complete -c tcptool -n '__tcptool_may listen --exec' -l exec -x -a '(__tcptool_commands)' -d 'Start a program for each client, with the connection as its standard input and output. Has to come last. Listens on loopback unless an address is given. SOCAT_PEERADDR, NCAT_REMOTE_ADDR and the like tell the program who the client is.'
complete -c tcptool -n '__tcptool_may listen --hold' -l hold -d 'Never accept: connections stay in the accept queue until it is full.'
complete -c tcptool -n '__tcptool_may listen --accept-delay' -l accept-delay -x -d 'Leave each connection in the accept queue for this long first.'
complete -c tcptool -n '__tcptool_may listen --accept-rate' -l accept-rate -x -d 'Accept no faster than this: 20 (a second), 0.5/s, 30/m.'
complete -c tcptool -n '__tcptool_may listen --relisten' -l relisten -x -d 'Call listen(2) again with this backlog, this long after the first time, or on SIGHUP (which nohup blocks); only that applies a changed net.core.somaxconn.'
complete -c tcptool -n '__tcptool_may listen --queues' -l queues -d 'Watch the queues of the listener at this interval: on a terminal in a line that is redrawn, elsewhere with a line for each change.'
complete -c tcptool -n '__tcptool_may listen --on-stdin-eof' -l on-stdin-eof -x -a '(__tcptool_words shutdown wait close)' -d 'At the end of standard input: shutdown (half-close, the peer may go on), wait (tell the peer nothing until it has ended), or close (end once everything is acknowledged). Default: shutdown.'
complete -c tcptool -n '__tcptool_may listen --on-peer-eof' -l on-peer-eof -x -a '(__tcptool_words finish close)' -d 'At the end of what the peer sends: finish (send standard input to its end) or close (send what has been read, and end). Default: finish; with listen --keep-open: close.'
complete -c tcptool -n '__tcptool_may listen --linger' -l linger -x -d 'How long the peer may keep its side open once it has acknowledged everything and our side has ended. Default: for ever; 5s for a service of listen that has an end.'
complete -c tcptool -n '__tcptool_may listen --idle-timeout' -l idle-timeout -x -d 'End the connection when nothing has moved for this long, unless it waits for the reader of standard output. Default: never.'
complete -c tcptool -n '__tcptool_may listen --total-timeout' -l total-timeout -x -d 'End the connection this long after it was made, even if data moves. Default: never.'
complete -c tcptool -n '__tcptool_may listen --send-only' -l send-only -d 'Discard what the peer sends, and succeed only if it has acknowledged all of standard input.'
complete -c tcptool -n '__tcptool_may listen --recv-only' -l recv-only -d 'Never read standard input; our side ends when the peer\'s does.'
complete -c tcptool -n '__tcptool_may listen -C --crlf' -s C -l crlf -d 'Send CR LF for each LF of standard input that does not follow a CR.'
complete -c tcptool -n '__tcptool_may listen --hex-dump' -l hex-dump -r -F -d 'Write all bytes to a file in hexadecimal and as text, with time and direction; \'-\' shows them on standard output in place of the data, safe for a terminal.'
complete -c tcptool -n '__tcptool_may listen --reuse-port' -l reuse-port -d 'Share the port with other listeners that also ask for it (SO_REUSEPORT).'
complete -c tcptool -n '__tcptool_may listen --defer-accept' -l defer-accept -x -d 'Accept a connection when data has arrived, or after this long (TCP_DEFER_ACCEPT).'
complete -c tcptool -n '__tcptool_may listen --fast-open' -l fast-open -x -d 'Accept data in the SYN; this many such handshakes may be pending (TCP_FASTOPEN).'
complete -c tcptool -n '__tcptool_may listen --nodelay' -l nodelay -d 'Send small segments at once (TCP_NODELAY).'
complete -c tcptool -n '__tcptool_may listen --rcvbuf' -l rcvbuf -x -d 'Receive buffer (SO_RCVBUF), instead of one that grows; the kernel doubles it.'
complete -c tcptool -n '__tcptool_may listen --sndbuf' -l sndbuf -x -d 'Send buffer (SO_SNDBUF), instead of one that grows; the kernel doubles it.'
complete -c tcptool -n '__tcptool_may listen --keepalive' -l keepalive -x -d 'Probe the peer after this much silence, at this interval, and give up after this many unanswered probes: 60s,10s,5 (SO_KEEPALIVE).'
complete -c tcptool -n '__tcptool_may listen --mss' -l mss -x -d 'Largest segment in bytes, announced to the peer as well (TCP_MAXSEG).'
complete -c tcptool -n '__tcptool_may listen --ttl' -l ttl -x -d 'Hops that packets may take, 1 to 255 (IP_TTL, IPV6_UNICAST_HOPS).'
complete -c tcptool -n '__tcptool_may listen --dscp' -l dscp -x -a '(__tcptool_terms df le va ef cs0 cs1 cs2 cs3 cs4 cs5 cs6 cs7 af11 af12 af13 af21 af22 af23 af31 af32 af33 af41 af42 af43)' -d 'Code point of packets, 0 to 63, or ef, cs1, af41 ... (IP_TOS, IPV6_TCLASS).'
complete -c tcptool -n '__tcptool_may listen --congestion' -l congestion -x -a '(__tcptool_listed \'/proc/sys/net/ipv4/tcp_available_congestion_control\')' -d 'Congestion control algorithm: cubic, reno, bbr ... (TCP_CONGESTION).'
complete -c tcptool -n '__tcptool_may listen --user-timeout' -l user-timeout -x -d 'Give up the connection if data stays unacknowledged for this long (TCP_USER_TIMEOUT).'
complete -c tcptool -n '__tcptool_may listen --notsent-lowat' -l notsent-lowat -x -d 'How much may wait unsent in the send buffer (TCP_NOTSENT_LOWAT).'
complete -c tcptool -n '__tcptool_may listen --mark' -l mark -x -d 'Mark of packets for routing and firewalls (SO_MARK); needs CAP_NET_ADMIN.'
complete -c tcptool -n '__tcptool_may listen --trace' -l trace -d 'Show each system call on the sockets as it happens: its result, its time, the TCP state, and what the kernel keeps of a closed connection.'
complete -c tcptool -n '__tcptool_may listen --explain' -l explain -d 'As --trace, with a sentence under the first call of each kind.'
complete -c tcptool -n '__tcptool_may listen -q --quiet' -s q -l quiet -d 'Report nothing but errors.'
complete -c tcptool -n '__tcptool_may listen -v --verbose' -s v -l verbose -d 'Also report how it ended, with bytes, times and what the kernel measured; the default on a terminal.'
complete -c tcptool -n '__tcptool_may listen -j --json' -s j -l json -d 'Report events as JSON lines on standard error, instead of text.'
complete -c tcptool -n '__tcptool_may listen --log' -l log -r -F -d 'Also write events to a file as JSON lines.'
complete -c tcptool -n '__tcptool_may listen --version' -l version -d 'Show the version.'
complete -c tcptool -n '__tcptool_may listen -h --help' -s h -l help -d 'Show help information.'
complete -c tcptool -n '__tcptool_may connect -t --timeout' -s t -l timeout -x -d 'Longest time for connecting, all addresses together: 500ms, 2s, 1m. Default: the kernel\'s own limit, about 130 s an address. With --probe or --all-addresses it is that of each attempt, by default 2s; with --count or --interval that of each handshake, by default 3s.'
complete -c tcptool -n '__tcptool_may connect -c --count' -s c -l count -x -d 'Make this many handshakes, one after another, and show statistics; no data is sent.'
complete -c tcptool -n '__tcptool_may connect -i --interval' -s i -l interval -x -d 'Time from one handshake to the next, at least 1ms; without --count it goes on until Ctrl-C. Default with --count: 1s.'
complete -c tcptool -n '__tcptool_may connect --svg' -l svg -r -F -d 'Plot the handshakes\' times to a file.'
complete -c tcptool -n '__tcptool_may connect -4 --ipv4' -s 4 -l ipv4 -d 'Only IPv4.'
complete -c tcptool -n '__tcptool_may connect -6 --ipv6' -s 6 -l ipv6 -d 'Only IPv6.'
complete -c tcptool -n '__tcptool_may connect --attempt-delay' -l attempt-delay -x -d 'Head start of each address before the next is tried too; at least 10ms.'
complete -c tcptool -n '__tcptool_may connect --source' -l source -x -d 'Local ADDRESS or ADDRESS:PORT to connect from; only peers of its family are tried. Default: the kernel\'s choice.'
complete -c tcptool -n '__tcptool_may connect --interface' -l interface -x -a '(__tcptool_listed \'/sys/class/net\')' -d 'Network interface that packets leave and arrive through.'
complete -c tcptool -n '__tcptool_may connect --wait' -l wait -x -d 'Try again until the port accepts, for this long at most; --timeout then applies to each try.'
complete -c tcptool -n '__tcptool_may connect --probe' -l probe -x -a '(__tcptool_ports)' -d 'Find out which of these ports are open, and print a table: 22,80,8000-8100,https. No data is sent.'
complete -c tcptool -n '__tcptool_may connect --all-addresses' -l all-addresses -d 'Connect to every address of the host at once, and print a table; with --probe, try each port on each address.'
complete -c tcptool -n '__tcptool_may connect --parallel' -l parallel -x -d 'How many handshakes may be under way at once; fewer if descriptors run out.'
complete -c tcptool -n '__tcptool_may connect --open-only' -l open-only -d 'Show open ports only; the totals count all.'
complete -c tcptool -n '__tcptool_may connect --on-stdin-eof' -l on-stdin-eof -x -a '(__tcptool_words shutdown wait close)' -d 'At the end of standard input: shutdown (half-close, the peer may go on), wait (tell the peer nothing until it has ended), or close (end once everything is acknowledged). Default: shutdown.'
complete -c tcptool -n '__tcptool_may connect --on-peer-eof' -l on-peer-eof -x -a '(__tcptool_words finish close)' -d 'At the end of what the peer sends: finish (send standard input to its end) or close (send what has been read, and end). Default: finish; with listen --keep-open: close.'
complete -c tcptool -n '__tcptool_may connect --linger' -l linger -x -d 'How long the peer may keep its side open once it has acknowledged everything and our side has ended. Default: for ever; 5s for a service of listen that has an end.'
complete -c tcptool -n '__tcptool_may connect --idle-timeout' -l idle-timeout -x -d 'End the connection when nothing has moved for this long, unless it waits for the reader of standard output. Default: never.'
complete -c tcptool -n '__tcptool_may connect --total-timeout' -l total-timeout -x -d 'End the connection this long after it was made, even if data moves. Default: never.'
complete -c tcptool -n '__tcptool_may connect --send-only' -l send-only -d 'Discard what the peer sends, and succeed only if it has acknowledged all of standard input.'
complete -c tcptool -n '__tcptool_may connect --recv-only' -l recv-only -d 'Never read standard input; our side ends when the peer\'s does.'
complete -c tcptool -n '__tcptool_may connect -C --crlf' -s C -l crlf -d 'Send CR LF for each LF of standard input that does not follow a CR.'
complete -c tcptool -n '__tcptool_may connect --hex-dump' -l hex-dump -r -F -d 'Write all bytes to a file in hexadecimal and as text, with time and direction; \'-\' shows them on standard output in place of the data, safe for a terminal.'
complete -c tcptool -n '__tcptool_may connect --nodelay' -l nodelay -d 'Send small segments at once (TCP_NODELAY).'
complete -c tcptool -n '__tcptool_may connect --rcvbuf' -l rcvbuf -x -d 'Receive buffer (SO_RCVBUF), instead of one that grows; the kernel doubles it.'
complete -c tcptool -n '__tcptool_may connect --sndbuf' -l sndbuf -x -d 'Send buffer (SO_SNDBUF), instead of one that grows; the kernel doubles it.'
complete -c tcptool -n '__tcptool_may connect --keepalive' -l keepalive -x -d 'Probe the peer after this much silence, at this interval, and give up after this many unanswered probes: 60s,10s,5 (SO_KEEPALIVE).'
complete -c tcptool -n '__tcptool_may connect --mss' -l mss -x -d 'Largest segment in bytes, announced to the peer as well (TCP_MAXSEG).'
complete -c tcptool -n '__tcptool_may connect --ttl' -l ttl -x -d 'Hops that packets may take, 1 to 255 (IP_TTL, IPV6_UNICAST_HOPS).'
complete -c tcptool -n '__tcptool_may connect --dscp' -l dscp -x -a '(__tcptool_terms df le va ef cs0 cs1 cs2 cs3 cs4 cs5 cs6 cs7 af11 af12 af13 af21 af22 af23 af31 af32 af33 af41 af42 af43)' -d 'Code point of packets, 0 to 63, or ef, cs1, af41 ... (IP_TOS, IPV6_TCLASS).'
complete -c tcptool -n '__tcptool_may connect --congestion' -l congestion -x -a '(__tcptool_listed \'/proc/sys/net/ipv4/tcp_available_congestion_control\')' -d 'Congestion control algorithm: cubic, reno, bbr ... (TCP_CONGESTION).'
complete -c tcptool -n '__tcptool_may connect --user-timeout' -l user-timeout -x -d 'Give up the connection if data stays unacknowledged for this long (TCP_USER_TIMEOUT).'
complete -c tcptool -n '__tcptool_may connect --notsent-lowat' -l notsent-lowat -x -d 'How much may wait unsent in the send buffer (TCP_NOTSENT_LOWAT).'
complete -c tcptool -n '__tcptool_may connect --mark' -l mark -x -d 'Mark of packets for routing and firewalls (SO_MARK); needs CAP_NET_ADMIN.'
complete -c tcptool -n '__tcptool_may connect --trace' -l trace -d 'Show each system call on the sockets as it happens: its result, its time, the TCP state, and what the kernel keeps of a closed connection.'
complete -c tcptool -n '__tcptool_may connect --explain' -l explain -d 'As --trace, with a sentence under the first call of each kind.'
complete -c tcptool -n '__tcptool_may connect -q --quiet' -s q -l quiet -d 'Report nothing but errors.'
complete -c tcptool -n '__tcptool_may connect -v --verbose' -s v -l verbose -d 'Also report how it ended, with bytes, times and what the kernel measured; the default on a terminal.'
complete -c tcptool -n '__tcptool_may connect -j --json' -s j -l json -d 'Report events as JSON lines on standard error, instead of text.'
complete -c tcptool -n '__tcptool_may connect --log' -l log -r -F -d 'Also write events to a file as JSON lines.'
complete -c tcptool -n '__tcptool_may connect --version' -l version -d 'Show the version.'
complete -c tcptool -n '__tcptool_may connect -h --help' -s h -l help -d 'Show help information.'
complete -c tcptool -n '__tcptool_may send --listen' -l listen -x -d 'Wait for one receiver on this port, instead of connecting to it.'
complete -c tcptool -n '__tcptool_may send --size' -l size -x -d 'Generate and send this many bytes: 4G, 1000.'
complete -c tcptool -n '__tcptool_may send --duration' -l duration -x -d 'Generate and send data for this long or, with --size, until that much is sent.'
complete -c tcptool -n '__tcptool_may send --pattern' -l pattern -x -a '(__tcptool_terms zero counter random \'random:\')' -d 'Which data to generate: zero, counter, random or random:SEED. Default: zero.'
complete -c tcptool -n '__tcptool_may send --streams' -l streams -x -d 'Send over this many connections at once, 1 to 1024; --size and --rate apply to all of them together. A file is not divided among streams.'
complete -c tcptool -n '__tcptool_may send --digest' -l digest -x -a '(__tcptool_words sha256 crc32c none)' -d 'Compute a digest on the way, and print it at the end on standard error as sha256sum does: digits, two spaces, name. It is printed with --quiet too.'
complete -c tcptool -n '__tcptool_may send --expect-size' -l expect-size -x -d 'Size that the data must have: 1000, 64K, 1GB. If not, the receiver gets a RST, and the status is 23.'
complete -c tcptool -n '__tcptool_may send --expect-digest' -l expect-digest -x -a '(__tcptool_terms \'sha256:\' \'crc32c:\')' -d 'Digest that the data must have: the digits, alone or after sha256: or crc32c:. If not, the receiver gets a RST, and the status is 23.'
complete -c tcptool -n '__tcptool_may send --linger' -l linger -x -d 'How long the peer may keep its side open once it has acknowledged everything.'
complete -c tcptool -n '__tcptool_may send --copy' -l copy -x -a '(__tcptool_words auto splice sendfile userspace)' -d 'How bytes are moved: auto (the fastest way that fits), sendfile, splice, or userspace (through a buffer). All but auto fail where the kernel refuses.'
complete -c tcptool -n '__tcptool_may send --rate' -l rate -x -d 'Send no faster than this: 100Mbit, 12MB (SO_MAX_PACING_RATE).'
complete -c tcptool -n '__tcptool_may send -i --interval' -s i -l interval -x -d 'Report at this interval how fast it is: a line with the rate, what was sent again, window, round trip and what waits.'
complete -c tcptool -n '__tcptool_may send --svg' -l svg -r -F -d 'Plot the rate and what explains it over time to a file.'
complete -c tcptool -n '__tcptool_may send --idle-timeout' -l idle-timeout -x -d 'End the connection when nothing has moved for this long, unless it waits for the reader of standard output. Default: never.'
complete -c tcptool -n '__tcptool_may send --total-timeout' -l total-timeout -x -d 'End the connection this long after it was made, even if data moves. Default: never.'
complete -c tcptool -n '__tcptool_may send -t --timeout' -s t -l timeout -x -d 'Longest time for connecting: 500ms, 2s, 1m.'
complete -c tcptool -n '__tcptool_may send -4 --ipv4' -s 4 -l ipv4 -d 'Only IPv4.'
complete -c tcptool -n '__tcptool_may send -6 --ipv6' -s 6 -l ipv6 -d 'Only IPv6.'
complete -c tcptool -n '__tcptool_may send --attempt-delay' -l attempt-delay -x -d 'Head start of each address before the next is tried too; at least 10ms.'
complete -c tcptool -n '__tcptool_may send --source' -l source -x -d 'Local ADDRESS or ADDRESS:PORT to connect from; only peers of its family are tried. Default: the kernel\'s choice.'
complete -c tcptool -n '__tcptool_may send --interface' -l interface -x -a '(__tcptool_listed \'/sys/class/net\')' -d 'Network interface that packets leave and arrive through.'
complete -c tcptool -n '__tcptool_may send --wait' -l wait -x -d 'Try again until the port accepts, for this long at most; --timeout then applies to each try.'
complete -c tcptool -n '__tcptool_may send -b --backlog' -s b -l backlog -x -d 'Backlog for listen(2), passed on unchanged: any 32-bit number, signed or not. Default: the largest, net.core.somaxconn.'
complete -c tcptool -n '__tcptool_may send --ready-fd' -l ready-fd -x -d 'Once it listens, write the port and a newline to this descriptor, 3 or more, and close it.'
complete -c tcptool -n '__tcptool_may send --port-file' -l port-file -r -F -d 'Once it listens, write the port and a newline to this file, whole or not at all.'
complete -c tcptool -n '__tcptool_may send --reuse-port' -l reuse-port -d 'Share the port with other listeners that also ask for it (SO_REUSEPORT).'
complete -c tcptool -n '__tcptool_may send --defer-accept' -l defer-accept -x -d 'Accept a connection when data has arrived, or after this long (TCP_DEFER_ACCEPT).'
complete -c tcptool -n '__tcptool_may send --fast-open' -l fast-open -x -d 'Accept data in the SYN; this many such handshakes may be pending (TCP_FASTOPEN).'
complete -c tcptool -n '__tcptool_may send --nodelay' -l nodelay -d 'Send small segments at once (TCP_NODELAY).'
complete -c tcptool -n '__tcptool_may send --rcvbuf' -l rcvbuf -x -d 'Receive buffer (SO_RCVBUF), instead of one that grows; the kernel doubles it.'
complete -c tcptool -n '__tcptool_may send --sndbuf' -l sndbuf -x -d 'Send buffer (SO_SNDBUF), instead of one that grows; the kernel doubles it.'
complete -c tcptool -n '__tcptool_may send --keepalive' -l keepalive -x -d 'Probe the peer after this much silence, at this interval, and give up after this many unanswered probes: 60s,10s,5 (SO_KEEPALIVE).'
complete -c tcptool -n '__tcptool_may send --mss' -l mss -x -d 'Largest segment in bytes, announced to the peer as well (TCP_MAXSEG).'
complete -c tcptool -n '__tcptool_may send --ttl' -l ttl -x -d 'Hops that packets may take, 1 to 255 (IP_TTL, IPV6_UNICAST_HOPS).'
complete -c tcptool -n '__tcptool_may send --dscp' -l dscp -x -a '(__tcptool_terms df le va ef cs0 cs1 cs2 cs3 cs4 cs5 cs6 cs7 af11 af12 af13 af21 af22 af23 af31 af32 af33 af41 af42 af43)' -d 'Code point of packets, 0 to 63, or ef, cs1, af41 ... (IP_TOS, IPV6_TCLASS).'
complete -c tcptool -n '__tcptool_may send --congestion' -l congestion -x -a '(__tcptool_listed \'/proc/sys/net/ipv4/tcp_available_congestion_control\')' -d 'Congestion control algorithm: cubic, reno, bbr ... (TCP_CONGESTION).'
complete -c tcptool -n '__tcptool_may send --user-timeout' -l user-timeout -x -d 'Give up the connection if data stays unacknowledged for this long (TCP_USER_TIMEOUT).'
complete -c tcptool -n '__tcptool_may send --notsent-lowat' -l notsent-lowat -x -d 'How much may wait unsent in the send buffer (TCP_NOTSENT_LOWAT).'
complete -c tcptool -n '__tcptool_may send --mark' -l mark -x -d 'Mark of packets for routing and firewalls (SO_MARK); needs CAP_NET_ADMIN.'
complete -c tcptool -n '__tcptool_may send --trace' -l trace -d 'Show each system call on the sockets as it happens: its result, its time, the TCP state, and what the kernel keeps of a closed connection.'
complete -c tcptool -n '__tcptool_may send --explain' -l explain -d 'As --trace, with a sentence under the first call of each kind.'
complete -c tcptool -n '__tcptool_may send -q --quiet' -s q -l quiet -d 'Report nothing but errors.'
complete -c tcptool -n '__tcptool_may send -v --verbose' -s v -l verbose -d 'Also report how it ended, with bytes, times and what the kernel measured; the default on a terminal.'
complete -c tcptool -n '__tcptool_may send -j --json' -s j -l json -d 'Report events as JSON lines on standard error, instead of text.'
complete -c tcptool -n '__tcptool_may send --log' -l log -r -F -d 'Also write events to a file as JSON lines.'
complete -c tcptool -n '__tcptool_may send --version' -l version -d 'Show the version.'
complete -c tcptool -n '__tcptool_may send -h --help' -s h -l help -d 'Show help information.'
complete -c tcptool -n '__tcptool_may recv -o --output' -s o -l output -r -F -d 'Where to write; \'-\' is standard output, the default. With --keep-open \'%n\' in it is the connection\'s number, \'%a\' the peer\'s address, \'%p\' its port, \'%%\' a percent sign.'
complete -c tcptool -n '__tcptool_may recv -f --force' -s f -l force -d 'Replace a file that exists, once the new one is whole.'
complete -c tcptool -n '__tcptool_may recv --fsync' -l fsync -d 'Flush the file to disk before it gets its name, so that it survives a power cut.'
complete -c tcptool -n '__tcptool_may recv --discard' -l discard -d 'Discard everything, and report how much it was.'
complete -c tcptool -n '__tcptool_may recv --verify' -l verify -x -a '(__tcptool_terms zero counter random \'random:\')' -d 'Compare everything with a pattern that send generates: zero, counter, random or random:SEED. The first wrong byte is reported, and the status is 23. Writes nothing without --output.'
complete -c tcptool -n '__tcptool_may recv --digest' -l digest -x -a '(__tcptool_words sha256 crc32c none)' -d 'Compute a digest on the way, and print it at the end on standard error as sha256sum does: digits, two spaces, name. It is printed with --quiet too.'
complete -c tcptool -n '__tcptool_may recv --expect-size' -l expect-size -x -d 'Size that the data must have: 1000, 64K, 1GB. If not, no file gets its name, the sender gets a RST, and the status is 23.'
complete -c tcptool -n '__tcptool_may recv --expect-digest' -l expect-digest -x -a '(__tcptool_terms \'sha256:\' \'crc32c:\')' -d 'Digest that the data must have: the digits, alone or after sha256: or crc32c:. If not, no file gets its name, the sender gets a RST, and the status is 23.'
complete -c tcptool -n '__tcptool_may recv -k --keep-open' -s k -l keep-open -d 'Receive from every client, until a signal.'
complete -c tcptool -n '__tcptool_may recv --max-connections' -l max-connections -x -d 'Accept this many connections in all, then close the listener and end with the last one.'
complete -c tcptool -n '__tcptool_may recv --streams' -l streams -x -d 'Receive one transfer over this many connections at once, 1 to 1024, and end with the last one. With --output each has a file of its own, named by \'%n\'.'
complete -c tcptool -n '__tcptool_may recv --copy' -l copy -x -a '(__tcptool_words auto splice userspace)' -d 'How bytes are moved: auto (the fastest way that fits), splice, or userspace (through a buffer). All but auto fail where the kernel refuses.'
complete -c tcptool -n '__tcptool_may recv -i --interval' -s i -l interval -x -d 'Report at this interval how fast it is: a line with the rate, what waits unread and the receive window.'
complete -c tcptool -n '__tcptool_may recv --svg' -l svg -r -F -d 'Plot the rate and what explains it over time to a file.'
complete -c tcptool -n '__tcptool_may recv --idle-timeout' -l idle-timeout -x -d 'End the connection when nothing has moved for this long, unless it waits for the reader of standard output. Default: never.'
complete -c tcptool -n '__tcptool_may recv --total-timeout' -l total-timeout -x -d 'End the connection this long after it was made, even if data moves. Default: never.'
complete -c tcptool -n '__tcptool_may recv --connect' -l connect -d 'Connect to a sender that listens, instead of waiting for one.'
complete -c tcptool -n '__tcptool_may recv -t --timeout' -s t -l timeout -x -d 'Longest time for connecting: 500ms, 2s, 1m.'
complete -c tcptool -n '__tcptool_may recv --attempt-delay' -l attempt-delay -x -d 'Head start of each address before the next is tried too; at least 10ms.'
complete -c tcptool -n '__tcptool_may recv --source' -l source -x -d 'Local ADDRESS or ADDRESS:PORT to connect from; only peers of its family are tried. Default: the kernel\'s choice.'
complete -c tcptool -n '__tcptool_may recv --interface' -l interface -x -a '(__tcptool_listed \'/sys/class/net\')' -d 'Network interface that packets leave and arrive through.'
complete -c tcptool -n '__tcptool_may recv --wait' -l wait -x -d 'Try again until the port accepts, for this long at most; --timeout then applies to each try.'
complete -c tcptool -n '__tcptool_may recv -b --backlog' -s b -l backlog -x -d 'Backlog for listen(2), passed on unchanged: any 32-bit number, signed or not. Default: the largest, net.core.somaxconn.'
complete -c tcptool -n '__tcptool_may recv -4 --ipv4' -s 4 -l ipv4 -d 'Only IPv4.'
complete -c tcptool -n '__tcptool_may recv -6 --ipv6' -s 6 -l ipv6 -d 'Only IPv6.'
complete -c tcptool -n '__tcptool_may recv --unbound' -l unbound -d 'Do not call bind(2): listen(2) itself takes a free port on every local address.'
complete -c tcptool -n '__tcptool_may recv --ready-fd' -l ready-fd -x -d 'Once it listens, write the port and a newline to this descriptor, 3 or more, and close it.'
complete -c tcptool -n '__tcptool_may recv --port-file' -l port-file -r -F -d 'Once it listens, write the port and a newline to this file, whole or not at all.'
complete -c tcptool -n '__tcptool_may recv --reuse-port' -l reuse-port -d 'Share the port with other listeners that also ask for it (SO_REUSEPORT).'
complete -c tcptool -n '__tcptool_may recv --defer-accept' -l defer-accept -x -d 'Accept a connection when data has arrived, or after this long (TCP_DEFER_ACCEPT).'
complete -c tcptool -n '__tcptool_may recv --fast-open' -l fast-open -x -d 'Accept data in the SYN; this many such handshakes may be pending (TCP_FASTOPEN).'
complete -c tcptool -n '__tcptool_may recv --nodelay' -l nodelay -d 'Send small segments at once (TCP_NODELAY).'
complete -c tcptool -n '__tcptool_may recv --rcvbuf' -l rcvbuf -x -d 'Receive buffer (SO_RCVBUF), instead of one that grows; the kernel doubles it.'
complete -c tcptool -n '__tcptool_may recv --sndbuf' -l sndbuf -x -d 'Send buffer (SO_SNDBUF), instead of one that grows; the kernel doubles it.'
complete -c tcptool -n '__tcptool_may recv --keepalive' -l keepalive -x -d 'Probe the peer after this much silence, at this interval, and give up after this many unanswered probes: 60s,10s,5 (SO_KEEPALIVE).'
complete -c tcptool -n '__tcptool_may recv --mss' -l mss -x -d 'Largest segment in bytes, announced to the peer as well (TCP_MAXSEG).'
complete -c tcptool -n '__tcptool_may recv --ttl' -l ttl -x -d 'Hops that packets may take, 1 to 255 (IP_TTL, IPV6_UNICAST_HOPS).'
complete -c tcptool -n '__tcptool_may recv --dscp' -l dscp -x -a '(__tcptool_terms df le va ef cs0 cs1 cs2 cs3 cs4 cs5 cs6 cs7 af11 af12 af13 af21 af22 af23 af31 af32 af33 af41 af42 af43)' -d 'Code point of packets, 0 to 63, or ef, cs1, af41 ... (IP_TOS, IPV6_TCLASS).'
complete -c tcptool -n '__tcptool_may recv --congestion' -l congestion -x -a '(__tcptool_listed \'/proc/sys/net/ipv4/tcp_available_congestion_control\')' -d 'Congestion control algorithm: cubic, reno, bbr ... (TCP_CONGESTION).'
complete -c tcptool -n '__tcptool_may recv --user-timeout' -l user-timeout -x -d 'Give up the connection if data stays unacknowledged for this long (TCP_USER_TIMEOUT).'
complete -c tcptool -n '__tcptool_may recv --notsent-lowat' -l notsent-lowat -x -d 'How much may wait unsent in the send buffer (TCP_NOTSENT_LOWAT).'
complete -c tcptool -n '__tcptool_may recv --mark' -l mark -x -d 'Mark of packets for routing and firewalls (SO_MARK); needs CAP_NET_ADMIN.'
complete -c tcptool -n '__tcptool_may recv --trace' -l trace -d 'Show each system call on the sockets as it happens: its result, its time, the TCP state, and what the kernel keeps of a closed connection.'
complete -c tcptool -n '__tcptool_may recv --explain' -l explain -d 'As --trace, with a sentence under the first call of each kind.'
complete -c tcptool -n '__tcptool_may recv -q --quiet' -s q -l quiet -d 'Report nothing but errors.'
complete -c tcptool -n '__tcptool_may recv -v --verbose' -s v -l verbose -d 'Also report how it ended, with bytes, times and what the kernel measured; the default on a terminal.'
complete -c tcptool -n '__tcptool_may recv -j --json' -s j -l json -d 'Report events as JSON lines on standard error, instead of text.'
complete -c tcptool -n '__tcptool_may recv --log' -l log -r -F -d 'Also write events to a file as JSON lines.'
complete -c tcptool -n '__tcptool_may recv --version' -l version -d 'Show the version.'
complete -c tcptool -n '__tcptool_may recv -h --help' -s h -l help -d 'Show help information.'
complete -c tcptool -n '__tcptool_may states -s --state' -s s -l state -x -a '(__tcptool_list ESTABLISHED SYN_SENT SYN_RECV FIN_WAIT1 FIN_WAIT2 TIME_WAIT CLOSE CLOSE_WAIT LAST_ACK LISTEN CLOSING)' -d 'Show only sockets in these states; ss\'s names, such as \'estab\', will do too.'
complete -c tcptool -n '__tcptool_may states --source' -l source -x -a '(__tcptool_words auto proc diag)' -d 'Where to read: sock_diag (diag), /proc/net/tcp and tcp6 (proc), or sock_diag with /proc in reserve (auto).'
complete -c tcptool -n '__tcptool_may states -p --process' -s p -l process -d 'Also show who holds each socket, and the role of those that nobody holds.'
complete -c tcptool -n '__tcptool_may states -o --timers' -s o -l timers -d 'Also show the timer that runs, and retransmissions.'
complete -c tcptool -n '__tcptool_may states -u --uid' -s u -l uid -d 'Also show the user, by number.'
complete -c tcptool -n '__tcptool_may states -m --memory' -s m -l memory -d 'Also show buffers and drops.'
complete -c tcptool -n '__tcptool_may states -i --info' -s i -l info -d 'Also show TCP_INFO: round-trip times, window, retransmissions, rates, bytes.'
complete -c tcptool -n '__tcptool_may states --cgroup' -l cgroup -d 'Also show the control group: the unit or container.'
complete -c tcptool -n '__tcptool_may states -c --columns' -s c -l columns -x -a '(__tcptool_list family state recvq sendq backlog v6only local peer timer expires retransmits uid inode cookie interface netns netns_name rmem rcvbuf wmem sndbuf fwd wmem_queued optmem sk_backlog drops rtt rttvar min_rtt rto cwnd ssthresh mss pmtu unacked lost retrans bytes_retrans reordering delivery_rate busy rwnd_limited sndbuf_limited last_sent last_received last_ack bytes_sent bytes_acked bytes_received segs_out segs_in notsent cc cgroup role listener process)' -d 'Show these columns, in this order; in JSON, these keys.'
complete -c tcptool -n '__tcptool_may states --sort' -l sort -x -a '(__tcptool_terms family state recvq sendq backlog v6only local peer timer expires retransmits uid inode cookie interface netns netns_name rmem rcvbuf wmem sndbuf fwd wmem_queued optmem sk_backlog drops rtt rttvar min_rtt rto cwnd ssthresh mss pmtu unacked lost retrans bytes_retrans reordering delivery_rate busy rwnd_limited sndbuf_limited last_sent last_received last_ack bytes_sent bytes_acked bytes_received segs_out segs_in notsent cc cgroup role listener process full synq -family -state -recvq -sendq -backlog -v6only -local -peer -timer -expires -retransmits -uid -inode -cookie -interface -netns -netns_name -rmem -rcvbuf -wmem -sndbuf -fwd -wmem_queued -optmem -sk_backlog -drops -rtt -rttvar -min_rtt -rto -cwnd -ssthresh -mss -pmtu -unacked -lost -retrans -bytes_retrans -reordering -delivery_rate -busy -rwnd_limited -sndbuf_limited -last_sent -last_received -last_ack -bytes_sent -bytes_acked -bytes_received -segs_out -segs_in -notsent -cc -cgroup -role -listener -process -full -synq)' -d 'Sort by a column, the smallest first; --sort=-COLUMN puts the largest first. This holds all rows in memory. With --listeners: local, recvq, full, synq, drops or backlog.'
complete -c tcptool -n '__tcptool_may states --summary' -l summary -d 'Instead of the rows show how many there are in each state, what waits for accept(2), and how near orphans, TIME_WAIT and the ports for outgoing connections are to their limits.'
complete -c tcptool -n '__tcptool_may states --by' -l by -x -a '(__tcptool_words peer port process uid netns)' -d 'A summary that also counts the sockets by peer, service port, process, user or network namespace.'
complete -c tcptool -n '__tcptool_may states --explain' -l explain -d 'Afterwards explain the states and roles that appeared, on standard error.'
complete -c tcptool -n '__tcptool_may states --no-header' -l no-header -d 'Leave out the heading.'
complete -c tcptool -n '__tcptool_may states -w --wide' -s w -l wide -d 'Do not shorten lists of processes, nor break lines at the edge of the terminal.'
complete -c tcptool -n '__tcptool_may states --csv' -l csv -d 'Comma-separated values with exact numbers.'
complete -c tcptool -n '__tcptool_may states -j --json' -s j -l json -d 'One JSON object a line.'
complete -c tcptool -n '__tcptool_may states --color' -l color -x -a '(__tcptool_words auto always never)' -d 'Whether to use colour.'
complete -c tcptool -n '__tcptool_may states --from' -l from -r -F -d 'Show what was saved, here or elsewhere, instead of asking the kernel: a capture of --save, what states --json wrote, or a copy of /proc/net/tcp, of tcp6, or of both; \'-\' is standard input.'
complete -c tcptool -n '__tcptool_may states --from-endian' -l from-endian -x -a '(__tcptool_words little big)' -d 'Byte order of the machine that a copy of /proc/net/tcp is from. Default: this one\'s.'
complete -c tcptool -n '__tcptool_may states --pid' -l pid -x -d 'Show the network namespace of this process: a container\'s, for example. Without privilege it is read from /proc/PID/net, which tells less.'
complete -c tcptool -n '__tcptool_may states --netns' -l netns -x -a '(__tcptool_listed \'/run/netns\')' -d 'Show the network namespace of this name (ip-netns(8)) or file.'
complete -c tcptool -n '__tcptool_may states --all-netns' -l all-netns -d 'Show all network namespaces that can be found, by their names and by their processes. Those that this user may not enter are read from /proc/PID/net.'
complete -c tcptool -n '__tcptool_may states --save' -l save -r -F -d 'Write a capture instead of showing rows; \'-\' is standard output. A file is replaced only when the new one is complete.'
complete -c tcptool -n '__tcptool_may states --diff' -l diff -r -F -d 'Show what has changed since this capture was saved: until now, or until another one that --from, or the first operand, names.'
complete -c tcptool -n '__tcptool_may states --watch' -l watch -d 'Read the table again at this interval: on a terminal as a full screen, elsewhere with a line for each change.'
complete -c tcptool -n '__tcptool_may states --events' -l events -d 'Instead of rows show each socket that the kernel destroys, with its last TCP_INFO, until a signal.'
complete -c tcptool -n '__tcptool_may states -l --listeners' -s l -l listeners -d 'Instead of all rows show each listener with its accept queue, SYN queue and drops.'
complete -c tcptool -n '__tcptool_may states --oldest' -l oldest -d 'Also show how long the oldest connection has waited for accept(2). If any waits, this reads all connections.'
complete -c tcptool -n '__tcptool_may states --check' -l check -x -d 'Show only listeners with a queue filled to this percentage or more; if there is one, the status is 3.'
complete -c tcptool -n '__tcptool_may states -f --format' -s f -l format -x -a '(__tcptool_words text json csv openmetrics)' -d 'The form of the output; --json and --csv are short for two of them, and openmetrics needs --listeners.'
complete -c tcptool -n '__tcptool_may states --version' -l version -d 'Show the version.'
complete -c tcptool -n '__tcptool_may states -h --help' -s h -l help -d 'Show help information.'
complete -c tcptool -n '__tcptool_may backlog-test -b --backlog' -s b -l backlog -x -d 'Backlog for listen(2), passed on unchanged.'
complete -c tcptool -n '__tcptool_may backlog-test -q --queue' -s q -l queue -x -a '(__tcptool_words accept syn both)' -d 'Fill the accept queue, the SYN queue with handshakes that never end, or both in turn.'
complete -c tcptool -n '__tcptool_may backlog-test --isolate' -l isolate -x -a '(__tcptool_words auto always never)' -d 'Whether to run in a private user and network namespace: if that is allowed (auto), always or never.'
complete -c tcptool -n '__tcptool_may backlog-test' -l set -x -a '(__tcptool_terms \'somaxconn=\' \'tcp_max_syn_backlog=\' \'tcp_syncookies=\' \'tcp_abort_on_overflow=\' \'ip_local_port_range=\' \'tcp_syn_retries=\' \'tcp_synack_retries=\' \'tcp_syn_linear_timeouts=\' \'ip_local_reserved_ports=\' \'tcp_timestamps=\' \'tcp_migrate_req=\' \'tcp_no_metrics_save=\')' -d 'Change a setting in the private namespace only: somaxconn, tcp_max_syn_backlog, tcp_syncookies, tcp_abort_on_overflow. May be repeated.'
complete -c tcptool -n '__tcptool_may backlog-test --sweep' -l sweep -x -d 'One run for each backlog of a list: 0,1,5,128 or 1..4096*2 or 0..500+100, also mixed.'
complete -c tcptool -n '__tcptool_may backlog-test --sweep-set' -l sweep-set -x -a '(__tcptool_terms \'somaxconn=\' \'tcp_max_syn_backlog=\' \'tcp_syncookies=\' \'tcp_abort_on_overflow=\' \'ip_local_port_range=\' \'tcp_syn_retries=\' \'tcp_synack_retries=\' \'tcp_syn_linear_timeouts=\' \'ip_local_reserved_ports=\' \'tcp_timestamps=\' \'tcp_migrate_req=\' \'tcp_no_metrics_save=\')' -d 'One run for each value of a setting: somaxconn=16,128,4096.'
complete -c tcptool -n '__tcptool_may backlog-test --arrival-rate' -l arrival-rate -x -d 'Let clients come at this rate, 200 or 30/m, instead of all at once.'
complete -c tcptool -n '__tcptool_may backlog-test --accept-rate' -l accept-rate -x -d 'Accept at this rate meanwhile. If only --arrival-rate or --accept-rate is given, the other is chosen.'
complete -c tcptool -n '__tcptool_may backlog-test --duration' -l duration -x -d 'How long clients keep coming; Ctrl-C shows what was measured until then. Default: 10s.'
complete -c tcptool -n '__tcptool_may backlog-test --relisten' -l relisten -x -d 'Change net.core.somaxconn to this under the listener, and then call listen(2) again: only that applies it.'
complete -c tcptool -n '__tcptool_may backlog-test --reuse-port' -l reuse-port -x -d 'Use a group of this many listeners on one port (SO_REUSEPORT).'
complete -c tcptool -n '__tcptool_may backlog-test --late-acks' -l late-acks -x -d 'Let the last ACK of this many handshakes come when the queue is full. These clients believe that they are connected; with tcp_abort_on_overflow=1 they are reset.'
complete -c tcptool -n '__tcptool_may backlog-test --demo' -l demo -d 'Take a guided tour: five small experiments, with a sentence each.'
complete -c tcptool -n '__tcptool_may backlog-test -c --count' -s c -l count -x -d 'How many clients connect, instead of enough to overflow the queue.'
complete -c tcptool -n '__tcptool_may backlog-test -6 --ipv6' -s 6 -l ipv6 -d 'Use IPv6: ::1, or only IPv6 addresses of the host.'
complete -c tcptool -n '__tcptool_may backlog-test --allow-remote' -l allow-remote -d 'Test a listener that is not on loopback; --count is required, up to 1024.'
complete -c tcptool -n '__tcptool_may backlog-test --probe-data' -l probe-data -d 'Send a byte on each connection, to tell queued ones from ghosts.'
complete -c tcptool -n '__tcptool_may backlog-test --netns' -l netns -x -a '(__tcptool_listed \'/run/netns\')' -d 'Test in the network namespace of this name (ip-netns(8)) or file.'
complete -c tcptool -n '__tcptool_may backlog-test' -s e -l expect -x -a '(__tcptool_terms \'accept>=\' \'syn>=\' \'effective=\' \'limit=\' \'asked=\' \'somaxconn=\' \'established=\' \'syn_sent=\' \'reset=\' \'ghosts=\' \'drops=\' \'first_drop>\' \'overflows=\' \'cookies=\' \'rate>=\' match)' -d 'Check the result, as with \'accept>=1024\'; the status is 3 if it fails. May be repeated.'
complete -c tcptool -n '__tcptool_may backlog-test --explain' -l explain -d 'Afterwards explain the rules, where the kernel has them, and what old texts claim.'
complete -c tcptool -n '__tcptool_may backlog-test --svg' -l svg -r -F -d 'Write a chart: the queue against connects or time, or a sweep.'
complete -c tcptool -n '__tcptool_may backlog-test --samples' -l samples -r -F -d 'Write what was seen after each connect, as comma-separated values.'
complete -c tcptool -n '__tcptool_may backlog-test -j --json' -s j -l json -d 'One JSON object; with --sweep one a line.'
complete -c tcptool -n '__tcptool_may backlog-test --color' -l color -x -a '(__tcptool_words auto always never)' -d 'Whether to use colour.'
complete -c tcptool -n '__tcptool_may backlog-test --version' -l version -d 'Show the version.'
complete -c tcptool -n '__tcptool_may backlog-test -h --help' -s h -l help -d 'Show help information.'
complete -c tcptool -n '__tcptool_may help --version' -l version -d 'Show the version.'
complete -c tcptool -n '__tcptool_may help -h --help' -s h -l help -d 'Show help information.'
complete -c tcptool -n '__tcptool_at listen 0 0' -a '(__tcptool_hosts) (__tcptool_ports)'
complete -c tcptool -n '__tcptool_at listen 1 1' -a '(__tcptool_ports)'
complete -c tcptool -n '__tcptool_at \'listen ...\' 0 9999' -F
complete -c tcptool -n '__tcptool_at connect 0 0' -a '(__tcptool_hosts)'
complete -c tcptool -n '__tcptool_at connect 1 1' -a '(__tcptool_ports)'
complete -c tcptool -n '__tcptool_at send 0 0' -a '(__tcptool_hosts)'
complete -c tcptool -n '__tcptool_at send 1 1' -a '(__tcptool_ports)'
complete -c tcptool -n '__tcptool_at send 2 9999' -F
complete -c tcptool -n '__tcptool_at recv 0 0' -a '(__tcptool_hosts) (__tcptool_ports)'
complete -c tcptool -n '__tcptool_at recv 1 1' -a '(__tcptool_ports)'
complete -c tcptool -n '__tcptool_at states 0 9999' -a '(__tcptool_terms \'port=\' \'lport=\' \'rport=\' \'addr=\' \'local=\' \'peer=\' \'state=ESTABLISHED,SYN_SENT,SYN_RECV,FIN_WAIT1,FIN_WAIT2,TIME_WAIT,CLOSE,CLOSE_WAIT,LAST_ACK,LISTEN,CLOSING,listening,closed,all,connected,synchronized,bucket,big\' listening connected \'exclude=ESTABLISHED,SYN_SENT,SYN_RECV,FIN_WAIT1,FIN_WAIT2,TIME_WAIT,CLOSE,CLOSE_WAIT,LAST_ACK,LISTEN,CLOSING,listening,closed,all,connected,synchronized,bucket,big\' \'recvq>\' \'sendq>\' \'rtt>\' \'retrans>\' pending orphan \'uid=\' \'pid=\' \'process=\')'
complete -c tcptool -n '__tcptool_at backlog-test 0 0' -a '(__tcptool_hosts) (__tcptool_ports)'
complete -c tcptool -n '__tcptool_at backlog-test 1 1' -a '(__tcptool_ports)'
