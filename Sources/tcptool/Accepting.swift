// How listen and recv get their peer: the listener, and the first connection that comes.

internal import Report
internal import SocketCore

/// Opens a listener as the operands say, and tells where it listens and with which backlog.
func openListener(
  _ typed: TypedEndpoint, _ family: FamilyOptions, _ sockets: SocketSettings, backlog: Backlog?,
  narrator: Narrator
) throws(Failure) -> Listener {
  var options = Listener.Options()
  options.backlog = backlog?.value ?? .max
  options.socketOptions = sockets.plan(narrator)
  options.tracer = sockets.tracer(narrator)
  let endpoint =
    try typed.resolve(family.family).first ?? family.wildcard.map { Endpoint($0, typed.port) }
  let listener: Listener
  do throws(SystemCallError) {
    if let endpoint {
      options.ipv6Only = true
      listener = try Listener(on: endpoint, options)
    } else {
      listener = try Listener.onEveryAddress(port: typed.port, options)
    }
  } catch {
    let hint =
      switch error.errno {
      case .addressInUse: "; 'tcptool states --state LISTEN' shows what listens"
      case .addressNotAvailable: "; no interface of this host has that address"
      case .accessDenied where typed.port > 0:
        "; ports below net.ipv4.ip_unprivileged_port_start need root or CAP_NET_BIND_SERVICE"
      default: optionHint(error)
      }
    throw Failure(.localEnd, error.description + hint)
  }
  narrator.tell(.listening(listener, asked: backlog))
  return listener
}

/// Waits for a client.
///
/// - Returns: the signal where one came first.
func acceptOne(
  _ listener: borrowing Listener, loop: inout ReadinessLoop, narrator: Narrator
) throws(Failure) -> ConnectionOutcome {
  do throws(SystemCallError) {
    let descriptor = listener.socket.descriptor.rawValue
    defer { loop.forget(descriptor) }
    while true {
      try loop.watch(descriptor, for: .readable)
      if case .signal(let signal) = try loop.wait(until: nil) { return .signal(signal) }
      if let connection = try listener.accept() {
        narrator.tell(.accepted(connection, number: nil))
        return .connection(connection)
      }
    }
  } catch {
    throw Failure(.localEnd, error)
  }
}
