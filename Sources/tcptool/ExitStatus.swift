// How the program can end, and what each status says to a script.

internal import CommandSpec
internal import Glibc
internal import KernelTables
internal import Report
internal import SocketCore

/// The statuses; stable, and the same in every subcommand.
enum ExitStatus: Int32, CaseIterable {
  case done = 0
  case failure = 1
  case overThreshold = 3
  case notResolved = 10
  case refused = 11
  case noAnswer = 12
  case unreachable = 13
  case prohibited = 14
  case localEnd = 15
  case reset = 20
  case peerStoppedReceiving = 21
  case timeout = 22
  case mismatch = 23
  case localStream = 24
  case usage = 64
  case bug = 70

  /// The meaning for a person, where every subcommand shares it.
  var meaning: String {
    switch self {
    case .done: "Done."
    case .failure: "Any failure without a status of its own."
    case .overThreshold: "What was checked is over its threshold, or not as expected."
    case .notResolved: "The name was not resolved."
    case .refused: "Refused: RST or ICMP port unreachable answered the SYN."
    case .noAnswer: "No answer in time."
    case .unreachable: "Unreachable: no route, or ICMP said so."
    case .prohibited: "Prohibited by a rule of this host or of one on the way."
    case .localEnd:
      "The local end failed: address in use or not local, no privilege, no descriptor."
    case .reset: "Reset by the peer."
    case .peerStoppedReceiving: "The peer stopped receiving before it had everything."
    case .timeout: "An idle or total timeout cut unfinished work."
    case .mismatch: "Short, or not the data that was expected."
    case .localStream: "Local input or output failed: full disk, closed pipe, no such file."
    case .usage: "The command line was wrong."
    case .bug: "A bug in tcptool."
    }
  }

  /// As JSON has it.
  var name: String {
    switch self {
    case .done: "done"
    case .failure: "failure"
    case .overThreshold: "over_threshold"
    case .notResolved: "not_resolved"
    case .refused: "refused"
    case .noAnswer: "no_answer"
    case .unreachable: "unreachable"
    case .prohibited: "prohibited"
    case .localEnd: "local_end"
    case .reset: "reset"
    case .peerStoppedReceiving: "peer_stopped_receiving"
    case .timeout: "timeout"
    case .mismatch: "mismatch"
    case .localStream: "local_stream"
    case .usage: "usage"
    case .bug: "bug"
    }
  }

  func row(_ meaning: String? = nil) -> ExitStatusRow {
    ExitStatusRow(status: Int(rawValue), meaning: meaning ?? self.meaning)
  }

  /// The status for a handshake that failed.
  init(_ failure: ConnectFailure) {
    switch failure {
    case .refused: self = .refused
    case .noAnswer: self = .noAnswer
    case .unreachable: self = .unreachable
    case .prohibited: self = .prohibited
    case .local: self = .localEnd
    case .reset: self = .reset
    }
  }
}

/// How a subcommand ended.
enum Ending: Equatable {
  case status(ExitStatus)
  /// A signal that the shell is to see as one.
  case signal(Int32)
}

/// A failure that ends a subcommand: what to say, and the status.
struct Failure: Error {
  var status: ExitStatus
  /// One line: a name of a file or a host that has a line break in it does not begin another.
  var message: String
  /// Whether the reader of standard output is gone, which is no fault of ours.
  var isUnreadOutput = false

  init(_ status: ExitStatus, _ message: String) {
    self.status = status
    self.message = sanitized(message)
  }

  /// Output that was not taken.
  init(_ error: OutputError) {
    self.init(.localStream, error.description + Errno(rawValue: error.code).fileAdvice)
    isUnreadOutput = error.isBrokenPipe && error.descriptor == STDOUT_FILENO
  }

  /// - Parameter hint: what to do, in words that follow the error; its own advice where there is none.
  init(_ status: ExitStatus, _ error: SystemCallError, hint: String = "") {
    let isWithoutProc =
      error.errno == .notFound && error.subject.hasPrefix("/proc/") && !ProcFileSystem.isMounted
    let known = hint.isEmpty ? error.advice : hint
    self.init(status, error.description + (isWithoutProc ? "; /proc is not mounted here" : known))
  }

  /// What failed during a relay and is no fault of the peer: a local stream, or what is needed besides.
  init(ofThisEnd error: SystemCallError) {
    let concernsNoStream = [
      "epoll_ctl", "epoll_wait", "ioctl", "getsockopt", "pipe2", "send", "sendmsg", "shutdown",
    ]
    self.init(concernsNoStream.contains(error.call) ? .localEnd : .localStream, error)
  }

  /// A name that stands for nothing that can be connected to.
  init(withoutAddress name: String) {
    self.init(.notResolved, "resolve \(name): no address; 'getent ahosts' shows what it stands for")
  }

  init(_ error: ResolutionError) {
    let hint =
      if let file = error.missingFile {
        "; \(file) is missing, which names the servers to ask: give an address"
      } else if error.name.contains(":"), let zone = error.name.firstIndex(of: "%") {
        "; this host has no interface '\(error.name[zone...].dropFirst())': 'ip link' lists them"
      } else if error.isOfOtherFamily {
        "; it has no address of the family that is asked for"
      } else if error.isTemporary {
        "; the name server gave no answer, so a later try may succeed"
      } else {
        "; see whether the name is right, or give an address"
      }
    self.init(.notResolved, error.description + hint)
  }
}
