// Which table `states` shows: that of another network namespace or of all of them, or one that
// somebody saved.

internal import CommandSpec
internal import KernelTables
internal import Report
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
  var process: ProcessNumber?
  var namespace: String?
  var areAll = false
  /// The process through which a namespace is read that this program may not enter.
  private(set) var outside: Int32?

  var saved: SavedReading? {
    file.map { SavedReading(path: $0, byteOrder: endian?.byteOrder ?? .host) }
  }

  /// Moves this program into the network namespace that was asked for; that of a process is read from
  /// outside where this is refused.
  mutating func enter() throws(Failure) {
    do throws(SystemCallError) {
      if let process {
        try NamespaceFile(of: process.value).enter()
      } else if let namespace {
        try NamespaceFile(named: namespace).enter()
      }
    } catch {
      if let process, error.isRefusal {
        outside = process.value
        return
      }
      let hint =
        switch error.errno {
        case .operationNotPermitted, .accessDenied: "; it needs root (CAP_SYS_ADMIN)"
        case .notFound where process != nil: "; there is no such process"
        case .invalidArgument: "; it is not the file of a network namespace"
        case .notFound: "; 'ip netns list' shows the names that there are"
        default: ""
        }
      throw Failure(.failure, error, hint: hint)
    }
  }

  /// What its sockets have together.
  func namespaceFacts() -> NamespaceFacts {
    outside.map { .seen(through: $0) } ?? .current()
  }
}

extension SystemCallError {
  /// Whether a privilege is missing.
  var isRefusal: Bool { errno == .operationNotPermitted || errno == .accessDenied }
}

/// A walk over all network namespaces.
struct NamespaceTour {
  /// What is told of one that could not be read as this program's own is.
  private(set) var readThroughProc = 0
  private(set) var unreadable: [[UInt8]] = []
  let found = NetworkNamespace.all()

  /// Calls `body` in each network namespace in turn, and comes back to its own: with the process
  /// through which it is to be read where it could not be entered.
  ///
  /// - Returns: nothing, or what `body` threw, which ends the tour.
  /// - Throws: where its own could not be entered again, and what `body` throws for it.
  mutating func visit(
    _ body: (RowSupplement, _ outside: Int32?) throws(SystemCallError) -> Bool
  ) throws(SystemCallError) {
    let own = try NamespaceFile.own()
    for namespace in found {
      let supplement = RowSupplement(
        namespace: namespace.number, namespaceName: namespace.shownName)
      if namespace.isOwn {
        if try !body(supplement, nil) { return }
        continue
      }
      do throws(SystemCallError) {
        try namespace.enter()
      } catch {
        guard let process = namespace.process else {
          unreadable.append(namespace.shownName ?? [UInt8(ascii: "?")])
          continue
        }
        do throws(SystemCallError) {
          if try !body(supplement, process) { return }
          readThroughProc += 1
        } catch {
          // Its last process has ended meanwhile.
          if error.errno != .notFound {
            unreadable.append(namespace.shownName ?? [UInt8(ascii: "?")])
          }
        }
        continue
      }
      let goesOn: Bool
      do throws(SystemCallError) {
        goesOn = try body(supplement, nil)
      } catch {
        try own.enter()
        throw error
      }
      try own.enter()
      if !goesOn { return }
    }
  }
}

extension NamespaceTour {
  /// What the rows do not show.
  func remarks(isRoot: Bool) -> [String] {
    var lines: [String] = []
    if readThroughProc > 0 {
      lines.append(
        Units.plural(readThroughProc, "network namespace was", "network namespaces were")
          + " read from /proc/PID/net, which tells less" + (isRoot ? "" : ": root can enter"))
    }
    if !unreadable.isEmpty {
      lines.append(
        "not entered by name: \(unreadable.map { sanitized($0) }.joined(separator: ", "))"
          + (isRoot ? "" : "; root can, and a process in one of them shows it as its own"))
    }
    return lines
  }
}

extension NetworkNamespace.Found {
  /// Its name, or a process in it.
  var shownName: [UInt8]? {
    if let name { return name }
    return isOwn ? nil : process.map { Array("pid \($0)".utf8) }
  }

  func enter() throws(SystemCallError) {
    if let name {
      do throws(SystemCallError) {
        try NamespaceFile(named: name).enter()
        return
      } catch {
        if process == nil { throw error }
      }
    }
    if let process { try NamespaceFile(of: process).enter() }
  }
}

extension StatesOptions {
  static let placeParameters: [Bound<Self>] = [
    .option(
      "from", \.place.file, value: "file",
      help: """
        Show what was saved, here or elsewhere, instead of asking the kernel: a capture of --save, \
        what states --json wrote, or a copy of /proc/net/tcp, of tcp6, or of both; '-' is standard \
        input.
        """, completion: .file
    ).excluding(
      ["source", "pid", "netns", "all-netns"], because: "the file holds what there is to see"),
    .option(
      "from-endian", \.place.endian, value: "order",
      help: "Byte order of the machine that a copy of /proc/net/tcp is from. Default: this one's."
    ).needing("from", "diff"),
    .option(
      "pid", \.place.process, value: "pid",
      help: """
        Show the network namespace of this process: a container's, for example. Without privilege \
        it is read from /proc/PID/net, which tells less.
        """
    ).excluding(["netns", "all-netns"], because: "there is one table"),
    .option(
      "netns", \.place.namespace, value: "name",
      help: "Show the network namespace of this name (ip-netns(8)) or file.",
      completion: .listed(at: "/run/netns")
    ).excluding(["all-netns"], because: "there is one table"),
    .flag(
      "all-netns", \.place.areAll,
      help: """
        Show all network namespaces that can be found, by their names and by their processes. \
        Those that this user may not enter are read from /proc/PID/net.
        """
    ).excluding(["watch", "events"], because: "this is shown of one network namespace"),
  ]
}
