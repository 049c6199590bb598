internal import ArgumentParser

/// The command line of every service.
struct ServiceArguments: ParsableCommand {
    // The help lists the settings of the service at hand, which a static text cannot know.
    static let configuration = CommandConfiguration(commandName: "reelay", helpNames: [])

    @Flag(name: [.long, .short]) var help = false
    @Flag(name: .long) var version = false
    @Flag(name: .long) var configDocs = false

    /// The request made by a command line.
    enum Request: Equatable {
        case serve
        /// Run the command of this name with this argument.
        case command(String, String)
        /// Print this and exit successfully.
        case show(String)
        /// Print this as an error and exit with `ExitCode.usage`.
        case refuse(String)
    }

    static func request(_ arguments: [String], for definition: ServiceDefinition) -> Request {
        if let command = definition.commands.first(where: { $0.name == arguments.first }) {
            let wanted = command.argument == nil ? 1 : 2
            guard arguments.count == wanted else { return .refuse(usage(definition)) }
            return .command(command.name, wanted == 2 ? arguments[1] : "")
        }
        do {
            guard let parsed = try parseAsRoot(arguments) as? ServiceArguments else {
                return .refuse(usage(definition))
            }
            if parsed.help { return .show(helpText(definition)) }
            if parsed.version { return .show("\(definition.name) \(definition.version)\n") }
            if parsed.configDocs { return .show(definition.schema.markdown()) }
            return .serve
        } catch {
            return .refuse("\(definition.name): \(message(for: error))\n\(usage(definition))")
        }
    }

    private static func usage(_ definition: ServiceDefinition) -> String {
        let commands = definition.commands.map { " | \($0.usage)" }.joined()
        return "usage: \(definition.name) [--help | --version | --config-docs\(commands)]\n"
    }

    private static func helpText(_ definition: ServiceDefinition) -> String {
        """
        \(usage(definition))
          --help         this text
          --version      the version
          --config-docs  the settings as a table in Markdown
        \(definition.commands.map { "  \($0.usage)  \($0.purpose)\n" }.joined())
        Settings are environment variables, or lines KEY=VALUE in the file that \(ConfigLoader.fileSetting) names;
        the environment wins. A secret that neither has is read from the file with its name in the folder that
        \(ConfigLoader.folderSetting) names.

        \(definition.schema.helpText())
        """
    }
}
