// What the documents show at a shell is what comes of it today. With TCPTOOL_RECORD=1 in the
// environment blocks that no run writes any more are written anew instead.

import Foundation
import TestSupport
import Testing

@Suite(.waits, .requiresPrivateNetwork, .requires("python3", "ip", "nc")) struct Sessions {
  struct Place: Sendable, CustomTestStringConvertible {
    var document: Document
    var index: Int
    var testDescription: String { "\(document.path) #\(index)" }
  }

  private static let places = Document.all.flatMap { document in
    ((try? document.sessions()) ?? []).indices.map { Place(document: document, index: $0) }
  }

  @Test(arguments: places)
  func showARealRun(_ place: Place) throws {
    let session = try place.document.sessions()[place.index]
    let outputs = try run(session)
    guard session.showsOutput else { return }
    let steps = zip(session.steps, outputs).map { Session.Step(command: $0.command, output: $1) }
    let stale = zip(session.steps, steps).filter { shown, real in
      !isShown(real.output, as: shown.output, session)
    }
    if stale.isEmpty { return }
    if Document.isRecording {
      let new = zip(session.steps, steps).map { shown, real in
        Session.Step(
          command: real.command,
          output: cut(real.output.flatMap(place.document.folded), as: shown.output))
      }
      try place.document.record(place.index, new)
    } else {
      for (shown, real) in stale {
        Issue.record(
          """
          run 'make docs' and commit \(place.document.path): $ \(shown.command)
          shown:
          \(shown.output.joined(separator: "\n"))
          real:
          \(real.output.joined(separator: "\n"))
          """)
      }
    }
  }

  /// A document that lost its sessions would be tested no more.
  @Test(arguments: Document.all)
  func areThere(_ document: Document) throws {
    let sessions = try document.sessions()
    #expect(sessions.count >= 10)
    for session in sessions {
      #expect(!session.steps.isEmpty)
      for step in session.steps {
        for line in ["$ \(step.command)"] + step.output {
          #expect(line.count <= document.width, "\(line)")
        }
      }
    }
  }
}

// MARK: Running

/// A function of the shell: runs a command until it succeeds.
let shellAwait = """
  await() {
    tries=0
    until eval "$*" > /dev/null 2>&1 < /dev/null; do
      tries=$((tries + 1))
      if [ $tries -gt 600 ]; then
        { echo "in vain: $*"; cat stage; } >&2
        kill -KILL 0
      fi
      sleep 0.05
    done
  }
  """

/// What the commands of a session write, in a network of its own.
private func run(_ session: Session) throws -> [[String]] {
  let scene = try Scene()
  // Each command sees the status of the one before; its output ends with a mark. Where the document
  // shows no output, all of them have to succeed.
  let check =
    session.showsOutput ? "" : "[ $status = 0 ] || { echo \"status $status\"; kill -KILL 0; }; "
  let steps = session.steps.map {
    "\($0.command)\nstatus=$?; \(check)printf '\\036'; (exit $status)"
  }
  let script = """
    # Who enters mounts of its own comes to be in their root.
    cd \(scene.directory.path)
    \(shellAwait)
    exec 3>&1 > stage
    \(session.stage.joined(separator: "\n"))
    exec >&3 2>&1
    \(steps.joined(separator: "\n"))
    # Whatever the stage has started is of this process group.
    kill -KILL 0
    """
  let done = try Child(
    scene.network.command(["sh", "-c", script]), environment: scene.environment
  ).wait()
  let parts = done.outputText.split(separator: "\u{1e}", omittingEmptySubsequences: false)
  guard parts.count == steps.count + 1 else { throw TestFailure("\(done)") }
  return parts.dropLast().map { part in
    part.split(separator: "\n", omittingEmptySubsequences: false).map(String.init).dropLast(
      part.hasSuffix("\n") ? 1 : 0
    ).map { String($0.reversed().drop { $0 == " " }.reversed()) }.filter { _ in !part.isEmpty }
  }
}

/// Where documents play: a host with some names, and tcptool in its path.
struct Scene {
  let directory: TemporaryDirectory
  let network: PrivateNetwork

  init(setUp: [String] = []) throws {
    let directory = try TemporaryDirectory(files: [
      "hosts": """
      127.0.0.1 localhost
      ::1 localhost
      127.0.0.1 app.example
      2001:db8::80 dual.example
      127.0.0.1 dual.example
      127.0.0.1 example.org
      127.0.0.1 host
      127.0.0.1 backup.example

      """,
      // Nobody answers there unless a stage has it so.
      "resolv.conf": "nameserver 127.0.0.53\n",
    ])
    try FileManager.default.createDirectory(
      atPath: directory.file("bin"), withIntermediateDirectories: false)
    // Under the second name it plays the server that is looked at.
    for name in ["tcptool", "app"] {
      try FileManager.default.createSymbolicLink(
        atPath: directory.file("bin/\(name)"), withDestinationPath: Tool.path)
    }
    self.directory = directory
    network = try PrivateNetwork(
      mounts: true,
      setUp: ["hosts", "resolv.conf"].map { "mount --bind \(directory.file($0)) /etc/\($0)" }
        + setUp)
  }

  var environment: [String: String] {
    let path = ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin"
    return ["PATH": "\(directory.file("bin")):\(path)", "LC_ALL": "C.UTF-8"]
  }
}

// MARK: Comparing

/// Whether a document's lines are what a run writes: blanks and line ends do not count, three dots
/// stand for anything.
private func isShown(_ real: [String], as shown: [String], _ session: Session) -> Bool {
  let figuresVary = session.figuresVary
  if session.isInAnyOrder {
    return real.map { shape($0, figuresVary: figuresVary) }.sorted()
      == shown.map { shape($0, figuresVary: figuresVary) }.sorted()
  }
  let pieces = shown.split(separator: "...", omittingEmptySubsequences: false)
    .map { shape($0.joined(separator: " "), figuresVary: figuresVary) }
  var rest = Substring(shape(real.joined(separator: " "), figuresVary: figuresVary))
  guard let first = pieces.first, let last = pieces.last else { return real.isEmpty }
  if pieces.count == 1 { return rest == first }
  guard rest.hasPrefix(first) else { return false }
  rest = rest.dropFirst(first.count)
  for piece in pieces.dropFirst().dropLast() {
    guard let place = rest.firstRange(of: piece) else { return false }
    rest = rest[place.upperBound...]
  }
  return rest.hasSuffix(last)
}

/// A text in which what differs from run to run stands for itself.
func shape(_ text: String, figuresVary: Bool) -> String {
  let shape =
    text
    .replacing(#/[█▉▊▋▌▍▎▏▁▂▃▄▅▆▇]+/#, with: " ")
    .replacing(#/\b[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?/#, with: "CLOCK")
    .replacing(#/\b[0-9][0-9.,]* ?(ns|µs|us|ms|s|min)\b/#, with: "T")
    .replacing(#/\b[0-9][0-9.,]* ?[KMG]?bit\/s/#, with: "R")
    .replacing(#/\b[0-9][0-9.,]* a second/#, with: "N a second")
    .replacing(#/\b[0-9]+ SYNs? sent/#, with: "N SYNs sent")
    .replacing(#/:[3-6][0-9]{4}\b/#, with: ":P")
    .replacing(#/([a-z0-9]+)\([0-9]+/#, with: { "\($0.1)(PID" })
    .replacing(#/pid [0-9]+/#, with: "pid PID")
    .replacing(#/Linux [0-9][^ ]*/#, with: "Linux V")
    .replacing(#/\b(bbr|cubic|reno)\b/#, with: "CC")
    .replacing(#/-{3,}/#, with: "---")
  let numbers = figuresVary ? shape.replacing(#/[0-9][0-9.,]*/#, with: "N") : shape
  return numbers.split(whereSeparator: \.isWhitespace).joined(separator: " ")
}

/// A new output as short as the old one was where that ended with three dots.
private func cut(_ real: [String], as shown: [String]) -> [String] {
  let dots = shown.indices.filter { shown[$0] == "..." }
  guard dots.count == 1, let place = dots.first, real.count > shown.count else { return real }
  return real.prefix(place) + ["..."] + real.suffix(shown.count - place - 1)
}
