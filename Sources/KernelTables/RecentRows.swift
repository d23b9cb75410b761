// The rows that came last, to recognise those that the kernel repeats.

internal import SocketCore

/// A set of rows that forgets the oldest, so that its size is bounded.
///
/// How far back it has to reach: read(2) gives a page, and for the next one the kernel goes back to
/// the bucket of its hash table where it stopped and counts there as many rows as it had given of that
/// bucket (`tcp_seek_last_pos`). Sockets are added at the front. So what comes again are the last rows
/// of one bucket, at most as many as were added to it between two calls of read(2): with 27,000
/// connections a second seldom one, and never two. It counts from the start of the table only where no
/// bucket behind the place holds a row any more, which can repeat as many of the last rows as the
/// table has grown by since the start. Listeners that share a port share a bucket, too.
///
/// Rows are held as seeded 64-bit hashes. That two rows agree in theirs, and one is taken for a
/// repetition, happens once in 10^10 tables of 100,000 rows; a peer, who does not know the seed,
/// cannot provoke it.
struct RecentRows: Sendable {
  /// Rows in each of the two halves: the set reaches back so far, and no farther than twice that. Both
  /// stay in a processor's nearest caches; with four times as many a table took a tenth longer.
  static let generation = 2_048

  /// Open addressing with linear probing; 0 is a free place. Twice as many places as rows.
  private var current = [UInt64](repeating: 0, count: 2 * generation)
  /// The full half before `current`.
  private var previous = [UInt64](repeating: 0, count: 2 * generation)
  private var count = 0
  /// Unknown to those who choose addresses and ports.
  private let seed = (UInt64.random(in: .min ... .max), UInt64.random(in: .min ... .max))

  /// Adds a row.
  ///
  /// - Parameter pointer: The kernel's hashed pointer; 0 where it shows none.
  /// - Returns: false where the row is there already. The connection, the inode and the pointer
  ///   decide: listeners may share an address, and what moves to another state is still one socket.
  mutating func insert(_ row: SocketRow, pointer: UInt64) -> Bool {
    let hash = max(1, hash(of: row, pointer))
    if previous[Self.place(of: hash, in: previous)] == hash { return false }
    let place = Self.place(of: hash, in: current)
    if current[place] == hash { return false }
    current[place] = hash
    count += 1
    if count == Self.generation {
      swap(&current, &previous)
      Self.clear(&current)
      count = 0
    }
    return true
  }

  mutating func removeAll() {
    Self.clear(&current)
    Self.clear(&previous)
    count = 0
  }

  private static func clear(_ places: inout [UInt64]) {
    for place in places.indices { places[place] = 0 }
  }

  /// Where the hash is, or would be.
  private static func place(of hash: UInt64, in places: [UInt64]) -> Int {
    let mask = places.count - 1
    var place = Int(truncatingIfNeeded: hash) & mask
    while places[place] != 0 && places[place] != hash { place = (place + 1) & mask }
    return place
  }

  /// A multiplication mixes two words at once. `Hasher` took as long as the reading of the line.
  private func hash(of row: SocketRow, _ pointer: UInt64) -> UInt64 {
    var hash = seed.0
    func mix(_ left: UInt64, _ right: UInt64) {
      let product = (left ^ seed.1).multipliedFullWidth(by: right ^ hash)
      hash = product.high ^ product.low
    }
    func mix(_ address: IPAddress) {
      switch address {
      case .v4(let v4): mix(UInt64(v4.bits), 0)
      case .v6(let v6): mix(v6.high, v6.low)
      }
    }
    mix(row.local.address)
    mix(row.peer.address)
    mix(UInt64(row.local.port) << 16 | UInt64(row.peer.port), row.inode)
    mix(pointer, 0)
    return hash
  }
}
