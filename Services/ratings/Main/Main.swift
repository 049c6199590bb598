import RatingsService
import Runtime

@main
enum Main {
    static func main() async { await ServiceRuntime.run(RatingsService.definition) }
}
