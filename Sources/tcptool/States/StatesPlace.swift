// Which table `states` shows: that of another network namespace, or one that somebody saved.

internal import CommandSpec
internal import KernelTables
internal import SocketCore

/// The order of bytes in a word on the machine that a saved table is from.
enum Endian: String, CaseIterable, ArgumentValue {
  case little, big

  var byteOrder: ProcNetTCPParser.ByteOrder { self == .little ? .little : .big }
}

/// Another table than that of this network namespace, now.
struct StatesPlace: Sendable {
  var file: String?
  var endian: Endian?
  var process: PositiveCount?
  var namespace: String?

  /// Moves this program into the network namespace that was asked for.
  func enter() throws(Failure) {
    do throws(SystemCallError) {
      if let process {
        try NamespaceFile(of: Int32(clamping: process.value)).enter()
      } else if let namespace {
        try NamespaceFile(named: namespace).enter()
      }
    } catch {
      let hint =
        switch error.errno {
        case .operationNotPermitted, .accessDenied: "; it needs root (CAP_SYS_ADMIN)"
        case .notFound where process != nil: "; there is no such process"
        case .notFound: "; 'ip netns list' shows the names that there are"
        default: ""
        }
      throw Failure(.failure, error.description + hint)
    }
  }
}

extension StatesOptions {
  static let placeParameters: [Bound<Self>] = [
    .option(
      "from", \.place.file, value: "file",
      help: """
        Show a saved copy of /proc/net/tcp, of tcp6, or of both, from any machine; '-' is standard \
        input.
        """, completion: .file
    ).excluding(
      [
        "source", "process", "memory", "info", "cgroup", "summary", "by", "listeners", "pid",
        "netns",
      ], because: "a saved table has nothing of it"),
    .option(
      "from-endian", \.place.endian, value: "order",
      help: "Byte order of the machine that the copy is from. Default: this one's."
    ).needing("from"),
    .option(
      "pid", \.place.process, value: "pid",
      help: "Show the network namespace of this process: a container's, for example."
    ).excluding(["netns"], because: "there is one table"),
    .option(
      "netns", \.place.namespace, value: "name",
      help: "Show the network namespace of this name (ip-netns(8)) or file."),
  ]
}
