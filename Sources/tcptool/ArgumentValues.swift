// Choices of other modules as values of the command line.

public import CommandSpec
public import KernelTables
public import Report

extension ColorChoice: ArgumentValue {}

extension SocketTable.Source: ArgumentValue {}
