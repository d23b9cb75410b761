// swift-tools-version: 6.2
import PackageDescription

/// Swift 6 mode comes with the tools version; the rest of the strictness is asked for here, once, for every target.
let strict: [SwiftSetting] = [
  .treatAllWarnings(as: .error),
  .strictMemorySafety(),
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("InternalImportsByDefault"),
  .enableUpcomingFeature("MemberImportVisibility"),
]

let strictC: [CSetting] = [.treatAllWarnings(as: .error)]

/// What ships does without the regular-expression engine, which one innocent `replacing` of a string
/// would link in: 1.2 MB. Without the implicit import such a call does not compile.
let shipped =
  strict + [.unsafeFlags(["-Xfrontend", "-disable-implicit-string-processing-module-import"])]

func module(_ name: String, _ dependencies: [Target.Dependency] = []) -> Target {
  .target(name: name, dependencies: dependencies, swiftSettings: shipped)
}

/// A test target; `path` differs from the name where the folder is named after what it exercises and not after a module.
func tests(_ name: String, _ dependencies: [Target.Dependency], path: String? = nil) -> Target {
  .testTarget(
    name: name, dependencies: dependencies + ["TestSupport"], path: path, swiftSettings: strict)
}

let package = Package(
  name: "tcptool",
  products: [.executable(name: "tcptool", targets: ["tcptool"])],
  targets: [
    // The arrows between the modules are these and no others; `.ci/layers` holds the imports to them.
    .target(name: "CLinux", cSettings: strictC),
    module("SocketCore", ["CLinux"]),
    module("KernelTables", ["SocketCore", "CLinux"]),
    module("BacklogLab", ["KernelTables", "SocketCore"]),
    module("CommandSpec"),
    module("Report"),
    .executableTarget(
      name: "tcptool",
      dependencies: [
        "BacklogLab", "CLinux", "CommandSpec", "KernelTables", "Report", "SocketCore",
      ],
      swiftSettings: shipped),

    .target(name: "TestSupport", path: "Tests/Support", swiftSettings: strict),
    tests("CLinuxTests", ["CLinux"]),
    tests("SocketCoreTests", ["SocketCore"]),
    tests("KernelTablesTests", ["KernelTables", "SocketCore"]),
    tests("BacklogLabTests", ["BacklogLab", "KernelTables", "SocketCore"]),
    tests("CommandSpecTests", ["CommandSpec"]),
    tests("ReportTests", ["Report"]),
    tests("tcptoolTests", ["tcptool", "CommandSpec"]),
    tests("CommandLineTests", ["tcptool"], path: "Tests/CommandLine"),
    tests("InteropTests", ["tcptool"], path: "Tests/Interop"),
  ]
)
