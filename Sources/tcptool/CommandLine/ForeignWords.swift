// What people type who know nc, ss, netstat or iperf3, and what there is here in its place.

internal import CommandSpec

extension [ForeignWord] {
  /// Options and words in the place of a subcommand.
  static let ofTool: [ForeignWord] = [
    ForeignWord(
      ["-l"],
      "'tcptool listen PORT' waits for a connection, 'tcptool states -l' shows what listens."),
    ForeignWord(["-k"], "'tcptool listen --keep-open PORT' serves one client after another."),
    ForeignWord(["-z"], "'tcptool connect --probe PORTS HOST' finds out which ports are open."),
    ForeignWord(
      ["-s"],
      "'tcptool recv PORT' is the receiver of a transfer, 'tcptool states --summary' counts sockets."
    ),
    ForeignWord(
      ["-c"],
      "'tcptool send HOST PORT' sends; with '--duration 10s' it shows how fast the path is."),
    ForeignWord(["-V", "version"], "'tcptool --version' shows the version."),
    ForeignWord(
      ["-t", "-a", "-n", "-u", "-p", "-e", "-i", "-o", "-m"],
      "'tcptool states' shows sockets in all states, 'tcptool states -lp' what listens."),
    ForeignWord(
      ["ss", "netstat", "lsof", "ls", "list", "show", "sockets"],
      "'tcptool states' shows sockets in all states, 'tcptool states -lp' what listens."),
    ForeignWord(
      ["watch", "top", "monitor"], "'tcptool states --watch' shows sockets as they change."),
    ForeignWord(
      ["nc", "ncat", "netcat", "socat", "telnet"],
      "'tcptool connect HOST PORT' connects, 'tcptool listen PORT' waits for a connection."),
    ForeignWord(
      ["iperf", "iperf3"],
      "'tcptool recv --discard PORT' and 'tcptool send --duration 10s HOST PORT' show how fast a "
        + "path is."),
    ForeignWord(
      ["ping", "tcping", "hping3"],
      "'tcptool connect --count 5 HOST PORT' measures handshakes."),
    ForeignWord(
      ["scan", "probe", "nmap", "check"],
      "'tcptool connect --probe PORTS HOST' finds out which ports are open."),
    ForeignWord(
      ["nstat", "queue", "queues"],
      "'tcptool states --listeners' shows the queues of listeners, 'tcptool backlog-test' measures "
        + "them."),
    ForeignWord(["kill"], "tcptool ends no connection of another program; ss -K does."),
    ForeignWord(["server", "serve"], "'tcptool listen PORT' waits for a connection."),
    ForeignWord(["client", "dial"], "'tcptool connect HOST PORT' connects."),
    ForeignWord(.host, "'tcptool connect HOST PORT' connects."),
    ForeignWord(.number, "'tcptool listen PORT' waits for a connection."),
  ]

  /// What holds for all that carry data.
  private static let shared: [ForeignWord] = [
    ForeignWord(["-u", "--udp", "-U", "--unixsock", "--sctp"], "TCP is all that tcptool knows."),
    ForeignWord(["-I", "-O"], "'--rcvbuf' and '--sndbuf' set the buffers of the socket."),
    ForeignWord(["-T"], "'--dscp' sets the code point of packets."),
    ForeignWord(
      ["--ssl", "--tls"],
      "There is no TLS here: openssl s_client has it, and openssl s_server."),
  ]

  private static let numbers = ForeignWord(
    ["-n"], "It is not needed: an address is never turned into a name.")
  private static let proxies = ForeignWord(
    ["-x", "-X", "--proxy"], "There are no proxies here, and no SOCKS: ncat --proxy has them.")

  static let ofListen: [ForeignWord] =
    [
      ForeignWord(["-l", "--listen"], "It listens already: 'tcptool listen PORT'."),
      ForeignWord(["-p", "--port"], "The port needs no option: 'tcptool listen PORT'."),
      ForeignWord(
        ["-s", "--source"], "The address stands before the port: 'tcptool listen ADDRESS PORT'."),
      ForeignWord(
        ["-e", "-c", "--sh-exec"],
        "'--exec' starts a program, and has to come last: 'tcptool listen PORT --exec PROGRAM'."),
      ForeignWord(
        ["-w", "--timeout"],
        "'--accept-timeout' limits the wait for a client, '--idle-timeout' how long nothing may "
          + "move."),
      ForeignWord(["-m", "--max-conns"], "'--max-concurrent' limits how many are served at once."),
      ForeignWord(
        ["-N"], "It is not needed: the end of standard input half-closes (see '--on-stdin-eof')."),
      ForeignWord(["-d"], "'--recv-only' leaves standard input alone."),
      ForeignWord(["-o", "-x"], "'--hex-dump' writes all bytes to a file."), numbers,
    ] + shared

  static let ofConnect: [ForeignWord] =
    [
      ForeignWord(
        ["-z"], "'--probe' tries ports without sending data: 'tcptool connect --probe PORTS HOST'."),
      ForeignWord(
        ["-w"], "'--timeout' limits connecting, '--idle-timeout' how long nothing may move."),
      ForeignWord(
        ["-N"], "It is not needed: the end of standard input half-closes (see '--on-stdin-eof')."),
      ForeignWord(["-s"], "'--source' is the address to connect from."),
      ForeignWord(
        ["-p", "--port"],
        "The port stands behind the host: 'tcptool connect HOST PORT'. '--source' is where from."),
      ForeignWord(["-l", "--listen"], "'tcptool listen PORT' waits for a connection."),
      ForeignWord(
        ["-k", "--keep-open"], "'tcptool listen --keep-open PORT' serves one client after another."),
      ForeignWord(
        ["-e", "--exec", "--sh-exec"],
        "A program is started for clients only: 'tcptool listen PORT --exec PROGRAM'."),
      ForeignWord(["-d"], "'--recv-only' leaves standard input alone."),
      ForeignWord(["-o"], "'--hex-dump' writes all bytes to a file."), numbers, proxies,
    ] + shared

  /// What holds for both ends of a transfer.
  private static let transfers: [ForeignWord] =
    [
      ForeignWord(["-P", "--parallel"], "'--streams' is how many connections there are at once."),
      ForeignWord(["-M"], "'--mss' is the largest segment."),
      ForeignWord(["-C"], "'--congestion' chooses the algorithm."),
      ForeignWord(
        ["-N"], "'--nodelay' sends small segments at once; a FIN follows the last byte anyway."),
      ForeignWord(
        ["-Z", "--zerocopy"],
        "It is not needed: data is not copied through tcptool where the kernel allows it."),
      ForeignWord(["-V"], "'--verbose' also reports what the kernel measured."),
    ] + shared

  static let ofSend: [ForeignWord] =
    [
      ForeignWord(["-c", "--client"], "The host needs no option: 'tcptool send HOST PORT'."),
      ForeignWord(["-p", "--port"], "The port stands behind the host: 'tcptool send HOST PORT'."),
      ForeignWord(["-n", "--bytes"], "'--size' is how much to generate and send."),
      ForeignWord(["--time"], "'--duration' is how long to generate and send."),
      ForeignWord(["--bitrate", "--bandwidth"], "'--rate' is how fast to send."),
      ForeignWord(["-l"], "'--listen' waits for a receiver that connects."),
      ForeignWord(
        ["-R", "--reverse"],
        "'tcptool recv --connect HOST PORT' receives from 'tcptool send --listen PORT'."),
      ForeignWord(["-w", "--window"], "'--sndbuf' sets the send buffer."),
      ForeignWord(["-s"], "'--source' is the address to connect from."), proxies,
    ] + transfers

  static let ofReceive: [ForeignWord] =
    [
      ForeignWord(
        ["-s", "--server", "-l", "--listen"], "It listens already: 'tcptool recv PORT'."),
      ForeignWord(["-p", "--port"], "The port needs no option: 'tcptool recv PORT'."),
      ForeignWord(
        ["-c", "--client", "-R", "--reverse"],
        "'tcptool recv --connect HOST PORT' connects to a sender that listens."),
      ForeignWord(["-w", "--window"], "'--rcvbuf' sets the receive buffer."), numbers,
    ] + transfers

  static let ofStates: [ForeignWord] = [
    ForeignWord(
      ["-t", "--tcp"],
      "It is not needed: all that is shown is TCP. 'tcptool states -lp' is ss -tlnp."),
    ForeignWord(["-x", "--unix", "--udp", "-A", "-d"], "TCP is all that tcptool knows."),
    ForeignWord(["-a", "--all"], "It is not needed: all states are shown."),
    ForeignWord(
      ["-n", "--numeric"], "It is not needed: addresses and ports are shown as numbers."),
    ForeignWord(["-r", "--resolve"], "Addresses and ports are shown as numbers only."),
    ForeignWord(
      ["-4", "--ipv4"],
      "A filter chooses addresses: 'tcptool states 0.0.0.0/0' shows those of IPv4."),
    ForeignWord(
      ["-6", "--ipv6"], "A filter chooses addresses: 'tcptool states ::/0' shows those of IPv6."),
    ForeignWord(["-H"], "'--no-header' leaves out the heading."),
    ForeignWord(
      ["-e", "--extended"],
      "'--uid' and '--cgroup' show whose a socket is; '--json' has all that the kernel tells."),
    ForeignWord(["-K", "--kill"], "tcptool ends no connection of another program; ss -K does."),
    ForeignWord(["-N", "--net"], "'--netns' shows the network namespace of a name."),
    ForeignWord(["-E"], "'--events' shows sockets as the kernel destroys them."),
    ForeignWord(
      ["-O", "--oneline"], "It is not needed: a socket has one line; '--wide' never breaks it."),
    ForeignWord(["-P"], "'--process' shows who holds each socket."),
  ]
}
