// What a person types for an endpoint: HOST:PORT, [v6]:PORT, or the two as separate words.

/// A host and a port as text, taken apart but not yet looked up.
public struct HostAndPort: Hashable, Sendable {
  public var host: String
  public var port: String

  public init(host: String, port: String) {
    self.host = host
    self.port = port
  }

  /// Takes `HOST:PORT`, `[v6]:PORT` or `:PORT` (every local address) apart. Nil for anything else, a bare IPv6
  /// address included: whether the last group of `::1:80` is a port cannot be known.
  public init?(joined word: String) {
    if word.first == "[" {
      guard let end = word.lastIndex(of: "]") else { return nil }
      let rest = word[word.index(after: end)...]
      guard rest.first == ":", rest.count > 1 else { return nil }
      host = String(word[word.index(after: word.startIndex)..<end])
      port = String(rest.dropFirst())
      return
    }
    let parts = word.split(separator: ":", omittingEmptySubsequences: false)
    guard parts.count == 2, !parts[1].isEmpty else { return nil }
    host = String(parts[0])
    port = String(parts[1])
  }

  /// `host` without the brackets that an IPv6 address may stand in.
  public static func unbracketed(_ host: String) -> String {
    host.first == "[" && host.last == "]" ? String(host.dropFirst().dropLast()) : host
  }
}
