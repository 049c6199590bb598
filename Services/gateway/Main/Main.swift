import GatewayService
import Runtime

@main
enum Main {
    static func main() async { await ServiceRuntime.run(GatewayService.definition) }
}
