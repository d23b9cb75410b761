// How long `send` waits for a peer that has everything and does not close its side.

import TestSupport
import Testing

@Suite(.waits) struct Linger {
  @Test func endsWhenTheTimeIsOver() throws {
    let listener = try Peer.Listener()
    let child = try Child(
      [Tool.path, "send", "--verbose", "--linger", "6s", "127.0.0.1:\(listener.port)"],
      input: .text("all of it"))
    let peer = try listener.accept()
    #expect(try peer.received() == "all of it")
    let done = try child.wait()
    #expect(done.outcome == .exited(0))
    // Without the option it would be 5 s.
    #expect(done.elapsed >= .seconds(6), "\(done)")
    #expect(done.errorText.contains("; the peer keeps its side open\n"))
  }
}
