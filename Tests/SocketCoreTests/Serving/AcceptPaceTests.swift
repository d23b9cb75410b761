// The pace of accept(2) by a clock that the test sets.

import SocketCore
import Testing

struct AcceptPaceTests {
  private static func at(_ nanoseconds: Int64) -> MonotonicInstant {
    MonotonicInstant(nanoseconds: 1_000 + nanoseconds)
  }

  @Test func `without limits a connection is taken when it comes`() {
    var pace = AcceptPace()
    #expect(pace.isUnlimited)
    #expect(pace.nextAccept == nil)
    pace.noteWaiting(at: Self.at(5))
    #expect(pace.nextAccept == Self.at(5))
    pace.noteAccept(at: Self.at(7), isEmptied: false)
    #expect(pace.nextAccept == Self.at(7))
    pace.noteAccept(at: Self.at(8), isEmptied: true)
    #expect(pace.nextAccept == nil)
  }

  @Test func `a delay counts anew for each connection`() {
    var pace = AcceptPace(delay: .nanoseconds(100))
    #expect(!pace.isUnlimited)
    pace.noteWaiting(at: Self.at(0))
    // That it still waits is no news.
    pace.noteWaiting(at: Self.at(60))
    #expect(pace.nextAccept == Self.at(100))
    pace.noteAccept(at: Self.at(130), isEmptied: false)
    #expect(pace.nextAccept == Self.at(230))
    pace.noteAccept(at: Self.at(230), isEmptied: true)
    #expect(pace.nextAccept == nil)
    pace.noteWaiting(at: Self.at(1_000))
    #expect(pace.nextAccept == Self.at(1_100))
  }

  @Test func `a rate counts from the last accept, and holds up nobody who comes late`() {
    var pace = AcceptPace(interval: .nanoseconds(100))
    #expect(!pace.isUnlimited)
    pace.noteWaiting(at: Self.at(0))
    #expect(pace.nextAccept == Self.at(0))
    pace.noteAccept(at: Self.at(10), isEmptied: true)
    pace.noteWaiting(at: Self.at(20))
    #expect(pace.nextAccept == Self.at(110))
    pace.noteAccept(at: Self.at(110), isEmptied: true)
    // No credit is saved up: two that come together later are still so far apart.
    pace.noteWaiting(at: Self.at(900))
    #expect(pace.nextAccept == Self.at(900))
    pace.noteAccept(at: Self.at(900), isEmptied: false)
    #expect(pace.nextAccept == Self.at(1_000))
  }

  @Test func `of delay and rate the later one counts`() {
    var pace = AcceptPace(delay: .nanoseconds(50), interval: .nanoseconds(100))
    pace.noteWaiting(at: Self.at(0))
    #expect(pace.nextAccept == Self.at(50))
    pace.noteAccept(at: Self.at(50), isEmptied: true)
    pace.noteWaiting(at: Self.at(60))
    #expect(pace.nextAccept == Self.at(150))
    pace.noteAccept(at: Self.at(150), isEmptied: true)
    pace.noteWaiting(at: Self.at(240))
    #expect(pace.nextAccept == Self.at(290))
  }
}
