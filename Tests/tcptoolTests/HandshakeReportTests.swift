// What is made of many handshakes: sums, texts, JSON, plot.

import Report
import SocketCore
import Testing

@testable import tcptool

@Suite struct HandshakeReports {
  private static let local = Endpoint(.v4(.loopback), 50_000)
  private static let peer = Endpoint(.v4(.loopback), 7_000)

  private static func connected(
    _ number: Int, _ microseconds: Int, rtt: Int? = 30, syns: Int = 1
  ) -> HandshakeRound {
    HandshakeRound(
      number: number, began: .milliseconds(number),
      outcome: .connected(
        MeasuredHandshake(
          local: local, peer: peer, time: .microseconds(microseconds),
          roundTripTime: rtt.map { .microseconds($0) }, synsSent: syns)))
  }

  private static func failed(
    _ number: Int, _ errno: Errno, syns: Int? = 1, call: String = "connect", icmp: ICMPError? = nil
  ) -> HandshakeRound {
    let attempt = FailedAttempt(
      target: peer, error: SystemCallError(call, "to \(peer)", errno),
      elapsed: .milliseconds(3_000), synsSent: syns, icmp: icmp)
    return HandshakeRound(
      number: number, began: .milliseconds(number), outcome: .failed(attempt), failures: [attempt])
  }

  private static func summary(
    _ rounds: [HandshakeRound], host: String = "example.org:7000", missed: Int = 0,
    interrupted: Bool = false
  ) -> HandshakeSummary {
    var tally = HandshakeTally()
    for round in rounds { tally.add(round) }
    return HandshakeSummary(
      host: host,
      plan: .init(targets: [peer], interval: .seconds(1), timeout: .seconds(3)),
      tally: tally, elapsed: .milliseconds(2_500), missedTicks: missed,
      isInterrupted: interrupted)
  }

  private static let mixed = [
    connected(1, 50), connected(2, 60, rtt: 31), connected(3, 1_030_000, rtt: nil, syns: 2),
    failed(4, .connectionRefused), failed(5, .timedOut, syns: 2), connected(6, 70),
    connected(7, 80),
  ]

  // MARK: One line each

  @Test(
    arguments: [
      (connected(7, 72), "  7  127.0.0.1:50000 → 127.0.0.1:7000  72 µs  round trip 30 µs"),
      (connected(1_234, 72, rtt: nil), "1234  127.0.0.1:50000 → 127.0.0.1:7000  72 µs"),
      (
        connected(2, 1_030_000, rtt: nil, syns: 2),
        "  2  127.0.0.1:50000 → 127.0.0.1:7000  1.03 s  SYN sent 2 times, so no round trip to quote"
      ),
      (
        failed(3, .connectionRefused),
        "  3  127.0.0.1:7000  refused after 3 s: connection refused (ECONNREFUSED)"
      ),
      (failed(4, .timedOut, syns: 3), "  4  127.0.0.1:7000  no answer after 3 s, SYN sent 3 times"),
      (failed(4, .timedOut), "  4  127.0.0.1:7000  no answer after 3 s, SYN sent 1 time"),
      (
        failed(5, .hostUnreachable),
        "  5  127.0.0.1:7000  unreachable after 3 s: no route to host (EHOSTUNREACH)"
      ),
      (
        failed(6, .hostUnreachable, icmp: ICMPError(type: 3, code: 13, from: .v4(.loopback))),
        "  6  127.0.0.1:7000  prohibited after 3 s: ICMP destination unreachable, communication "
          + "administratively prohibited (3/13), from 127.0.0.1"
      ),
      (
        failed(7, .addressNotAvailable, syns: nil, call: "bind"),
        "  7  127.0.0.1:7000  failed at this end: bind to 127.0.0.1:7000: cannot assign requested "
          + "address (EADDRNOTAVAIL); no interface of this host has that address"
      ),
      (
        failed(8, .connectionReset),
        "  8  127.0.0.1:7000  reset at once, after 3 s: connection reset by peer (ECONNRESET)"
      ),
    ] as [(HandshakeRound, String)])
  func lines(round: HandshakeRound, text: String) {
    #expect(Event.handshake(round, digits: 3).text == text)
  }

  @Test func aFailureHasItsCauseInJSON() {
    let icmp = ICMPError(type: 3, code: 13, from: .v4(.loopback))
    let json = "\(Event.handshake(Self.failed(6, .hostUnreachable, icmp: icmp), digits: 3).json)"
    #expect(
      json.contains(
        #""seq":6,"began_ns":6000000,"local":null,"peer":{"address":"127.0.0.1","port":7000},"#
          + #""outcome":"prohibited","handshake_ns":null,"rtt_us":null,"syns_sent":1,"#
          + #""elapsed_ns":3000000000,"call":"connect","errno":"EHOSTUNREACH","#
          + #""icmp":{"version":4,"type":3,"code":13,"from":"127.0.0.1"}}"#), "\(json)")
  }

  // MARK: The summary

  @Test func countsLossAndTimes() throws {
    let summary = Self.summary(Self.mixed, missed: 3, interrupted: true)
    let text = try OutputBuffer.text { output throws(OutputError) in
      try summary.write(
        to: &output,
        Display(isTerminal: false, size: nil, color: .never) { $0 == "LANG" ? "C.UTF-8" : nil })
    }
    #expect(
      text == """
        7 handshakes with example.org:7000 in 2.5 s: 5 connected, 1 refused, 1 no answer; 28.6 % failed
        9 SYNs sent, 2 of them again; 3 not answered in time: 33.3 % lost
        3 ticks left out, since the handshake or the output before was not through
        One more was under way at the end; it is not counted

                    n    min     mean    p50     p90     p99     max     mdev
        handshake   5  50 µs   206 ms  70 µs  1.03 s  1.03 s  1.03 s   412 ms
        first SYN   4  50 µs    65 µs  60 µs   80 µs   80 µs   80 µs  11.2 µs
        round trip  4  30 µs  30.3 µs  30 µs   31 µs   31 µs   31 µs   433 ns

        50 µs –  63 µs  2  █████████████████████████████████████████████████████████████
        63 µs –  80 µs  1  ██████████████████████████████▌
        80 µs – 100 µs  1  ██████████████████████████████▌
              ⋮
          1 s – 1.25 s  1  ██████████████████████████████▌

        """, "\(text)")
  }

  /// Without anything to say there is nothing said.
  @Test func nothingIsMadeUp() throws {
    let summary = Self.summary([])
    let text = try OutputBuffer.text { output throws(OutputError) in
      try summary.write(
        to: &output, Display(isTerminal: false, size: nil, color: .never) { _ in nil })
    }
    #expect(text == "0 handshakes with example.org:7000 in 2.5 s: 0 connected\n")
    let json = "\(Event.handshakeSummary(summary).json)"
    #expect(
      json.contains(
        #""loss_percent":null,"missed_ticks":0,"handshake_ns":null,"first_syn_ns":null,"#
          + #""rtt_us":null,"histogram":[]"#), "\(json)")
  }

  @Test func theSummaryAsJSON() {
    let json = "\(Event.handshakeSummary(Self.summary(Self.mixed)).json)"
    for part in [
      #""host":"example.org:7000","interval_ns":1000000000,"timeout_ns":3000000000,"#,
      #""sent":7,"connected":5,"reset":0,"refused":1,"prohibited":0,"no_answer":1,"unreachable":0,"local":0,"#,
      #""syns_sent":9,"syn_retransmissions":2,"syns_unanswered":3,"loss_percent":33.3"#,
      #""handshake_ns":{"count":5,"min":50000,"mean":206052000,"p50":70000,"p90":1030000000,"#,
      #""first_syn_ns":{"count":4,"min":50000,"mean":65000,"p50":60000,"p90":80000,"#,
      #""rtt_us":{"count":4,"min":30,"mean":30,"p50":30,"p90":31,"p99":31,"max":31,"mdev":0}"#,
      #"{"from_ns":1000000000,"to_ns":1250000000,"count":1}]"#,
    ] { #expect(json.contains(part), "\(part) in \(json)") }
  }

  /// The failure that got least far.
  @Test(
    arguments: [
      ([], nil), ([connected(1, 50)], nil), ([failed(1, .connectionRefused)], .refused),
      ([failed(1, .connectionReset), connected(2, 50)], .reset),
      ([failed(1, .brokenPipe), failed(2, .connectionRefused)], .refused),
      ([failed(1, .connectionRefused), failed(2, .timedOut), connected(3, 50)], .noAnswer),
      ([failed(1, .timedOut), failed(2, .accessDenied)], .noAnswer),
      ([failed(1, .connectionRefused), failed(2, .accessDenied)], .prohibited),
      ([failed(1, .timedOut), failed(2, .networkUnreachable)], .unreachable),
      ([failed(1, .networkUnreachable), failed(2, .addressInUse, call: "bind")], .local),
    ] as [([HandshakeRound], ConnectFailure?)])
  func theWorst(rounds: [HandshakeRound], worst: ConnectFailure?) {
    #expect(Self.summary(rounds).tally.worst == worst)
  }

  // MARK: The plot

  @Test func everyKindIsInThePlot() {
    let chart = Self.summary(Self.mixed).chart(began: "now")
    let panel = chart.panels[0]
    #expect(
      panel.series.map(\.name) == [
        "connected", "connected, SYN sent again", "refused", "no answer",
      ])
    #expect(panel.series.map(\.points.count) == [4, 1, 1, 1])
    #expect(panel.series[1].points == [.init(3, 1_030_000_000)])
    #expect(panel.series[3].points == [.init(5, nil)])
    #expect(panel.markers.map(\.label) == ["p50 70 µs", "p99 1.03 s"])
    #expect(panel.y.scale == .logarithmic)
    #expect(
      chart.subtitle
        == "now · 7 handshakes · 28.6 % failed · 33.3 % of the SYNs not answered in time")
  }

  @Test func timesThatAreNearEachOtherAreOnALinearScale() {
    let chart = Self.summary([Self.connected(1, 50), Self.connected(2, 900)]).chart(began: "now")
    #expect(chart.panels[0].y.scale == .linear)
  }

  @Test func aHostOfMarkupIsText() {
    let svg = Self.summary(Self.mixed, host: #"<script>&"':7000"#).chart(began: "now").svg
    #expect(!svg.contains("<script>"))
    #expect(svg.contains("&lt;script&gt;&amp;&quot;&#39;:7000"))
  }
}
