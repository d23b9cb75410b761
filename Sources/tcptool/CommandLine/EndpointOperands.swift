// HOST PORT, HOST:PORT and PORT as operands: taken apart, checked, looked up.

internal import CommandSpec
internal import SocketCore

/// A host as it was typed and a port that exists.
struct TypedEndpoint: Sendable {
  /// Nil where only a port was given, or `:PORT`.
  var host: String?
  var port: UInt16

  /// Takes the endpoint off the front of the operands.
  ///
  /// - Parameter words: what is left of it are the operands behind the endpoint.
  static func take(
    from words: inout ArraySlice<String>, hostIsOptional: Bool, most: Int
  ) throws(UsageError) -> TypedEndpoint {
    guard let first = words.first else { throw UsageError("Missing expected argument '<port>'") }
    let parts: HostAndPort
    if let joined = HostAndPort(joined: first), words.count < most || words.count == 1 {
      parts = joined
      words.removeFirst()
    } else if hostIsOptional && words.count == 1 {
      if IPAddress(HostAndPort.unbracketed(first)) != nil {
        throw UsageError("Missing a port after the address '\(first)'")
      }
      parts = HostAndPort(host: "", port: first)
      words.removeFirst()
    } else {
      guard words.count >= 2 else { throw UsageError("Missing expected argument '<port>'") }
      parts = HostAndPort(host: HostAndPort.unbracketed(first), port: words[words.startIndex + 1])
      words.removeFirst(2)
    }
    if parts.host.isEmpty && !hostIsOptional {
      throw UsageError("Missing a host before ':\(parts.port)'")
    }
    do throws(ResolutionError) {
      return TypedEndpoint(
        host: parts.host.isEmpty ? nil : parts.host, port: try Resolver.port(parts.port))
    } catch {
      var advice = "Give a number from 0 to 65535 or a service's name."
      if let file = error.missingFile {
        advice = "Give a number from 0 to 65535: services have no names without \(file)."
      }
      throw UsageError("The value '\(parts.port)' is invalid for '<port>'. \(advice)")
    }
  }

  /// All addresses of the host that are of the family.
  func resolve(_ family: AddressFamily) throws(Failure) -> [Endpoint] {
    guard let host else { return [] }
    if let literal = IPAddress(host), family == (literal.isIPv6 ? .v4 : .v6) {
      let (given, wanted) = literal.isIPv6 ? ("IPv6", "IPv4") : ("IPv4", "IPv6")
      throw Failure(
        .usage,
        "\(host) is an \(given) address, and an option asks for \(wanted) only: "
          + "give an \(wanted) address or a name, or leave that option out")
    }
    do throws(ResolutionError) {
      let port = port
      return try Resolver.addresses(of: host, family: family).map { Endpoint($0, port) }
    } catch {
      throw Failure(error)
    }
  }

  /// `HOST:PORT` as a person would write it.
  var text: String {
    guard let host else { return ":\(port)" }
    return host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
  }
}
