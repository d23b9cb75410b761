// Signals: the program ends by them, so that a shell sees what happened, wherever it waits.

import Glibc
import TestSupport
import Testing

@Suite(.waits) struct Signals {
  @Test(arguments: ["listen", "recv", "connect", "send"], [SIGINT, SIGTERM, SIGHUP])
  func endTheProgram(_ name: String, _ signal: Int32) throws {
    let listener = try Peer.Listener()
    let child: Child
    if name == "listen" || name == "recv" {
      let port = try unusedPort()
      child = try Child([Tool.path, name, "127.0.0.1", "\(port)"], input: .pipe)
      try child.waitForLine(containing: "listening on ")
    } else {
      child = try Child([Tool.path, name, "127.0.0.1:\(listener.port)"], input: .pipe)
      try child.waitForLine(containing: "connected ")
    }
    try child.signal(signal)
    let done = try child.wait()
    #expect(done.outcome == .signalled(signal))
    #expect(!done.errorText.contains("Error"))
    #expect(done.outputText == "")
  }

  /// A relay that is under way is cut too, and what came before is not lost.
  @Test func keepWhatWasReceived() throws {
    let port = try unusedPort()
    let child = try Child([Tool.path, "listen", "127.0.0.1", "\(port)"], input: .pipe)
    try waitUntilListening(port: port)
    let peer = try Peer(connectingTo: port)
    peer.finish(sending: "received\n")
    try child.waitForOutput { $0 == "received\n" }
    try child.signal(SIGINT)
    let done = try child.wait()
    #expect(done.outcome == .signalled(SIGINT))
    #expect(done.outputText == "received\n")
  }
}
