import Contracts
import Testing

@testable import Edge

@Suite struct RouteTableTests {
    private static let table = RouteTable(TestRoutes.all)

    private func operation(_ method: String, _ path: String) -> String {
        switch Self.table.match(method, path) {
        case .found(let route, let parameters):
            ([route.operation] + parameters.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }).joined(
                separator: " ")
        case .otherMethods(let methods): methods.joined(separator: ",")
        case .nothing: "-"
        }
    }

    @Test(
        "A path leads to its operation",
        arguments: [
            ("GET", "/api/v1/users/me", "getMe"),
            ("POST", "/api/v1/movies/resolve", "resolveMovie"),
            ("GET", "/api/v1/movies/abc", "getMovie title=abc"),
            ("GET", "/api/v1/movies/a%20b%2Fc", "getMovie title=a b/c"),
            ("DELETE", "/api/v1/notes/abc", "deleteNote note=abc"),
            ("PATCH", "/api/v1/notes/abc", "DELETE,GET,POST,PUT"),
            ("GET", "/api/v1/movies/resolve", "POST"),
            ("OPTIONS", "/api/v1/users/me", "GET"),
            ("GET", "/", "-"), ("GET", "", "-"), ("GET", "/api/v1", "-"), ("GET", "/api/v1/movies/", "-"),
            ("GET", "/api/v1/users/me/", "-"), ("GET", "//api/v1/users/me", "-"), ("GET", "/API/v1/users/me", "-"),
            ("GET", "/api/v1/movies/%zz", "-"), ("GET", "/api/v1/movies/%00", "-"), ("GET", "/api/v1/movies/%ff", "-"),
            ("GET", "/api/v1/movies/../users/me", "-"),
        ])
    func paths(method: String, path: String, expected: String) {
        #expect(operation(method, path) == expected)
    }

    @Test("Only an operation that takes its body in pieces is known as one before it begins")
    func uploads() {
        #expect(Self.table.takesUpload("POST", at: "/api/v1/uploads"))
        #expect(Self.table.takesUpload("POST", at: "/api/v1/uploads?name=a/b"))
        #expect(!Self.table.takesUpload("GET", at: "/api/v1/uploads"))
        #expect(!Self.table.takesUpload("POST", at: "/api/v1/movies/resolve?x=/api/v1/uploads"))
        #expect(!Self.table.takesUpload("POST", at: "uploads"))
    }

    @Test("Every operation is found by its own template")
    func all() {
        for route in TestRoutes.all {
            let path = route.path.replacing(/\{[a-z]+\}/, with: "x")
            #expect(operation(route.method, path).hasPrefix(route.operation))
        }
    }
}

@Suite struct PercentTextTests {
    @Test("A query is read as forms write it")
    func query() throws {
        let read = try #require(PercentText.query("a=1&b=x+y%26z&c&a=2&=e", countMax: 5))
        #expect(read.map { "\($0.name):\($0.value)" } == ["a:1", "b:x y&z", "c:", "a:2", ":e"])
    }

    @Test(
        "A broken or too long query is refused",
        arguments: ["a=%", "a=%4", "a=%gg", "a=%00", "a=%c3%28", "a&b&c&d&e&f"])
    func refused(text: String) {
        #expect(PercentText.query(text, countMax: 5) == nil)
    }
}
