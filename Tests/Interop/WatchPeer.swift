// A connection that goes through its states one by one, as a test asks.

import TestSupport

/// A listener on 127.0.0.1:7000 and one connection to it, in one process: a Python program, so that
/// nothing of it is shared with what is tested.
final class WatchPeer {
  /// What it does, one step a line; it answers each with `done`.
  enum Step: String {
    case connect, accept, send, finish, read, close, stop
  }

  let child: Child
  private var steps = 0

  init(in network: PrivateNetwork) throws {
    child = try Child(network.command(["python3", "-c", Self.script]), input: .pipe)
    try child.waitForLine(containing: "ready", in: .standardOutput)
  }

  func take(_ step: Step) throws {
    steps += 1
    try child.write("\(step.rawValue)\n")
    try child.waitForLine(containing: "done \(steps) ", in: .standardOutput)
  }

  private static let script = """
    import socket, sys

    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", 7000))
    listener.listen(8)
    print("ready", flush=True)
    for number, line in enumerate(sys.stdin, 1):
        step = line.strip()
        if step == "connect":
            client = socket.create_connection(("127.0.0.1", 7000))
        elif step == "accept":
            server, _ = listener.accept()
        elif step == "send":
            client.sendall(b"x" * 3000)
        elif step == "finish":
            client.shutdown(socket.SHUT_WR)
        elif step == "read":
            server.recv(3000, socket.MSG_WAITALL)
            server.recv(1)
        elif step == "close":
            server.sendall(b"y" * 70)
            server.close()
            client.recv(70, socket.MSG_WAITALL)
            client.recv(1)
            client.close()
        elif step == "stop":
            break
        print("done", number, "", flush=True)
    """
}
