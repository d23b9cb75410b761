// What a server is told, and what it tells.

/// What each connection gets.
public enum Service: Hashable, Sendable {
  /// Standard input and output: as they are where one connection at a time is served; else the input
  /// goes to all, and the output comes line by line, each with the number of its connection.
  case relay(discardsOutput: Bool)
  /// What it sends.
  case echo
  /// Nothing; what it sends is thrown away.
  case discard
  /// Nothing; what it sends goes to an output of its own, which `ServeHooks` opens.
  case receive
  /// What `ServeHooks.input` gives; what it sends is thrown away.
  case supply
  /// Printable characters (RFC 864), so many bytes or without end.
  case generate(size: Int?)
  /// A file, from its start.
  case file(String)
  /// A program of its own, with the connection as its standard input and output.
  case command([String])
}

/// How a listener is served.
public struct ServeOptions: Sendable {
  public var service = Service.relay(discardsOutput: false)
  /// Whether connections are taken at all, or left in the accept queue.
  public var accepts = true
  /// After so many connections the listener is closed; nil is never.
  public var mostConnections: Int? = 1
  /// So many are served at once; others wait in the accept queue.
  public var mostConcurrent: Int? = 1
  /// How long to wait for a connection while there is none; nil is for ever.
  public var acceptTimeout: Duration?
  /// How long to wait for the next connection while none is served and there has been one; nil is as
  /// `acceptTimeout`.
  public var gapTimeout: Duration?
  /// Whether the connections are served only once `mostConnections` of them are there, all at once.
  public var startsTogether = false
  /// How often it is told how all of the open connections stand at the same moment; nil is never.
  public var readingInterval: Duration?
  /// Peers outside of these ranges are reset; empty is everybody.
  public var allowed: [AddressPrefix] = []
  public var pace = AcceptPace()
  /// The backlog for another listen(2), so long after the first, or on SIGHUP.
  public var relisten: (backlog: Int32, after: Duration?)?
  /// How often the queue is looked at; nil is never.
  public var queueInterval: Duration?
  public var relay = RelayOptions()

  public init() {}

  /// What the relay of each connection is told.
  public var connectionRelay: RelayOptions {
    var options = relay
    options.mayOwnPipes = mostConcurrent == 1
    if service == .discard || service == .receive { options.readsInput = false }
    // What a program has moved is counted by the kernel alone.
    if case .command = service { options.measuresEnd = true }
    return options
  }

  /// Bytes a buffer: less where many connections may hold one at the same time.
  var bufferCapacity: Int {
    let all = 4 << 20
    return mostConcurrent.map { min(RelayDriver.capacity, max(16 * 1024, all / max(1, $0))) }
      ?? 64 * 1024
  }

  /// Whether standard input is read, and whether standard output is written.
  public var readsStandardInput: Bool {
    if case .relay = service { accepts && relay.readsInput } else { false }
  }
  public var writesStandardOutput: Bool {
    if case .relay(discardsOutput: false) = service { accepts } else { false }
  }

  /// Whether several connections share standard input and output.
  public var sharesStreams: Bool {
    if case .relay = service { mostConcurrent != 1 } else { false }
  }
}

/// What whoever serves does for each connection beyond what is said of all of them; each of these may
/// be missing. Connections are numbered from 1.
public struct ServeHooks {
  /// Told of the bytes as they are received and sent.
  public var tap: ((_ connection: Int, RelayDirection, Span<UInt8>) -> Void)?
  /// `RelayDriver.Acceptance`.
  public var accepts: ((_ connection: Int, RelayDirection, _ count: Int) -> Bool)?
  /// How many bytes a connection, or all of them together, may receive.
  public var budget: ((_ connection: Int) -> ByteBudget?)?
  /// Makes the input of a connection, for `Service.supply`.
  public var input: ((_ connection: Int) -> ByteInput)?
  /// Prepares a connection before anything moves, and says how it is relayed.
  public var prepare: ((_ connection: Int, borrowing Connection, inout RelayOptions) -> Void)?
  /// Opens the output of a connection, for `Service.receive`.
  public var output: ((_ connection: Int, Endpoint) throws(SystemCallError) -> ByteOutput)?
  /// Makes a line of a connection, without its end, what is written of it where several share the
  /// output; nil writes it as it is.
  public var line: (([UInt8]) -> [UInt8])?

  public init() {}
}

/// What happens while a listener is served, as it happens. Connections are numbered from 1.
public enum ServerEvent: Sendable {
  case accepted(Int, local: Endpoint, peer: Endpoint)
  /// The first connection is served, or all of them, where they start together.
  case began(MonotonicInstant)
  /// How the open connections stand, so long after that.
  case readings(elapsed: Duration, [Int: RelayReading])
  /// Its address is not among those allowed.
  case rejected(peer: Endpoint)
  case relay(Int, RelayEvent)
  /// The program of a connection has ended; the connection ends next.
  case commandEnded(Int, ChildStatus)
  // Indirect, since every event that is passed on takes the room of the largest.
  indirect case closed(Int, local: Endpoint, peer: Endpoint, RelayOutcome)
  /// listen(2) was called again: the queue as it was then, or why it failed.
  case relistened(backlog: Int32, Result<Listener.Queue, SystemCallError>)
  /// No descriptor was left for the next connection; it waits until another one ends.
  case outOfDescriptors(SystemCallError, open: Int)
  case queue(Listener.Queue, drops: Int?)
}

/// How the serving of a listener ended.
public enum ServerEnding: Equatable, Sendable {
  /// All connections that were to be served have been.
  case finished
  /// No connection came in time.
  case acceptTimeout
  case signal(Int32)
  /// Standard input or output failed, which all connections share.
  case localFailure(SystemCallError)
}
