import ScrobbleService
import Runtime

@main
enum Main {
    static func main() async { await ServiceRuntime.run(ScrobbleService.definition) }
}
