// What is said about a reading of the table beside its rows.

internal import Glibc
internal import KernelTables
internal import Report
internal import SocketCore

extension StatesOptions {
  /// What the rows themselves do not show: another source than expected, lines that could not be
  /// read, processes that could not be seen.
  func tell(_ outcome: StatesReading.Outcome, _ narrator: Narrator) throws(Failure) {
    if let saved = outcome.saved {
      try tellOfSaved(saved, outcome.filtered, narrator)
    } else {
      tellOfKernel(outcome, narrator)
      for line in outcome.filtered.remarks(on: filter, isRoot: geteuid() == 0) {
        narrator.line(line)
      }
    }
    tellOfDamage(outcome.table, narrator)
  }

  private func tellOfKernel(_ outcome: StatesReading.Outcome, _ narrator: Narrator) {
    if let error = outcome.table.fallback {
      narrator.line("read from /proc/net, without the listeners' backlogs: \(error)")
    }
    if let process = place.outside {
      narrator.line(
        "read from /proc/\(process)/net, without backlogs and what sock_diag alone tells: "
          + "root can enter the namespace")
    } else if outcome.table.source == .proc, !reading.query.wants.isEmpty {
      narrator.line("/proc/net tells no memory, TCP_INFO, congestion control or control group")
    }
    for line in outcome.tour?.remarks(isRoot: geteuid() == 0) ?? [] { narrator.line(line) }
    if outcome.unseenOwners > 0 {
      narrator.line(
        outcome.visibility.remark(
          onMissingOwnersOf: outcome.unseenOwners, "socket", isRoot: geteuid() == 0))
    }
  }

  func tellOfDamage(_ outcome: SocketTable.Outcome, _ narrator: Narrator) {
    for (table, tally) in outcome.tallies where tally.damaged > 0 {
      let place = tally.firstDamaged.map { "; the first is line \($0)" } ?? ""
      narrator.line("\(Units.plural(tally.damaged, "row")) of \(table) could not be read\(place)")
    }
  }
}
