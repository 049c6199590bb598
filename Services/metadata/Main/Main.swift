import MetadataService
import Runtime

@main
enum Main {
    static func main() async { await ServiceRuntime.run(MetadataService.definition) }
}
