// The rows that came last, to recognise those that the kernel repeats.

internal import SocketCore

/// A set of rows that forgets the oldest, so that its size is bounded.
///
/// How far back it has to reach. read(2) gives a page; for the next one the kernel goes back to the
/// bucket of its hash table where it stopped, and counts there as many rows as it has given of that
/// bucket (`tcp_seek_last_pos`). Sockets are added at the front, so that as many rows come again as
/// were added to this one bucket between two calls: hardly ever one. But where it stopped behind the
/// last bucket, it counts from the start of the table (`tcp_get_idx`), and gives again as many of the
/// last rows as the table has grown by since the walk began. `ProcNetTCP` therefore does not ask for
/// more where it can see that the table is at its end, which is not seen where the last page happens
/// to be full. With 27,000 connections a second, each of which leaves a row in TIME_WAIT, a table of
/// 100,000 rows grows by 6,000 while it is read.
///
/// Rows are held as seeded 64-bit hashes. That two rows agree in theirs, and one is taken for a
/// repetition, happens once in 10^10 tables of 100,000 rows; a peer, who does not know the seed,
/// cannot provoke it.
struct RecentRows: Sendable {
  /// Rows in each of the two halves: the set reaches back so far, and no farther than twice that.
  static let generation = 8_192

  /// Open addressing with linear probing; 0 is a free place. Twice as many places as rows. Both
  /// halves, the one that is being filled and the full one before it, lie beside each other: to look
  /// at both costs no more than one wait for memory.
  private var places = [SIMD2<UInt64>](repeating: .zero, count: 2 * generation)
  /// Which of the two is being filled.
  private var current = 0
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
    if places[place(of: hash, in: 1 - current)][1 - current] == hash { return false }
    let place = place(of: hash, in: current)
    if places[place][current] == hash { return false }
    places[place][current] = hash
    count += 1
    if count == Self.generation {
      current = 1 - current
      clear(current)
      count = 0
    }
    return true
  }

  mutating func removeAll() {
    clear(0)
    clear(1)
    count = 0
  }

  private mutating func clear(_ half: Int) {
    for place in places.indices { places[place][half] = 0 }
  }

  /// Where the hash is, or would be.
  private func place(of hash: UInt64, in half: Int) -> Int {
    let mask = places.count - 1
    var place = Int(truncatingIfNeeded: hash) & mask
    while places[place][half] != 0 && places[place][half] != hash { place = (place + 1) & mask }
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
