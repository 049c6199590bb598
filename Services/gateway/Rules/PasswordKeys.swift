/// Where characters are on keyboards and number pads, in the alphabet and in the order of digits.
enum PasswordKeys {
    /// A set of steps from one key to another, with a bit per direction in each order.
    typealias Steps = UInt64

    private struct Place {
        let order: Int
        let row: Int
        let column: Int
    }

    private struct Step: Hashable {
        let order: Int
        let rows: Int
        let columns: Int
    }

    private enum Form {
        /// By one or two, forwards and back.
        case line
        /// To each of the eight neighbours.
        case pad
        /// To the keys beside, above and below; each row is shifted to the right of the one above.
        case board

        var ways: [(rows: Int, columns: Int)] {
            switch self {
            case .line: [(0, -2), (0, -1), (0, 1), (0, 2)]
            case .pad: [(-1, -1), (-1, 0), (-1, 1), (0, -1), (0, 1), (1, -1), (1, 0), (1, 1)]
            case .board: [(0, -1), (0, 1), (1, -1), (1, 0), (-1, 0), (-1, 1)]
            }
        }
    }

    private static let orders: [(form: Form, rows: [String])] = [
        (.line, ["abcdefghijklmnopqrstuvwxyz"]), (.line, ["0123456789"]), (.line, ["!@#$%^&*()"]),
        (.pad, ["123", "456", "789"]),
        (.board, ["1234567890", "qwertyuiop", "asdfghjkl;", "zxcvbnm,./"]),
        (.board, ["1234567890", "qwertzuiop", "asdfghjkl", "yxcvbnm,.-"]),
        (.board, ["1234567890", "azertyuiop", "qsdfghjklm", "wxcvbn"]),
        (.board, ["1234567890", "йцукенгшщзхъ", "фывапролджэ", "ячсмитьбю"]),
    ]

    private static let places: [Character: [Place]] = {
        var places: [Character: [Place]] = [:]
        for (order, rows) in orders.map({ $0.rows }).enumerated() {
            for (row, keys) in rows.enumerated() {
                for (column, key) in keys.enumerated() {
                    places[key, default: []].append(Place(order: order, row: row, column: column))
                }
            }
        }
        return places
    }()

    /// The same key again.
    static let staying: Steps = 1

    private static let bits: [Step: Steps] = {
        var bits: [Step: Steps] = [:]
        for (order, form) in orders.map({ $0.form }).enumerated() {
            for way in form.ways {
                bits[Step(order: order, rows: way.rows, columns: way.columns)] = staying << (bits.count + 1)
            }
        }
        return bits
    }()

    /// For each keyboard, all steps on it.
    static let boards: [Steps] = orders.indices.filter { orders[$0].form == .board }.map { order in
        bits.filter { $0.key.order == order }.values.reduce(0, |)
    }

    /// Returns the steps that lead from one character to another; none if no order has them side by side.
    static func steps(from one: Character, to other: Character) -> Steps {
        var steps = one == other ? staying : 0
        for here in places[one] ?? [] {
            for there in places[other] ?? [] where there.order == here.order {
                let step = Step(order: here.order, rows: there.row - here.row, columns: there.column - here.column)
                steps |= bits[step] ?? 0
            }
        }
        return steps
    }
}
