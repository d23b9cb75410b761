// A file appears under its name only when it is whole, whatever was there before and whoever else
// writes beside it.

import Foundation
import Glibc
import SocketCore
import TestSupport
import Testing

@Suite struct NewFiles {
  private let directory: TemporaryDirectory
  private var path: String { directory.file("file") }

  init() throws { directory = try TemporaryDirectory() }

  /// The names in the directory, with their texts.
  private func listing() throws -> [String: String] {
    var files: [String: String] = [:]
    for name in try FileManager.default.contentsOfDirectory(atPath: directory.path) {
      files[name] = try? String(contentsOfFile: directory.file(name), encoding: .utf8)
    }
    return files
  }

  private func put(_ text: String, _ name: String = "file") throws {
    try Data(text.utf8).write(to: URL(filePath: directory.file(name)))
  }

  private func write(_ text: String, to file: inout NewFile) throws {
    var output = file.output()
    let bytes = Array(text.utf8)
    let result = try unsafe output.write(bytes.span.bytes)
    #expect(result == .transferred(bytes.count))
    try output.close()
  }

  private func mode(_ name: String) -> UInt32 {
    var status = stat()
    return unsafe stat(directory.file(name), &status) == 0 ? status.st_mode & 0o7777 : 0
  }

  @Test func itGetsItsNameAtTheEnd() throws {
    var file = try NewFile(path, replaces: false)
    try write("new", to: &file)
    #expect(try listing() == ["file.tcptool-part": "new"])
    try file.commit()
    #expect(try listing() == ["file": "new"])
    let mask = umask(0)
    umask(mask)
    #expect(mode("file") == 0o666 & ~mask)
    // What has its name cannot be taken back, nor named again.
    file.abandon()
    try file.commit()
    #expect(try listing() == ["file": "new"])
  }

  @Test func anAbandonedOneLeavesWhatWasThere() throws {
    try put("old")
    var file = try NewFile(path, replaces: true)
    try write("new", to: &file)
    file.abandon()
    #expect(try listing() == ["file": "old"])
  }

  @Test func anotherIsReplacedOnlyWhereThatWasAskedFor() throws {
    try put("old")
    try #require(unsafe chmod(path, 0o640) == 0)
    #expect(throws: SystemCallError("open", path, Errno(rawValue: EEXIST))) {
      _ = try NewFile(path, replaces: false)
    }
    #expect(try listing() == ["file": "old"])
    var file = try NewFile(path, replaces: true)
    try write("new", to: &file)
    try file.commit()
    #expect(try listing() == ["file": "new"])
    #expect(mode("file") == 0o640)
  }

  @Test func oneThatAppearsMeanwhileIsLeftAlone() throws {
    var file = try NewFile(path, replaces: false)
    try write("new", to: &file)
    try put("other")
    var error: SystemCallError?
    do throws(SystemCallError) { try file.commit() } catch let thrown { error = thrown }
    #expect(error?.errno.rawValue == EEXIST)
    #expect(try listing() == ["file": "other", "file.tcptool-part": "new"])
  }

  @Test func aLeftoverIsRemoved() throws {
    try put("left by a run that was killed", "file.tcptool-part")
    var file = try NewFile(path, replaces: false)
    #expect(file.temporaryPath == path + ".tcptool-part")
    try write("new", to: &file)
    try file.commit()
    #expect(try listing() == ["file": "new"])
  }

  /// A leftover of somebody else, which may be removed where the folder is ours, is not ours to remove.
  @Test(.requiresRoot) func aLeftoverOfSomebodyElseStays() throws {
    try put("of another user", "file.tcptool-part")
    try #require(unsafe chown(path + ".tcptool-part", 1, 1) == 0)
    var file = try NewFile(path, replaces: false)
    #expect(file.temporaryPath != path + ".tcptool-part")
    try write("new", to: &file)
    try file.commit()
    #expect(try listing() == ["file": "new", "file.tcptool-part": "of another user"])
  }

  /// Other programs call their unfinished files so.
  @Test func whatSomebodyElseHasNotFinishedStays() throws {
    try put("of a browser", "file.part")
    var file = try NewFile(path, replaces: false)
    try write("new", to: &file)
    try file.commit()
    #expect(try listing() == ["file": "new", "file.part": "of a browser"])
  }

  /// Neither gets into the other's data, and one name is enough for both, one after the other.
  @Test func twoAtOnceDoNotMeet() throws {
    var one = try NewFile(path, replaces: true)
    var two = try NewFile(path, replaces: true)
    #expect(one.temporaryPath == path + ".tcptool-part")
    let other = two.temporaryPath
    #expect(other != nil && other != path + ".tcptool-part")
    try write("one", to: &one)
    try write("two", to: &two)
    // The output of the first is closed, but it is not through.
    var three = try NewFile(path, replaces: true)
    #expect(three.temporaryPath != path + ".tcptool-part")
    three.abandon()
    try two.commit()
    #expect(try listing() == ["file": "two", "file.tcptool-part": "one"])
    try one.commit()
    #expect(try listing() == ["file": "one"])
  }

  /// Nobody can have us write to another place by a link under the temporary name.
  @Test(arguments: ["symlink", "hard link", "directory"])
  func whatStandsInTheWayIsNotTouched(_ kind: String) throws {
    try put("precious", "target")
    let part = path + ".tcptool-part"
    switch kind {
    case "symlink": try #require(unsafe symlink("target", part) == 0)
    case "hard link": try #require(unsafe link(directory.file("target"), part) == 0)
    default: try #require(unsafe mkdir(part, 0o700) == 0)
    }
    var file = try NewFile(path, replaces: false)
    #expect(file.temporaryPath != part)
    try write("new", to: &file)
    try file.commit()
    let files = try listing()
    #expect(files["target"] == "precious")
    #expect(files["file"] == "new")
  }

  @Test func aLinkIsFollowed() throws {
    try FileManager.default.createDirectory(
      atPath: directory.file("elsewhere"), withIntermediateDirectories: false)
    try put("old", "elsewhere/target")
    try #require(unsafe symlink("elsewhere/target", path) == 0)
    #expect(throws: SystemCallError.self) { _ = try NewFile(path, replaces: false) }
    var file = try NewFile(path, replaces: true)
    // On the file system of what it replaces.
    #expect(file.temporaryPath?.hasSuffix("/elsewhere/target.tcptool-part") == true)
    try write("new", to: &file)
    try file.commit()
    #expect(
      try String(contentsOfFile: directory.file("elsewhere/target"), encoding: .utf8) == "new")
    #expect(try FileManager.default.destinationOfSymbolicLink(atPath: path) == "elsewhere/target")
  }

  @Test func aLinkThatLeadsNowhereHasTheNameToo() throws {
    try #require(unsafe symlink("nowhere", path) == 0)
    #expect(throws: SystemCallError("open", path, Errno(rawValue: EEXIST))) {
      try NewFile.check(path, replaces: false)
    }
  }

  @Test func aDeviceIsWrittenAsItIs() throws {
    try NewFile.check("/dev/null", replaces: false)
    var file = try NewFile("/dev/null", replaces: false)
    #expect(file.temporaryPath == nil)
    try write("text", to: &file)
    try file.commit()
    #expect(unsafe access("/dev/null.tcptool-part", F_OK) == -1)
  }

  @Test(arguments: ["/nosuch/file", "/proc/file"])
  func whereNothingCanBeMadeIsToldAtOnce(_ path: String) {
    #expect(throws: SystemCallError.self) { _ = try NewFile(path, replaces: false) }
  }

  @Test func itIsOnTheDiskWhereThatWasAskedFor() throws {
    var file = try NewFile(path, replaces: false, isDurable: true)
    try write("new", to: &file)
    try file.commit()
    #expect(try listing() == ["file": "new"])
  }

  /// A relative name has a directory as well.
  @Test func aNameWithoutADirectory() async throws {
    await #expect(processExitsWith: .success) {
      let directory = try TemporaryDirectory()
      guard unsafe chdir(directory.path) == 0 else { preconditionFailure() }
      var file = try NewFile("file", replaces: false, isDurable: true)
      var output = file.output()
      try output.close()
      try file.commit()
      precondition(unsafe access("file", F_OK) == 0)
    }
  }
}
